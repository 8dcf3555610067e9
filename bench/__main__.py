"""`make bench`: measures everything in one run and writes it down: results.json, and what is made of it."""

import argparse
import tempfile
import time
from pathlib import Path

from bench import flight, latency, sizes, starts
from bench.contenders import build_all
from bench.results import Results
from bench.world import world
from tools import performance
from tools.performance import RESULTS

_BEGUN = time.monotonic()


def say(line: str) -> None:
    """One line of progress, with the seconds since the beginning."""
    print(f"[{time.monotonic() - _BEGUN:5.0f} s] {line}", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="samples of each cold start (default 15)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        RESULTS.write_text(measure(Path(directory), options.rounds).json())
    print(RESULTS.read_text())
    performance.main()


def measure(directory: Path, rounds: int) -> Results:
    """Runs everything, which takes some minutes."""
    say("building")
    contenders = build_all(directory)
    ours, stock = contenders["ours"], contenders["stock"]
    some = range(1, max(2, rounds // 3) + 1)
    with world(directory) as around:
        return Results(
            contenders=contenders,
            rounds=rounds,
            starts=starts.measure(around, contenders, range(1, rounds + 1), say),
            sizes=sizes.measure(around, ours, sizes.SIZES, some, say),
            levels=flight.measure(around, ours, some, say),
            ceiling_of_stock=flight.ceiling_of_stock(around, stock, say),
            latency=latency.measure(ours, stock, len(some) + 1, say),
        )


if __name__ == "__main__":
    main()
