"""`make mutants`: plants each mutant in a copy of the function and sees that the tests catch it.

It ends non-zero when a mutant survives, when the code in which it is planted has changed, or when the tests find
something wrong with the function as it is. SIMULATE=3000 says besides after how many requests, of at most 3000, the
simulation finds each.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.mutants import drift, endings, operations, properties, rules
from tools.mutants.mutant import Moved, Mutant

ROOT = Path(__file__).parent.parent.parent
_LONGEST_SIMULATION = 120
"""Seconds."""
MUTANTS = (*operations.MUTANTS, *rules.MUTANTS, *endings.MUTANTS, *properties.MUTANTS, *drift.MUTANTS)


def outcome_of(mutant: Mutant) -> str:
    """Whether it is caught, has survived, or could not be planted; its tests run until one fails."""
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory) / "src"
        shutil.copytree(ROOT / "src", source)
        try:
            mutant.plant(source)
        except Moved as moved:
            return str(moved)
        outcome = "SURVIVED" if all(_passes(source, each) for each in mutant.tests) else "caught"
        return outcome + _simulated(source, int(os.environ.get("SIMULATE") or 0))


def _simulated(source: Path, requests: int) -> str:
    """After how many requests the simulation finds a mutant too; empty where it is not asked to."""
    if not requests:
        return ""
    command = [
        sys.executable,
        "-m",
        "tests.simulation",
        "--seed",
        "71",
        "--requests",
        str(requests),
        "--processes",
        "1",
    ]
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, "--until-found"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_SIMULATION,
        )
    except subprocess.TimeoutExpired:
        return ", simulation hangs"
    if done.returncode == 0:
        return f", not simulated in {requests} requests"
    last = done.stdout.splitlines()[-1:] or [""]
    # Without a last line the function could not be wired at all, or did what no client understands.
    return (
        f", simulated after {last[0].split()[0]} requests" if "violations" in last[0] else ", simulation ends at once"
    )


def _passes(source: Path, test: str) -> bool:
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", f"pythonpath={source} {ROOT}"]
    lives = {"LIVES": os.environ.get("LIVES", "400"), "LIVES_AS_FOUND": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"tests/unit/test_{test}.py"],
        cwd=ROOT,
        env={**os.environ, **lives, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    # 2 is a module that cannot be imported any more: caught as well.
    return done.returncode == 0


def main() -> int:
    """Plants them all; the exit code is 0 when each is caught, and nothing is found in the function as it is."""
    wrong = 0
    for test in sorted({test for mutant in MUTANTS for test in mutant.tests}):
        if not _passes(ROOT / "src", test):
            print(f"{'FAILED':<10} tests/unit/test_{test}.py, with the function as it is", flush=True)
            wrong += 1
    with ThreadPoolExecutor(int(os.environ.get("PROCESSES", os.cpu_count() or 1))) as pool:
        for mutant, outcome in zip(MUTANTS, pool.map(outcome_of, MUTANTS), strict=True):
            wrong += not outcome.startswith("caught")
            print(f"{outcome:<10} {mutant.what}", flush=True)
    print(f"{len(MUTANTS)} mutants, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
