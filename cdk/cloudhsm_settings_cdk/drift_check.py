"""The schedule that has all clusters compared, and the permission that this takes: of template.yaml's DriftCheck."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from cloudhsm_settings_cdk import permissions
from cloudhsm_settings_cdk.nag import INLINE, acknowledge_in_packs


def make_drift_check(
    scope: Construct,
    rate: scheduler.ScheduleExpression,
    function: lambda_.Function,
    table: dynamodb.Table,
    key: kms.IKey | None,
) -> None:
    """Invokes the function as polls do, with the role and in the group that `scope` has for them."""
    group, role = scope.node.find_child("ScheduleGroup"), scope.node.find_child("SchedulerRole")
    assert isinstance(group, scheduler.CfnScheduleGroup)  # noqa: S101  # what make_function made
    assert isinstance(role, iam.Role)  # noqa: S101
    assert function.role  # noqa: S101
    policy = iam.Policy(
        scope,
        "DriftCheckPolicy",
        policy_name="drift-check",
        roles=[function.role],
        document=permissions.scan(table),
    )
    acknowledge_in_packs(policy, *INLINE)
    schedule = scheduler.CfnSchedule(
        scope,
        "DriftCheckSchedule",
        description="Compares all clusters with what is declared for them, and changes nothing",
        group_name=group.ref,
        schedule_expression=rate.expression_string,
        kms_key_arn=key.key_arn if key else None,
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=function.function_arn,
            role_arn=role.role_arn,
            input='{"DriftCheck": true}',
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_event_age_in_seconds=3600, maximum_retry_attempts=2
            ),
        ),
    )
    schedule.node.add_dependency(policy, scope.node.find_child("SchedulerPolicy"))
