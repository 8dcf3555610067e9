"""The function's environment variables, read in one place."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Environment:
    """What the template tells the function."""

    table: str
    """Name of the table that the template owns."""
    schedule_group: str
    """Name of the schedule group that the template owns."""
    scheduler_role_arn: str
    """Role with which Scheduler invokes the function."""
    schedule_kms_key_arn: str
    """Customer managed key of the schedules; empty without one."""
    wait_condition_hosts: frozenset[str]
    """Hosts accepted for wait condition handles besides AWS's own; empty outside of a sandbox."""
    response_hosts: frozenset[str]
    """Hosts accepted for a ResponseURL besides AWS's own; empty outside of a sandbox."""
    region: str
    """The function's own region."""
    local: bool
    """Whether `sam local` runs the function."""

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Reads what the template sets, and what Lambda sets: AWS_REGION, AWS_SAM_LOCAL."""
        return cls(
            table=variables.get("TABLE_NAME", ""),
            schedule_group=variables.get("SCHEDULE_GROUP", ""),
            scheduler_role_arn=variables.get("SCHEDULER_ROLE_ARN", ""),
            schedule_kms_key_arn=variables.get("SCHEDULE_KMS_KEY_ARN", ""),
            wait_condition_hosts=frozenset(variables.get("WAIT_CONDITION_HOSTS", "").split()),
            response_hosts=frozenset(variables.get("RESPONSE_HOSTS", "").split()),
            region=variables.get("AWS_REGION", ""),
            local=variables.get("AWS_SAM_LOCAL") == "true",
        )
