"""The provider as CDK deploys it is the provider of template.yaml."""

import json
from functools import partial

import pytest
from aws_cdk import App, Environment, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template
from aws_cdk.aws_lambda import ApplicationLogLevel, Architecture
from aws_cdk.aws_logs import RetentionDays
from cfnlint.decode.cfn_yaml import loads

from cloudhsm_settings_cdk import EXPORT_NAME, ClusterSettingsProvider
from sandbox.cloud import PROVIDER_STACK
from sandbox.ministack import ROOT
from tests.cdk.synthesized import plain, resources, stack

SOURCE = loads((ROOT / "template.yaml").read_text())
# Code is an asset, tags are sam's, Path is IAM's default, the others are for tools.
UNCOMPARED = {"Code", "CodeUri", "DependsOn", "Metadata", "Path", "Tags"}


def translated(partition="aws", **parameters) -> dict:
    """The resources of template.yaml after its transform, with its parameters' defaults or others."""
    values = {name: each["Default"] for name, each in SOURCE["Parameters"].items()} | parameters
    values["AWS::Partition"] = partition
    made = {}
    for name, declared in SOURCE["Resources"].items():
        resource = dict(declared)
        if holds(resource.pop("Condition", None), values):
            made |= expanded(name, resource) if resource["Type"] == "AWS::Serverless::Function" else {name: resource}
    return plain(given(made, values), {})


def deployed(provider, partition="aws") -> dict:
    """The resources of a provider of CDK, with its conditions decided."""
    conditions = Template.from_stack(Stack.of(provider)).to_json()["Conditions"]
    return given(resources(provider), {"AWS::Partition": partition}, conditions)


def expanded(name, function) -> dict:
    """A function of SAM as its transform writes it, as far as template.yaml uses it."""
    properties = {**SOURCE.get("Globals", {}).get("Function", {}), **function["Properties"]}
    invoke = {**properties.pop("EventInvokeConfig"), "FunctionName": {"Ref": name}, "Qualifier": "$LATEST"}
    if "DestinationConfig" in invoke:
        destination = invoke["DestinationConfig"]["OnFailure"]["Destination"]
        invoke["DestinationConfig"] = {"OnFailure": {"Destination": destination}}
    return {
        name: {"Type": "AWS::Lambda::Function", "Properties": properties},
        f"{name}EventInvokeConfig": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": invoke},
    }


def holds(condition, values, conditions=SOURCE["Conditions"]) -> bool:
    return condition is None or given(conditions[condition], values)


def given(value, values, conditions=SOURCE["Conditions"]):  # noqa: C901  # a table of CloudFormation's functions
    """`value` with parameters and conditions decided; None for AWS::NoValue."""
    match value:
        case {"Ref": "AWS::NoValue"}:
            return None
        case {"Ref": name} if name in values:
            return values[name]
        case {"Fn::If": [name, then, otherwise]}:
            return given(then if holds(name, values, conditions) else otherwise, values, conditions)
        case {"Fn::Not": [condition]}:
            return not given(condition, values)
        case {"Fn::Equals": [one, other]}:
            return given(one, values) == given(other, values)
        case {"Fn::And": conditions}:
            return all(given(condition, values) for condition in conditions)
        case {"Fn::Split": [separator, text]}:
            return given(text, values).split(separator)
        case dict():
            decided = {key: given(each, values, conditions) for key, each in value.items()}
            return {key: each for key, each in decided.items() if each is not None}
        case list():
            return [given(each, values, conditions) for each in value]
        case str():
            for name, chosen in values.items():
                value = value.replace(f"${{{name}}}", str(chosen))
    return value


def compared(value):
    """Without what only tools need, and with lists that are sets sorted."""
    match value:
        case dict():
            return {key: compared(each) for key, each in value.items() if key not in UNCOMPARED}
        case list() if all(isinstance(each, str) for each in value):
            return sorted(value)
        case list():
            return sorted((compared(each) for each in value), key=partial(json.dumps, sort_keys=True))
    return value


@pytest.mark.parametrize(
    ("properties", "parameters"),
    [
        ({}, {}),
        (
            {
                "cluster_id_pattern": "cluster-abcdefghijk",
                "architecture": Architecture.X86_64,
                "log_level": ApplicationLogLevel.DEBUG,
                "log_retention": RetentionDays.ONE_MONTH,
                "use_fips_endpoints": True,
            },
            {
                "ClusterIdPattern": "cluster-abcdefghijk",
                "Architecture": "x86_64",
                "LogLevel": "DEBUG",
                "LogRetentionInDays": 30,
                "UseFipsEndpoints": "true",
            },
        ),
    ],
    ids=["defaults", "everything else"],
)
@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
def test_it_is_what_template_yaml_deploys(properties, parameters, partition):
    ours = compared(deployed(ClusterSettingsProvider(stack(), "Provider", **properties), partition))
    theirs = compared(translated(partition, **parameters))
    assert ours == theirs
    assert "cloudhsm:ModifyCluster" in str(ours)
    assert ("'LogFormat': 'JSON'" in str(ours)) is (partition == "aws")


def test_the_name_of_the_export_is_the_one_of_template_yaml():
    export = SOURCE["Outputs"]["ServiceToken"]["Export"]["Name"]
    assert given(export, {"AWS::StackName": PROVIDER_STACK})["Fn::Sub"] == EXPORT_NAME


def test_a_deployed_provider_by_the_name_of_its_export():
    provider = ClusterSettingsProvider.from_export_name(parent := stack(), "Provider")
    assert parent.resolve(provider.service_token) == {"Fn::ImportValue": EXPORT_NAME}
    other = ClusterSettingsProvider.from_export_name(parent, "Other", "name")
    assert parent.resolve(other.service_token) == {"Fn::ImportValue": "name"}
    assert [each.node.id for each in provider.node.find_all()] == ["Provider", "Function"]


ARN = "arn:aws:lambda:us-east-1:111122223333:function:provider"


def test_a_deployed_provider_by_its_arn():
    parent = stack()
    provider = ClusterSettingsProvider.from_function_arn(parent, "Provider", ARN)
    assert provider.service_token == ARN
    assert [each.node.id for each in provider.node.find_all()] == ["Provider", "Function"]


@pytest.mark.parametrize("deployed", [False, True])
def test_grant_invoke(deployed):
    parent = Stack(App(), "Stack", env=Environment(account="111122223333", region="us-east-1"))
    provider = (
        ClusterSettingsProvider.from_function_arn(parent, "Provider", ARN)
        if deployed
        else ClusterSettingsProvider(parent, "Provider")
    )
    role = iam.Role(parent, "Service", assumed_by=iam.ServicePrincipal("cloudformation.amazonaws.com"))
    provider.grant_invoke(role)
    statement = resources(role)["DefaultPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert len(statement["Resource"]) == 2


def test_in_a_vpc_it_is_what_template_yaml_deploys():
    parent = stack()
    vpc = ec2.Vpc.from_vpc_attributes(
        parent,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["us-east-1a"],
        private_subnet_ids=["subnet-0123456789abcdef0"],
    )
    group = ec2.SecurityGroup.from_security_group_id(parent, "Group", "sg-0123456789abcdef0")
    ours = compared(deployed(ClusterSettingsProvider(parent, "Provider", vpc=vpc, security_groups=[group])))
    assert ours == compared(translated(SubnetIds="subnet-0123456789abcdef0", SecurityGroupIds="sg-0123456789abcdef0"))
    assert "ec2:CreateNetworkInterface" in str(ours)


def test_in_a_vpc():
    parent = stack()
    vpc = ec2.Vpc(parent, "Vpc", max_azs=1)
    provider = ClusterSettingsProvider(parent, "Provider", vpc=vpc)
    endpoints = ec2.SecurityGroup(parent, "Endpoints", vpc=vpc)
    endpoints.connections.allow_from(provider, ec2.Port.HTTPS)
    made = resources(provider)
    for function in ("Function", "Responder"):
        assert made[function]["Properties"]["VpcConfig"]["SecurityGroupIds"]
        assert made[f"{function}Role"]["Properties"]["ManagedPolicyArns"] == "${NetworkPolicy}"
    allow, deny = made["NetworkPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert "ec2:CreateNetworkInterface" in allow["Action"]
    assert (deny["Effect"], deny["Action"]) == ("Deny", "ec2:*")
    assert len(Template.from_stack(parent).find_resources("AWS::EC2::SecurityGroupIngress")) == 2


def test_in_security_groups_of_its_own_choice():
    parent = stack()
    vpc = ec2.Vpc(parent, "Vpc", max_azs=1)
    group = ec2.SecurityGroup(parent, "Group", vpc=vpc)
    subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
    with pytest.raises(RuntimeError, match="public subnet"):
        ClusterSettingsProvider(stack_with(vpc), "Provider", vpc=vpc, vpc_subnets=subnets, security_groups=[group])
    provider = ClusterSettingsProvider(parent, "Provider", vpc=vpc, security_groups=[group])
    assert len(provider.connections.security_groups) == 2
    Template.from_stack(parent).resource_count_is("AWS::EC2::SecurityGroup", 1)


def stack_with(vpc) -> Stack:
    return Stack(Stack.of(vpc).node.root, "Other")


def test_tags_reach_it():
    parent = stack()
    Tags.of(parent).add("owner", "security")
    ClusterSettingsProvider(parent, "Provider")
    tagged = {"Tags": Match.array_with([{"Key": "owner", "Value": "security"}])}
    template = Template.from_stack(parent)
    for kind in (
        "AWS::Lambda::Function",
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
        "AWS::Scheduler::ScheduleGroup",
        "AWS::DynamoDB::Table",
    ):
        template.all_resources_properties(kind, tagged)


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"cluster_id_pattern": "arn:aws:cloudhsm"}, "Stack/Provider: cluster_id_pattern is 'arn:aws:cloudhsm'"),
        ({"log_level": ApplicationLogLevel.TRACE}, "Stack/Provider: log_level is TRACE"),
    ],
)
def test_mistakes(properties, says):
    with pytest.raises(ValueError, match=says):
        ClusterSettingsProvider(stack(), "Provider", **properties)
