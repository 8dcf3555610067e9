"""The resources of template.yaml, under the same names, as CDK has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aws_cdk import Aws, CfnCondition, CfnDeletionPolicy, CfnResource, Duration, Fn, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from cloudhsm_settings_cdk import permissions
from cloudhsm_settings_cdk.functions import code
from cloudhsm_settings_cdk.nag import INLINE, acknowledge, acknowledge_in_packs, acknowledge_wildcard

# The version that the bytecode in the zips is of.
RUNTIME = "python3.13"
# CloudFormation waits an hour at most; what is older has nobody to respond to.
SECONDS_TO_RESPOND = 3600
# The index of the table, by the attribute that is its key.
PHYSICAL_ID = "PhysicalResourceId"


@dataclass(frozen=True)
class Network:
    """Where in a VPC the functions are, and what lets Lambda put them there."""

    vpc: ec2.IVpc
    vpc_subnets: ec2.SubnetSelection | None
    security_groups: Sequence[ec2.ISecurityGroup] | None
    policy: iam.ManagedPolicy


@dataclass(frozen=True)
class Clusters:
    """Which clusters may be modified: those of a pattern, and of them perhaps those of a tag, "key=value"."""

    id_pattern: str
    tag: str | None


@dataclass(frozen=True)
class Guards:
    """What a platform team prescribes for roles, keys and code; None for what it does not."""

    role_path: str = "/"
    permissions_boundary: iam.IManagedPolicy | None = None
    kms_key: kms.IKey | None = None
    code_signing_config: lambda_.ICodeSigningConfig | None = None


@dataclass(frozen=True)
class Common:
    """What both functions have in common; makes them as children of `scope`."""

    scope: Construct
    guards: Guards
    log_group: logs.LogGroup
    table: dynamodb.Table
    architecture: lambda_.Architecture
    use_fips_endpoints: bool
    json_logs: CfnCondition
    network: Network | None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that both functions have."""
        use_fips = str(self.use_fips_endpoints).lower()
        return {
            "TABLE_NAME": self.table.table_name,
            "AWS_USE_FIPS_ENDPOINT": use_fips,
            # CloudHSM's FIPS endpoints are documented in the dual-stack domain only.
            "AWS_USE_DUALSTACK_ENDPOINT": use_fips,
        }

    def role(self, id: str, description: str, policies: Mapping[str, iam.PolicyDocument]) -> iam.Role:
        """The role of a function: to use the table's key, to log, and what `policies` allow."""
        key = self.guards.kms_key
        table_key = {"table-key": permissions.use_table_key(key, self.table)} if key else {}
        return self.bare_role(
            id,
            description=description,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={**policies, **table_key, "log": permissions.log(self.log_group)},
            managed_policies=[self.network.policy] if self.network else None,
        )

    def bare_role(self, id: str, **properties: Any) -> iam.Role:
        """A role with the prescribed path and boundary."""
        boundary = self.guards.permissions_boundary
        role = iam.Role(self.scope, id, path=self.guards.role_path, permissions_boundary=boundary, **properties)
        acknowledge_in_packs(role, *INLINE)
        return role

    def function(
        self,
        id: Literal["Function", "Responder"],
        role: iam.Role,
        *,
        module: str,
        description: str,
        memory_size: int,
        timeout: Duration,
        log_level: lambda_.ApplicationLogLevel | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> lambda_.Function:
        """A function that logs into the common log group, as JSON wherever Lambda can."""
        network = self.network
        function = lambda_.Function(
            self.scope,
            id,
            code=code(id),
            handler=f"cloudhsm_settings.{module}.lambda_handler",
            runtime=lambda_.Runtime(RUNTIME, lambda_.RuntimeFamily.PYTHON),
            role=role,
            description=description,
            architecture=self.architecture,
            memory_size=memory_size,
            timeout=timeout,
            environment={**self.environment, **(environment or {})},
            environment_encryption=self.guards.kms_key,
            code_signing_config=self.guards.code_signing_config,
            log_group=self.log_group,
            vpc=network.vpc if network else None,
            vpc_subnets=network.vpc_subnets if network else None,
            security_groups=network.security_groups if network else None,
        )
        self._log_json(function, log_level)
        acknowledge(function, "AwsSolutions-L1", f"The function is built for {RUNTIME}, bytecode included.")
        rare = "Reserving takes concurrency from the account; there are as many invocations as stack operations."
        acknowledge_in_packs(function, "LambdaConcurrency", rare)
        answered = "An on-failure destination, which responds to the stack, is more than a queue that nobody reads."
        acknowledge_in_packs(function, "LambdaDLQ", answered)
        if not network:
            outside = "It calls AWS APIs and presigned S3 URLs only; the property vpc puts it into a VPC."
            acknowledge_in_packs(function, "LambdaInsideVPC", outside)
        return function

    def _log_json(self, function: lambda_.Function, level: lambda_.ApplicationLogLevel | None) -> None:
        """By condition, which no property of the construct can say."""
        group = {"LogGroup": self.log_group.log_group_name}
        levels = {"ApplicationLogLevel": level.value, "SystemLogLevel": "WARN"} if level else {}
        chosen: Any = Fn.condition_if(self.json_logs.logical_id, {**group, "LogFormat": "JSON", **levels}, group)
        _resource_of(function).add_property_override("LoggingConfig", chosen)


def make_log_group(scope: Construct, retention: logs.RetentionDays, key: kms.IKey | None) -> logs.LogGroup:
    """Deleted with the stack, but kept when it is replaced."""
    if key:
        permissions.let_logs_use(key, scope)
    log_group = logs.LogGroup(
        scope, "LogGroup", retention=retention, encryption_key=key, removal_policy=RemovalPolicy.DESTROY
    )
    _resource_of(log_group).cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
    if not key:
        encrypted = "No line holds a secret, and CloudWatch Logs encrypts at rest; the property kms_key takes a key."
        acknowledge_in_packs(log_group, "CloudWatchLogGroupEncrypted", encrypted)
    return log_group


def make_json_logs(scope: Construct) -> CfnCondition:
    """Whether Lambda can log JSON: it is listed as not available in GovCloud."""
    in_govcloud = Fn.condition_equals(Aws.PARTITION, "aws-us-gov")
    return CfnCondition(scope, "JsonLogs", expression=Fn.condition_not(in_govcloud))


def make_table(scope: Construct, key: kms.IKey | None) -> dynamodb.Table:
    """The record: one item for each resource, from its first request until a day after its Delete."""
    text = dynamodb.AttributeType.STRING
    table = dynamodb.Table(
        scope,
        "Table",
        partition_key=dynamodb.Attribute(name="StackId", type=text),
        sort_key=dynamodb.Attribute(name="LogicalResourceId", type=text),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if key else dynamodb.TableEncryption.AWS_MANAGED,
        encryption_key=key,
        time_to_live_attribute="ExpiresAt",
        removal_policy=RemovalPolicy.DESTROY,
    )
    table.add_global_secondary_index(
        index_name=PHYSICAL_ID,
        partition_key=dynamodb.Attribute(name=PHYSICAL_ID, type=text),
        projection_type=dynamodb.ProjectionType.INCLUDE,
        non_key_attributes=["Declared"],
    )
    stale = "A record of the past is worse than none: it would let an operation that has ended go on."
    acknowledge(table, "AwsSolutions-DDB3", stale)
    for rule in ("DynamoDBInBackupPlan", "DynamoDBPITREnabled"):
        acknowledge_in_packs(table, rule, stale)
    return table


def make_network_policy(scope: Construct, path: str) -> iam.ManagedPolicy:
    """What both roles need where the functions are in a VPC."""
    policy = iam.ManagedPolicy(
        scope,
        "NetworkPolicy",
        path=path,
        description="Lets Lambda, but not the code of the functions, attach them to a VPC",
        document=permissions.network(scope),
    )
    acknowledge_wildcard(
        policy, "*", "What Lambda needs for any VPC; what changes it is denied to the code of functions."
    )
    return policy


def make_responder(common: Common) -> lambda_.Function:
    """The function that responds to CloudFormation when all invocations of the other crashed."""
    policies = {"records": permissions.ends(common.table)}
    responder = common.function(
        "Responder",
        common.role("ResponderRole", "The responder ends an operation on record, and writes its log", policies),
        module="responder",
        description="Responds for the provider of Custom::CloudHSMClusterSettings when it crashed",
        memory_size=256,
        timeout=Duration.seconds(60),
    )
    _invoke_asynchronously(common.scope, "ResponderEventInvokeConfig", responder)
    return responder


def make_function(
    common: Common,
    responder: lambda_.Function,
    clusters: Clusters,
    log_level: lambda_.ApplicationLogLevel,
) -> lambda_.Function:
    """The provider itself, with its schedules."""
    group = scheduler.CfnScheduleGroup(common.scope, "ScheduleGroup")
    scheduler_role = _scheduler_role(common, group)
    schedules, key = permissions.schedule_arn(common.scope, group.ref), common.guards.kms_key
    function = common.function(
        "Function",
        _function_role(common, clusters, responder, schedules, scheduler_role),
        module="handler",
        description="Provider of Custom::CloudHSMClusterSettings",
        memory_size=512,
        timeout=Duration.seconds(90),
        log_level=log_level,
        environment={
            "SCHEDULE_GROUP": group.ref,
            "SCHEDULER_ROLE_ARN": scheduler_role.role_arn,
            "SCHEDULE_KMS_KEY_ARN": key.key_arn if key else "",
            "POWERTOOLS_LOG_LEVEL": log_level.value,
        },
    )
    also = [permissions.decrypt_schedules(key, schedules)] if key else []
    _let_scheduler_invoke(common.scope, scheduler_role, function, also)
    on_failure = lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=responder.function_arn)
    _invoke_asynchronously(common.scope, "FunctionEventInvokeConfig", function, on_failure)
    return function


def _function_role(
    common: Common,
    clusters: Clusters,
    responder: lambda_.Function,
    schedules: str,
    scheduler_role: iam.Role,
) -> iam.Role:
    scope, key = common.scope, common.guards.kms_key
    policies = {
        "change": permissions.change(scope, clusters.id_pattern, clusters.tag),
        "read": permissions.read(),
        "records": permissions.records(common.table, PHYSICAL_ID),
        "polls": permissions.polls(schedules, scheduler_role),
        "responder": permissions.invoke(responder.function_arn),
        "stack": permissions.stacks(scope),
        **({"schedule-key": permissions.encrypt_schedules(key, schedules)} if key else {}),
    }
    role = common.role("FunctionRole", "What the provider of Custom::CloudHSMClusterSettings may do", policies)
    for resource, reason in (
        (permissions.cluster_arn(scope, clusters.id_pattern), "The clusters that cluster_id_pattern allows."),
        (schedules, "Schedules of the provider's own group."),
        (permissions.stack_arn(scope), "Any stack of the account may use the resource; it is only read."),
        ("*", "DescribeClusters knows no resources; it only reads."),
    ):
        acknowledge_wildcard(role, resource, reason)
    return role


def _scheduler_role(common: Common, group: scheduler.CfnScheduleGroup) -> iam.Role:
    of_the_group = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID, "aws:SourceArn": group.attr_arn}}
    return common.bare_role(
        "SchedulerRole",
        description="Lets EventBridge Scheduler invoke the provider of Custom::CloudHSMClusterSettings",
        assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com", conditions=of_the_group),
    )


def _let_scheduler_invoke(
    scope: Construct, role: iam.Role, function: lambda_.Function, also: Sequence[iam.PolicyStatement]
) -> None:
    """Apart from the role, which the function's environment names: together they would be a circle."""
    versions = f"{function.function_arn}:*"
    document = permissions.invoke(function.function_arn, versions)
    document.add_statements(*also)
    policy = iam.Policy(scope, "SchedulerPolicy", policy_name="invoke", roles=[role], document=document)
    acknowledge_wildcard(policy, versions, "Versions and aliases of this one function.")
    acknowledge_in_packs(policy, *INLINE)


def _invoke_asynchronously(
    scope: Construct,
    id: str,
    function: lambda_.Function,
    on_failure: lambda_.CfnEventInvokeConfig.OnFailureProperty | None = None,
) -> None:
    destinations = lambda_.CfnEventInvokeConfig.DestinationConfigProperty(on_failure=on_failure)
    lambda_.CfnEventInvokeConfig(
        scope,
        id,
        function_name=function.function_name,
        qualifier="$LATEST",
        maximum_event_age_in_seconds=SECONDS_TO_RESPOND,
        maximum_retry_attempts=2,
        destination_config=destinations if on_failure else None,
    )


def _resource_of(construct: Construct) -> CfnResource:
    resource = construct.node.default_child
    assert isinstance(resource, CfnResource)  # noqa: S101  # the type of every L2 construct's default child
    return resource
