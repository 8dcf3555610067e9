"""How often AWS is called: the promise behind "one setting per call, and nothing that is not needed"."""

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

    for client in (clients.dynamodb(), clients.scheduler(), clients.cloudformation()):
        client.meta.events.register("before-call.*", count, unique_id="count")
    yield counted
    for client in (clients.dynamodb(), clients.scheduler(), clients.cloudformation()):
        client.meta.events.unregister("before-call.*", unique_id="count")


def cloudhsm_calls(fleet: Fleet):
    return [call.operation for call in fleet.calls]


def begin(harness: Harness, name: str):
    situation = BY_EVENT[name]
    event = harness.meet(situation)
    harness.invoke(event)


def test_a_no_op_reads_once_and_changes_nothing(harness, others):
    begin(harness, "create-as-declared")
    assert cloudhsm_calls(harness.fleet) == ["DescribeClusters"]
    assert others == {"UpdateItem": 2}, "the claim, and the end"
    assert harness.responses[0]["Status"] == "SUCCESS"


def test_a_retention_change_is_answered_in_its_own_invocation(harness, others):
    begin(harness, "update-drifted")
    assert cloudhsm_calls(harness.fleet) == ["DescribeClusters", "ModifyCluster"]
    assert others == {"UpdateItem": 3}, "the claim, the checkpoint before the call, and the end"
    assert harness.responses[0]["Status"] == "SUCCESS"


def test_what_somebody_else_may_have_set_is_looked_up_once_more(harness, others):
    begin(harness, "create-retention")
    assert others == {"UpdateItem": 3, "Query": 1}


def test_bad_input_calls_no_other_service_than_the_table(harness, others):
    begin(harness, "create-invalid-properties")
    assert cloudhsm_calls(harness.fleet) == []
    assert others == {"UpdateItem": 2}
    assert harness.responses[0]["Status"] == "FAILED"


@pytest.mark.parametrize("event", ["create-uninitialized", "create-wont-fit"])
def test_a_create_that_is_refused_reads_once(harness, others, event):
    begin(harness, event)
    assert cloudhsm_calls(harness.fleet) == ["DescribeClusters"]
    assert others == {"UpdateItem": 2}
    assert harness.responses[0]["Status"] == "FAILED"


def test_a_delete_never_touches_cloudhsm(harness, others):
    begin(harness, "delete")
    assert cloudhsm_calls(harness.fleet) == []
    assert others == {"UpdateItem": 2}


def test_an_idle_poll_reads_once_and_calls_nobody_else(harness, others):
    begin(harness, "create-migration")
    harness.pass_time()
    harness.fleet.calls.clear()
    others.clear()

    (name,) = harness.schedules()
    harness.clock.moment += 60
    harness.invoke(harness.poll_event(name))

    assert cloudhsm_calls(harness.fleet) == ["DescribeClusters"]
    assert others == {"GetItem": 1}
    assert harness.responses == []


def test_a_migration_calls_modify_once_for_each_setting(harness):
    harness.run(harness.meet(BY_EVENT["create-migration"]))
    assert harness.modifies == ("BackupRetentionPolicy", "HsmType")
    calls = [call.members for call in harness.fleet.calls if call.operation == "ModifyCluster"]
    assert calls == [
        {"ClusterId": CLUSTER_ID, "BackupRetentionPolicy": {"Type": "DAYS", "Value": "30"}},
        {"ClusterId": CLUSTER_ID, "HsmType": "hsm2m.medium"},
    ]
