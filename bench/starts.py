"""Cold starts and invocations: time, CPU, memory and calls, contender after contender in each round."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bench.contenders import Contender
from bench.environments import Measured, Phase
from bench.world import World

REQUESTS = {"noop": "create-as-declared", "retention": "update-retention", "migration": "create-migration"}
"""What is measured, and the event of events/ that brings it about."""
PROVIDERS = ("ours", "stock")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Calls:
    """Calls to AWS in one invocation."""

    cloudhsm: int
    others: int


@dataclass
class Starts:
    """What came of it: samples by contender, or by contender and kind of invocation, a sample a round."""

    starts: dict[str, list[Phase]] = field(default_factory=lambda: defaultdict(list))
    invocations: dict[tuple[str, str], list[Phase]] = field(default_factory=lambda: defaultdict(list))
    calls: dict[tuple[str, str], Calls] = field(default_factory=dict)

    def cpu(self, name: str) -> list[float]:
        """CPU seconds of the starts."""
        return [each.cpu_seconds for each in self.starts[name]]

    def peak(self, name: str) -> float:
        """The most memory of any invocation, in bytes."""
        return max(
            each.peak_memory_bytes for (who, _), taken in self.invocations.items() if who == name for each in taken
        )


def measure(world: World, contenders: Mapping[str, Contender], rounds: Iterable[int], say: Say) -> Starts:
    """Takes a sample of everything in each round."""
    taken = Starts()
    for number in rounds:
        say(f"cold starts and invocations, round {number}")
        for name, contender in contenders.items():
            for kind in REQUESTS if name in PROVIDERS else ("noop",):
                phase = _request(taken, world, contender, kind)
                # One start a round and contender, so that samples pair.
                if kind == "noop":
                    taken.starts[name].append(phase)
    return taken


def _request(taken: Starts, world: World, contender: Contender, kind: str) -> Phase:
    event = world.reset(REQUESTS[kind])
    with Measured(contender, world.variables) as environment:
        taken.invocations[contender.name, kind].append(environment.invoke(event))
        taken.calls[contender.name, kind] = Calls(world.cloudhsm_calls, world.other_calls)
        if kind == "migration":
            _poll(taken, world, contender, environment)
        return environment.start


def _poll(taken: Starts, world: World, contender: Contender, environment: Measured) -> None:
    """One poll while CloudHSM works, in the environment of the request."""
    (poll,) = world.polls()
    world.forget()
    taken.invocations[contender.name, "poll"].append(environment.invoke(poll))
    taken.calls[contender.name, "poll"] = Calls(world.cloudhsm_calls, world.other_calls)
