"""Which way a stack is going."""

import pytest
from botocore.exceptions import ClientError

from cloudhsm_settings.custom_resource.errors import Transient
from cloudhsm_settings.custom_resource.order import StackDirection
from cloudhsm_settings.request import StackPhase
from cloudhsm_settings.stack import phase_of, read_direction, read_phase


class Stacks:
    def __init__(self, status="", code=""):
        self.status, self.code = status, code

    def describe_stacks(self, StackName):  # noqa: N803  # the API's
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": "m"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": self.status}] if self.status else []}


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("CREATE_IN_PROGRESS", StackPhase.FORWARD),
        ("UPDATE_IN_PROGRESS", StackPhase.FORWARD),
        ("IMPORT_IN_PROGRESS", StackPhase.FORWARD),
        ("CREATE_COMPLETE", StackPhase.COMPLETE),
        ("UPDATE_COMPLETE", StackPhase.COMPLETE),
        ("CREATE_FAILED", StackPhase.ENDED),
        ("ROLLBACK_COMPLETE", StackPhase.ENDED),
        ("UPDATE_ROLLBACK_COMPLETE", StackPhase.ENDED),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", StackPhase.COMPLETE),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", StackPhase.ENDED),
        ("UPDATE_ROLLBACK_FAILED", StackPhase.ENDED),
        ("ROLLBACK_IN_PROGRESS", StackPhase.ROLLING_BACK),
        ("UPDATE_ROLLBACK_IN_PROGRESS", StackPhase.ROLLING_BACK),
        ("DELETE_IN_PROGRESS", StackPhase.ENDED),
        ("DELETE_COMPLETE", StackPhase.ENDED),
        ("", StackPhase.UNKNOWN),
    ],
)
def test_phase_of_a_stack(status, phase):
    assert phase_of(status) is phase
    assert read_phase(lambda: Stacks(status), "s") is phase


def test_a_denied_permission_is_an_unknown_phase():
    assert read_phase(lambda: Stacks(code="AccessDenied"), "s") is StackPhase.UNKNOWN


def test_throttling_is_tried_again():
    with pytest.raises(Transient):
        read_phase(lambda: Stacks(code="Throttling"), "s")


@pytest.mark.parametrize(
    ("stacks", "direction"),
    [
        (Stacks("UPDATE_IN_PROGRESS"), StackDirection.IN_PROGRESS),
        (Stacks("UPDATE_COMPLETE"), StackDirection.AT_REST),
        (Stacks("DELETE_IN_PROGRESS"), StackDirection.DELETING),
        (Stacks(), StackDirection.UNKNOWN),
        (Stacks(code="Throttling"), StackDirection.UNKNOWN),
        (Stacks(code="AccessDenied"), StackDirection.UNKNOWN),
    ],
)
def test_direction_of_a_stack(stacks, direction):
    assert read_direction(lambda: stacks, "s") is direction
