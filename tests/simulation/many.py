"""Many worlds, one after the other and on several cores, and what they come to."""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from tests.simulation.agenda import Defect
from tests.simulation.sometimes import Sometimes
from tests.simulation.world import REQUESTS, Report, World

YEAR = 365.25 * 24 * 3600
SHOWN = 5
"""Worlds whose violations are told; the shortest, which are the easiest to understand."""


def live(seed: int, *, tells_calls: bool = False) -> tuple[Report, Sometimes]:
    """One world, from its seed to its report."""
    world = World(seed)
    world.boundary.tells_calls = tells_calls
    try:
        return world.run(), world.sometimes
    except Defect as defect:
        raise RuntimeError(f"the simulation is wrong, seed {seed}: {defect!r}, {defect.__cause__!r}") from None


def live_all(
    seed: int,
    requests: int,
    processes: int,
    *,
    tells_calls: bool = False,
    shown: int = SHOWN,
    until_found: bool = False,
) -> tuple[Report, Sometimes]:
    """As many worlds as make about `requests` requests, the first of them of `seed`.

    With `until_found` the first world with a violation is the last one.
    """
    seeds = range(seed, seed + max(1, round(requests / REQUESTS)))
    total, seen = Report(seed), Sometimes()
    one = partial(live, tells_calls=tells_calls)
    texts: list[tuple[int, str]] = []
    kinds: list[str] = []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        # In the order of the seeds, whichever process is quicker.
        lives = pool.map(one, seeds, chunksize=4) if processes > 1 else map(one, seeds)
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
                if until_found:
                    break
    total.text = "\n\n".join(text for _, text in sorted(texts)[:shown])
    total.kinds = tuple(kinds)
    return total, seen


def last_line(report: Report) -> str:
    """What a run comes to."""
    return (
        f"{report.requests} requests, {report.polls} polls, {report.faults} faults, {report.seconds / YEAR:.1f} years, "
        f"{report.violations} violations, seed {report.seed}"
    )
