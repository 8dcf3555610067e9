"""The clock: one EventBridge Scheduler schedule for each operation in flight.

Why it is safe. A schedule decides nothing: its input is a key, and what a poll does is what the record says. Its name
is made of the request it polls for, so ending one operation cannot stop the clock of the next. It may fire twice, late,
or after its operation: such a poll finds the record ended, or another owner in it, and removes it. It ends by itself.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from cloudhsm_settings.custom_resource.aws_errors import error_code, translated
from cloudhsm_settings.custom_resource.event import Key, poll_event

FIRST_POLL = 20
"""Seconds until the first poll; then one comes every minute."""
EVENT_AGE = 60
"""Seconds after which a poll that could not be delivered is dropped: the next one is due."""
_SHORTEST = 300
"""Seconds that a schedule lasts at least: Scheduler refuses an end in the past."""


def schedule_name(key: Key, request_id: str) -> str:
    """Name of a request's schedule: at most 64 of Scheduler's characters."""
    whole = f"{key.stack_id}\0{key.logical_resource_id}\0{request_id}"
    return sha256(whole.encode()).hexdigest()[:48]


@dataclass(frozen=True, eq=False, repr=False)
class SchedulerSchedules:
    """Schedules in EventBridge Scheduler."""

    client: Callable[[], Any]
    group: str
    role_arn: str
    """Role that lets Scheduler invoke the function."""
    target_arn: str
    """ARN of the function, qualified where the request came to a version or alias."""
    kms_key_arn: str = ""
    """ARN of the customer managed key that encrypts the schedules' input; empty for Scheduler's own."""
    clock: Callable[[], float] = time.time

    def create(self, key: Key, request_id: str, until: float) -> None:
        now = self.clock()
        with translated("scheduler:CreateSchedule", f"schedule group {self.group}"):
            try:
                self.client().create_schedule(
                    Name=schedule_name(key, request_id),
                    GroupName=self.group,
                    Description=f"{key.logical_resource_id} of {key.stack_id.rsplit('/', 2)[-2:][0]}"[:512],
                    ScheduleExpression="rate(1 minute)",
                    FlexibleTimeWindow={"Mode": "OFF"},
                    StartDate=datetime.fromtimestamp(now + FIRST_POLL, UTC),
                    EndDate=datetime.fromtimestamp(max(until, now + _SHORTEST), UTC),
                    ActionAfterCompletion="DELETE",
                    Target={
                        "Arn": self.target_arn,
                        "RoleArn": self.role_arn,
                        "Input": json.dumps(poll_event(key, request_id)),
                        "RetryPolicy": {"MaximumEventAgeInSeconds": EVENT_AGE, "MaximumRetryAttempts": 1},
                    },
                    **({"KmsKeyArn": self.kms_key_arn} if self.kms_key_arn else {}),
                )
            except ClientError as error:
                if error_code(error) != "ConflictException":
                    raise

    def delete(self, key: Key, request_id: str) -> None:
        with translated("scheduler:DeleteSchedule", f"schedule group {self.group}"):
            try:
                self.client().delete_schedule(Name=schedule_name(key, request_id), GroupName=self.group)
            except ClientError as error:
                if error_code(error) != "ResourceNotFoundException":
                    raise
