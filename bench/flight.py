"""What one operation takes while others are in flight, and where crhelper's own polling comes to its end."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, scheduler_backends

from bench.contenders import Contender
from bench.environments import Measured
from bench.samples import Spread
from bench.starts import REQUESTS
from bench.world import FUNCTION, GROUP, World
from cloudhsm_settings.operation import Operation
from sandbox.cloud import REGION
from sandbox.cloudhsm.model import new_id
from sandbox.cloudhsm.server import ACCOUNT

LEVELS = (10, 100, 1_000, 10_000)
OPERATIONS = 25
"""Measured at each level, in each round."""
POLICY_BYTES = 20_480
"""The most that a function's resource policy may have: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_MIGRATION = 31 * 60
_BEGINS = 16
"""Characters with which the names of a resource's schedules begin."""


@dataclass(frozen=True)
class Level:
    """What was seen with `in_flight` operations on record."""

    in_flight: int
    seconds: Spread
    """For one operation of the function, from its request to its answer, invocations only."""
    schedules: int
    policy_bytes: int


class _Indexed(dict[str, Schedule]):
    """Schedules by name that are found by the beginning of it, as in AWS, without a search through all of them."""

    def __init__(self) -> None:
        super().__init__()
        self._by_beginning: dict[str, dict[str, Schedule]] = {}

    def __setitem__(self, name: str, schedule: Schedule) -> None:
        super().__setitem__(name, schedule)
        self._by_beginning.setdefault(name[:_BEGINS], {})[name] = schedule

    def pop(self, name: str, *default: Any) -> Any:
        self._by_beginning.get(name[:_BEGINS], {}).pop(name, None)
        return super().pop(name, *default)

    def beginning_with(self, prefix: str) -> list[Schedule]:
        """Schedules whose names begin with `prefix`, at least as long as a resource's."""
        return [each for name, each in self._by_beginning.get(prefix[:_BEGINS], {}).items() if name.startswith(prefix)]


def measure(world: World, ours: Contender, rounds: Iterable[int], say: Callable[[str], None]) -> list[Level]:
    """Whole migrations on top of 10 to 10,000 others, level after level in each round."""
    taken: dict[int, list[float]] = {level: [] for level in LEVELS}
    seen: dict[int, tuple[int, int]] = {}
    for number in rounds:
        for level in LEVELS:
            say(f"operations in flight, round {number}: {level:,}")
            event = world.reset(REQUESTS["migration"])
            with _index() as schedules, Measured(ours, world.variables) as environment:
                # Warm, and what the others on record are like.
                environment.invoke(event)
                _fill(schedules, event, level)
                taken[level] += [_operation(world, environment, schedules, event, each) for each in range(OPERATIONS)]
            seen[level] = (len(schedules), _policy_bytes(world))
    return [Level(level, Spread.of(samples), *seen[level]) for level, samples in taken.items()]


def ceiling_of_stock(world: World, stock: Contender, say: Callable[[str], None]) -> int:
    """How many operations crhelper's polling can have in flight before the function's policy is full."""
    say("operations in flight with crhelper's own polling")
    event = world.reset(REQUESTS["migration"])
    with Measured(stock, world.variables) as environment:
        count = 0
        while True:
            environment.invoke(_another(world, event, count))
            if _policy_bytes(world) > POLICY_BYTES:
                return count
            count += 1


@contextmanager
def _index() -> Iterator[_Indexed]:
    """Puts the index in the place of moto's own dictionary, which it searches from end to end."""
    indexed = _Indexed()
    scheduler_backends[ACCOUNT][REGION].schedule_groups[GROUP].schedules = indexed

    def list_schedules(*_: Any, name_prefix: str = "", **__: Any) -> tuple[list[Schedule], None]:
        return indexed.beginning_with(name_prefix), None

    with patch.object(EventBridgeSchedulerBackend, "list_schedules", list_schedules):
        yield indexed


def _fill(schedules: _Indexed, event: Mapping[str, Any], level: int) -> None:
    """Puts `level` operations on record, as a real one leaves its own."""
    (real,) = schedules.values()
    for number in range(level - 1):
        other = {**event, "LogicalResourceId": f"Other{number}"}
        twin = copy(real)
        twin.name = Operation.of(other, other["ResourceProperties"]["ClusterId"], 0).name(0)
        schedules[twin.name] = twin


def _operation(
    world: World, environment: Measured, schedules: _Indexed, event: Mapping[str, Any], number: int
) -> float:
    """Seconds of the function for one whole migration."""
    event = _another(world, event, number)
    seconds = environment.invoke(event).wall_seconds
    (schedule,) = schedules.beginning_with(Operation.of(event, "", 0).resource_prefix)
    world.fleet.clock.advance(_MIGRATION)
    seconds += environment.invoke(json.loads(schedule.target["Input"])).wall_seconds
    if schedules.beginning_with(schedule.name):
        raise RuntimeError("the migration was not answered at the poll that follows its end")
    return seconds


def _another(world: World, event: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The same request for another resource and a cluster of its own."""
    cluster = world.fleet.seed(cluster_id=new_id("cluster"))
    return {
        **event,
        "LogicalResourceId": f"Settings{number}",
        "ResourceProperties": {**event["ResourceProperties"], "ClusterId": cluster.cluster_id},
    }


def _policy_bytes(world: World) -> int:
    functions = world.client("lambda")
    try:
        return len(functions.get_policy(FunctionName=FUNCTION)["Policy"])
    except functions.exceptions.ResourceNotFoundException:
        return 0
