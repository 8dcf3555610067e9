"""The function's environment variables, read in one place."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Environment:
    """What the template tells the function."""

    schedule_group: str
    """Name of the schedule group that the template owns."""
    scheduler_role_arn: str
    """Role with which Scheduler invokes the function."""
    wait_condition_hosts: frozenset[str]
    """Hosts accepted for wait condition handles besides AWS's own; empty outside of a sandbox."""
    local: bool
    """Whether `sam local` runs the function."""

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Reads SCHEDULE_GROUP, SCHEDULER_ROLE_ARN, WAIT_CONDITION_HOSTS and AWS_SAM_LOCAL."""
        return cls(
            schedule_group=variables.get("SCHEDULE_GROUP", ""),
            scheduler_role_arn=variables.get("SCHEDULER_ROLE_ARN", ""),
            wait_condition_hosts=frozenset(variables.get("WAIT_CONDITION_HOSTS", "").split()),
            local=variables.get("AWS_SAM_LOCAL") == "true",
        )
