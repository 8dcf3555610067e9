"""The record of operations in flight: one EventBridge Scheduler schedule for each.

A schedule is the clock of its operation and its memory at once: its input is what the next
look is invoked with, and to create it is the lock that only one of two twins can get.
https://docs.aws.amazon.com/scheduler/latest/APIReference/Welcome.html
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cloudhsm_settings.aws_errors import error_code, translated

FIRST_LOOK = 20
"""Seconds until the first look; then one comes every minute."""
_METHODS = {
    "CreateSchedule": "create_schedule",
    "UpdateSchedule": "update_schedule",
    "GetSchedule": "get_schedule",
    "DeleteSchedule": "delete_schedule",
}
EVENT_AGE = 60
"""Seconds after which a look that could not be delivered is dropped: the next one is due."""


class Schedules(Protocol):
    """Where operations in flight are on record."""

    def names(self, prefix: str) -> list[str]:
        """Names of the operations on record that begin with `prefix`."""

    def create(self, name: str, look: dict[str, Any], until: float) -> bool:
        """Puts an operation on record; False when its name is taken.

        `look` is the event of the coming looks; they end at `until`, seconds since the epoch.
        """

    def replace(self, name: str, look: dict[str, Any], until: float) -> bool:
        """Changes what the coming looks are invoked with; False when nothing is on record."""

    def read(self, name: str) -> dict[str, Any] | None:
        """The event of the coming looks, or None when nothing is on record."""

    def delete(self, name: str) -> bool:
        """Strikes an operation off the record; False when it was not on it."""


@dataclass(frozen=True, slots=True)
class SchedulerSchedules:
    """Schedules in EventBridge Scheduler.

    All methods raise AccessDenied, or Transient for what may work later.
    """

    client: Callable[[], Any]
    group: str
    role_arn: str
    """Role that lets Scheduler invoke the function."""
    target_arn: str
    """ARN of the function, qualified where the request came to a version or alias."""
    clock: Callable[[], float] = time.time

    def names(self, prefix: str) -> list[str]:
        with translated("scheduler:ListSchedules", self.group):
            pages = self.client().get_paginator("list_schedules").paginate(GroupName=self.group, NamePrefix=prefix)
            return [schedule["Name"] for page in pages for schedule in page["Schedules"]]

    def create(self, name: str, look: dict[str, Any], until: float) -> bool:
        # botocore adds a ClientToken of its own to each call. A token made from the name would let
        # two twins both believe that they had created the schedule.
        start = datetime.fromtimestamp(self.clock() + FIRST_LOOK, UTC)
        members = self._members(name, look, until)
        return self._call("CreateSchedule", unless="ConflictException", StartDate=start, **members) is not None

    def replace(self, name: str, look: dict[str, Any], until: float) -> bool:
        members = self._members(name, look, until)
        return self._call("UpdateSchedule", unless="ResourceNotFoundException", **members) is not None

    def read(self, name: str) -> dict[str, Any] | None:
        answer = self._call("GetSchedule", unless="ResourceNotFoundException", Name=name, GroupName=self.group)
        if answer is None:
            return None
        look: dict[str, Any] = json.loads(answer["Target"]["Input"])
        return look

    def delete(self, name: str) -> bool:
        answer = self._call("DeleteSchedule", unless="ResourceNotFoundException", Name=name, GroupName=self.group)
        return answer is not None

    def _members(self, name: str, look: dict[str, Any], until: float) -> dict[str, Any]:
        return {
            "Name": name,
            "GroupName": self.group,
            "Description": f"{look['LogicalResourceId']} of {look['StackId'].rsplit('/', 2)[-2]}"[:512],
            "ScheduleExpression": "rate(1 minute)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "EndDate": datetime.fromtimestamp(until, UTC),
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": self.target_arn,
                "RoleArn": self.role_arn,
                "Input": json.dumps(look),
                "RetryPolicy": {"MaximumEventAgeInSeconds": EVENT_AGE, "MaximumRetryAttempts": 1},
            },
        }

    def _call(self, action: str, *, unless: str, **members: Any) -> dict[str, Any] | None:
        """The answer to one call, or None when it ends in the error code `unless`."""
        with translated(f"scheduler:{action}", self.group):
            client = self.client()
            try:
                answer: dict[str, Any] = getattr(client, _METHODS[action])(**members)
            except ClientError as error:
                if error_code(error) != unless:
                    raise
                return None
        return answer
