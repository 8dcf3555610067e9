"""Which way a stack is going: forward, or back."""

from collections.abc import Callable
from typing import Any

from cloudhsm_settings.aws_errors import translated
from cloudhsm_settings.errors import Failure
from cloudhsm_settings.observability import logger
from cloudhsm_settings.request import StackPhase


def phase_of(status: str) -> StackPhase:
    """What a StackStatus means for a request that is being handled now.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
    """
    if status.startswith("DELETE_"):
        return StackPhase.ENDED
    return StackPhase.ROLLING_BACK if "ROLLBACK" in status else StackPhase.FORWARD


def read_phase(client: Callable[[], Any], stack_id: str) -> StackPhase:
    """The phase of the stack, UNKNOWN without permission; raises Transient where trying again may help."""
    try:
        with translated("cloudformation:DescribeStacks", stack_id):
            stacks = client().describe_stacks(StackName=stack_id)["Stacks"]
    except Failure as failure:
        logger.warning("stack not readable", because=failure.reason)
        return StackPhase.UNKNOWN
    return phase_of(stacks[0]["StackStatus"])
