"""What `sam build` makes of the function: small, complete, and with bytecode that Lambda will really use."""

import importlib.util
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from bench.world import world
from cloudhsm_settings.handler import DRIFT_CHECK
from events.situations import BY_EVENT, SITUATIONS
from sandbox.emulator import Emulator
from sandbox.ministack import ROOT
from sandbox.sam_local import built
from tests.isolated import run_isolated
from tests.unit.test_trim_botocore import CALLED
from tools.release.archive import archive

pytestmark = pytest.mark.cloud
RUNTIME = "3.13"
UNCHECKED_HASH = 0b01
MEGABYTES_AT_MOST = 2.6
NEVER_READ = {
    "*.dist-info/LICENSE*": "licences travel with what they cover",
    "*.dist-info/licenses/*": "licences travel with what they cover",
    "*.dist-info/NOTICE*": "licences travel with what they cover",
    "*.dist-info/METADATA": "scanners read from it which versions are deployed",
    "botocore/cacert.pem": "read for TLS; the services of this test speak plain HTTP",
    "botocore/crt/auth.py": "imported where awscrt is installed, which a runtime may bring",
    "botocore/data/_retry.json": "read where AWS_RETRY_MODE=legacy is set",
}
"""Files of the function that nothing reads, and why they are there."""


@pytest.fixture(scope="module")
def function(tmp_path_factory) -> Path:
    with built() as directory:
        return Path(shutil.copytree(directory / "Function", tmp_path_factory.mktemp("built") / "Function"))


def runtime_python() -> str | None:
    candidates = [f"python{RUNTIME}", *map(str, Path.home().glob(f".pyenv/versions/{RUNTIME}.*/bin/python"))]
    for each in candidates:
        if shutil.which(each) and subprocess.run([each, "-c", ""], check=False, capture_output=True).returncode == 0:
            return each
    return None


def test_it_is_small(function, tmp_path):
    archive(function, tmp_path / "Function.zip")
    assert (tmp_path / "Function.zip").stat().st_size <= MEGABYTES_AT_MOST * 1e6


def read_by(function: Path, notes: Path) -> set[str]:
    """Files opened while every event is handled to its end, as in AWS and as under `sam local`."""
    notes.touch()
    command = (sys.executable, str(ROOT / "tests" / "noting_reads.py"), "cloudhsm_settings.handler.lambda_handler")
    local = {"AWS_SAM_LOCAL": "true", "SECONDS_BETWEEN_POLLS": "1"}
    with world(notes.parent) as around:
        for variables, situations in (({}, SITUATIONS), (local, [BY_EVENT["create-as-declared"]])):
            with Emulator(function, command, {**around.variables, **variables, "READS": str(notes)}) as emulator:
                emulator.invoke(DRIFT_CHECK)
                for situation in situations:
                    emulator.invoke(around.reset(situation.event))
                    for _ in range(3):
                        around.fleet.clock.advance(31 * 60)
                        for poll in around.polls():
                            emulator.invoke(poll)
    return {source_of(name) for name in notes.read_text().splitlines()}


def source_of(name: str) -> str:
    """The module that bytecode was made from; it is there for people who read what they deploy, and for tracebacks."""
    path = Path(name)
    return str(path.parent.parent / f"{path.name.partition('.')[0]}.py") if path.suffix == ".pyc" else name


def test_every_file_is_read_or_has_a_reason(function, tmp_path):
    files = {str(path.relative_to(function)) for path in function.rglob("*") if path.is_file()}
    unread = {source_of(name) for name in files} - read_by(function, tmp_path / "reads")
    explained = {name for name in unread if any(fnmatch(name, pattern) for pattern in NEVER_READ)}
    assert unread - explained == set()
    assert all(any(fnmatch(name, pattern) for name in unread) for pattern in NEVER_READ), "a reason without a file"


def test_it_has_the_models_of_the_services_it_calls_and_no_others(function):
    """What is in the models, tests/unit/test_trim_botocore.py says."""
    data = function / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == set(CALLED)


def test_it_needs_nothing_else(function):
    program = (
        "from cloudhsm_settings import clients, handler\n"
        "clients.cloudhsm(), clients.cloudformation(), clients.dynamodb(), clients.scheduler()\n"
        "print(sorted({name.partition('.')[0] for name, module in sys.modules.items() if getattr(module, '__file__', None)"
        f" and module.__file__.startswith({str(function)!r})}}))"
    )
    environment = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    imported = run_isolated(function, program, environment=environment)
    allowed = {"aws_lambda_powertools", "boto3", "botocore", "cloudhsm_settings", "crhelper"}
    of_those = {"dateutil", "jmespath", "s3transfer", "six", "typing_extensions", "urllib3"}
    assert set(eval(imported)) <= allowed | of_those


def test_its_bytecode_is_valid_without_the_source(function):
    python = runtime_python()
    if python is None:
        pytest.skip(f"no python{RUNTIME} here, so the build makes no bytecode")
    sources = [path for path in function.rglob("*.py") if "__pycache__" not in path.parts]
    magic = subprocess.run(
        [python, "-c", "import importlib.util as u, sys; sys.stdout.buffer.write(u.MAGIC_NUMBER)"],
        check=True,
        capture_output=True,
    ).stdout
    for source in sources:
        compiled = Path(importlib.util.cache_from_source(str(source))).with_name(
            f"{source.stem}.cpython-{RUNTIME.replace('.', '')}.pyc"
        )
        header = compiled.read_bytes()[:8]
        assert header[:4] == magic, source
        assert int.from_bytes(header[4:8], "little") == UNCHECKED_HASH, source
    # The proof that it is used: the source of a module can say anything.
    (function / "cloudhsm_settings" / "__init__.py").write_text("raise SystemExit('the source was read')")
    said = run_isolated(function, "import cloudhsm_settings; print(cloudhsm_settings.__doc__)", python=python)
    assert "Custom::CloudHSMClusterSettings" in said
