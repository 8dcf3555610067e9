"""Queries for Logs Insights, as examples/monitoring has them."""

from collections.abc import Mapping

QUERIES: Mapping[str, tuple[str, str]] = {
    "LastDecisionsQuery": (
        "Last decisions for a stack",
        """\
fields @timestamp, LogicalResourceId, ClusterId, decision, because
| filter message = "decided" and StackId like "STACK"
| sort @timestamp desc
| limit 20
""",
    ),
    "ProgressQuery": (
        "Progress of a migration",
        """\
fields @timestamp, State, because
| filter ClusterId = "cluster-abcdefghijk" and decision in ["Accepted", "Wait", "Done", "Fail"]
| sort @timestamp desc
""",
    ),
    "ChangesQuery": (
        "Everything that changed a cluster",
        """\
fields @timestamp, ClusterId, decision, because, StackId, RequestId
| filter decision in ["ModifyHsmType", "ModifyRetention"]
| sort @timestamp desc
""",
    ),
    "DriftQuery": (
        "What the drift check found",
        """\
fields @timestamp, resources, in_flight, drifted, not_compared
| filter message = "drift check"
| sort @timestamp desc
""",
    ),
    "TroubleQuery": (
        "Trouble",
        """\
fields @timestamp, level, message, because, error, ClusterId, StackId
| filter level in ["WARN", "WARNING", "ERROR"]
| sort @timestamp desc
""",
    ),
}
"""By their names in examples/monitoring: the title, and the query."""
