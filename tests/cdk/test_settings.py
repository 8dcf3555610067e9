"""The resource as CDK writes it into a template."""

import re

import pytest
from aws_cdk import App, Aspects, CfnParameter, CustomResource, Duration, Fn, IAspect, RemovalPolicy, Stack, Token
from aws_cdk import aws_cloudhsm as cloudhsm
from aws_cdk.assertions import Template
from jsii import implements

import cloudhsm_settings_cdk
from cloudhsm_settings.attributes import attributes
from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.event import ENVELOPE
from cloudhsm_settings.properties import PROPERTIES
from cloudhsm_settings.request import Progress
from cloudhsm_settings_cdk import ClusterSettings, ClusterSettingsProvider, HsmTypeOnRollback
from tests.cdk.synthesized import resources, stack

CLUSTER = "cluster-abcdefghijk"
TOKEN = "arn:aws:lambda:us-east-1:111122223333:function:provider"
EVERYTHING = {
    "hsm_type": "hsm2m.medium",
    "backup_retention": Duration.days(30),
    "hsm_type_on_rollback": HsmTypeOnRollback.REVERT,
    "long_migration": Duration.hours(6),
    "service_timeout": Duration.minutes(30),
}


def settings(parent=None, cluster=CLUSTER, **properties) -> ClusterSettings:
    parent = parent or stack()
    provider = ClusterSettingsProvider.from_function_arn(parent, "Provider", TOKEN)
    return ClusterSettings(parent, "Settings", provider=provider, cluster=cluster, **properties)


def template(made: ClusterSettings) -> dict:
    return Template.from_stack(Stack.of(made)).to_json()


def written(made: ClusterSettings) -> dict:
    return template(made)["Resources"]["Settings"]


def waiting(made: ClusterSettings) -> set[str]:
    """Logical ids of the wait condition and its handle."""
    found = template(made)["Resources"].items()
    return {name for name, resource in found if resource["Type"].startswith("AWS::CloudFormation::WaitCondition")}


def test_everything_is_written_as_the_function_knows_it():
    made = settings(**EVERYTHING)
    resource = written(made)
    handle = resource["Properties"].pop("WaitConditionHandle")["Ref"]
    assert template(made)["Resources"][handle]["Type"] == "AWS::CloudFormation::WaitConditionHandle"
    assert resource == {
        "Type": "Custom::CloudHSMClusterSettings",
        "Properties": {
            "ServiceToken": TOKEN,
            "ServiceTimeout": "1800",
            "ClusterId": CLUSTER,
            "HsmType": "hsm2m.medium",
            "BackupRetentionPolicy": {"Type": "DAYS", "Value": 30},
            "HsmTypeOnRollback": "Revert",
        },
        "DeletionPolicy": "Delete",
        "UpdateReplacePolicy": "Delete",
    }


def test_every_property_of_the_function_can_be_given_and_no_other():
    assert set(written(settings(**EVERYTHING))["Properties"]) == {*PROPERTIES, *ENVELOPE}


def test_what_is_not_given_is_not_written():
    assert set(written(settings(hsm_type="hsm2m.medium"))["Properties"]) == {"ServiceToken", "ClusterId", "HsmType"}
    days = written(settings(backup_retention=Duration.days(7)))["Properties"]
    assert set(days) == {"ServiceToken", "ClusterId", "BackupRetentionPolicy"}


def test_every_attribute_of_the_function_has_a_property_and_no_other():
    known = {
        f"attr_{re.sub(r'(?<!^)(?=[A-Z])', '_', name.replace('.', '')).lower()}": name
        for name in attributes(Cluster(CLUSTER, "ACTIVE"), Progress())
    }
    assert {name for name in dir(ClusterSettings) if name.startswith("attr_")} == set(known)
    made = settings(hsm_type="hsm2m.medium")
    for property_name, name in known.items():
        get_att = {"Fn::GetAtt": ["Settings", name]}
        assert Stack.of(made).resolve(getattr(made, property_name)) in (get_att, {"Fn::Split": [",", get_att]})


def test_attributes_are_of_the_type_that_they_say():
    made = settings(hsm_type="hsm2m.medium")
    resolve = Stack.of(made).resolve
    assert resolve(Fn.select(0, made.attr_hsm_ids)) == {
        "Fn::Select": [0, {"Fn::Split": [",", {"Fn::GetAtt": ["Settings", "HsmIds"]}]}]
    }
    assert resolve({"Threshold": made.attr_hsm_count}) == {"Threshold": {"Fn::GetAtt": ["Settings", "HsmCount"]}}
    assert resolve(f"type {made.attr_hsm_type}") == {
        "Fn::Join": ["", ["type ", {"Fn::GetAtt": ["Settings", "HsmType"]}]]
    }
    assert resolve(made.ref) == {"Ref": "Settings"}


def test_tokens_pass():
    parent = stack()
    cluster_id = CfnParameter(parent, "ClusterId").value_as_string
    hsm_type = Fn.import_value("hsm-type")
    days = CfnParameter(parent, "Days", type="Number").value_as_number
    made = settings(parent, cluster_id, hsm_type=hsm_type, backup_retention=Duration.days(days))
    assert written(made)["Properties"] == {
        "ServiceToken": TOKEN,
        "ClusterId": {"Ref": "ClusterId"},
        "HsmType": {"Fn::ImportValue": "hsm-type"},
        "BackupRetentionPolicy": {"Type": "DAYS", "Value": {"Ref": "Days"}},
    }


def native(parent) -> cloudhsm.CfnCluster:
    return cloudhsm.CfnCluster(parent, "Cluster", hsm_type="hsm1.medium", subnet_ids=["subnet-0a1b2c3d"])


def test_a_cluster_of_the_same_app():
    parent = stack()
    made = settings(parent, native(parent), hsm_type="hsm2m.medium", long_migration=Duration.hours(2))
    assert written(made)["Properties"]["ClusterId"] == {"Fn::GetAtt": ["Cluster", "ClusterId"]}


def test_a_cluster_of_another_stack_of_the_app():
    app = App()
    cluster = native(Stack(app, "Clusters"))
    made = settings(Stack(app, "Stack"), cluster, hsm_type="hsm2m.medium", long_migration=Duration.hours(2))
    assert "Fn::ImportValue" in written(made)["Properties"]["ClusterId"]


def test_the_wait_condition_comes_after_the_settings_and_holds_what_depends_on_them():
    made = settings(hsm_type="hsm2m.medium", long_migration=Duration.hours(6))
    after = CustomResource(Stack.of(made), "After", service_token=TOKEN)
    after.node.add_dependency(made)
    found = template(made)["Resources"]
    (condition,) = (name for name, each in found.items() if each["Type"] == "AWS::CloudFormation::WaitCondition")
    assert found[condition] == {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": found["Settings"]["Properties"]["WaitConditionHandle"], "Timeout": "21600"},
        "DependsOn": ["Settings"],
    }
    assert condition in found["After"]["DependsOn"]
    assert Stack.of(made).resolve(made.wait_condition.logical_id) == condition
    assert settings(hsm_type="hsm2m.medium").wait_condition is None


LONG = {"hsm_type": "hsm2m.medium", "long_migration": Duration.hours(6)}


@pytest.mark.parametrize(
    ("change", "waits_anew"),
    [
        ({}, False),
        ({"backup_retention": Duration.days(60)}, False),
        ({"hsm_type_on_rollback": HsmTypeOnRollback.REVERT}, False),
        ({"service_timeout": Duration.minutes(10)}, False),
        ({"hsm_type": "hsm2m.large"}, True),
        ({"cluster": "cluster-lmnopqrstuv"}, True),
        # A wait condition cannot be updated.
        ({"long_migration": Duration.hours(7)}, True),
    ],
)
def test_logical_ids_change_exactly_when_there_is_something_new_to_wait_for(change, waits_anew):
    before, after = waiting(settings(**LONG)), waiting(settings(**{**LONG, **change}))
    assert len(before) == len(after) == 2
    assert before & after == (set() if waits_anew else before)


def test_logical_ids_do_not_depend_on_how_many_tokens_there_are():
    """A token's own text counts the tokens made before it, in this process."""

    def made(before):
        parent = stack()
        for number in range(before):
            Token.as_string(Fn.ref(f"Any{number}"))
        return waiting(settings(parent, CfnParameter(parent, "ClusterId").value_as_string, **LONG))

    assert made(0) == made(7)


def test_without_long_migration_nothing_waits():
    made = settings(hsm_type="hsm2m.medium")
    assert waiting(made) == set()
    assert "WaitConditionHandle" not in written(made)["Properties"]


def test_a_provider_beside_it_is_there_before_and_after():
    """Else the first request could come before Scheduler may invoke the function, or a Delete after the role is gone."""
    parent = stack()
    provider = ClusterSettingsProvider(parent, "Provider", cluster_id_pattern="cluster-*")
    made = ClusterSettings(parent, "Settings", provider=provider, cluster=CLUSTER, **LONG)
    ids = {name for name in template(made)["Resources"] if name.startswith("Provider")}
    assert set(written(made)["DependsOn"]) == ids
    assert "SchedulerPolicy" in resources(provider)


def test_a_provider_in_another_stack_is_deployed_first():
    app = App()
    provider = ClusterSettingsProvider(Stack(app, "ProviderStack"), "Provider", cluster_id_pattern="cluster-*")
    made = ClusterSettings(Stack(app, "Stack"), "Settings", provider=provider, cluster=CLUSTER, hsm_type="hsm2m.medium")
    assert "Fn::ImportValue" in written(made)["Properties"]["ServiceToken"]
    assert [each.node.id for each in Stack.of(made).dependencies] == ["ProviderStack"]


@pytest.mark.parametrize(
    ("policy", "expected"), [(RemovalPolicy.RETAIN, "Retain"), (RemovalPolicy.DESTROY, "Delete"), (None, "Delete")]
)
def test_removal_policy(policy, expected):
    resource = written(settings(hsm_type="hsm2m.medium", removal_policy=policy))
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (expected, expected)


def test_removal_policy_can_be_applied_later():
    made = settings(hsm_type="hsm2m.medium")
    made.apply_removal_policy(RemovalPolicy.RETAIN)
    assert written(made)["DeletionPolicy"] == "Retain"


def test_aspects_see_it():
    @implements(IAspect)
    class Seen:
        kinds: list[str] = []  # noqa: RUF012

        def visit(self, node):
            self.kinds.append(type(node).__name__)

    made = settings(**LONG)
    Aspects.of(made).add(Seen())
    template(made)
    assert Seen.kinds[0] == "ClusterSettings"
    assert {"CfnWaitCondition", "CfnWaitConditionHandle"} <= set(Seen.kinds)


def test_the_package_exports_what_it_says():
    assert all(hasattr(cloudhsm_settings_cdk, name) for name in cloudhsm_settings_cdk.__all__)
