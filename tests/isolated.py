"""A Python that sees one directory and the standard library, and nothing that is installed beside it."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def run_isolated(
    directory: Path, program: str, *, python: str = sys.executable, environment: Mapping[str, str] | None = None
) -> str:
    """What `program` prints; raises CalledProcessError when it fails."""
    program = f"import sys; sys.path.insert(0, {str(directory)!r})\n{program}"
    done = subprocess.run(
        [python, "-I", "-S", "-c", program], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
