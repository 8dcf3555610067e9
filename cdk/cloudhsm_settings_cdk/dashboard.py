"""The body of the dashboard of examples/monitoring, widget by widget.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws

NAMESPACE = "CloudHSMClusterSettings"
SERVICE = "cloudhsm-cluster-settings"
_ENDED_WELL = ("Succeeded", "Drifted")
_FAILED = (
    "InvalidProperties",
    "NotFound",
    "NotReady",
    "WontFit",
    "HandleUsed",
    "Reverted",
    "Conflicting",
    "TurnBackRefused",
    "NotStabilized",
    "AccessDenied",
    "InvalidRequest",
    "InternalFailure",
)
_DRIFTED_BY_CLUSTER = f"SEARCH('{{{NAMESPACE},service,ClusterId}} MetricName=\"Drifted\"', 'Sum', 3600)"
_LATEST_STEPS = (
    'filter message = "decided" | stats latest(@timestamp) as at, latest(decision) as step, latest(State) as state, '
    "latest(because) as why by ClusterId | sort at desc"
)
_TROUBLE = (
    "fields @timestamp, level, message, because, error, ClusterId, StackId "
    '| filter level in ["WARN", "WARNING", "ERROR"] | sort @timestamp desc | limit 50'
)


@dataclass(frozen=True)
class Watched:
    """Names of what is watched."""

    function: str
    responder: str
    log_group: str
    schedule_group: str


def body(watched: Watched, alarm_arns: Sequence[str]) -> dict[str, Any]:
    """The whole dashboard, as what its JSON says."""
    function, responder = (("FunctionName", name) for name in (watched.function, watched.responder))
    group = ("ScheduleGroup", watched.schedule_group)
    durations = (("p50", "median"), ("p99", "p99"), ("Maximum", "longest"))
    per_cluster = [{"expression": _DRIFTED_BY_CLUSTER, "id": "drifted", "label": "${PROP('Dim.ClusterId')}"}]
    states = {"title": "Alarms", "alarms": list(alarm_arns)}
    return {
        "widgets": [
            {"type": "alarm", "x": 0, "y": 0, "width": 24, "height": 3, "properties": states},
            _graph(0, 3, "Operations", _ours("Polls", "ModifyCluster", "Deleted"), stat="Sum", period=300),
            _graph(12, 3, "Outcomes", _ours(*_ENDED_WELL, *_FAILED), stat="Sum", period=300, stacked=True),
            _graph(
                0,
                9,
                "Duration of an invocation",
                [["AWS/Lambda", "Duration", *function, {"stat": stat, "label": label}] for stat, label in durations],
                period=300,
            ),
            _graph(
                12,
                9,
                "Errors",
                [
                    ["AWS/Lambda", "Errors", *function, {"label": "Function"}],
                    ["AWS/Lambda", "Throttles", *function, {"label": "Function throttled"}],
                    ["AWS/Lambda", "DestinationDeliveryFailures", *function, {"label": "Responder not called"}],
                    ["AWS/Lambda", "Errors", *responder, {"label": "Responder"}],
                    [NAMESPACE, "ErrorLines", {"label": "ERROR lines"}],
                ],
                stat="Sum",
                period=300,
            ),
            _graph(0, 15, "Drift", [*_ours("Compared", "NotCompared"), per_cluster], stat="Sum", period=3600),
            _graph(
                12,
                15,
                "Polls of what is in flight",
                [
                    ["AWS/Scheduler", "InvocationAttemptCount", *group, {"label": "polls"}],
                    ["AWS/Scheduler", "InvocationDroppedCount", *group, {"label": "dropped"}],
                ],
                stat="Sum",
                period=60,
            ),
            _table(21, "Latest step of each cluster", watched, _LATEST_STEPS),
            _table(27, "Trouble", watched, _TROUBLE),
        ]
    }


def _ours(*names: str) -> list[list[Any]]:
    return [[NAMESPACE, name, "service", SERVICE] for name in names]


def _graph(x: int, y: int, title: str, metrics: Iterable[list[Any]], **properties: Any) -> dict[str, Any]:
    shown = {"title": title, "region": Aws.REGION, "view": "timeSeries", **properties, "metrics": list(metrics)}
    return {"type": "metric", "x": x, "y": y, "width": 12, "height": 6, "properties": shown}


def _table(y: int, title: str, watched: Watched, query: str) -> dict[str, Any]:
    source = f"SOURCE '{watched.log_group}' | {query}"
    shown = {"title": title, "region": Aws.REGION, "view": "table", "query": source}
    return {"type": "log", "x": 0, "y": y, "width": 24, "height": 6, "properties": shown}
