"""What `monitor` makes is what examples/monitoring deploys, property by property."""

import json
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks
from cfnlint.decode.cfn_yaml import loads

from cloudhsm_settings_cdk import ClusterSettingsProvider
from sandbox.ministack import ROOT
from tests.cdk.synthesized import plain, resources, stack
from tests.cdk.test_provider import compared

SOURCE = loads((ROOT / "examples" / "monitoring" / "template.yaml").read_text())
TOPIC = "arn:aws:sns:us-east-1:111122223333:oncall"
OF_A_TOPIC_OF_ITS_OWN = {"Topic", "Subscription", "TopicPolicy"}


@pytest.fixture(scope="module")
def provider() -> ClusterSettingsProvider:
    parent = stack()
    made = ClusterSettingsProvider(parent, "Provider", cluster_id_pattern="cluster-*")
    made.monitor(sns.Topic.from_topic_arn(parent, "Topic", TOPIC))
    return made


def names_of(provider) -> dict[str, Any]:
    """What the template imports -> what the construct refers to."""
    known = {
        "FunctionName": provider.function.function_name,
        "FunctionRoleArn": provider.function.role.role_arn,
        "ResponderName": provider.responder.function_name,
        "LogGroupName": provider.log_group.log_group_name,
        "ScheduleGroupName": provider.node.find_child("ScheduleGroup").ref,
    }
    return {name: plain(Stack.of(provider).resolve(value), {}) for name, value in known.items()}


def imported(value: Any, names: dict[str, Any]) -> Any:
    """`value` for a topic that is given, with everything that it imports by its name in the construct."""
    match value:
        case {"Fn::If": ["MakesTopic", _, _]}:
            return TOPIC
        case {"Fn::ImportValue": {"Fn::Sub": str(name)}}:
            return names[name.removeprefix("${ProviderStack}-")]
        case {"Fn::Sub": [text, variables]}:
            for name, each in variables.items():
                text = text.replace(f"${{{name}}}", imported(each, names))
            return text.replace("${!", "${")
        case dict():
            return {key: imported(each, names) for key, each in value.items()}
        case list():
            return [imported(each, names) for each in value]
    return value


def decided(value: Any) -> Any:
    if isinstance(value, dict) and "DashboardBody" in value:
        return {**value, "DashboardBody": json.loads(value["DashboardBody"])}
    return value


def shown(made: dict[str, Any]) -> dict[str, Any]:
    return {name: compared({**each, "Properties": decided(each["Properties"])}) for name, each in made.items()}


def declared(names: dict[str, Any]) -> dict[str, Any]:
    ours = {name: each for name, each in SOURCE["Resources"].items() if name not in OF_A_TOPIC_OF_ITS_OWN}
    return shown(plain(imported(ours, names), {}))


def made_by(provider) -> dict[str, Any]:
    return shown(resources(provider.node.find_child("Monitoring")))


def test_it_has_the_resources_of_the_example_and_no_others(provider):
    assert set(made_by(provider)) == set(declared(names_of(provider)))


@pytest.mark.parametrize("name", sorted(set(SOURCE["Resources"]) - OF_A_TOPIC_OF_ITS_OWN))
def test_it_is_what_the_example_deploys(provider, name):
    assert made_by(provider)[name] == declared(names_of(provider))[name]


def test_a_topic_of_the_app_lets_both_publish():
    parent = stack()
    topic = sns.Topic(parent, "Topic")
    monitoring = ClusterSettingsProvider(parent, "Provider", cluster_id_pattern="cluster-*").monitor(topic)
    (policy,) = Template.from_stack(parent).find_resources("AWS::SNS::TopicPolicy").values()
    ids = {topic.topic_arn: "Topic", monitoring.rule.logical_id: "OtherChanges"}
    known = {parent.resolve(key)["Ref"] if i == 0 else parent.resolve(key): n for i, (key, n) in enumerate(ids.items())}
    theirs = SOURCE["Resources"]["TopicPolicy"]["Properties"]["PolicyDocument"]
    assert plain(policy["Properties"]["PolicyDocument"], known) == plain(theirs, {})


def test_cdk_nag_finds_nothing():
    app = App()
    parent = Stack(app, "Stack")
    provider = ClusterSettingsProvider(parent, "Provider", cluster_id_pattern="cluster-*")
    provider.monitor(sns.Topic.from_topic_arn(parent, "Topic", TOPIC))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()
