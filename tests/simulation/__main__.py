"""Runs many worlds: `python -m tests.simulation --seed S --requests N --processes P`."""

import argparse
import sys
import time
from secrets import randbelow

from tests.simulation.expected import EXPECTED
from tests.simulation.many import SHOWN, last_line, live_all

DEFAULT_REQUESTS = 20_000


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="replays a run; by default a fresh one")
    parser.add_argument("--requests", type=int, default=DEFAULT_REQUESTS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--table", action="store_true", help="shows how often everything happened")
    parser.add_argument("--calls", action="store_true", help="shows every call in the timelines")
    parser.add_argument("--shown", type=int, default=SHOWN, help="how many worlds tell their violations")
    parser.add_argument("--until-found", action="store_true", help="ends with the first world that has a violation")
    given = parser.parse_args()
    seed = randbelow(10**9) if given.seed is None else given.seed
    began = time.monotonic()
    report, seen = live_all(
        seed,
        given.requests,
        given.processes,
        tells_calls=given.calls,
        shown=given.shown,
        until_found=given.until_found,
    )
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
