"""Hundreds of operations in flight at once; `make bench` has ten thousand."""

import json

import pytest

from cloudhsm_settings import clients
from events.situations import BY_EVENT
from sandbox.cloudhsm.model import new_id
from tests.harness import Harness

OPERATIONS = 300
MIGRATION = BY_EVENT["update-migration"]


@pytest.mark.weekly
def test_hundreds_of_operations_in_flight(harness: Harness):
    events = []
    for number in range(OPERATIONS):
        event = harness.deliverable(MIGRATION.load())
        cluster = harness.fleet.seed(cluster_id=new_id("cluster"))
        event |= {"LogicalResourceId": f"Settings{number}", "RequestId": f"{number:08d}-1111-4000-8000-000000000000"}
        event["PhysicalResourceId"] = event["ResourceProperties"]["ClusterId"] = cluster.cluster_id
        event["OldResourceProperties"]["ClusterId"] = cluster.cluster_id
        events.append(event)
    harness.set_stack_status(events[0], "UPDATE_IN_PROGRESS")
    used = set()
    for client in (clients.cloudhsm(), clients.dynamodb(), clients.scheduler(), clients.cloudformation()):
        client.meta.events.register("before-call.*", lambda model, **_: used.add(model.name), unique_id="used")

    for event in events:
        harness.invoke(event)
    assert len(harness.schedules()) == OPERATIONS
    assert harness.responses == []

    harness.pass_time(31 * 60)
    assert harness.schedules() == []
    assert {each["LogicalResourceId"] for each in harness.responses} == {each["LogicalResourceId"] for each in events}
    assert {each["Status"] for each in harness.responses} == {"SUCCESS"}
    assert len(harness.responses) == OPERATIONS
    assert harness.modifies.count("HsmType") == OPERATIONS
    # Nothing that could grow: no permission, no rule, no role, no second table.
    own_calls = {"CreateSchedule", "DeleteSchedule", "UpdateItem", "GetItem"}
    assert used <= own_calls | {"DescribeClusters", "ModifyCluster", "DescribeStacks"}, json.dumps(sorted(used))
