"""`make mutants`: plants each mutant in a copy of the function and sees that the tests catch it.

It ends non-zero when a mutant survives, when the code in which it is planted has changed, or when the tests find
something wrong with the function as it is. SIMULATE=3000 says besides after how many requests, of at most 3000, the
simulation finds each, or else whether the state machine does.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.mutants import drift, endings, operations, pairs, properties, rules
from tools.mutants.mutant import Moved, Mutant

ROOT = Path(__file__).parent.parent.parent
_LONGEST = 120
"""Seconds of a simulation or of tests; what takes longer hangs, which no test would do."""
MUTANTS = (
    *operations.MUTANTS,
    *rules.MUTANTS,
    *endings.MUTANTS,
    *pairs.MUTANTS,
    *properties.MUTANTS,
    *drift.MUTANTS,
)


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
        requests = int(os.environ.get("SIMULATE") or 0)
        return f"{outcome}, {_found(source, requests)}" if requests else outcome


def _found(source: Path, requests: int) -> str:
    """What of a whole life finds a mutant: the simulation, after how many requests, or the state machine."""
    arguments = ["--seed", "71", "--requests", str(requests), "--processes", "1", "--until-found"]
    done = _run(source, ["-m", "tests.simulation", *arguments])
    if done is None:
        return "simulation hangs"
    if done.returncode == 0:
        return "not simulated" if _passes(source, "state_machine") else "state machine"
    last = done.stdout.splitlines()[-1:] or [""]
    # Without a last line the function could not be wired at all, or did what no client understands.
    return f"after {last[0].split()[0]} requests" if "violations" in last[0] else "simulation ends at once"


def _passes(source: Path, test: str) -> bool:
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", f"pythonpath={source} {ROOT}"]
    lives = os.environ.get("LIVES", "400")
    arguments = ["-m", "pytest", *options, f"tests/unit/test_{test}.py"]
    done = _run(source, arguments, LIVES=lives, LIVES_AS_FOUND="1")
    # 2 is a module that cannot be imported any more: caught as well.
    return done is not None and done.returncode == 0


def _run(source: Path, arguments: list[str], **variables: str) -> subprocess.CompletedProcess[str] | None:
    """Python with a copy of the function; None when it hangs."""
    environment = {**os.environ, **variables, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    try:
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=_LONGEST
        )
    except subprocess.TimeoutExpired:
        return None


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
