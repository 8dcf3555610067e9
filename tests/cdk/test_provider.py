"""The provider as CDK deploys it is the provider of template.yaml."""

import json
import re
from functools import partial

import pytest
from aws_cdk import App, Duration, Environment, Fn, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Match, Template
from aws_cdk.aws_lambda import ApplicationLogLevel, Architecture
from aws_cdk.aws_logs import RetentionDays
from aws_cdk.aws_scheduler import ScheduleExpression

from cloudhsm_settings_cdk import EXPORT_NAME, ClusterSettingsProvider
from cloudhsm_settings_cdk.limits import provider_faults
from sandbox.cloud import PROVIDER_STACK
from tests.cdk.synthesized import plain, resources, stack
from tools.deployed import ALL, EVERY_PARAMETER, SOURCE, given, values
from tools.deployed import resources as template_resources

# Code is an asset, tags are sam's, the others are for tools.
UNCOMPARED = {"Code", "CodeUri", "DependsOn", "Metadata", "Tags"}
BOUNDARY, KEY, SIGNING = (
    EVERY_PARAMETER[name] for name in ("PermissionsBoundary", "KmsKeyArn", "CodeSigningConfigArn")
)


def translated(partition="aws", **parameters) -> dict:
    """The resources of template.yaml after its transform, with its parameters' defaults or others."""
    chosen, made = values(partition, **parameters), {}
    for name, resource in template_resources(chosen).items():
        made |= (
            expanded(name, resource, chosen) if resource["Type"] == "AWS::Serverless::Function" else {name: resource}
        )
    return plain(made, {})


def deployed(provider, partition="aws") -> dict:
    """The resources of a provider of CDK, with its conditions decided."""
    conditions = Template.from_stack(Stack.of(provider)).to_json()["Conditions"]
    return given(resources(provider), {"AWS::Partition": partition}, conditions)


def expanded(name, function, chosen) -> dict:
    """A function of SAM as its transform writes it, as far as template.yaml uses it."""
    properties = {**given(SOURCE["Globals"]["Function"], chosen), **function["Properties"]}
    invoke = {**properties.pop("EventInvokeConfig"), "FunctionName": {"Ref": name}, "Qualifier": "$LATEST"}
    if "DestinationConfig" in invoke:
        destination = invoke["DestinationConfig"]["OnFailure"]["Destination"]
        invoke["DestinationConfig"] = {"OnFailure": {"Destination": destination}}
    return {
        name: {"Type": "AWS::Lambda::Function", "Properties": properties},
        f"{name}EventInvokeConfig": {"Type": "AWS::Lambda::EventInvokeConfig", "Properties": invoke},
    }


def provider(parent=None, **properties) -> ClusterSettingsProvider:
    return ClusterSettingsProvider(parent or stack(), "Provider", **{"cluster_id_pattern": ALL, **properties})


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
                "drift_check": ScheduleExpression.rate(Duration.days(1)),
                "use_fips_endpoints": True,
            },
            {
                "ClusterIdPattern": "cluster-abcdefghijk",
                "Architecture": "x86_64",
                "LogLevel": "DEBUG",
                "LogRetentionInDays": 30,
                "DriftCheck": "rate(1 day)",
                "UseFipsEndpoints": "true",
            },
        ),
    ],
    ids=["defaults", "everything else"],
)
@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
def test_it_is_what_template_yaml_deploys(properties, parameters, partition):
    ours = compared(deployed(provider(**properties), partition))
    theirs = compared(translated(partition, **parameters))
    assert ours == theirs
    assert "cloudhsm:ModifyCluster" in str(ours)
    assert ("'LogFormat': 'JSON'" in str(ours)) is (partition == "aws")


def test_with_everything_that_a_platform_team_prescribes_it_is_what_template_yaml_deploys():
    parent = stack()
    ours = provider(
        parent,
        cluster_tag="settings=this stack",
        permissions_boundary=iam.ManagedPolicy.from_managed_policy_arn(parent, "Boundary", BOUNDARY),
        role_path="/platform/hsm/",
        kms_key=kms.Key.from_key_arn(parent, "Key", KEY),
        code_signing_config=lambda_.CodeSigningConfig.from_code_signing_config_arn(parent, "Signing", SIGNING),
        drift_check=ScheduleExpression.rate(Duration.days(1)),
    )
    theirs = translated(**EVERY_PARAMETER, DriftCheck="rate(1 day)")
    assert compared(deployed(ours)) == compared(theirs)
    made = deployed(ours)
    roles = [each["Properties"] for each in made.values() if each["Type"] == "AWS::IAM::Role"]
    assert {(each["Path"], each["PermissionsBoundary"]) for each in roles} == {("/platform/hsm/", BOUNDARY)}
    assert len(roles) == 3
    functions = [each["Properties"] for each in made.values() if each["Type"] == "AWS::Lambda::Function"]
    assert {(each["KmsKeyArn"], each["CodeSigningConfigArn"]) for each in functions} == {(KEY, SIGNING)}
    assert len(functions) == 2
    assert made["Function"]["Properties"]["Environment"]["Variables"]["SCHEDULE_KMS_KEY_ARN"] == KEY
    assert made["LogGroup"]["Properties"]["KmsKeyId"] == KEY
    assert made["Table"]["Properties"]["SSESpecification"]["KMSMasterKeyId"] == KEY
    assert {"StringEquals": {"aws:ResourceTag/settings": "this stack"}} in conditions_of(made)


def conditions_of(value) -> list:
    """Every Condition of every statement."""
    match value:
        case {"Condition": condition}:
            return [condition]
        case dict():
            return [each for part in value.values() for each in conditions_of(part)]
        case list():
            return [each for part in value for each in conditions_of(part)]
    return []


def test_a_key_of_the_app_lets_cloudwatch_logs_use_it():
    parent = stack()
    key = kms.Key(parent, "Key")
    provider(parent, kms_key=key)
    (made,) = plain(Template.from_stack(parent).find_resources("AWS::KMS::Key"), {}).values()
    root, logs = made["Properties"]["KeyPolicy"]["Statement"]
    assert root["Action"] == "kms:*"
    assert logs["Principal"] == {"Service": "logs.${AWS::Region}.amazonaws.com"}
    assert logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"].endswith(":log-group:*")


PARAMETERS = SOURCE["Parameters"]


@pytest.mark.parametrize(
    ("parameter", "accepted", "refused"),
    [
        ("ClusterIdPattern", [ALL, "cluster-abcdefghijk"], ["", "arn:aws:cloudhsm:::cluster/*"]),
        ("ClusterTag", ["", "a=b", "a b:c/d=", "aws:x=y"], ["a", "=b", "a=b=c", 'a="', "a=*", "${a}=b"]),
        ("RolePath", ["/", "/a/", "/a/b/"], ["", "a", "/a", "a/", "/a b/"]),
    ],
)
def test_the_template_and_the_construct_accept_the_same(parameter, accepted, refused):
    name = {"ClusterIdPattern": "cluster_id_pattern", "ClusterTag": "cluster_tag", "RolePath": "role_path"}[parameter]
    given = {"cluster_id_pattern": ALL, "cluster_tag": None, "log_level": ApplicationLogLevel.INFO, "role_path": "/"}
    for value in [*accepted, *refused]:
        good = re.fullmatch(PARAMETERS[parameter]["AllowedPattern"], value, re.ASCII) is not None
        assert good is (value in accepted), value
        if value or name != "cluster_tag":  # None there
            assert (not list(provider_faults(**{**given, name: value}))) is good, value


@pytest.mark.parametrize(
    ("parameter", "accepted"),
    [("PermissionsBoundary", BOUNDARY), ("KmsKeyArn", KEY), ("CodeSigningConfigArn", SIGNING)],
)
def test_arns_are_whole_or_absent(parameter, accepted):
    pattern = PARAMETERS[parameter]["AllowedPattern"]
    for value in ("", accepted, accepted.replace("arn:aws:", "arn:aws-us-gov:")):
        assert re.fullmatch(pattern, value), value
    for value in (accepted[4:], "alias/aws/lambda", f"{accepted}\n", "*"):
        assert not re.fullmatch(pattern, value), value


def test_whoever_installs_says_which_clusters():
    assert [name for name, each in PARAMETERS.items() if "Default" not in each] == ["ClusterIdPattern"]
    with pytest.raises(TypeError, match="cluster_id_pattern"):
        ClusterSettingsProvider(stack(), "Provider")


def test_the_name_of_the_export_is_the_one_of_template_yaml():
    export = SOURCE["Outputs"]["ServiceToken"]["Export"]["Name"]
    assert given(export, {"AWS::StackName": PROVIDER_STACK}) == EXPORT_NAME


def test_a_deployed_provider_by_the_name_of_its_export():
    ours = ClusterSettingsProvider.from_export_name(parent := stack(), "Provider")
    assert parent.resolve(ours.service_token) == {"Fn::ImportValue": EXPORT_NAME}
    other = ClusterSettingsProvider.from_export_name(parent, "Other", "name")
    assert parent.resolve(other.service_token) == {"Fn::ImportValue": "name"}
    assert [each.node.id for each in ours.node.find_all()] == ["Provider", "Function"]


ARN = "arn:aws:lambda:us-east-1:111122223333:function:provider"


def test_a_deployed_provider_by_its_arn():
    parent = stack()
    theirs = ClusterSettingsProvider.from_function_arn(parent, "Provider", ARN)
    assert theirs.service_token == ARN
    assert [each.node.id for each in theirs.node.find_all()] == ["Provider", "Function"]


@pytest.mark.parametrize("deployed", [False, True])
def test_grant_invoke(deployed):
    parent = Stack(App(), "Stack", env=Environment(account="111122223333", region="us-east-1"))
    granting = ClusterSettingsProvider.from_function_arn(parent, "Provider", ARN) if deployed else provider(parent)
    role = iam.Role(parent, "Service", assumed_by=iam.ServicePrincipal("cloudformation.amazonaws.com"))
    granting.grant_invoke(role)
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
    ours = compared(deployed(provider(parent, vpc=vpc, security_groups=[group])))
    assert ours == compared(translated(SubnetIds="subnet-0123456789abcdef0", SecurityGroupIds="sg-0123456789abcdef0"))
    assert "ec2:CreateNetworkInterface" in str(ours)


def test_in_a_vpc():
    parent = stack()
    vpc = ec2.Vpc(parent, "Vpc", max_azs=1)
    inside = provider(parent, vpc=vpc)
    endpoints = ec2.SecurityGroup(parent, "Endpoints", vpc=vpc)
    endpoints.connections.allow_from(inside, ec2.Port.HTTPS)
    made = resources(inside)
    for function in ("Function", "Responder"):
        assert made[function]["Properties"]["VpcConfig"]["SecurityGroupIds"]
        assert made[f"{function}Role"]["Properties"]["ManagedPolicyArns"] == "${NetworkPolicy}"
    allow, deny = made["NetworkPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert "ec2:CreateNetworkInterface" in allow["Action"]
    assert deny["Effect"] == "Deny"
    assert set(allow["Action"]) - set(deny["Action"]) == {"ec2:DescribeSubnets"}
    assert len(Template.from_stack(parent).find_resources("AWS::EC2::SecurityGroupIngress")) == 2


def test_in_security_groups_of_its_own_choice():
    parent = stack()
    vpc = ec2.Vpc(parent, "Vpc", max_azs=1)
    group = ec2.SecurityGroup(parent, "Group", vpc=vpc)
    subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)
    with pytest.raises(RuntimeError, match="public subnet"):
        provider(stack_with(vpc), vpc=vpc, vpc_subnets=subnets, security_groups=[group])
    inside = provider(parent, vpc=vpc, security_groups=[group])
    assert len(inside.connections.security_groups) == 2
    Template.from_stack(parent).resource_count_is("AWS::EC2::SecurityGroup", 1)


def stack_with(vpc) -> Stack:
    return Stack(Stack.of(vpc).node.root, "Other")


def test_tags_reach_it():
    parent = stack()
    Tags.of(parent).add("owner", "security")
    provider(parent)
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
        ({"cluster_tag": "settings"}, "Stack/Provider: cluster_tag is 'settings': expected key=value"),
        ({"cluster_tag": Fn.import_value("tag")}, "Stack/Provider: cluster_tag is a token"),
        ({"role_path": "platform"}, "Stack/Provider: role_path is 'platform'"),
        ({"log_level": ApplicationLogLevel.TRACE}, "Stack/Provider: log_level is TRACE"),
    ],
)
def test_mistakes(properties, says):
    with pytest.raises(ValueError, match=says):
        provider(**properties)
