"""Stack events as AWS lists them -> those of the stack's present or last operation. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from cloudhsm_settings_cli.watch.observed import StackEvent, without_urls

_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
_STACK = "AWS::CloudFormation::Stack"


def of_the_operation(raw: Iterable[Mapping[str, Any]]) -> tuple[StackEvent, ...]:
    """The events since the beginning of the stack's present or last operation, oldest first."""
    found = []
    for each in raw:
        event = StackEvent(
            at=each["Timestamp"].timestamp(),
            logical_id=str(each.get("LogicalResourceId") or ""),
            resource_type=str(each.get("ResourceType") or ""),
            status=str(each.get("ResourceStatus") or ""),
            reason=without_urls(str(each.get("ResourceStatusReason") or "")),
        )
        found.append(event)
        is_stack = each.get("PhysicalResourceId") == each.get("StackId") and event.resource_type == _STACK
        if is_stack and event.status in _BEGINNINGS:
            break
    return tuple(reversed(found))


def status_by_events(events: tuple[StackEvent, ...]) -> str:
    """The status of the stack where only its events can be read."""
    return next((each.status for each in reversed(events) if each.resource_type == _STACK), "")


def stack_name(stack_id: str) -> str:
    """The name in a stack's ARN, or the name itself."""
    return stack_id.split("/")[1] if stack_id.startswith("arn:") else stack_id
