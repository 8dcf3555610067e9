"""Operations that a person interrupts: an update that is cancelled, a stack that is deleted while it is created."""

import pytest
from botocore.exceptions import ClientError

from sandbox.ministack import ROOT
from tests.cloud.permissions import eventually
from tests.cloud.test_rollbacks import NEW, OLD, template, type_changes

pytestmark = [pytest.mark.cloud, pytest.mark.weekly]
LONG = ROOT / "examples" / "long-migration" / "template.yaml"
SECONDS_AT_MOST = 100
SLOW = 600_000
"""Seconds of the local CloudHSM for an HSM: nothing is done before the clock is moved on, however slow the machine is."""
FINISHED = 4 * SLOW


def begin_update(cloud, fleet, stacks, cluster, name, body) -> None:
    """Starts an update and waits until CloudHSM changes the type."""
    assert stacks.create(name, template(cluster.cluster_id, **OLD)) == "CREATE_COMPLETE"
    cloud.client("cloudformation").update_stack(StackName=name, TemplateBody=body)
    assert eventually(lambda: fleet.cluster(cluster.cluster_id).state == "MODIFY_IN_PROGRESS", SECONDS_AT_MOST)


def outcome(stacks, name) -> tuple[str, str]:
    """The status in which the stack came to rest, and its events as text."""
    assert eventually(lambda: not stacks.describe(name)["StackStatus"].endswith("IN_PROGRESS"), SECONDS_AT_MOST)
    return stacks.describe(name)["StackStatus"], "\n".join(str(each) for each in stacks.events(name))


def test_a_cancelled_update_is_rolled_back_while_cloudhsm_goes_on(cloud, fleet, stacks):
    cluster = fleet.seed(seconds_per_hsm=SLOW)
    begin_update(cloud, fleet, stacks, cluster, "cancelled", template(cluster.cluster_id, **NEW))
    cloud.client("cloudformation").cancel_update_stack(StackName="cancelled")
    status, events = outcome(stacks, "cancelled")
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert "Resource update cancelled" in events
    assert "User Initiated" in events
    assert type_changes(fleet, cluster) == ["hsm2m.medium"]
    fleet.clock.advance(FINISHED)
    assert fleet.cluster(cluster.cluster_id).hsm_type == "hsm2m.medium"


def test_a_wait_condition_is_cancelled_and_the_next_update_waits_anew(cloud, fleet, stacks):
    cluster, name = fleet.seed(hsms=3, seconds_per_hsm=SLOW), "cancelled-wait"
    body = LONG.read_text()
    cloud.client("cloudformation").create_stack(StackName=name, TemplateBody=template(cluster.cluster_id, **OLD))
    assert outcome(stacks, name)[0] == "CREATE_COMPLETE"
    parameters = [{"ParameterKey": "ClusterId", "ParameterValue": cluster.cluster_id}]
    cloud.client("cloudformation").update_stack(StackName=name, TemplateBody=body, Parameters=parameters)
    assert eventually(lambda: "Migrated1" in {each.logical_id for each in stacks.events(name)}, SECONDS_AT_MOST)
    cloud.client("cloudformation").cancel_update_stack(StackName=name)
    status, events = outcome(stacks, name)
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert "Resource creation cancelled" in events
    fleet.clock.advance(FINISHED)
    assert fleet.cluster(cluster.cluster_id).hsm_type == "hsm2m.medium"
    assert stacks.update(name, body, ClusterId=cluster.cluster_id) == "UPDATE_COMPLETE"


def test_a_stack_that_is_deleted_during_its_creation_ends_the_operation_and_leaves_the_cluster(cloud, fleet, stacks):
    cluster, name = fleet.seed(seconds_per_hsm=SLOW), "deleted-early"
    client = cloud.client("cloudformation")
    stack_id = client.create_stack(StackName=name, TemplateBody=template(cluster.cluster_id, **NEW))["StackId"]
    assert eventually(lambda: fleet.cluster(cluster.cluster_id).state == "MODIFY_IN_PROGRESS", SECONDS_AT_MOST)
    client.delete_stack(StackName=name)
    status, events = outcome(stacks, stack_id)
    assert status == "DELETE_COMPLETE"
    assert "Resource creation cancelled" in events
    assert "ROLLBACK" not in events
    assert type_changes(fleet, cluster) == ["hsm2m.medium"]
    assert fleet.cluster(cluster.cluster_id).state == "MODIFY_IN_PROGRESS"
    made_up = [
        each["PhysicalResourceId"]
        for each in client.describe_stack_events(StackName=stack_id)["StackEvents"]
        if (each["LogicalResourceId"], each["ResourceStatus"]) == ("Settings", "DELETE_COMPLETE")
    ]
    assert made_up[0].startswith("deleted-early-Settings-")


def test_a_stack_that_is_being_updated_is_not_deleted(cloud, fleet, stacks):
    cluster, name = fleet.seed(seconds_per_hsm=SLOW), "not-deleted"
    begin_update(cloud, fleet, stacks, cluster, name, template(cluster.cluster_id, **NEW))
    with pytest.raises(ClientError) as refused:
        cloud.client("cloudformation").delete_stack(StackName=name)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    cloud.client("cloudformation").cancel_update_stack(StackName=name)
    assert outcome(stacks, name)[0] == "UPDATE_ROLLBACK_COMPLETE"
    assert type_changes(fleet, cluster) == ["hsm2m.medium"]
