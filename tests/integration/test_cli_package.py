"""The wheel of the command: the function's own modules are in it, and it runs with nothing but what it declares."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.ministack import ROOT

UV = Path(sys.executable).parent / "uv"


def run(*command: object, **environment: str) -> str:
    done = subprocess.run(
        [str(each) for each in command],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def wheel(directory: Path) -> Path:
    run(UV, "build", "--quiet", "--wheel", "--out-dir", directory, ROOT / "cli")
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    return wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    run(UV, "pip", "install", "--quiet", "--no-deps", "--target", target, built)
    return target


def test_it_decides_by_the_function_itself(installed):
    sources = sorted((ROOT / "src" / "cloudhsm_settings").rglob("*.py"))
    names = [path.relative_to(ROOT / "src") for path in sources]
    assert [path.read_bytes() for path in sources] == [(installed / name).read_bytes() for name in names]


def test_the_command_runs_without_the_libraries_of_lambda(installed):
    """crhelper and Powertools are not among what the wheel declares."""
    refuse = "import sys; sys.modules.update(dict.fromkeys(['crhelper', 'aws_lambda_powertools']))"
    start = "from cloudhsm_settings_cli.main import main, COMMANDS"
    for name in ("plan", "watch", "report"):
        usage = run(sys.executable, "-c", f"{refuse}; {start}; main(['{name}', '--help'])", PYTHONPATH=str(installed))
        assert "Usage:" in usage
    entry = next(installed.glob("cloudhsm_settings_cli-*.dist-info/entry_points.txt")).read_text()
    assert "cloudhsm-settings = cloudhsm_settings_cli.main:main" in entry


def test_the_wheel_is_licensed_and_typed(installed):
    assert (installed / "cloudhsm_settings_cli" / "py.typed").exists()
    assert next(installed.glob("*.dist-info/licenses/LICENSE")).read_text() == (ROOT / "LICENSE").read_text()


def test_the_same_source_gives_the_same_wheel(built, tmp_path):
    assert wheel(tmp_path).read_bytes() == built.read_bytes()
