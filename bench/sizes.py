"""Memory sizes: what the first response takes with the share of a CPU that each size brings."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from bench.contenders import Contender
from bench.environments import Measured, share_of_cpu
from bench.starts import REQUESTS
from bench.world import World

SIZES = (256, 512, 1024)
"""MB."""


@dataclass(frozen=True)
class Size:
    """Medians at one memory size, wall seconds."""

    memory_size: int
    first_response: float
    """From the beginning of a cold start."""


def measure(
    world: World, contender: Contender, sizes: Iterable[int], rounds: Iterable[int], say: Callable[[str], None]
) -> list[Size]:
    """A migration's request, cold, at each size; empty where no control group can be made."""
    taken: dict[int, list[float]] = {size: [] for size in sizes}
    for number in rounds:
        say(f"memory sizes, round {number}")
        for size, samples in taken.items():
            with share_of_cpu(size) as group:
                if group is None:
                    return []
                event = world.reset(REQUESTS["migration"])
                with Measured(contender, world.variables, group=group) as environment:
                    request = environment.invoke(event)
                    samples.append(environment.start.wall_seconds + request.wall_seconds)
    return [Size(size, median(samples)) for size, samples in taken.items()]
