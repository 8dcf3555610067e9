"""Runs many worlds: `python -m tests.simulation --seed S --requests N --processes P`."""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from secrets import randbelow

from tests.simulation.expected import EXPECTED
from tests.simulation.sometimes import Sometimes
from tests.simulation.world import REQUESTS, Report, World

DEFAULT_REQUESTS = 20_000
YEAR = 365.25 * 24 * 3600
_SHOWN = 5


def live(seed: int) -> tuple[Report, Sometimes]:
    """One world, from its seed to its report."""
    world = World(seed)
    return world.run(), world.sometimes


def live_all(seed: int, requests: int, processes: int) -> tuple[Report, Sometimes]:
    """As many worlds as make about `requests` requests, the first of them of `seed`."""
    seeds = range(seed, seed + max(1, round(requests / REQUESTS)))
    total, seen = Report(seed), Sometimes()
    texts: list[tuple[int, str]] = []
    kinds: list[str] = []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        lives = pool.map(live, seeds, chunksize=4) if processes > 1 else map(live, seeds)
        for report, sometimes in lives:
            total.requests += report.requests
            total.polls += report.polls
            total.faults += report.faults
            total.seconds += report.seconds
            total.violations += report.violations
            kinds += report.kinds
            seen.add(sometimes)
            if report.text:
                texts.append((len(report.text), report.text))
    # The shortest first: it is the easiest to understand.
    total.text = "\n\n".join(text for _, text in sorted(texts)[:_SHOWN])
    total.kinds = tuple(kinds)
    return total, seen


def last_line(report: Report) -> str:
    """What a run comes to."""
    return (
        f"{report.requests} requests, {report.polls} polls, {report.faults} faults, {report.seconds / YEAR:.1f} years, "
        f"{report.violations} violations, seed {report.seed}"
    )


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="replays a run; by default a fresh one")
    parser.add_argument("--requests", type=int, default=DEFAULT_REQUESTS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--table", action="store_true", help="shows how often everything happened")
    given = parser.parse_args()
    seed = randbelow(10**9) if given.seed is None else given.seed
    began = time.monotonic()
    report, seen = live_all(seed, given.requests, given.processes)
    took = time.monotonic() - began
    never = seen.never(EXPECTED) if given.requests >= DEFAULT_REQUESTS else []
    if given.table:
        print(*seen.table(), sep="\n")
    if report.text:
        print(report.text, "", sep="\n")
    for kind in sorted(set(report.kinds)):
        print(f"  {report.kinds.count(kind):>6} x {kind}")
    for row in never:
        print(f"  never happened: {row}")
    print(f"{report.requests / took / given.processes:.0f} requests per second and core")
    print(last_line(report))
    return 1 if report.violations or never else 0


if __name__ == "__main__":
    sys.exit(main())
