"""The provider: the function behind Custom::CloudHSMClusterSettings, deployed here or elsewhere."""

from collections.abc import Sequence
from typing import Protocol

import jsii
from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk.aws_scheduler import CfnScheduleGroup, ScheduleExpression
from constructs import Construct, IConstruct

from cloudhsm_settings_cdk.deployment import (
    Clusters,
    Common,
    Guards,
    Network,
    make_function,
    make_json_logs,
    make_log_group,
    make_network_policy,
    make_responder,
    make_table,
)
from cloudhsm_settings_cdk.drift_check import make_drift_check
from cloudhsm_settings_cdk.limits import provider_faults, refuse
from cloudhsm_settings_cdk.monitoring import ProviderMonitoring

EXPORT_NAME = "cloudhsm-cluster-settings-ServiceToken"
"""Under which the stack of template.yaml exports its ServiceToken, when it has its default name."""


class IClusterSettingsProvider(IConstruct, Protocol):
    """A provider that a ClusterSettings can refer to."""

    @property
    def service_token(self) -> str:
        """ARN of the function."""
        ...

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Lets `grantee` invoke the function, as a service role of CloudFormation has to."""
        ...


@jsii.implements(ec2.IConnectable)
class ClusterSettingsProvider(Construct):
    """Deploys the provider, with everything that template.yaml has. Keep it in a stack of its own."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster_id_pattern: str,
        cluster_tag: str | None = None,
        architecture: lambda_.Architecture | None = None,
        log_level: lambda_.ApplicationLogLevel = lambda_.ApplicationLogLevel.INFO,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        drift_check: ScheduleExpression | None = None,
        use_fips_endpoints: bool = False,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        role_path: str = "/",
        kms_key: kms.IKey | None = None,
        code_signing_config: lambda_.ICodeSigningConfig | None = None,
    ) -> None:
        """Raises ValueError with every mistake.

        :param cluster_id_pattern: Clusters that may be modified: an id, a pattern with asterisks, "cluster-*" for all.
        :param cluster_tag: Tag that a cluster must have to be modified, as "key=value". Default: the pattern decides.
        :param architecture: Of the functions; their code runs on both. Default: ARM_64.
        :param log_level: Of the function's own log lines, anything but TRACE; its metrics are lines of level INFO.
        :param log_retention: How long the logs are kept.
        :param drift_check: How often all clusters are compared with what is declared, such as
            `ScheduleExpression.rate(Duration.days(1))`; nothing is changed. Default: never.
        :param use_fips_endpoints: Calls AWS at endpoints with FIPS validated cryptography.
        :param vpc: Puts the functions into a VPC. They need a way to CloudHSM, CloudFormation, EventBridge Scheduler,
            DynamoDB and S3 from there. Default: none.
        :param vpc_subnets: Default: as the VPC says, the private ones.
        :param security_groups: Default: one for each function.
        :param permissions_boundary: Of all roles. Default: none.
        :param role_path: Of all roles, and of the policy for a VPC; another one replaces them.
        :param kms_key: Encrypts logs, variables, table and schedules. The policy of a key that the app owns is given
            what CloudWatch Logs needs. Default: AWS's own keys.
        :param code_signing_config: Of both functions. Default: any code can be deployed.
        """
        super().__init__(scope, id)
        refuse(self.node.path, provider_faults(cluster_id_pattern, cluster_tag, log_level, role_path))
        self.log_group = make_log_group(self, log_retention, kms_key)
        """Where both functions log."""
        self.table = make_table(self, kms_key)
        """The record of all operations."""
        common = Common(
            self,
            Guards(role_path, permissions_boundary, kms_key, code_signing_config),
            self.log_group,
            self.table,
            architecture or lambda_.Architecture.ARM_64,
            use_fips_endpoints,
            make_json_logs(self),
            Network(vpc, vpc_subnets, security_groups, make_network_policy(self, role_path)) if vpc else None,
        )
        self.responder = make_responder(common)
        """The function that responds when all invocations of the other crashed."""
        self.function = make_function(common, self.responder, Clusters(cluster_id_pattern, cluster_tag), log_level)
        """The function, for alarms on its metrics."""
        if drift_check:
            make_drift_check(self, drift_check, self.function, self.table, kms_key)

    @staticmethod
    def from_export_name(scope: Construct, id: str, export_name: str = EXPORT_NAME) -> IClusterSettingsProvider:
        """The provider whose ServiceToken another stack of this account and region exports."""
        return _DeployedProvider(scope, id, Fn.import_value(export_name))

    @staticmethod
    def from_function_arn(scope: Construct, id: str, function_arn: str) -> IClusterSettingsProvider:
        """The provider whose function has this ARN, which is its ServiceToken."""
        return _DeployedProvider(scope, id, function_arn)

    @property
    def service_token(self) -> str:
        """ARN of the function."""
        return self.function.function_arn

    @property
    def connections(self) -> ec2.Connections:
        """The functions' security groups; raises RuntimeError without a VPC."""
        groups = [group for each in (self.function, self.responder) for group in each.connections.security_groups]
        return ec2.Connections(security_groups=groups)

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Lets `grantee` invoke the function, as a service role of CloudFormation has to."""
        return self.function.grant_invoke(grantee)

    def monitor(self, topic: sns.ITopic) -> ProviderMonitoring:
        """Alarms that tell `topic`, a dashboard, queries, and a rule for changes by others, as examples/monitoring has.

        The policy of a topic that the app does not own has to let cloudwatch and events publish.
        """
        group = self.node.find_child("ScheduleGroup")
        assert isinstance(group, CfnScheduleGroup)  # noqa: S101  # made above
        return ProviderMonitoring(
            self,
            "Monitoring",
            topic=topic,
            function=self.function,
            responder=self.responder,
            log_group=self.log_group,
            schedule_group_name=group.ref,
        )


class _DeployedProvider(Construct):
    """A provider of another stack."""

    def __init__(self, scope: Construct, id: str, function_arn: str) -> None:
        super().__init__(scope, id)
        self.service_token = function_arn
        self._function = lambda_.Function.from_function_arn(self, "Function", function_arn)

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        return self._function.grant_invoke(grantee)
