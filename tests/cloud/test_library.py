"""The snippet of docs/local.md as it stands: the sandbox as a library, with a provider of its own beside others."""

import subprocess
import sys

import pytest

from sandbox.ministack import ROOT
from tests.unit.test_docs import LOCAL, blocks

pytestmark = pytest.mark.cloud


def test_the_snippet_runs_as_it_stands_beside_another_cloud(cloud):
    (snippet,) = blocks(LOCAL, "python")
    done = subprocess.run([sys.executable, "-"], input=snippet, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.stdout == "CREATE_COMPLETE\nhsm2m.medium\n", done.stderr
    assert cloud.client("cloudformation").describe_stacks()["Stacks"]
