"""After the end nothing of an operation changes a cluster, responds or signals again."""

from typing import Any

import pytest

from cloudhsm_settings.custom_resource.errors import Transient
from events.situations import BY_EVENT, CLUSTER_ID
from sandbox.cloudhsm import Fault, MigrationOutcome
from tests.failing import failing
from tests.harness import MINUTE, Harness

Event = dict[str, Any]


TABLE_AND_SCHEDULER = ("GetItem", "UpdateItem", "Query", "CreateSchedule", "DeleteSchedule")


@pytest.fixture(autouse=True)
def no_botocore_retries(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)


def begun(harness: Harness, name: str, **cluster: Any) -> Event:
    event = harness.meet(BY_EVENT[name])
    for member, value in cluster.items():
        setattr(harness.fleet.cluster(CLUSTER_ID), member, value)
    harness.invoke(event)
    return event


def finish(harness: Harness, minutes: int = 800) -> None:
    for _ in range(minutes):
        if not harness.schedules():
            return
        harness.pass_time()
    raise AssertionError("never ends")


def polled(harness: Harness, poll: Event) -> None:
    try:
        harness.invoke(poll)
    except Transient:
        return


@pytest.mark.parametrize("minute", [1, 57, 89])
def test_a_schedule_that_is_not_deleted_once_costs_no_long_migration(harness, server, minute):
    begun(harness, "create-long-migration")
    harness.pass_time((minute - 1) * MINUTE)
    poll = harness.poll_event(harness.schedules()[0])
    with failing(server, "DeleteSchedule"):
        harness.invoke(poll)
    finish(harness)
    assert [each["Status"] for each in harness.responses] == ["SUCCESS"]
    assert [each["Status"] for each in harness.signals] == ["SUCCESS"]
    assert harness.fleet.cluster(CLUSTER_ID).hsm_type == "hsm2m.medium"
    assert harness.modifies == ("HsmType",)


def test_a_schedule_that_cannot_be_deleted_polls_what_has_ended_in_vain(harness, server):
    event = begun(harness, "create-migration")
    poll = harness.poll_event(harness.schedules()[0])
    harness.clock.moment += 31 * MINUTE
    with failing(server, "DeleteSchedule"):
        harness.invoke(poll)
        harness.fleet.calls.clear()
        for _ in range(3):
            harness.invoke(poll)
    assert harness.record(event).ended
    assert (len(harness.responses), harness.fleet.calls) == (1, [])
    assert len(harness.schedules()) == 1
    harness.pass_time()
    assert harness.schedules() == []


@pytest.mark.parametrize("outcome", [MigrationOutcome.SUCCEED, MigrationOutcome.REVERT])
def test_a_poll_that_is_delivered_minutes_late_does_nothing(harness, outcome):
    begun(harness, "create-long-migration", outcome=outcome)
    late = harness.poll_event(harness.schedules()[0])
    finish(harness)
    counts = len(harness.responses), len(harness.signals)
    harness.fleet.calls.clear()
    for _ in range(3):
        harness.clock.moment += 5 * MINUTE
        harness.invoke(late)
    assert (len(harness.responses), len(harness.signals)) == counts == (1, 1)
    assert harness.fleet.calls == []


@pytest.mark.parametrize("name", ["create-reverted", "create-migration", "create-long-migration"])
def test_after_the_end_five_polls_without_table_and_scheduler_do_nothing(harness, server, name):
    begun(harness, name)
    poll = harness.poll_event(harness.schedules()[0])
    finish(harness)
    counts = len(harness.responses), len(harness.signals)
    harness.fleet.calls.clear()
    with failing(server, *TABLE_AND_SCHEDULER):
        for _ in range(5):
            harness.clock.moment += MINUTE
            polled(harness, poll)
    for _ in range(5):
        harness.clock.moment += MINUTE
        polled(harness, poll)
    assert (len(harness.responses), len(harness.signals)) == counts
    assert harness.fleet.calls == []


def test_an_end_that_cannot_be_struck_off_is_not_repeated_once_a_minute(harness, server):
    event = begun(harness, "create-migration")
    poll = harness.poll_event(harness.schedules()[0])
    harness.clock.moment += 31 * MINUTE
    with failing(server, "UpdateItem", "DeleteSchedule", spared=1):
        for _ in range(6):
            harness.clock.moment += MINUTE
            polled(harness, poll)
    assert harness.record(event).ended
    assert len(harness.responses) == 1
    finish(harness)
    assert {each["Status"] for each in harness.responses} == {"SUCCESS"}
    assert len(harness.responses) == 2, "sent one more time, because nobody knows that it had arrived"
    assert harness.modifies == ("BackupRetentionPolicy", "HsmType")


def test_the_same_delivery_many_times_has_one_effect_also_after_a_revert(harness):
    event = begun(harness, "create-reverted")
    for _ in range(4):
        harness.invoke(event)
    finish(harness)
    harness.clock.moment += 3600
    harness.invoke(event)
    finish(harness)
    assert {each["Status"] for each in harness.responses} == {"FAILED"}
    assert harness.modifies == ("HsmType",)


@pytest.mark.parametrize(
    ("fault", "outcome", "says"),
    [
        (Fault("DescribeClusters", "CloudHsmAccessDeniedException", 1000), MigrationOutcome.SUCCEED, "denied"),
        (Fault("DescribeClusters", times=10_000), MigrationOutcome.SUCCEED, "still cloudhsm:DescribeClusters fails"),
        (None, MigrationOutcome.HANG, "1 of 3 HSMs are hsm2m.medium"),
        (None, MigrationOutcome.REVERT, "reverted"),
    ],
)
def test_every_way_to_fail_after_acceptance_signals_failure(harness, fault, outcome, says):
    begun(harness, "create-long-migration", outcome=outcome)
    harness.fleet.faults.extend([fault] * bool(fault))
    for _ in range(80):
        harness.pass_time(10 * MINUTE)
    assert harness.schedules() == []
    assert [each["Status"] for each in harness.responses] == ["SUCCESS"]
    assert [each["Status"] for each in harness.signals] == ["FAILURE"]
    assert says in harness.signals[0]["Reason"]


def test_a_defect_after_acceptance_signals_failure(harness, monkeypatch):
    begun(harness, "create-long-migration")
    monkeypatch.setattr("cloudhsm_settings.provider.converge", lambda *_, **__: 1 / 0)
    harness.pass_time()
    assert [each["Status"] for each in harness.signals] == ["FAILURE"]
    assert "failed unexpectedly (ZeroDivisionError)" in harness.signals[0]["Reason"]
    assert harness.schedules() == []


def test_a_request_whose_deadline_has_passed_changes_nothing(harness):
    event = harness.meet(BY_EVENT["create-migration"])
    harness.clock.moment += 3600
    harness.invoke(event)
    assert [each["Status"] for each in harness.responses] == ["FAILED"]
    assert harness.modifies == ()


@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS", "UPDATE_COMPLETE"])
def test_a_create_whose_stack_has_turned_sets_not_even_the_retention(harness, status):
    event = harness.meet(BY_EVENT["create-retention"])
    harness.fleet.cluster(CLUSTER_ID).state = "UPDATE_IN_PROGRESS"
    harness.invoke(event)
    harness.set_stack_status(event, status)
    harness.fleet.cluster(CLUSTER_ID).state = "ACTIVE"
    finish(harness)
    assert harness.modifies == ()
    assert [each["Status"] for each in harness.responses] == ["FAILED"]
