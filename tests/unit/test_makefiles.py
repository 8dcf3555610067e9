"""Makefiles on machines of other people: paths with a space, no Python of the runtime's version, no pip."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_docs import ROOT

NEVER = "3.99"
"""A version of Python that no machine has."""


@pytest.fixture
def checkout(tmp_path) -> Path:
    """The checkout at a path with a space, its environments at such a path too."""
    there = tmp_path / "a checkout"
    there.mkdir()
    for name in ("Makefile", "src", "cdk", "requirements", "tools", ".venv"):
        (there / name).symlink_to(ROOT / name)
    return there


def made(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    # Of the make that runs these tests nothing is inherited.
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "BYTECODE"))
    }
    command = ["make", *(str(each) for each in arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, env={**inherited, **variables})


def built(checkout: Path, *arguments: str, **variables: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    artifacts = checkout / "the artifacts"
    python = f"PYTHON={checkout}/.venv/bin/python"
    done = made(
        "-C", checkout / "src", "build-Responder", f"ARTIFACTS_DIR={artifacts}", python, *arguments, **variables
    )
    return done, artifacts


def test_a_build_without_the_runtimes_python_fails_and_says_what_to_do(checkout):
    done, _ = built(checkout, f"RUNTIME={NEVER}", UV_PYTHON_DOWNLOADS="never")
    assert done.returncode != 0
    assert f"Python {NEVER} is not on this machine" in done.stderr
    assert "BYTECODE=optional sam build" in done.stderr


def test_a_build_may_go_without_bytecode(checkout):
    done, artifacts = built(checkout, f"RUNTIME={NEVER}", BYTECODE="optional")
    assert done.returncode == 0, done.stderr
    assert (artifacts / "cloudhsm_settings" / "responder.py").exists()
    assert not list(artifacts.rglob("__pycache__"))


def test_any_python_of_the_runtimes_version_compiles(checkout):
    done, artifacts = built(
        checkout, f"RUNTIME={sys.version_info.major}.{sys.version_info.minor}", PATH="/usr/bin:/bin"
    )
    assert done.returncode == 0, done.stderr
    assert list(artifacts.rglob(f"responder.cpython-{sys.version_info.major}{sys.version_info.minor}.pyc"))


def test_a_python_without_pip_is_named(checkout, tmp_path):
    python = without(tmp_path / "no pip", "pip")
    done = made("-C", checkout / "src", "build-Function", f"ARTIFACTS_DIR={tmp_path}/a", f"PYTHON={python}")
    assert done.returncode != 0
    assert f"{python} has no pip" in done.stderr


def without(directory: Path, *modules: str) -> Path:
    """This Python as if it had none of the modules."""
    directory.mkdir()
    for each in modules:
        (directory / f"{each}.py").write_text(f"raise ImportError('no {each}')\n")
    python = directory / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{directory}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return python
