"""Alarms, a dashboard, queries and a rule for a provider: what examples/monitoring has, under the same names."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from cloudhsm_settings_cdk.dashboard import NAMESPACE, SERVICE, Watched, body
from cloudhsm_settings_cdk.queries import QUERIES

OUTCOMES: Mapping[str, str] = {
    "ModifyCluster": (
        "A template changes a cluster: its type or its retention. Expected during a deployment, and at no other time."
    ),
    "Reverted": (
        "CloudHSM went back to the former HSM type, or somebody turned it back. "
        "The Reason of the stack says what to do."
    ),
    "Conflicting": (
        "Somebody else changed a cluster while a stack changed it. The Reason of the stack says what to do."
    ),
    "NotStabilized": (
        "The time of a stack was up before the cluster was as declared. CloudHSM may go on: look at the cluster."
    ),
    "AccessDenied": (
        "AWS denied a call of the provider. The Reason of the stack names the action that its role needs."
    ),
    "InvalidRequest": "AWS refused a call of the provider. The Reason of the stack has AWS's message.",
    "InternalFailure": "The provider failed by a defect of its own. Its log has the traceback: please report it.",
    "Drifted": "A cluster is not as its template says. The query for drift says which, and which setting.",
    "NotCompared": (
        "The drift check could not read a cluster, or not the table, or ran out of time. The query for drift says why."
    ),
    "Contested": (
        "Two resources overwrite each other's settings of one cluster. The log names both: remove one of them."
    ),
}
"""Alarms on the provider's own metrics, by the metric, and what they say."""
LINES: Mapping[str, tuple[str, str]] = {
    "ErrorLines": (
        '{ $.level = "ERROR" }',
        "The provider wrote a line of level ERROR. The query for trouble shows it.",
    ),
}
"""Alarms on lines of the log, by the metric that is made of them: what lines, and what they say."""


@dataclass(frozen=True)
class _Metric:
    namespace: str
    name: str
    dimensions: Mapping[str, str] = field(default_factory=dict)


class ProviderMonitoring(Construct):
    """Made by `ClusterSettingsProvider.monitor`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        topic: sns.ITopic,
        function: lambda_.IFunction,
        responder: lambda_.IFunction,
        log_group: logs.ILogGroup,
        schedule_group_name: str,
    ) -> None:
        """Every alarm tells `topic`; the policy of one that the app owns lets CloudWatch and EventBridge publish."""
        super().__init__(scope, id)
        self._topic = topic
        self.alarms: dict[str, cloudwatch.Alarm] = {}
        """Every alarm, by its name in examples/monitoring."""
        self._watch_outcomes()
        self._watch_functions(function, responder)
        self._watch_log(log_group)
        self.rule = self._watch_others(function)
        """What tells of ModifyCluster by anybody but the provider."""
        watched = Watched(
            function.function_name, responder.function_name, log_group.log_group_name, schedule_group_name
        )
        arns = [alarm.alarm_arn for alarm in self.alarms.values()]
        text = Stack.of(self).to_json_string(body(watched, arns))
        self.dashboard = cloudwatch.CfnDashboard(self, "Dashboard", dashboard_body=text)
        """The dashboard."""
        self._keep_queries(log_group)

    def _watch_outcomes(self) -> None:
        for name, description in OUTCOMES.items():
            self._alarm(name, description, _Metric(NAMESPACE, name, {"service": SERVICE}))

    def _watch_functions(self, function: lambda_.IFunction, responder: lambda_.IFunction) -> None:
        of_function, of_responder = ({"FunctionName": each.function_name} for each in (function, responder))
        self._alarm(
            "ResponderErrors",
            "Nobody could respond to a stack, which runs into its time-out. Look at the log of the responder.",
            _Metric("AWS/Lambda", "Errors", of_responder),
        )
        self._alarm(
            "ResponderNotCalled",
            "The responder could not be called, so a stack runs into its time-out. "
            "The provider's role needs lambda:InvokeFunction.",
            _Metric("AWS/Lambda", "DestinationDeliveryFailures", of_function),
        )
        self._alarm(
            "FunctionErrors",
            "Invocations of the provider fail again and again. Look at its log, and at AWS Health.",
            _Metric("AWS/Lambda", "Errors", of_function),
            threshold=3,
        )

    def _watch_log(self, log_group: logs.ILogGroup) -> None:
        for name, (pattern, description) in LINES.items():
            logs.MetricFilter(
                self,
                f"{name}Filter",
                log_group=log_group,
                filter_pattern=logs.FilterPattern.literal(pattern),
                metric_namespace=NAMESPACE,
                metric_name=name,
                metric_value="1",
                unit=cloudwatch.Unit.COUNT,
            )
            self._alarm(name, description, _Metric(NAMESPACE, name))

    def _watch_others(self, function: lambda_.IFunction) -> events.CfnRule:
        assert function.role  # noqa: S101  # the provider's own
        # Whoever has no session, such as a user with access keys, has no issuer of it either.
        others = [{"anything-but": [function.role.role_arn]}, {"exists": False}]
        rule = events.CfnRule(
            self,
            "OtherChanges",
            description="ModifyCluster by anybody but the provider of Custom::CloudHSMClusterSettings",
            event_pattern={
                "source": ["aws.cloudhsm"],
                "detail-type": ["AWS API Call via CloudTrail"],
                "detail": {
                    "eventSource": ["cloudhsm.amazonaws.com"],
                    "eventName": ["ModifyCluster"],
                    "userIdentity": {"sessionContext": {"sessionIssuer": {"arn": others}}},
                },
            },
            targets=[events.CfnRule.TargetProperty(id="topic", arn=self._topic.topic_arn, input_transformer=_TOLD)],
        )
        self._let_publish("LetAlarmsPublish", "cloudwatch", {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}})
        self._let_publish("LetEventsPublish", "events", {"ArnEquals": {"aws:SourceArn": rule.attr_arn}})
        self._alarm(
            "OtherChangesNotTold",
            "Somebody else called ModifyCluster and EventBridge could not tell the topic. "
            "Its policy has to let events.amazonaws.com publish.",
            _Metric("AWS/Events", "FailedInvocations", {"RuleName": rule.ref}),
        )
        return rule

    def _let_publish(self, sid: str, service: str, conditions: Mapping[str, Mapping[str, str]]) -> None:
        """Both: with the first statement of its own a topic loses the policy that lets its account publish."""
        statement = iam.PolicyStatement(
            sid=sid,
            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[self._topic.topic_arn],
            conditions=conditions,
        )
        self._topic.add_to_resource_policy(statement)

    def _keep_queries(self, log_group: logs.ILogGroup) -> None:
        for name, (title, query) in QUERIES.items():
            logs.CfnQueryDefinition(
                self,
                name,
                name=f"{Aws.STACK_NAME}/{title}",
                log_group_names=[log_group.log_group_name],
                query_string=query,
            )

    def _alarm(self, name: str, description: str, metric: _Metric, threshold: int = 1) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=description,
            metric=cloudwatch.Metric(
                namespace=metric.namespace,
                metric_name=metric.name,
                dimensions_map=metric.dimensions or None,
                statistic="Sum",
                period=Duration.minutes(5),
            ),
            evaluation_periods=1,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
        self.alarms[name] = alarm


_TOLD = events.CfnRule.InputTransformerProperty(
    input_paths_map={
        "who": "$.detail.userIdentity.arn",
        "cluster": "$.detail.requestParameters.clusterId",
        "when": "$.time",
        "id": "$.detail.eventID",
    },
    input_template=(
        '"At <when> <who> called ModifyCluster on <cluster>, which was not the provider. '
        'CloudTrail has it as event <id>."'
    ),
)
