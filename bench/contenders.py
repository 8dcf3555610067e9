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
HANDLER = "cloudhsm_settings.handler.lambda_handler"


@dataclass(frozen=True)
class Contender:
    """A directory of code as Lambda would have it, and where it begins."""

    name: str
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
    return {
        each.name: each
        for each in (
            Contender("floor", _floor(directory / "floor"), "app.lambda_handler"),
            Contender("ours", ours, HANDLER),
            Contender("ours_ready", _ready(ours, directory / "ours_ready"), "ready.lambda_handler"),
            Contender("ours_uncompiled", _uncompiled(ours, directory), HANDLER),
            Contender("stock", stock, "app.lambda_handler"),
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


def _ready(ours: Path, directory: Path) -> Path:
    """Our build, and what makes its first clients as the floor does."""
    copy = Path(shutil.copytree(ours, directory))
    shutil.copy(BENCH / "ready.py", copy)
    return compile_all(copy)


def _uncompiled(ours: Path, directory: Path) -> Path:
    return Path(shutil.copytree(ours, directory / "ours_uncompiled", ignore=shutil.ignore_patterns("__pycache__")))


def compile_all(directory: Path) -> Path:
    """Adds bytecode that stays valid whatever the dates of files."""
    flags = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([PYTHON, *flags, directory], check=True)
    return directory
