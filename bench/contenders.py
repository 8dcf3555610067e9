"""What is measured: our function as built, stock, the floor, and what lies between them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox.cloud import build_into, sam
from sandbox.ministack import ROOT
from tools.release.archive import archive

BENCH = ROOT / "bench"
PYTHON = ROOT / ".venv-bench" / "bin" / "python"
"""A Python of the runtime's version that has Lambda's runtime interface client, and nothing else."""


@dataclass(frozen=True)
class Contender:
    """A directory of code as Lambda would have it, and where it begins."""

    name: str
    label: str
    directory: Path
    handler: str
    python: str = str(PYTHON)
    """What runs it."""

    @property
    def size(self) -> int:
        """Bytes, unzipped."""
        return sum(path.stat().st_size for path in self.directory.rglob("*") if path.is_file())

    def archive(self) -> Path:
        """Zip of the directory, as a release has it."""
        file = self.directory.with_suffix(".zip")
        archive(self.directory, file)
        return file

    @property
    def zip_size(self) -> int:
        """Bytes of the archive."""
        return self.archive().stat().st_size


def build_all(directory: Path) -> dict[str, Contender]:
    """Builds everything below `directory`, by name."""
    ours = _ours(directory / "ours")
    stock = _stock(directory / "stock")
    floor = _floor(directory / "floor")
    return {
        each.name: each
        for each in (
            Contender("floor", "floor: boto3 and two clients", floor, "app.lambda_handler"),
            Contender("ours", "ours", ours, "cloudhsm_settings.handler.lambda_handler"),
            Contender(
                "ours_ready",
                "ours, and its first clients",
                _with(BENCH / "ready.py", ours, directory / "ours_ready"),
                "ready.lambda_handler",
            ),
            Contender(
                "ours_ready_for_cloudhsm",
                "ours, and CloudHSM's client alone",
                _with(BENCH / "ready_for_cloudhsm.py", ours, directory / "ours_ready_for_cloudhsm"),
                "ready_for_cloudhsm.lambda_handler",
            ),
            Contender(
                "floor_trimmed",
                "floor, with our libraries",
                _with(BENCH / "floor" / "app.py", ours, directory / "floor_trimmed"),
                "app.lambda_handler",
            ),
            Contender(
                "ours_uncompiled",
                "ours without bytecode",
                _uncompiled(ours, directory),
                "cloudhsm_settings.handler.lambda_handler",
            ),
            Contender("stock", "stock, as sam build leaves it", stock, "app.lambda_handler"),
            Contender("stock_compiled", "stock with bytecode", _compiled(stock, directory), "app.lambda_handler"),
        )
    }


def _ours(build: Path) -> Path:
    return build_into(build) / "Function"


def _stock(build: Path) -> Path:
    """As plain `sam build` makes it, which wants to find the runtime's Python."""
    path = f"{PYTHON.parent}{os.pathsep}{os.environ['PATH']}"
    template = BENCH / "stock" / "template.yaml"
    cache = ROOT / ".cache" / "sam-stock"
    sam(
        "build",
        "--template-file", str(template),
        "--build-dir", str(build),
        "--cached",
        "--cache-dir", str(cache),
        environment={**os.environ, "PATH": path},
    )  # fmt: skip
    return build / "Function"


def _floor(directory: Path) -> Path:
    """What pip installs, with bytecode."""
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(PYTHON)]
    subprocess.run([*uv, "--requirement", BENCH / "floor" / "requirements.txt", "--target", directory], check=True)
    shutil.copy(BENCH / "floor" / "app.py", directory)
    return compile_all(directory)


def _with(module: Path, ours: Path, directory: Path) -> Path:
    """Our build, and `module` beside it."""
    copy = Path(shutil.copytree(ours, directory))
    shutil.copy(module, copy)
    return compile_all(copy)


def _uncompiled(ours: Path, directory: Path) -> Path:
    return Path(shutil.copytree(ours, directory / "ours_uncompiled", ignore=shutil.ignore_patterns("__pycache__")))


def _compiled(stock: Path, directory: Path) -> Path:
    return compile_all(Path(shutil.copytree(stock, directory / "stock_compiled")))


def compile_all(directory: Path) -> Path:
    """Adds bytecode that stays valid whatever the dates of files."""
    flags = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([PYTHON, *flags, directory], check=True)
    return directory
