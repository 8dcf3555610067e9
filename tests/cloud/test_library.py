"""The local cloud as docs/local.md offers it: as a library, and for the tools of another shell."""

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.ministack import ROOT
from tests.unit.test_docs import LOCAL, blocks

pytestmark = [pytest.mark.cloud, pytest.mark.weekly]


def test_the_snippet_runs_as_it_stands_beside_another_cloud(cloud):
    (snippet,) = blocks(LOCAL, "python")
    done = subprocess.run([sys.executable, "-"], input=snippet, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.stdout == "CREATE_COMPLETE\nhsm2m.medium\n", done.stderr
    assert cloud.client("cloudformation").describe_stacks()["Stacks"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[subprocess.Popen[str]]:
    given = ["--clusters", "2", "--hsms", "3", "--outcome", "revert", "--speed", "120"]
    command = [sys.executable, "-m", "sandbox", "run", *given]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_another_shell_reaches_what_was_asked_for_and_ctrl_c_ends_it(sandbox):
    shown = []
    for line in sandbox.stdout:
        shown.append(line)
        if line.startswith(". "):
            break
    assert "Its next migration: Revert, 15 s for each HSM" in "".join(shown)
    asked = "aws cloudhsmv2 describe-clusters --output json"
    answered = subprocess.run(["bash", "-c", f"{shown[-1]}{asked}"], check=True, capture_output=True, text=True)
    clusters = json.loads(answered.stdout)["Clusters"]
    assert [len(cluster["Hsms"]) for cluster in clusters] == [3, 3]
    exports = Path(shlex.split(shown[-1])[1])
    assert exports.exists()
    sandbox.send_signal(signal.SIGINT)
    assert sandbox.wait(60) == 0
    assert sandbox.stderr.read() == ""
    assert not exports.parent.exists()
