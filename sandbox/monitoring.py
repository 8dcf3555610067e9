"""What MiniStack's CloudWatch lacks: metrics of what functions log, alarms by dimension, and queries that are kept.

It runs inside MiniStack. Metrics of the embedded metric format and of metric filters are recorded, and an alarm looks
whenever one is. Time that passes ends no alarm here.
"""

import re
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any
from uuid import uuid4

from ministack.core import responses  # type: ignore[import-not-found]
from ministack.services import (  # type: ignore[import-not-found]
    cloudwatch,
    cloudwatch_logs,
    eventbridge,
    lambda_svc,
)
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

from sandbox.insights import members_of

NEEDED = (
    (lambda_svc, "_emit_lambda_logs"),
    (lambda_svc, "_emit_lambda_metrics"),
    (cloudwatch_logs, "_put_metric_filter"),
    (cloudwatch_logs, "_metric_filters"),
    (cloudwatch, "_evaluate_alarm"),
    (cloudwatch, "record_metric"),
    (cloudwatch, "_dims_key"),
    (cloudwatch, "_evict_old_metrics"),
    (eventbridge, "_put_events"),
    (eventbridge, "_invoke_target"),
)
"""Names of MiniStack that another version may not have."""
FILTER = re.compile(r'\{ \$\.(\w+) = "([^"]*)" \}')
"""The patterns of metric filters that are understood here, such as { $.level = "ERROR" }."""


def let_it_be_monitored(require: Callable[[ModuleType, str], None]) -> None:
    """Adds all of it; `require` ends with a clear word where MiniStack has changed."""
    for module, name in NEEDED:
        require(module, name)
    know_query_definitions()
    measure_what_functions_log()
    measure_schedules()
    alarm_on_exactly_these_dimensions()
    let_cloudtrail_tell()
    # It would lose what another thread records meanwhile, and nobody runs this cloud for the two weeks it looks for.
    cloudwatch._evict_old_metrics = lambda: None  # noqa: SLF001


def measure_what_functions_log() -> None:
    """Makes metrics of invocations, of the embedded metric format and of metric filters.

    MiniStack measures synchronous invocations, stores metric filters, and leaves the embedded metrics in the log.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    write, put = lambda_svc._emit_lambda_logs, cloudwatch_logs._put_metric_filter  # noqa: SLF001
    emit = lambda_svc._emit_lambda_metrics  # noqa: SLF001

    def measuring(
        function: dict[str, Any], request_id: str, text: str, error: bool, milliseconds: int, **options: Any
    ) -> None:
        write(function, request_id, text, error, milliseconds, **options)
        emit(function["config"]["FunctionName"], milliseconds, error, False)
        group = function["config"].get("LoggingConfig", {}).get("LogGroup")
        for line in filter(None, map(members_of, (text or "").splitlines())):
            measure_embedded(line)
            measure_filtered(group, line)

    def emitting(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        # What ran is measured where it was logged, asynchronous invocations and their retries too.
        if throttle:
            emit(name, duration_ms, error, throttle)

    def understood(data: dict[str, Any]) -> Any:
        if not FILTER.fullmatch(data["filterPattern"]):
            known = f"This pattern is not understood here, only such as {FILTER.pattern}"
            return responses.error_response_json("InvalidParameterException", known, 400)
        return put(data)

    lambda_svc._emit_lambda_logs = measuring  # noqa: SLF001
    lambda_svc._emit_lambda_metrics = emitting  # noqa: SLF001
    cloudwatch_logs._put_metric_filter = understood  # noqa: SLF001


def measure_embedded(line: dict[str, Any]) -> None:
    """Records the metrics in a line, once for each set of dimensions."""
    for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
        for names in directive["Dimensions"]:
            dimensions = {name: line[name] for name in names}
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    cloudwatch.record_metric(directive["Namespace"], metric["Name"], value, metric["Unit"], dimensions)


def measure_filtered(group: str | None, line: dict[str, Any]) -> None:
    """Records what the metric filters of a log group make of a line."""
    for each in [each for each in cloudwatch_logs._metric_filters.values() if each["logGroupName"] == group]:  # noqa: SLF001
        name, value = FILTER.fullmatch(each["filterPattern"]).groups()  # type: ignore[union-attr]
        if line.get(name) == value:
            for made in each["metricTransformations"]:
                amount = float(made["metricValue"])
                cloudwatch.record_metric(made["metricNamespace"], made["metricName"], amount, made.get("unit", "None"))


def alarm_on_exactly_these_dimensions() -> None:
    """Lets an alarm watch one metric, where MiniStack takes all of its name, whenever one is recorded."""
    record = cloudwatch.record_metric

    def evaluate(alarm: dict[str, Any]) -> None:
        dimensions = {each["Name"]: each["Value"] for each in alarm.get("Dimensions") or []}
        key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))  # noqa: SLF001
        since = time.time() - alarm["Period"] * alarm["EvaluationPeriods"]
        values = [each["Value"] for each in cloudwatch._metrics.get(key, []) if each["Timestamp"] >= since]  # noqa: SLF001
        if (alarm["Statistic"], alarm["ComparisonOperator"]) != ("Sum", "GreaterThanOrEqualToThreshold"):
            raise NotImplementedError(f"{alarm['AlarmName']} compares in a way that is not understood here")
        if values:
            tell(alarm, "ALARM" if sum(values) >= alarm["Threshold"] else "OK", f"the sum is {sum(values)}")

    def recording(*words: Any, **options: Any) -> None:
        record(*words, **options)
        for alarm in list(cloudwatch._alarms.values()):  # noqa: SLF001
            evaluate(alarm)

    cloudwatch._evaluate_alarm = evaluate  # noqa: SLF001
    cloudwatch.record_metric = recording


def tell(alarm: dict[str, Any], state: str, reason: str) -> None:
    """Has an alarm in a state, and its actions done when that is new."""
    former = alarm["StateValue"]
    if state != former:
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        cloudwatch._record_history(alarm["AlarmName"], former, state, reason)  # noqa: SLF001
        cloudwatch._dispatch_alarm_actions(alarm, former, state, reason)  # noqa: SLF001


def measure_schedules() -> None:
    """Counts what Scheduler invokes, by group: https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html."""
    invoke = eventbridge._invoke_target  # noqa: SLF001

    def counting(target: dict[str, Any], event: dict[str, Any], source: dict[str, Any], *rest: Any) -> None:
        if "GroupName" in source:
            group = {"ScheduleGroup": source["GroupName"]}
            cloudwatch.record_metric("AWS/Scheduler", "InvocationAttemptCount", 1, "Count", group)
        invoke(target, event, source, *rest)

    eventbridge._invoke_target = counting  # noqa: SLF001


def let_cloudtrail_tell() -> None:
    """Takes events of aws.cloudhsm, which CloudTrail puts on the bus in AWS, and still of no other service."""
    put = eventbridge._put_events  # noqa: SLF001

    def putting(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        sources = {each.get("Source") for each in data.get("Entries", [])}
        return put(data, allow_aws_source or sources == {"aws.cloudhsm"})

    eventbridge._put_events = putting  # noqa: SLF001


def know_query_definitions() -> None:
    """Adds AWS::Logs::QueryDefinition, with the limits of PutQueryDefinition; nothing else reads them here."""

    def checked(properties: dict[str, Any]) -> None:
        for name, longest in (("Name", 255), ("QueryString", 10000)):
            if not 1 <= len(properties.get(name) or "") <= longest:
                raise ValueError(f"AWS::Logs::QueryDefinition: {name} must have 1 to {longest} characters")

    def create(_logical_id: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, str]]:
        checked(properties)
        made = str(uuid4())
        return made, {"QueryDefinitionId": made}

    def update(made: str, _old: dict[str, Any], new: dict[str, Any], _stack: str) -> tuple[str, dict[str, str]]:
        checked(new)
        return made, {"QueryDefinitionId": made}

    def delete(_made: str, _properties: dict[str, Any]) -> None:
        """Nothing is left of it."""

    handlers = {"create": create, "update": update, "delete": delete}
    provisioners._RESOURCE_HANDLERS["AWS::Logs::QueryDefinition"] = handlers  # noqa: SLF001
