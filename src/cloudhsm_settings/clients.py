"""boto3 clients, each made at its first use and kept for the life of the process."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

_TIMEOUTS = {"connect_timeout": 5, "read_timeout": 15}
# ModifyCluster must not be repeated behind our back, and a poll that failed is followed by the next.
_ONCE = Config(retries={"total_max_attempts": 1}, **_TIMEOUTS)
_RETRYING = Config(retries={"mode": "standard", "total_max_attempts": 4}, **_TIMEOUTS)


@cache
def cloudhsm() -> Any:
    """CloudHSM v2, without retries."""
    return boto3.client("cloudhsmv2", config=_ONCE)


@cache
def dynamodb() -> Any:
    """DynamoDB, with retries: a conditional write that took effect unseen is refused when it is repeated."""
    return boto3.client("dynamodb", config=_RETRYING)


@cache
def scheduler() -> Any:
    """EventBridge Scheduler, with retries."""
    return boto3.client("scheduler", config=_RETRYING)


@cache
def cloudformation() -> Any:
    """CloudFormation, with retries."""
    return boto3.client("cloudformation", config=_RETRYING)


def for_reading(service: str) -> Any:
    """A client for calls that change nothing, which are tried again, but not for long; it is not kept."""
    again = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=3, read_timeout=5)
    return boto3.client(service, config=again)
