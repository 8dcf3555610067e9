"""The CDK examples, deployed and destroyed by the real CDK CLI: the cluster changes, and nothing is left."""

import shutil

import pytest

from sandbox import cdk
from sandbox.cloudhsm import Fate
from sandbox.ministack import ROOT

pytestmark = pytest.mark.cloud
EXAMPLES = ROOT / "examples"


def stacks_of(cloud) -> set[str]:
    return {each["StackName"] for each in cloud.client("cloudformation").describe_stacks()["Stacks"]}


def type_changes(fleet, cluster) -> list[str]:
    calls = [call.members for call in fleet.calls if call.operation == "ModifyCluster"]
    return [each["HsmType"] for each in calls if each["ClusterId"] == cluster.cluster_id and "HsmType" in each]


def test_a_provider_and_a_cluster_with_one_hsm(cloud, fleet):
    cluster = fleet.seed()
    app = {"directory": EXAMPLES / "cdk", "cluster": cluster.cluster_id}
    assert cdk.deploy(cloud, **app) == {"HsmType": "hsm2m.medium", "Retention": "30"}
    now = fleet.now_is(cluster.cluster_id)
    assert (now.hsm_type, now.retention) == ("hsm2m.medium", {"Type": "DAYS", "Value": "30"})
    assert stacks_of(cloud) >= {"CloudHsmSettingsProvider", "CloudHsmSettings"}

    cdk.destroy(cloud, **app)
    assert not stacks_of(cloud) & {"CloudHsmSettingsProvider", "CloudHsmSettings"}
    assert fleet.now_is(cluster.cluster_id).hsm_type == "hsm2m.medium"
    assert type_changes(fleet, cluster) == ["hsm2m.medium"]


def test_a_cluster_with_three_hsms_and_a_deployed_provider(cloud, fleet, stacks):
    cluster = fleet.seed(hsms=3)
    app = {"directory": EXAMPLES / "cdk-long-migration", "cluster": cluster.cluster_id}
    assert cdk.deploy(cloud, **app) == {"HsmType": "hsm2m.medium", "PreviousHsmType": "hsm1.medium"}
    assert {hsm.hsm_type for hsm in fleet.now_is(cluster.cluster_id).hsms} == {"hsm2m.medium"}
    waited = [each.logical_id for each in stacks.events("CloudHsmLongMigration") if each.status == "CREATE_COMPLETE"]
    assert waited.index("Settings") < next(n for n, name in enumerate(waited) if name.startswith("SettingsMigrated"))
    cdk.destroy(cloud, **app)
    assert "CloudHsmLongMigration" not in stacks_of(cloud)


def wait_conditions(cloud) -> set[str]:
    resources = cloud.client("cloudformation").describe_stack_resources(StackName="CloudHsmLongMigration")
    return {
        each["LogicalResourceId"]
        for each in resources["StackResources"]
        if each["ResourceType"] == "AWS::CloudFormation::WaitCondition"
    }


def migrating(app: str, hsm_type: str) -> str:
    """An example's app with another type."""
    assert app.count('"hsm2m.medium"') == 1
    return app.replace('"hsm2m.medium"', f'"{hsm_type}"')


def test_every_migration_waits_anew_and_a_failed_one_can_be_tried_again(cloud, fleet, stacks, tmp_path):
    cluster = fleet.seed(hsms=2, fate=Fate.REVERT)
    example = EXAMPLES / "cdk-long-migration"
    shutil.copy(example / "cdk.json", tmp_path)
    app = {"directory": tmp_path, "cluster": cluster.cluster_id}
    script = (example / "app.py").read_text()

    (tmp_path / "app.py").write_text(migrating(script, "hsm1.medium"))
    assert cdk.deploy(cloud, **app)["HsmType"] == "hsm1.medium"
    before = wait_conditions(cloud)
    (tmp_path / "app.py").write_text(migrating(script, "hsm2m.medium"))
    with pytest.raises(RuntimeError, match=r"CloudHSM reverted the change to hsm2m\.medium by itself"):
        cdk.deploy(cloud, **app)
    assert stacks.describe("CloudHsmLongMigration")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"

    cluster.fate = Fate.SUCCEED
    assert cdk.deploy(cloud, **app)["HsmType"] == "hsm2m.medium"
    assert {hsm.hsm_type for hsm in fleet.now_is(cluster.cluster_id).hsms} == {"hsm2m.medium"}
    assert len(before) == len(wait_conditions(cloud)) == 1
    assert not before & wait_conditions(cloud)
    cdk.destroy(cloud, **app)


def test_a_mistake_is_found_by_synth(cloud):
    with pytest.raises(RuntimeError, match="CloudHsmSettings/Settings: cluster is 'cluster-1'"):
        cdk.cdk(cloud, EXAMPLES / "cdk", "synth", cluster="cluster-1")
    assert "Custom::CloudHSMClusterSettings" in cdk.cdk(
        cloud, EXAMPLES / "cdk", "synth", "CloudHsmSettings", cluster="cluster-abcdefghijk"
    )
