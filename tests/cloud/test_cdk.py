"""The CDK examples, deployed and destroyed by the real CDK CLI: the cluster changes, and nothing is left."""

import shutil

import pytest

from sandbox import cdk
from sandbox.cloudhsm import MigrationOutcome
from sandbox.examples import EXAMPLES, Rehearsal
from sandbox.ministack import ROOT

pytestmark = [pytest.mark.cloud, pytest.mark.weekly]
APPS = ROOT / "examples"


def stacks_of(cloud) -> set[str]:
    return {each["StackName"] for each in cloud.client("cloudformation").describe_stacks()["Stacks"]}


def type_changes(fleet, cluster) -> list[str]:
    calls = [call.members for call in fleet.calls if call.operation == "ModifyCluster"]
    return [each["HsmType"] for each in calls if each["ClusterId"] == cluster.cluster_id and "HsmType" in each]


def deploy(cloud, directory) -> dict:
    """Carries out the README, and names the app and its cluster."""
    known = set(cloud.fleet.clusters)
    result = Rehearsal(cloud).run(next(each for each in EXAMPLES if each.directory == directory))
    assert result.fault == ""
    (cluster_id,) = set(cloud.fleet.clusters) - known
    return {"directory": APPS / directory, "cluster": cluster_id}


def test_a_provider_and_a_cluster_with_one_hsm(cloud, fleet):
    app = deploy(cloud, "cdk")
    now = fleet.cluster(app["cluster"])
    assert (now.hsm_type, now.retention) == ("hsm2m.medium", {"Type": "DAYS", "Value": "30"})
    assert stacks_of(cloud) >= {"CloudHsmSettingsProvider", "CloudHsmSettings"}

    cdk.destroy(cloud, **app)
    assert not stacks_of(cloud) & {"CloudHsmSettingsProvider", "CloudHsmSettings"}
    assert fleet.cluster(app["cluster"]).hsm_type == "hsm2m.medium"
    assert type_changes(fleet, now) == ["hsm2m.medium"]


@pytest.mark.parametrize(
    ("directory", "stack"), [("cdk-long-migration", "CloudHsmLongMigration"), ("cdk-typescript", "CloudHsmTypeScript")]
)
def test_a_cluster_with_several_hsms_and_a_deployed_provider(cloud, fleet, stacks, directory, stack):
    app = deploy(cloud, directory)
    assert {hsm.hsm_type for hsm in fleet.cluster(app["cluster"]).hsms} == {"hsm2m.medium"}
    waited = [each.logical_id for each in stacks.events(stack) if each.status == "CREATE_COMPLETE"]
    assert waited.index("Settings") < next(n for n, name in enumerate(waited) if name.startswith("SettingsMigrated"))
    cdk.destroy(cloud, **app)
    assert stack not in stacks_of(cloud)


def wait_conditions(cloud) -> set[str]:
    resources = cloud.client("cloudformation").describe_stack_resources(StackName="CloudHsmLongMigration")
    return {
        each["LogicalResourceId"]
        for each in resources["StackResources"]
        if each["ResourceType"] == "AWS::CloudFormation::WaitCondition"
    }


def test_every_migration_waits_anew_and_a_failed_one_can_be_tried_again(cloud, fleet, stacks, tmp_path):
    cluster = fleet.seed(hsms=2, outcome=MigrationOutcome.REVERT)
    shutil.copytree(APPS / "cdk-long-migration", tmp_path, dirs_exist_ok=True)
    app = tmp_path / "app.py"
    migrating = app.read_text()
    assert migrating.count('"hsm2m.medium"') == 1

    def deploy() -> str:
        cdk.cdk(cloud, tmp_path, "deploy", "--require-approval=never", cluster=cluster.cluster_id)
        return stacks.outputs("CloudHsmLongMigration")["HsmType"]

    cdk.bootstrap(cloud)
    app.write_text(migrating.replace("hsm2m.medium", "hsm1.medium"))
    assert deploy() == "hsm1.medium"
    before = wait_conditions(cloud)
    app.write_text(migrating)
    with pytest.raises(RuntimeError, match="CloudHSM reverted the change, or somebody turned it back"):
        deploy()
    assert stacks.describe("CloudHsmLongMigration")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert wait_conditions(cloud) == before

    cluster.outcome = MigrationOutcome.SUCCEED
    assert deploy() == "hsm2m.medium"
    assert {hsm.hsm_type for hsm in fleet.cluster(cluster.cluster_id).hsms} == {"hsm2m.medium"}
    assert len(before) == len(wait_conditions(cloud)) == 1
    assert not before & wait_conditions(cloud)
    cdk.destroy(cloud, tmp_path, cluster=cluster.cluster_id)


def test_a_mistake_is_found_by_synth(cloud):
    with pytest.raises(RuntimeError, match="CloudHsmSettings/Settings: cluster is 'cluster-1'"):
        cdk.cdk(cloud, APPS / "cdk", "synth", cluster="cluster-1")
    assert "Custom::CloudHSMClusterSettings" in cdk.cdk(
        cloud, APPS / "cdk", "synth", "CloudHsmSettings", cluster="cluster-abcdefghijk"
    )
