"""The rows of the table as real stacks: deployed by the real sam, run by a real CloudFormation engine, IAM enforced."""

import time

import pytest

from sandbox.cloud import Cloud
from sandbox.cloudhsm import MigrationOutcome
from sandbox.ministack import ROOT
from sandbox.stacks import Stacks
from tests.unit.test_insights import QUERIES

pytestmark = pytest.mark.cloud
EXAMPLES = ROOT / "examples"


def reasons(stacks: Stacks, stack: str) -> str:
    return "\n".join(event.reason for event in stacks.events(stack))


def modified(fleet, cluster):
    calls = [call.members for call in fleet.calls if call.operation == "ModifyCluster"]
    return [min(set(each) - {"ClusterId"}) for each in calls if each["ClusterId"] == cluster.cluster_id]


def no_schedules(cloud: Cloud) -> bool:
    return cloud.client("scheduler").list_schedules()["Schedules"] == []


def test_retention_then_migration_then_delete(cloud, fleet, stacks):
    cluster = fleet.seed()
    assert (
        stacks.create("story", EXAMPLES / "retention" / "template.yaml", ClusterId=cluster.cluster_id)
        == "CREATE_COMPLETE"
    )
    assert stacks.outputs("story") == {"HsmType": "hsm1.medium", "Retention": "30"}

    assert (
        stacks.update("story", EXAMPLES / "migration" / "template.yaml", ClusterId=cluster.cluster_id)
        == "UPDATE_COMPLETE"
    )
    outputs = stacks.outputs("story")
    assert outputs["HsmType"] == "hsm2m.medium"
    assert outputs["PreviousHsmType"] == "hsm1.medium"
    assert outputs["State"] == "ACTIVE"
    assert modified(fleet, cluster) == ["BackupRetentionPolicy", "HsmType"]

    assert stacks.delete("story") == "DELETE_COMPLETE"
    assert fleet.cluster(cluster.cluster_id).hsm_type == "hsm2m.medium"
    assert no_schedules(cloud)


@pytest.mark.weekly
def test_a_migration_that_cloudhsm_reverts_rolls_the_stack_back_and_says_so(cloud, fleet, stacks):
    cluster = fleet.seed(outcome=MigrationOutcome.REVERT)
    stacks.create("reverted", EXAMPLES / "retention" / "template.yaml", ClusterId=cluster.cluster_id)

    status = stacks.update("reverted", EXAMPLES / "migration" / "template.yaml", ClusterId=cluster.cluster_id)

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert f"{cluster.cluster_id} is ACTIVE" in reasons(stacks, "reverted")
    assert "CloudHSM reverted the change, or somebody turned it back" in reasons(stacks, "reverted")
    assert modified(fleet, cluster) == ["BackupRetentionPolicy", "HsmType"]
    assert no_schedules(cloud)


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"BackupRetentionPolicy": "{Type: DAYS, Value: 6}"}, "BackupRetentionPolicy.Value is '6'"),
        ({"HsmTyp": "hsm2m.medium"}, "did you mean HsmType?"),
    ],
)
def test_bad_input_fails_the_stack_with_every_fault(fleet, stacks, properties, says):
    cluster = fleet.seed()
    lines = "".join(f"\n      {name}: {value}" for name, value in properties.items())
    template = f"""
Resources:
  Settings:
    Type: Custom::CloudHSMClusterSettings
    Properties:
      ServiceToken: !ImportValue cloudhsm-cluster-settings-ServiceToken
      ClusterId: {cluster.cluster_id}{lines}
"""
    name = f"bad-{'-'.join(properties)}"
    assert stacks.create(name, template) == "ROLLBACK_COMPLETE"
    assert says in reasons(stacks, name)
    assert modified(fleet, cluster) == []


def test_the_function_logs_one_line_for_each_decision_and_no_secret(cloud, fleet, stacks):
    cluster = fleet.seed()
    stacks.create("logged", EXAMPLES / "retention" / "template.yaml", ClusterId=cluster.cluster_id)
    logs = cloud.client("logs")
    messages = [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]
    ours = [each for each in messages if cluster.cluster_id in each]
    assert any('"decision":"ModifyRetention"' in each for each in ours)
    assert any('"decision":"Done"' in each for each in ours)
    assert not any("_ministack/cfn-response" in each for each in messages)
    # The page's own query finds them.
    (query,) = (each for each in QUERIES if '"STACK"' in each)
    group = logs.describe_log_groups()["logGroups"][0]["logGroupName"]
    asked = logs.start_query(
        logGroupName=group, startTime=0, endTime=int(time.time()) + 60, queryString=query.replace("STACK", "logged")
    )
    rows = logs.get_query_results(queryId=asked["queryId"])["results"]
    found = [{each["field"]: each["value"] for each in row} for row in rows]
    assert {each["decision"] for each in found} == {"Done", "ModifyRetention"}
    assert {each["ClusterId"] for each in found} == {cluster.cluster_id}
