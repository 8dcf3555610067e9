"""Every event as `sam local invoke` runs it, through Lambda's own runtime emulator on the bare host."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sandbox.ministack import ROOT

pytestmark = pytest.mark.cloud


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout at a path with a space, which has built nothing yet."""
    there = tmp_path / "a checkout"
    shutil.copytree(ROOT, there, ignore=shutil.ignore_patterns(".*", "node_modules", "dist", "functions"))
    for environment in (".venv", ".venv-sam"):
        (there / environment).symlink_to(ROOT / environment)
    return there


def test_every_event_is_answered_also_at_a_path_with_a_space(checkout):
    # Of the make that runs these tests nothing is inherited.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "sam-local", "ARGUMENTS=--bare-host"]
    done = subprocess.run(command, cwd=checkout, env=inherited, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Running on the Lambda runtime emulator on the bare host" in done.stdout
    assert '"PhysicalResourceId": "cluster-abcdefghijk"' in done.stdout
