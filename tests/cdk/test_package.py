"""The package: it carries the function, built, and the same source always gives the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cloudhsm_settings_cdk import functions
from sandbox.ministack import ROOT
from tools.snapshots import APPS, synthesize

UV = Path(sys.executable).parent / "uv"
ZIPS = ROOT / "cdk" / "cloudhsm_settings_cdk" / "functions"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """Where the wheel is installed, which is built from the source distribution."""
    built, installed = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("installed")
    pinned = ["--build-constraints", ROOT / "requirements" / "build.txt", "--require-hashes"]
    run(UV, "build", "--quiet", *pinned, "--out-dir", built, ROOT / "cdk")
    (wheel,) = built.glob("*.whl")
    run(UV, "pip", "install", "--quiet", "--no-deps", "--target", installed, wheel)
    return installed


def run(*command: object) -> None:
    done = subprocess.run([str(each) for each in command], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def assets(assembly: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in assembly.glob("asset.*")}


def test_the_wheel_carries_the_functions(installed, tmp_path):
    (app,) = (each for each in APPS if each.name == "cdk")
    without_make = synthesize(app, tmp_path / "wheel", PYTHONPATH=str(installed), PATH="")
    assert len(assets(without_make)) == 2
    assert assets(without_make) == assets(synthesize(app, tmp_path / "checkout"))


def test_the_wheel_is_typed_and_licensed(installed):
    assert (installed / "cloudhsm_settings_cdk" / "py.typed").exists()
    assert next(installed.glob("*.dist-info/licenses/LICENSE")).read_text() == (ROOT / "LICENSE").read_text()


def test_the_same_source_gives_the_same_zips(tmp_path):
    run("make", "-C", ROOT / "cdk", f"FUNCTIONS={tmp_path}", f"PYTHON={sys.executable}")
    built = {path.name: path.read_bytes() for path in tmp_path.glob("*.zip")}
    assert set(built) == {"Function.zip", "Responder.zip"}
    functions.code("Function")
    assert built == {path.name: path.read_bytes() for path in ZIPS.glob("*.zip")}


def test_a_checkout_says_what_it_misses(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match="`make` is missing"):
        functions.code("Function")


def test_a_checkout_says_why_it_cannot_build(tmp_path):
    (tmp_path / "Makefile").write_text("functions:\n\t@echo no pip >&2; exit 1\n")
    with pytest.raises(RuntimeError, match="no pip"):
        functions._build(tmp_path)


def test_a_checkout_builds_anew_when_the_source_has_changed(tmp_path):
    """Asks make, without building."""
    os.utime(ZIPS / "Function.zip", (0, 0))
    done = subprocess.run(["make", "-C", ROOT / "cdk", "--question", "functions"], check=False, capture_output=True)
    functions.code("Function")
    assert done.returncode == 1
