"""What one operation takes while others are in flight, and where crhelper's own polling comes to its end."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.scheduler.models import Schedule, scheduler_backends

from bench.contenders import Contender
from bench.environments import Measured
from bench.samples import Spread
from bench.starts import REQUESTS
from bench.world import FUNCTION, GROUP, World
from sandbox.cloud import REGION
from sandbox.cloudhsm.model import new_id
from sandbox.cloudhsm.server import ACCOUNT
from sandbox.table import TABLE

LEVELS = (10, 10_000)
OPERATIONS = 25
"""Measured at each level, in each round."""
POLICY_BYTES = 20_480
"""The most that a function's resource policy may have: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_MIGRATION = 31 * 60


@dataclass(frozen=True)
class Level:
    """What was seen with `in_flight` operations on record."""

    in_flight: int
    seconds: Spread
    """For one operation of the function, from its request to its response, invocations only."""


@dataclass(frozen=True)
class Record:
    """Where operations in flight are: moto's own dictionaries."""

    items: dict[DynamoType, dict[DynamoType, Item]]
    """By StackId, then by LogicalResourceId."""
    schedules: dict[str, Schedule]
    """By name."""

    def add_others(self, number: int) -> None:
        """Puts `number` operations beside the one that is there, each in a stack and for a cluster of its own."""
        ((real,),) = (ranges.values() for ranges in self.items.values())
        (schedule,) = self.schedules.values()
        for n in range(number):
            other = _twin(real, f"{real.hash_key.value}{n}", new_id("cluster"))
            self.items[other.hash_key] = {other.attrs["LogicalResourceId"]: other}
            twin = copy(schedule)
            twin.name = f"{schedule.name}-{n}"
            self.schedules[twin.name] = twin


def _twin(real: Item, stack_id: str, cluster_id: str) -> Item:
    attributes = real.to_json()["Attributes"] | {"StackId": {"S": stack_id}, "PhysicalResourceId": {"S": cluster_id}}
    return Item(DynamoType(attributes["StackId"]), real.range_key, attributes)


def measure(world: World, ours: Contender, rounds: Iterable[int], say: Callable[[str], None]) -> list[Level]:
    """Whole migrations on top of 10 and of 10,000 others, level after level in each round."""
    taken: dict[int, list[float]] = {level: [] for level in LEVELS}
    for number in rounds:
        for level in LEVELS:
            say(f"operations in flight, round {number}: {level:,}")
            event = world.reset(REQUESTS["migration"])
            with _record(event) as record, Measured(ours, world.variables) as environment:
                # Warm, and what the others on record are like.
                environment.invoke(event)
                record.add_others(level - 1)
                taken[level] += [_operation(world, environment, record, event, each) for each in range(OPERATIONS)]
    return [Level(level, Spread.of(samples)) for level, samples in taken.items()]


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
def _record(event: Mapping[str, Any]) -> Iterator[Record]:
    """The record, whose index is searched as in AWS: without a walk through every item, as moto does it."""
    items = dynamodb_backends[ACCOUNT][REGION].tables[TABLE].items
    measured = DynamoType({"S": event["StackId"]})

    def those_that_can_match(_: Table) -> list[Item]:
        # The others are about clusters that no measured operation is about.
        return list(items[measured].values())

    with patch.object(Table, "all_items", those_that_can_match):
        yield Record(items, scheduler_backends[ACCOUNT][REGION].schedule_groups[GROUP].schedules)


def _operation(world: World, environment: Measured, record: Record, event: Mapping[str, Any], number: int) -> float:
    """Seconds of the function for one whole migration."""
    others = set(record.schedules)
    seconds = environment.invoke(_another(world, event, number)).wall_seconds
    (name,) = record.schedules.keys() - others
    world.fleet.clock.advance(_MIGRATION)
    seconds += environment.invoke(json.loads(record.schedules[name].target["Input"])).wall_seconds
    if name in record.schedules:
        raise RuntimeError("the migration was not responded to at the poll that follows its end")
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
