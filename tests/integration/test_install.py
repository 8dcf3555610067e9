"""The environments of a checkout, on machines that lack something, and when two ask for them at once."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_docs import ROOT
from tests.unit.test_makefiles import without
from tools.lock import locked

PINNED = "uv==0.0.0\n"
"""What nobody has: pip would fail at it, did it get so far."""


@pytest.fixture
def checkout(tmp_path) -> Path:
    there = tmp_path / "a checkout"
    there.mkdir()
    (there / "tools").symlink_to(ROOT / "tools")
    (there / "dev.txt").write_text(PINNED)
    return there


def installing(
    checkout: Path, python: object = sys.executable, ready: str = ".venv/ready", **variables: str
) -> subprocess.Popen[str]:
    command = [str(python), "-m", "tools.install", ready, "dev.txt"]
    environment = {**os.environ, "PIP_NO_INDEX": "1", **variables}
    return subprocess.Popen(command, cwd=checkout, env=environment, stderr=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    return process.communicate()[1]


def test_a_python_with_neither_venv_nor_pip_says_what_to_do_and_leaves_nothing(checkout, tmp_path):
    python = without(tmp_path / "bare", "venv", "ensurepip", "pip")
    process = installing(checkout, python, PATH="/nowhere")
    assert "neither venv nor pip" in said(process)
    assert process.returncode == 1
    assert not (checkout / ".venv").exists()


def test_what_could_not_be_completed_is_removed_and_named(checkout, tmp_path):
    python = without(tmp_path / "half", "pip")
    made = "import os, shutil; os.makedirs('.venv/bin'); shutil.copy('/bin/false', '.venv/bin/python')\n"
    (python.parent / "venv.py").write_text(made)
    process = installing(checkout, python)
    assert re.search(r"`.venv/bin/python -m pip install .*` failed", said(process))
    assert process.returncode == 1
    assert not (checkout / ".venv").exists()


def test_of_two_at_once_the_second_finds_it_made(checkout):
    with locked(checkout / ".cache" / "install.lock"):
        process = installing(checkout)
        assert "Another make is installing" in process.stderr.readline()
        (checkout / ".venv").mkdir()
        (checkout / ".venv" / "ready").touch()
    assert said(process) == ""
    assert process.returncode == 0


def test_ctrl_c_is_one_line(checkout):
    with locked(checkout / ".cache" / "install.lock"):
        process = installing(checkout)
        process.stderr.readline()
        process.send_signal(2)
        assert said(process) == "Stopped: the next make goes on from here.\n"
    assert process.returncode == 130


def test_where_there_is_no_terraform_the_rest_goes_on(checkout):
    uv = checkout / ".venv" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text("#!/bin/sh\nexit 1\n")
    uv.chmod(0o755)
    process = installing(checkout, ready=".venv-terraform/ready")
    assert "There is no Terraform here" in said(process)
    assert process.returncode == 0
    assert [path.name for path in (checkout / ".venv-terraform").iterdir()] == ["ready"]
