"""The least that any function has to do that calls CloudHSM with boto3."""

from typing import Any

import boto3

cloudhsm = boto3.client("cloudhsmv2")


def lambda_handler(_: dict[str, Any], __: Any) -> None:
    """Nothing."""
