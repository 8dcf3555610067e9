"""`make bench`: measures everything in one run and writes it down."""

import argparse
import tempfile
import time
from pathlib import Path

from bench import flight, latency, sizes, starts
from bench.contenders import build_all
from bench.figure import draw
from bench.page import page
from bench.results import Results
from bench.world import world
from sandbox.emulator import MEMORY_SIZE
from sandbox.ministack import ROOT

_BEGUN = time.monotonic()


def say(line: str) -> None:
    """One line of progress, with the seconds since the beginning."""
    print(f"[{time.monotonic() - _BEGUN:5.0f} s] {line}", flush=True)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="samples of each cold start (default 15)")
    parser.add_argument("--output", type=Path, default=ROOT, help="directory to write to instead of the checkout")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        results = measure(Path(directory), options.rounds)
        write(results, options.output)
        for name, value in results.numbers().items():
            print(f"{name:36} {value}")


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
            calls=starts.calls_of_all(around, ours, say),
            sizes=sizes.measure(around, ours, sizes.SIZES, some, say),
            size_of_stock=next(iter(sizes.measure(around, stock, [MEMORY_SIZE], some, say)), None),
            levels=flight.measure(around, ours, some, say),
            ceiling_of_stock=flight.ceiling_of_stock(around, stock, say),
            latency=latency.measure(ours, stock, len(some) + 1, say),
        )


def write(results: Results, output: Path) -> None:
    """The page, its picture, and the numbers for machines."""
    (output / "docs").mkdir(parents=True, exist_ok=True)
    (output / "bench").mkdir(exist_ok=True)
    (output / "docs" / "performance.md").write_text(page(results))
    draw(results, output / "docs" / "performance.svg")
    (output / "bench" / "results.json").write_text(results.json())


if __name__ == "__main__":
    main()
