"""The templates of the examples: as they were, and as cdk-nag wants them."""

import pytest
from aws_cdk import App, Duration, Stack, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.aws_scheduler import ScheduleExpression
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks

from cloudhsm_settings_cdk import ClusterSettings, ClusterSettingsProvider
from tools.deployed import EVERY_PARAMETER
from tools.snapshots import SNAPSHOTS, all_templates


def test_templates_are_as_they_were():
    made = all_templates()
    assert set(SNAPSHOTS.iterdir()) == set(made), "run `make generate`"
    for path, text in made.items():
        assert path.read_text() == text, "run `make generate`, and look at the difference"


def app_with_everything(**properties) -> App:
    app = App()
    parent = Stack(app, "Stack")
    provider = ClusterSettingsProvider(parent, "Provider", **{"cluster_id_pattern": "cluster-*", **properties})
    ClusterSettings(parent, "Settings", provider=provider, cluster="cluster-abcdefghijk", hsm_type="hsm2m.medium")
    packs = (AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks)
    Validations.of(app).add_plugins(*(pack(app) for pack in packs))
    return app


@pytest.mark.parametrize("pattern", ["cluster-*", "cluster-abcdefghijk"])
def test_cdk_nag_finds_nothing(pattern):
    app_with_everything(cluster_id_pattern=pattern).synth()


def test_a_key_and_a_vpc_leave_nothing_to_acknowledge_of_them():
    other = Stack(None, "Other")
    vpc = ec2.Vpc.from_vpc_attributes(
        other,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["us-east-1a"],
        private_subnet_ids=["subnet-0123456789abcdef0"],
    )
    key = kms.Key.from_key_arn(other, "Key", EVERY_PARAMETER["KmsKeyArn"])
    app = app_with_everything(vpc=vpc, kms_key=key, drift_check=ScheduleExpression.rate(Duration.days(1)))
    acknowledged = str([entry.data for each in app.node.find_all() for entry in each.node.metadata])
    assert "LambdaDLQ" in acknowledged
    assert "CloudWatchLogGroupEncrypted" not in acknowledged
    assert "LambdaInsideVPC" not in acknowledged
    app.synth()


def test_cdk_nag_looks():
    app = app_with_everything()
    role = app.node.find_child("Stack").node.find_child("Provider").node.find_child("FunctionRole")
    role.add_to_policy(iam.PolicyStatement(actions=["cloudhsm:*"], resources=["*"]))
    with pytest.raises(RuntimeError, match=r"AwsSolutions-IAM5\[Action::cloudhsm:\*\]"):
        app.synth()
