"""`make mutants`: plants each mutant in a copy of the function and sees that the tests catch it.

It ends non-zero when a mutant survives, or when the code in which it is planted has changed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.mutants.decisions import MUTANTS
from tools.mutants.mutant import Mutant

ROOT = Path(__file__).parent.parent.parent
TESTS = ("tests/unit/test_lives.py",)
"""What has to catch them."""


def is_caught(mutant: Mutant | None) -> bool:
    """Whether the tests find something wrong with a copy of the function; None is the function as it is."""
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "src"
        shutil.copytree(ROOT / "src", source)
        if mutant:
            mutant.plant(source)
        return not _passes(source)


def _passes(source: Path) -> bool:
    options = ["-q", "-x", "-p", "no:cacheprovider", "-o", f"pythonpath={source} {ROOT}"]
    lives = {"LIVES": os.environ.get("LIVES", "1500"), "LIVES_AS_FOUND": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *TESTS],
        cwd=ROOT,
        env={**os.environ, **lives, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1):
        sys.exit(f"The test itself broke:\n{done.stdout}\n{done.stderr}")
    return done.returncode == 0


def main() -> int:
    """Plants them all; the exit code is 0 when each is caught, and nothing is found in the function as it is."""
    wrong = 0
    for mutant in (None, *MUTANTS):
        caught = is_caught(mutant)
        good = caught is (mutant is not None)
        wrong += not good
        outcome = ("caught" if mutant else "nothing found") if good else ("SURVIVED" if mutant else "FAILED")
        print(f"{outcome:<14} {mutant.what if mutant else 'the function as it is'}", flush=True)
    print(f"{len(MUTANTS) + 1 - wrong} passed, {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
