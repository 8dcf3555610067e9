"""Which way a stack is going: forward, or back."""

from collections.abc import Callable
from typing import Any

from cloudhsm_settings.custom_resource.aws_errors import translated
from cloudhsm_settings.custom_resource.observability import logger
from cloudhsm_settings.custom_resource.order import StackDirection
from cloudhsm_settings.errors import Failure, Transient
from cloudhsm_settings.request import StackPhase

_COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")
"""How a stack rests after it went forward; all but a Create may go on to clean up."""


def phase_of(status: str) -> StackPhase:
    """What a StackStatus means for a request that is being handled now.

    A stack at rest or cleaning up is past the request. An empty status is one that could not be read.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
    """
    if not status:
        return StackPhase.UNKNOWN
    if status.removesuffix("_CLEANUP_IN_PROGRESS") in _COMPLETE:
        return StackPhase.COMPLETE
    if status.startswith("DELETE_") or "CLEANUP" in status or not status.endswith("_IN_PROGRESS"):
        return StackPhase.ENDED
    return StackPhase.ROLLING_BACK if "ROLLBACK" in status else StackPhase.FORWARD


def read_phase(client: Callable[[], Any], stack_id: str) -> StackPhase:
    """The phase of the stack, UNKNOWN without permission; raises Transient where trying again may help."""
    return phase_of(_status(client, stack_id))


def read_direction(client: Callable[[], Any], stack_id: str) -> StackDirection:
    """Whether the stack is being operated on, UNKNOWN as far as it cannot be read."""
    try:
        status = _status(client, stack_id)
    except Transient:
        return StackDirection.UNKNOWN
    if not status:
        return StackDirection.UNKNOWN
    if status.startswith("DELETE_"):
        return StackDirection.DELETING
    return StackDirection.IN_PROGRESS if status.endswith("_IN_PROGRESS") else StackDirection.AT_REST


def _status(client: Callable[[], Any], stack_id: str) -> str:
    try:
        with translated("cloudformation:DescribeStacks", stack_id):
            stacks = client().describe_stacks(StackName=stack_id).get("Stacks") or [{}]
    except Failure as failure:
        logger.warning("stack not readable", because=failure.reason)
        return ""
    return str(stacks[0].get("StackStatus") or "")
