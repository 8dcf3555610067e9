"""How often AWS is called: the promise behind "one setting per call, and nothing that is not needed"."""

import json
from collections import Counter

import pytest

from cloudhsm_settings import clients
from events.situations import BY_EVENT, CLUSTER_ID
from sandbox.cloudhsm import Fleet
from tests.harness import Harness


@pytest.fixture
def others(harness: Harness):
    """Calls to every service but CloudHSM, by operation."""
    counted = Counter()

    def count(event_name, **_):
        counted[event_name.rsplit(".", 1)[-1]] += 1

    for client in (clients.scheduler(), clients.cloudformation()):
        client.meta.events.register("before-call.*", count, unique_id="count")
    yield counted
    for client in (clients.scheduler(), clients.cloudformation()):
        client.meta.events.unregister("before-call.*", unique_id="count")


def cloudhsm_calls(fleet: Fleet):
    return [call.operation for call in fleet.calls]


def begin(harness: Harness, name: str):
    situation = BY_EVENT[name]
    situation.seed(harness.fleet)
    event = harness.deliverable(situation.load())
    harness.set_stack_status(event, situation.stack_status)
    harness.invoke(event)


def test_a_no_op_reads_once_and_changes_nothing(harness, others):
    begin(harness, "create-as-declared")
    assert cloudhsm_calls(harness.fleet) == ["DescribeClusters"]
    assert others == {"ListSchedules": 1}
    assert harness.responses[0]["Status"] == "SUCCESS"


def test_a_retention_change_is_answered_in_its_own_invocation(harness, others):
    begin(harness, "create-retention")
    assert cloudhsm_calls(harness.fleet) == ["DescribeClusters", "ModifyCluster"]
    assert others == {"ListSchedules": 1}
    assert harness.responses[0]["Status"] == "SUCCESS"


def test_bad_input_calls_nobody(harness, others):
    begin(harness, "create-invalid-properties")
    assert cloudhsm_calls(harness.fleet) == []
    assert others == {}
    assert harness.responses[0]["Status"] == "FAILED"


@pytest.mark.parametrize("event", ["create-uninitialized", "create-wont-fit"])
def test_a_create_that_is_refused_reads_once(harness, others, event):
    begin(harness, event)
    assert cloudhsm_calls(harness.fleet) == ["DescribeClusters"]
    assert others == {"ListSchedules": 1}
    assert harness.responses[0]["Status"] == "FAILED"


def test_a_delete_never_touches_cloudhsm(harness, others):
    begin(harness, "delete")
    assert cloudhsm_calls(harness.fleet) == []
    assert others == {"ListSchedules": 1}


def test_an_idle_look_reads_once_and_calls_nobody_else(harness, others):
    begin(harness, "create-migration")
    harness.fleet.calls.clear()
    (name,) = harness.schedules()
    poll = harness.poll_event(name)
    others.clear()

    harness.clock.moment += 60
    harness.invoke(poll)

    assert cloudhsm_calls(harness.fleet) == ["DescribeClusters"]
    assert others == {}
    assert harness.responses == []


def test_a_migration_calls_modify_once_for_each_setting(harness):
    begin(harness, "create-migration")
    harness.run(json.loads(json.dumps(harness.poll_event(harness.schedules()[0]))))
    assert harness.modifies == ("BackupRetentionPolicy", "HsmType")
    assert harness.fleet.calls[1].members == {
        "ClusterId": CLUSTER_ID,
        "BackupRetentionPolicy": {"Type": "DAYS", "Value": "30"},
    }
    assert harness.fleet.calls[2].members == {"ClusterId": CLUSTER_ID, "HsmType": "hsm2m.medium"}
