"""A process that is killed (SIGKILL) at every single call of an operation, before and after it is carried out."""

import os
import signal
import traceback
from dataclasses import dataclass, field

import pytest

from cloudhsm_settings import clients
from events.situations import BY_EVENT, CLUSTER_ID, Situation
from sandbox.cloudhsm import CloudHsmServer, MigrationOutcome
from tests.harness import Harness, VirtualClock

KILLED = BY_EVENT | {
    "update-migration after a wait": Situation(
        "update-migration",
        "FAILED",
        modifies=("HsmType",),
        cluster={
            "state": "UPDATE_IN_PROGRESS",
            "busy_until": VirtualClock().moment + 60,
            "outcome": MigrationOutcome.REVERT_AT_ONCE,
        },
    )
}
RETRIES = 2
SECONDS_BETWEEN_LOOKS = 600
OFTEN = 240
"""Often enough for a migration to be asked for again, and still to fit."""
REQUESTS = [
    "create-migration",
    "update-migration",
    "create-retention",
    "create-long-migration",
    "update-migration after a wait",
]


@dataclass
class Killer:
    """Kills the process in whose service a call comes in, at one call of the whole operation."""

    when: str
    at: int
    victim: int = 0
    seen: list[str] = field(default_factory=list)
    struck: str = ""

    def before(self, name: str) -> None:
        if name.startswith("GET /schedules?") or not self.victim:
            return
        self.seen.append(name)
        if self._strike("before", name):
            raise ConnectionAbortedError("killed before the call was carried out")

    def after(self, name: str) -> None:
        self._strike("after", name)

    def _strike(self, when: str, name: str) -> bool:
        if not self.victim or when != self.when or len(self.seen) != self.at or self.struck:
            return False
        self.struck = f"{when} {readable(name)}"
        os.kill(self.victim, signal.SIGKILL)
        return True


def readable(name: str) -> str:
    """The call by the name that its service has for it."""
    verb, _, path = name.partition(" ")
    by_verb = {"GET": "GetSchedule", "POST": "CreateSchedule", "PUT": "UpdateSchedule", "DELETE": "DeleteSchedule"}
    if path.startswith("/schedules/"):
        return by_verb[verb]
    return {"GET /schedules": "ListSchedules", "POST /": "DescribeStacks"}.get(name, name)


def in_a_process_of_its_own(harness: Harness, killer: Killer, event: dict) -> bool:
    """Invokes the function in a fork; False when that did not live to its end."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.read(read, 1)
            harness.invoke(event)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    killer.victim = pid
    os.write(write, b"!")
    _, status = os.waitpid(pid, 0)
    killer.victim = 0
    os.close(read)
    os.close(write)
    return status == 0


def polls_due(harness: Harness):
    for name in harness.schedules():
        if harness.scheduler.get_schedule(Name=name, GroupName="operations")["EndDate"].timestamp() > harness.clock():
            yield harness.poll_event(name)
        else:
            harness.scheduler.delete_schedule(Name=name, GroupName="operations")


def as_lambda_would(harness: Harness, killer: Killer, event: dict, pause: float) -> None:
    """The request with Lambda's retries, and Scheduler's polls between and after them."""
    retries = RETRIES
    pending = [event]
    for _ in range(80):
        retry = []
        for each in pending:
            if not in_a_process_of_its_own(harness, killer, each) and retries:
                retries -= 1
                retry.append(each)
        harness.clock.moment += pause
        pending = retry + list(polls_due(harness))
        if not pending:
            return
    raise AssertionError("never ends")


def fresh_clients() -> None:
    for client in (clients.cloudhsm, clients.scheduler, clients.cloudformation):
        client.cache_clear()
        client()


def operate(harness: Harness, server: CloudHsmServer, name: str, killer: Killer) -> None:
    fresh_clients()
    harness.clock.moment = VirtualClock().moment
    harness.fleet.calls.clear()
    harness.fleet.clusters.clear()
    harness.receiver.received.clear()
    situation = KILLED[name]
    situation.seed(harness.fleet)
    event = harness.deliverable(situation.load())
    harness.set_stack_status(event, situation.stack_status)
    for server_side in (server, harness.receiver):
        server_side.before, server_side.after = killer.before, killer.after
    try:
        as_lambda_would(harness, killer, event, OFTEN if "after a wait" in name else SECONDS_BETWEEN_LOOKS)
    finally:
        for server_side in (server, harness.receiver):
            server_side.before = server_side.after = None


def verify(harness: Harness, name: str, killer: Killer) -> None:
    situation = KILLED[name]
    assert {each["Status"] for each in harness.responses} == {situation.status}, (killer.struck, harness.responses)
    assert harness.schedules() == [], killer.struck
    assert sorted(harness.modifies) == sorted(situation.modifies), killer.struck
    assert harness.fleet.cluster(CLUSTER_ID).state == "ACTIVE"
    if situation.signal:
        assert {each["Status"] for each in harness.signals} == {situation.signal}, killer.struck


@pytest.mark.parametrize("name", REQUESTS)
def test_killed_at_every_call(harness, server, name, record_property):
    undisturbed = Killer("never", 0)
    operate(harness, server, name, undisturbed)
    verify(harness, name, undisturbed)
    points = [(when, at + 1) for at in range(len(undisturbed.seen)) for when in ("before", "after")]

    struck = []
    for when, at in points:
        killer = Killer(when, at)
        operate(harness, server, name, killer)
        verify(harness, name, killer)
        assert killer.struck, (when, at)
        struck.append(killer.struck)

    record_property("shown", f"{name}: one answer after a kill at each of {len(struck)} points: {'; '.join(struck)}")
