"""What MiniStack's Logs Insights lacks: the members of lines that are JSON, and filters by them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Filter.html
"""

import json
import re
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

Condition = Callable[[Mapping[str, Any]], bool]
"""Whether a line, by its members, is asked for."""
_FILTER = re.compile(r"filter\s+(.+)", re.IGNORECASE | re.DOTALL)
_CONDITION = re.compile(r"(@?\w+)\s+(=|like|in)\s+(\"[^\"]*\"|\[[^\]]*\])", re.DOTALL)


def let_queries_read_json(require: Callable[[ModuleType, str], None]) -> None:
    """Adds it; `require` ends with a clear word where MiniStack has changed."""
    from ministack.services import cloudwatch_logs  # type: ignore[import-not-found]

    for name in ("_public_log_record", "_compile_insights_filter"):
        require(cloudwatch_logs, name)
    public, known = cloudwatch_logs._public_log_record, cloudwatch_logs._compile_insights_filter  # noqa: SLF001

    def with_members(record: dict[str, Any]) -> dict[str, Any]:
        return {**members_of(record["@message"]), **public(record)}

    def compiled(stage: str) -> Condition | None:
        ours = condition(stage)
        return (lambda record: ours(with_members(dict(record)))) if ours else known(stage)

    cloudwatch_logs._public_log_record = with_members  # noqa: SLF001
    cloudwatch_logs._compile_insights_filter = compiled  # noqa: SLF001


def members_of(line: str) -> dict[str, Any]:
    """A line of JSON; nothing for any other."""
    try:
        members = json.loads(line)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


def condition(stage: str) -> Condition | None:
    """`filter a = "x" and b like "y" and c in ["x", "y"]`; None for what is written in another way."""
    found = _FILTER.fullmatch(stage.strip())
    parts = [_CONDITION.fullmatch(part.strip()) for part in re.split(r"\s+and\s+", found[1])] if found else [None]
    if None in parts:
        return None
    asked = [(part[1], part[2], json.loads(part[3])) for part in parts if part]
    return lambda line: all(_holds(str(line.get(field, "")), operator, value) for field, operator, value in asked)


def _holds(seen: str, operator: str, value: Any) -> bool:
    if operator == "like":
        return value in seen
    return seen in value if operator == "in" else bool(seen == value)
