"""Stack rollbacks, waits, drift and turning back, as real stacks of a real CloudFormation engine."""

import json
from contextlib import contextmanager

import pytest

from sandbox.cloud import PROVIDER_STACK
from sandbox.cloudhsm import MigrationOutcome
from sandbox.ministack import ROOT
from sandbox.stacks import Stacks

pytestmark = pytest.mark.cloud
LONG = ROOT / "examples" / "long-migration" / "template.yaml"


def template(cluster_id: str, *, fails: bool = False, waits: str = "", **properties: object) -> str:
    """A stack with the resource, a wait condition handle named `waits`, and perhaps a resource that fails after it."""
    resources: dict = {
        "Settings": {
            "Type": "Custom::CloudHSMClusterSettings",
            "Properties": {
                "ServiceToken": {"Fn::ImportValue": "cloudhsm-cluster-settings-ServiceToken"},
                "ClusterId": cluster_id,
                **properties,
            },
        }
    }
    if waits:
        resources["Settings"]["Properties"]["WaitConditionHandle"] = {"Ref": waits}
        resources[waits] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    if fails:
        resources["Fails"] = {
            "Type": "Custom::CloudHSMClusterSettings",
            "DependsOn": "Settings",
            "Properties": {"ServiceToken": {"Fn::ImportValue": "cloudhsm-cluster-settings-ServiceToken"}},
        }
    names = ("HsmType", "HsmTypeDrifted", "BackupRetentionPolicy.Value", "ClusterId")
    outputs = {name.replace(".", ""): {"Value": {"Fn::GetAtt": ["Settings", name]}} for name in names}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def reasons(stacks: Stacks, stack: str) -> str:
    return "\n".join(event.reason for event in stacks.events(stack))


def type_changes(fleet, cluster) -> list[str]:
    calls = [call.members for call in fleet.calls if call.operation == "ModifyCluster"]
    return [each["HsmType"] for each in calls if each["ClusterId"] == cluster.cluster_id and "HsmType" in each]


OLD, NEW = {"HsmType": "hsm1.medium"}, {"HsmType": "hsm2m.medium"}


def rolled_back(stacks, cluster, name, **properties) -> str:
    """A stack whose update migrates the cluster and then fails for another reason."""
    assert stacks.create(name, template(cluster.cluster_id, **OLD, **properties)) == "CREATE_COMPLETE"
    return stacks.update(name, template(cluster.cluster_id, fails=True, **NEW, **properties))


def test_keep_after_the_migration_has_finished(fleet, stacks):
    cluster = fleet.seed()
    assert rolled_back(stacks, cluster, "keep") == "UPDATE_ROLLBACK_COMPLETE"
    assert fleet.cluster(cluster.cluster_id).hsm_type == "hsm2m.medium"
    assert type_changes(fleet, cluster) == ["hsm2m.medium"]
    assert not cluster.keys_lost


def test_revert_after_the_migration_has_finished(fleet, stacks):
    cluster = fleet.seed()
    assert rolled_back(stacks, cluster, "revert", HsmTypeOnRollback="Revert") == "UPDATE_ROLLBACK_COMPLETE"
    assert fleet.cluster(cluster.cluster_id).hsm_type == "hsm1.medium"
    assert type_changes(fleet, cluster) == ["hsm2m.medium", "hsm1.medium"]


def test_revert_after_the_window_has_closed(fleet, stacks):
    cluster = fleet.seed(rollback_window=-1e9)
    assert rolled_back(stacks, cluster, "too-late", HsmTypeOnRollback="Revert") == "UPDATE_ROLLBACK_COMPLETE"
    assert type_changes(fleet, cluster) == ["hsm2m.medium"]
    assert fleet.cluster(cluster.cluster_id).hsm_type == "hsm2m.medium"


@pytest.mark.parametrize(("choice", "ends_as"), [("Keep", "hsm2m.medium"), ("Revert", "hsm1.medium")])
def test_rollback_while_the_migration_still_runs(fleet, stacks, choice, ends_as):
    cluster = fleet.seed(hsms=5, seconds_per_hsm=6000)
    name = f"running-{choice}"
    stacks.create(name, template(cluster.cluster_id, **OLD, HsmTypeOnRollback=choice))
    going = template(cluster.cluster_id, fails=True, waits="Handle1", **NEW, HsmTypeOnRollback=choice)
    assert stacks.update(name, going) == "UPDATE_ROLLBACK_COMPLETE"
    fleet.clock.advance(24 * 3600)
    assert fleet.cluster(cluster.cluster_id).hsm_type == ends_as
    assert not cluster.keys_lost


@contextmanager
def without_permission_to_read_stacks(cloud):
    iam = cloud.client("iam")
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=PROVIDER_STACK)["StackResources"]
    role = next(each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "FunctionRole")
    policy = iam.get_role_policy(RoleName=role, PolicyName="stack")["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName="stack")
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="stack", PolicyDocument=json.dumps(policy))


def test_rollback_without_permission_to_read_the_stack_keeps(cloud, fleet, stacks):
    cluster = fleet.seed()
    with without_permission_to_read_stacks(cloud):
        assert rolled_back(stacks, cluster, "blind", HsmTypeOnRollback="Revert") == "UPDATE_ROLLBACK_COMPLETE"
    assert type_changes(fleet, cluster) == ["hsm2m.medium"]
    assert not cluster.keys_lost


def test_turning_back_by_hand_needs_consent(fleet, stacks):
    cluster = fleet.seed()
    stacks.create("by-hand", template(cluster.cluster_id, **OLD))
    assert stacks.update("by-hand", template(cluster.cluster_id, **NEW)) == "UPDATE_COMPLETE"
    assert stacks.update("by-hand", template(cluster.cluster_id, **OLD)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "loses every key and user" in reasons(stacks, "by-hand")
    assert fleet.cluster(cluster.cluster_id).hsm_type == "hsm2m.medium"

    consented = template(cluster.cluster_id, **OLD, HsmTypeOnRollback="Revert")
    assert stacks.update("by-hand", consented) == "UPDATE_COMPLETE"
    assert stacks.outputs("by-hand")["HsmType"] == "hsm1.medium"


def test_three_hsms_without_a_wait_condition_are_refused_with_the_cure(fleet, stacks):
    cluster = fleet.seed(hsms=3)
    assert stacks.create("wont-fit", template(cluster.cluster_id, **NEW)) == "ROLLBACK_COMPLETE"
    assert "WaitConditionHandle: !Ref SettingsHandle1" in reasons(stacks, "wont-fit")
    assert type_changes(fleet, cluster) == []


def test_three_hsms_with_a_wait_condition(fleet, stacks):
    cluster = fleet.seed(hsms=3)
    assert stacks.create("long", LONG, ClusterId=cluster.cluster_id) == "CREATE_COMPLETE"
    events = [(event.logical_id, event.status) for event in stacks.events("long")]
    assert events.index(("Settings", "CREATE_COMPLETE")) < events.index(("Migrated1", "CREATE_IN_PROGRESS"))
    (signalled,) = json.loads(stacks.outputs("long")["Migration"]).values()
    assert json.loads(signalled)["State"] == "ACTIVE"
    assert json.loads(signalled)["HsmType"] == "hsm2m.medium"
    assert fleet.cluster(cluster.cluster_id).hsm_type == "hsm2m.medium"


@pytest.mark.weekly
def test_several_hsms_that_cloudhsm_reverts_fail_the_wait_condition(fleet, stacks):
    """As somebody deploys the example who forgets the new names at first."""
    cluster = fleet.seed(hsms=2, seconds_per_hsm=300, outcome=MigrationOutcome.REVERT)
    former = LONG.read_text().replace("hsm2m.medium", "hsm1.medium")
    assert stacks.create("long-reverted", former, ClusterId=cluster.cluster_id) == "CREATE_COMPLETE"

    assert stacks.update("long-reverted", LONG, ClusterId=cluster.cluster_id) == "UPDATE_ROLLBACK_COMPLETE"
    assert "waits only once" in reasons(stacks, "long-reverted")
    assert type_changes(fleet, cluster) == []

    renamed = LONG.read_text().replace("Handle1", "Handle2").replace("Migrated1", "Migrated2")
    assert stacks.update("long-reverted", renamed, ClusterId=cluster.cluster_id) == "UPDATE_ROLLBACK_COMPLETE"
    assert "CloudHSM reverted the change" in reasons(stacks, "long-reverted")
    assert type_changes(fleet, cluster) == ["hsm2m.medium"]
    assert stacks.outputs("long-reverted")["HsmType"] == "hsm1.medium"


def test_drift_is_shown_and_left_alone(fleet, stacks):
    cluster = fleet.seed()
    stacks.create("drift", template(cluster.cluster_id, **OLD))
    cluster.hsm_type = cluster.hsms[0].hsm_type = "hsm2m.medium"
    days = {"BackupRetentionPolicy": {"Type": "DAYS", "Value": 30}}
    assert stacks.update("drift", template(cluster.cluster_id, **OLD, **days)) == "UPDATE_COMPLETE"
    outputs = stacks.outputs("drift")
    assert (outputs["HsmTypeDrifted"], outputs["HsmType"]) == ("true", "hsm2m.medium")
    assert outputs["BackupRetentionPolicyValue"] == "30"
    assert type_changes(fleet, cluster) == []


def test_somebody_elses_migration_is_waited_out(fleet, stacks):
    cluster = fleet.seed()
    cluster.migrate("hsm2m.medium", fleet.clock.now())
    assert stacks.create("others", template(cluster.cluster_id, **NEW)) == "CREATE_COMPLETE"
    assert stacks.outputs("others")["HsmType"] == "hsm2m.medium"
    assert type_changes(fleet, cluster) == []


def test_another_cluster_id_leaves_the_former_cluster_alone(fleet, stacks):
    former, latter = fleet.seed(), fleet.seed()
    stacks.create("moved", template(former.cluster_id, **OLD))
    assert stacks.update("moved", template(latter.cluster_id, **NEW)) == "UPDATE_COMPLETE"
    assert stacks.outputs("moved")["ClusterId"] == latter.cluster_id
    assert (type_changes(fleet, former), type_changes(fleet, latter)) == ([], ["hsm2m.medium"])
    assert former.cluster_id in fleet.clusters


def test_a_cluster_that_is_not_there(fleet, stacks):
    assert stacks.create("nowhere", template("cluster-aaaaaaaaaaa", **NEW)) == "ROLLBACK_COMPLETE"
    assert "cluster-aaaaaaaaaaa does not exist in account" in reasons(stacks, "nowhere")


def test_nothing_is_left_behind(cloud):
    assert cloud.client("scheduler").list_schedules()["Schedules"] == []
    assert cloud.client("events").list_rules()["Rules"] == []
