"""Each permission of the roles is needed: without any one of them something fails, and no other is granted.

The provider is deployed with every parameter that a platform team prescribes.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping

import pytest

from events.situations import BY_EVENT
from sandbox.cloud import Cloud
from sandbox.cloudhsm import Clock, Fleet, MigrationOutcome
from sandbox.stacks import Stacks
from tests.cloud.permissions import TAGS, Grant, Provider, eventually, grants, prescribed, start
from tools.deployed import EVERY_PARAMETER

pytestmark = pytest.mark.cloud
SPEED = 600
SECONDS_AT_MOST = 40
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    cloud = Cloud(Fleet(Clock(speed=SPEED)), seconds_between_polls=2)
    try:
        start(cloud)
        cloud.deploy_provider(**prescribed(cloud), DriftCheck="rate(1 day)")
        yield Provider(cloud)
    finally:
        cloud.stop()


def template(cluster_id: str, *, fails: bool = False, **properties: object) -> str:
    """A stack with the resource, and perhaps one that fails after it."""
    token = {"ServiceToken": {"Fn::ImportValue": "cloudhsm-cluster-settings-ServiceToken"}}
    kind = "Custom::CloudHSMClusterSettings"
    resources = {"Settings": {"Type": kind, "Properties": {**token, "ClusterId": cluster_id, **properties}}}
    if fails:
        resources["Fails"] = {"Type": kind, "DependsOn": "Settings", "Properties": token}
    return json.dumps({"Resources": resources})


def days(value: int) -> dict[str, object]:
    return {"BackupRetentionPolicy": {"Type": "DAYS", "Value": value}}


def begun(provider: Provider, body: str) -> str:
    """The id of a stack whose creation has begun, and that is left as it is when it fails."""
    client = provider.cloud.client("cloudformation")
    stack = client.create_stack(StackName=f"life-{next(numbers)}", TemplateBody=body, DisableRollback=True)
    return str(stack["StackId"])


def status(provider: Provider, stack_id: str) -> str:
    return str(Stacks(provider.cloud).describe(stack_id)["StackStatus"])


def created(provider: Provider, body: str) -> str:
    """The id of a stack if it is created in time, else nothing."""
    refused, stack_id = provider.polls_refused(), begun(provider, body)

    def settled() -> bool:
        return status(provider, stack_id) != "CREATE_IN_PROGRESS" or provider.polls_refused() > refused

    return stack_id if eventually(settled, SECONDS_AT_MOST) and status(provider, stack_id) == "CREATE_COMPLETE" else ""


def retention_is_set(provider: Provider) -> bool:
    cluster = provider.cloud.fleet.seed()
    return bool(created(provider, template(cluster.cluster_id, **days(30))))


def type_is_changed_and_nothing_is_left(provider: Provider) -> bool:
    cluster = provider.cloud.fleet.seed()
    stack_id = created(provider, template(cluster.cluster_id, HsmType="hsm2m.medium"))
    return bool(stack_id) and eventually(lambda: provider.schedules(stack_id) == [], 5)


def two_owners_are_told_of_each_other(provider: Provider) -> bool:
    cluster = provider.cloud.fleet.seed()
    for value in (30, 60):
        created(provider, template(cluster.cluster_id, **days(value)))
    ours = [each for each in provider.messages() if cluster.cluster_id in each]
    return any('"message":"contested"' in each for each in ours)


def rollback_reverts_with_consent(provider: Provider) -> bool:
    fleet, stacks = provider.cloud.fleet, Stacks(provider.cloud)
    cluster = fleet.seed()
    name, revert = f"revert-{next(numbers)}", {"HsmTypeOnRollback": "Revert"}
    stacks.create(name, template(cluster.cluster_id, HsmType="hsm1.medium", **revert))
    stacks.update(name, template(cluster.cluster_id, fails=True, HsmType="hsm2m.medium", **revert))
    calls = [call.members for call in fleet.calls if call.operation == "ModifyCluster"]
    changes = [each["HsmType"] for each in calls if each["ClusterId"] == cluster.cluster_id and "HsmType" in each]
    return changes == ["hsm2m.medium", "hsm1.medium"]


def crash_is_told_and_ends_on_record(provider: Provider) -> bool:
    """A request whose invocations all crash. MiniStack's CloudFormation does not wait for what becomes of them."""
    event = BY_EVENT["create-retention"].load()
    event["StackId"] += f"-{next(numbers)}"
    event["ResponseURL"], arrived = provider.mailbox()
    client, function = provider.cloud.client("lambda"), provider.names["Function"]
    with provider.broken("Function"):
        client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))
        told = eventually(arrived, SECONDS_AT_MOST)
    return told and bool(item := provider.item(event["StackId"])) and item["Ended"]["BOOL"]


def function_is_logged(provider: Provider) -> bool:
    cluster = provider.cloud.fleet.seed()
    assert created(provider, template(cluster.cluster_id, **days(30)))
    return eventually(lambda: any(cluster.cluster_id in each for each in provider.messages()), 10)


def drift_is_found(provider: Provider) -> bool:
    cluster = provider.cloud.fleet.seed()
    assert created(provider, template(cluster.cluster_id, **days(30)))
    cluster.retention = {"Type": "DAYS", "Value": "7"}
    provider.check_drift()
    ours = [each for each in provider.messages() if cluster.cluster_id in each]
    return any('"message":"drifted"' in each for each in ours)


def responder_is_logged(provider: Provider) -> bool:
    def lines() -> int:
        return sum("no request to answer" in each for each in provider.messages())

    before = lines()
    provider.cloud.client("lambda").invoke(FunctionName=provider.names["Responder"], Payload=b"{}")
    return eventually(lambda: lines() > before, 10)


WORKS_BY: Mapping[Grant, Callable[[Provider], bool]] = {
    Grant("FunctionRole", "cloudhsm:DescribeClusters"): retention_is_set,
    Grant("FunctionRole", "cloudhsm:ModifyCluster"): retention_is_set,
    Grant("FunctionRole", "dynamodb:UpdateItem"): retention_is_set,
    Grant("FunctionRole", "dynamodb:GetItem"): type_is_changed_and_nothing_is_left,
    Grant("FunctionRole", "dynamodb:Query"): two_owners_are_told_of_each_other,
    Grant("FunctionRole", "dynamodb:Scan"): drift_is_found,
    Grant("FunctionRole", "scheduler:CreateSchedule"): type_is_changed_and_nothing_is_left,
    Grant("FunctionRole", "scheduler:DeleteSchedule"): type_is_changed_and_nothing_is_left,
    Grant("FunctionRole", "iam:PassRole"): type_is_changed_and_nothing_is_left,
    Grant("FunctionRole", "cloudformation:DescribeStacks"): rollback_reverts_with_consent,
    Grant("FunctionRole", "lambda:InvokeFunction"): crash_is_told_and_ends_on_record,
    Grant("FunctionRole", "logs:CreateLogStream"): function_is_logged,
    Grant("FunctionRole", "logs:PutLogEvents"): function_is_logged,
    Grant("ResponderRole", "dynamodb:UpdateItem"): crash_is_told_and_ends_on_record,
    Grant("ResponderRole", "logs:CreateLogStream"): responder_is_logged,
    Grant("ResponderRole", "logs:PutLogEvents"): responder_is_logged,
    Grant("SchedulerRole", "lambda:InvokeFunction"): type_is_changed_and_nothing_is_left,
    Grant("FunctionRole", "kms:Decrypt", "UseTableKey"): retention_is_set,
    Grant("FunctionRole", "kms:Decrypt", "EncryptSchedules"): type_is_changed_and_nothing_is_left,
    Grant("FunctionRole", "kms:GenerateDataKey", "EncryptSchedules"): type_is_changed_and_nothing_is_left,
    Grant("FunctionRole", "kms:DescribeKey", "SeeKey"): type_is_changed_and_nothing_is_left,
    Grant("ResponderRole", "kms:Decrypt", "UseTableKey"): crash_is_told_and_ends_on_record,
    Grant("SchedulerRole", "kms:Decrypt", "DecryptSchedules"): type_is_changed_and_nothing_is_left,
}
"""What each permission is for."""


def test_what_is_prescribed_is_on_record(provider):
    cloud, names = provider.cloud, provider.names
    given = {each["ParameterKey"]: each["ParameterValue"] for each in provider.stack["Parameters"]}
    for name in ("Function", "Responder"):
        function = cloud.client("lambda").get_function_configuration(FunctionName=names[name])
        assert function["KMSKeyArn"] == given["KmsKeyArn"]
        signing = cloud.client("lambda").get_function_code_signing_config(FunctionName=names[name])
        assert signing["CodeSigningConfigArn"] == EVERY_PARAMETER["CodeSigningConfigArn"]
    for name in ("FunctionRole", "ResponderRole", "SchedulerRole"):
        role = cloud.client("iam").get_role(RoleName=names[name])["Role"]
        assert role["Path"] == EVERY_PARAMETER["RolePath"]
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == given["PermissionsBoundary"]
    (group,) = cloud.client("logs").describe_log_groups(logGroupNamePrefix=names["LogGroup"])["logGroups"]
    assert group["kmsKeyId"] == given["KmsKeyArn"]
    table = cloud.client("dynamodb").describe_table(TableName=names["Table"])["Table"]
    assert table["SSEDescription"]["KMSMasterKeyArn"] == given["KmsKeyArn"]
    schedule = {"GroupName": names["ScheduleGroup"], "Name": names["DriftCheckSchedule"]}
    assert cloud.client("scheduler").get_schedule(**schedule)["KmsKeyArn"] == given["KmsKeyArn"]


def test_the_schedule_of_a_migration_has_the_key(provider):
    client, group, seen = provider.cloud.client("scheduler"), provider.names["ScheduleGroup"], []

    def is_seen() -> bool:
        names = provider.schedules(stack_id)
        seen.extend(client.get_schedule(GroupName=group, Name=name)["KmsKeyArn"] for name in names)
        return bool(seen)

    cluster = provider.cloud.fleet.seed(outcome=MigrationOutcome.HANG)
    stack_id = begun(provider, template(cluster.cluster_id, HsmType="hsm2m.medium"))
    assert eventually(is_seen, SECONDS_AT_MOST)
    assert seen[0].startswith("arn:aws:kms:")


@pytest.mark.parametrize(("tags", "works"), [(TAGS, True), ({}, False), (dict.fromkeys(TAGS, "other"), False)])
def test_a_cluster_without_the_tag_is_left_alone(provider, tags, works):
    with provider.denied_by_cloudhsm(tags):
        assert retention_is_set(provider) is works


def test_a_key_whose_policy_does_not_let_logs_in_is_refused(provider):
    key = provider.cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    group = {"Type": "AWS::Logs::LogGroup", "Properties": {"KmsKeyId": key}}
    assert created(provider, json.dumps({"Resources": {"LogGroup": group}})) == ""


def test_no_other_permission_is_granted():
    assert sorted(grants()) == sorted(WORKS_BY)


@pytest.mark.parametrize("works", dict.fromkeys(WORKS_BY.values()), ids=lambda works: works.__qualname__)
def test_with_every_permission_it_works(provider, works):
    assert works(provider)


@pytest.mark.parametrize("grant", WORKS_BY, ids=" ".join)
def test_without_it_something_fails(provider, grant):
    works = WORKS_BY[grant]
    with provider.without(grant):
        assert not works(provider)
