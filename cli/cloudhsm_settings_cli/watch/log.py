"""Lines of the provider's log -> polls. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from cloudhsm_settings_cli.watch.observed import Poll, without_urls


def pattern(stack_id: str) -> str:
    """The filter of FilterLogEvents for the decisions about a stack; it has no URL and no colon in it."""
    return f'"decided" "{stack_id.rpartition("/")[2]}"'


def poll_of(line: Mapping[str, Any], request_id: str) -> Poll | None:
    """One line of the log, where it is a decision about the request."""
    try:
        said = json.loads(str(line.get("message") or ""))
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("message") != "decided" or said.get("RequestId") != request_id:
        return None
    types = said.get("HsmTypes")
    return Poll(
        at=float(line.get("timestamp") or 0) / 1000,
        decision=str(said.get("decision") or ""),
        because=without_urls(str(said.get("because") or "")),
        state=str(said.get("State") or ""),
        hsm_types=types if isinstance(types, dict) else {},
    )
