"""What the functions may do: the policies of template.yaml, statement for statement."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


def change(scope: Construct, cluster_id_pattern: str, cluster_tag: str | None) -> iam.PolicyDocument:
    """To modify the clusters of the pattern, and of them those that have the tag, "key=value"."""
    key, _, value = (cluster_tag or "").partition("=")
    tagged = {"StringEquals": {f"aws:ResourceTag/{key}": value}} if cluster_tag else None
    clusters = cluster_arn(scope, cluster_id_pattern)
    return _document(_allow(["cloudhsm:ModifyCluster"], clusters, sid="ChangeClusters", conditions=tagged))


def read() -> iam.PolicyDocument:
    """To read all clusters: the action knows no resources."""
    return _document(_allow(["cloudhsm:DescribeClusters"], "*", sid="ReadClusters"))


def records(table: dynamodb.Table, index: str) -> iam.PolicyDocument:
    """To keep the items of a table, and to query one of its indexes."""
    return _document(
        _allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], table.table_arn, sid="KeepRecords"),
        _allow(["dynamodb:Query"], f"{table.table_arn}/index/{index}", sid="FindOtherOwners"),
    )


def scan(table: dynamodb.Table) -> iam.PolicyDocument:
    """To read all items of a table."""
    return _document(_allow(["dynamodb:Scan"], table.table_arn, sid="ReadAllRecords"))


def ends(table: dynamodb.Table) -> iam.PolicyDocument:
    """To write into the items of a table; the same call returns what was there."""
    return _document(_allow(["dynamodb:UpdateItem"], table.table_arn, sid="EndRecords"))


def polls(schedules: str, scheduler_role: iam.IRole) -> iam.PolicyDocument:
    """To keep schedules of its own, and to let Scheduler invoke the function."""
    own = [f"scheduler:{verb}Schedule" for verb in ("Create", "Delete")]
    to_scheduler = {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
    return _document(
        _allow(own, schedules, sid="KeepOwnSchedules"),
        _allow(["iam:PassRole"], scheduler_role.role_arn, sid="LetSchedulerInvoke", conditions=to_scheduler),
    )


def invoke(*function_arns: str) -> iam.PolicyDocument:
    """To invoke functions."""
    return _document(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=list(function_arns)))


def use_table_key(key: kms.IKey, table: dynamodb.Table) -> iam.PolicyDocument:
    """To read and write a table of this key: DynamoDB decrypts the table's key on behalf of the caller.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    """
    of_the_table = {"kms:EncryptionContext:aws:dynamodb:tableName": table.table_name}
    only = {"StringEquals": {**_via("dynamodb"), **of_the_table}}
    return _document(_allow(["kms:Decrypt"], key.key_arn, sid="UseTableKey", conditions=only))


def encrypt_schedules(key: kms.IKey, schedules: str) -> iam.PolicyDocument:
    """To make schedules whose input this key encrypts.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/security_iam_id-based-policy-examples.html
    """
    via_scheduler = {"StringEquals": _via("scheduler")}
    actions, only = ["kms:GenerateDataKey", "kms:Decrypt"], {**via_scheduler, **_of_schedules(schedules)}
    return _document(
        _allow(actions, key.key_arn, sid="EncryptSchedules", conditions=only),
        # It has no encryption context.
        _allow(["kms:DescribeKey"], key.key_arn, sid="SeeKey", conditions=via_scheduler),
    )


def decrypt_schedules(key: kms.IKey, schedules: str) -> iam.PolicyStatement:
    """For the role that Scheduler invokes with: it decrypts the input of a schedule with it."""
    return _allow(["kms:Decrypt"], key.key_arn, sid="DecryptSchedules", conditions=_of_schedules(schedules))


def let_logs_use(key: kms.IKey, scope: Construct) -> None:
    """Has the key's policy allow CloudWatch Logs what it needs, where the app owns the key.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    groups = Stack.of(scope).format_arn(
        service="logs", resource="log-group", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    statement = iam.PolicyStatement(
        principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
        actions=["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        resources=["*"],
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )
    key.add_to_resource_policy(statement)


def stacks(scope: Construct) -> iam.PolicyDocument:
    """To tell a stack rollback from an update."""
    return _document(_allow(["cloudformation:DescribeStacks"], stack_arn(scope), sid="TellRollbacks"))


def log(log_group: logs.ILogGroup) -> iam.PolicyDocument:
    """To write into a log group that exists."""
    return _document(_allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.log_group_arn))


def network(scope: Construct) -> iam.PolicyDocument:
    """What Lambda itself, and not the code of a function, needs to put functions into a VPC.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    """
    interfaces = [f"ec2:{verb}NetworkInterface" for verb in ("Create", "Delete")]
    addresses = [f"ec2:{verb}PrivateIpAddresses" for verb in ("Assign", "Unassign")]
    attaching = [*interfaces, *addresses, "ec2:DescribeNetworkInterfaces"]
    functions = Stack.of(scope).format_arn(
        service="lambda", resource="function", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    from_code = {"ArnLike": {"lambda:SourceFunctionArn": functions}}
    denied = iam.PolicyStatement(effect=iam.Effect.DENY, actions=attaching, resources=["*"], conditions=from_code)
    # Not DescribeSubnets: older lists of AWS's say that ModifyCluster needs it.
    return _document(_allow([*attaching, "ec2:DescribeSubnets"], "*"), denied)


def cluster_arn(scope: Construct, cluster_id_pattern: str) -> str:
    """ARN of the clusters of a pattern."""
    return Stack.of(scope).format_arn(service="cloudhsm", resource="cluster", resource_name=cluster_id_pattern)


def stack_arn(scope: Construct) -> str:
    """ARN of all stacks of the account and region."""
    return Stack.of(scope).format_arn(service="cloudformation", resource="stack", resource_name="*")


def schedule_arn(scope: Construct, group: str) -> str:
    """ARN of all schedules of a group."""
    return Stack.of(scope).format_arn(service="scheduler", resource="schedule", resource_name=f"{group}/*")


def _via(service: str) -> dict[str, str]:
    return {"kms:ViaService": f"{service}.{Aws.REGION}.amazonaws.com"}


def _of_schedules(schedules: str) -> dict[str, Any]:
    return {"StringLike": {"kms:EncryptionContext:aws:scheduler:schedule:arn": schedules}}


def _allow(
    actions: list[str], resource: str, *, sid: str | None = None, conditions: Mapping[str, Any] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=actions, resources=[resource], conditions=conditions)


def _document(*statements: iam.PolicyStatement) -> iam.PolicyDocument:
    return iam.PolicyDocument(statements=list(statements))
