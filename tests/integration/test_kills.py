"""A process that is killed at every single call of an operation: everything owed is delivered, and done once."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from events.situations import BY_EVENT, CLUSTER_ID, Situation
from sandbox.cloudhsm import CloudHsmServer, MigrationOutcome
from tests.harness import Harness, VirtualClock
from tests.killing import Killer, as_lambda_would, fresh_clients

Event = dict[str, Any]
MOST_OF_A_KIND = 2
"""Calls of one name at which it is killed, the first ones and the last: polls in between are all alike."""


@dataclass(frozen=True)
class Case:
    """One operation, and what must come of it whenever it is killed."""

    event: str
    statuses: frozenset[str] = frozenset({"SUCCESS"})
    modifies: tuple[str, ...] = ()
    signals: frozenset[str] = frozenset()
    cluster: dict[str, Any] | None = None
    pause: float = 600
    """Seconds between two polls."""
    begin: Callable[[Harness], None] | None = None
    """What has happened before."""

    @property
    def situation(self) -> Situation:
        return BY_EVENT[self.event]


def long_migration_in_flight(harness: Harness) -> None:
    """A Create that has been accepted, whose migration runs, and whose wait condition waits."""
    situation = BY_EVENT["create-long-migration"]
    harness.invoke(harness.meet(situation, "/response/older"))
    harness.pass_time(300)
    assert [each["Status"] for each in harness.responses] == ["SUCCESS"]
    harness.fleet.calls.clear()
    harness.receiver.received.clear()


CASES = {
    "a migration": Case("create-migration", modifies=("BackupRetentionPolicy", "HsmType")),
    "a retention": Case("create-retention", modifies=("BackupRetentionPolicy",)),
    "a long migration": Case(
        "create-long-migration", modifies=("HsmType",), signals=frozenset({"SUCCESS"}), pause=2800
    ),
    "a long migration that reverts": Case(
        "create-long-migration",
        modifies=("HsmType",),
        signals=frozenset({"FAILURE"}),
        cluster={"hsms": 3, "outcome": MigrationOutcome.REVERT},
        pause=2800,
    ),
    "a migration after a wait, polled often": Case(
        "update-migration",
        frozenset({"FAILED"}),
        ("HsmType",),
        cluster={
            "state": "UPDATE_IN_PROGRESS",
            "busy_until": VirtualClock().moment + 60,
            "outcome": MigrationOutcome.REVERT_AT_ONCE,
        },
        pause=240,
    ),
    "a refusal with a handle": Case(
        "create-long-migration",
        frozenset({"FAILED"}),
        signals=frozenset({"FAILURE"}),
        cluster={"hsms": 3, "state": "UNINITIALIZED"},
    ),
    "a Delete that supersedes a handle": Case("delete", signals=frozenset({"FAILURE"}), begin=long_migration_in_flight),
    "a rollback that supersedes a handle": Case(
        "update-stack-rollback-keep", signals=frozenset({"FAILURE"}), begin=long_migration_in_flight
    ),
}


def operate(harness: Harness, server: CloudHsmServer, case: Case, killer: Killer) -> None:
    harness.start_anew()
    if case.begin:
        case.begin(harness)
    event = harness.deliverable(case.situation.load(), "/response/this")
    if not case.begin:
        harness.fleet.seed(**{"cluster_id": CLUSTER_ID, **(case.cluster or dict(case.situation.cluster or {}))})
    harness.set_stack_status(event, *case.situation.stack_statuses)
    for side in (server, harness.receiver):
        side.before, side.after = killer.before, killer.after
    try:
        as_lambda_would(harness, killer, event, case.pause)
    finally:
        for side in (server, harness.receiver):
            side.before = side.after = None


def verify(harness: Harness, case: Case, killer: Killer) -> None:
    of_this = [each.answer for each in harness.receiver.received if each.path.startswith("/response/this")]
    assert {each["Status"] for each in of_this} == case.statuses, killer.struck
    assert {each["Status"] for each in harness.signals} == case.signals, killer.struck
    assert len({each["UniqueId"] for each in harness.signals}) <= 1, killer.struck
    assert sorted(harness.modifies) == sorted(case.modifies), killer.struck
    assert harness.schedules() == [], killer.struck
    record = harness.record(BY_EVENT[case.event].load())
    assert (record.settled, record.signals) == (True, ()), killer.struck


def points(seen: list[str]) -> Iterator[tuple[str, int]]:
    """When to strike: around the first calls of each name, and around the last."""
    times = Counter(seen)
    count: Counter[str] = Counter()
    for at, name in enumerate(seen):
        count[name] += 1
        if count[name] <= MOST_OF_A_KIND or count[name] == times[name]:
            yield "before", at + 1
            yield "after", at + 1


@pytest.mark.parametrize("name", CASES)
def test_killed_at_every_call(harness, server, name, record_property):
    case = CASES[name]
    fresh_clients()
    undisturbed = Killer()
    operate(harness, server, case, undisturbed)
    verify(harness, case, undisturbed)

    struck = []
    for when, at in points(undisturbed.seen):
        killer = Killer(when, at)
        operate(harness, server, case, killer)
        verify(harness, case, killer)
        assert killer.struck, (when, at)
        struck.append(killer.struck)

    record_property("shown", f"{name}: one end after a kill at each of {len(struck)} points: {'; '.join(struck)}")
