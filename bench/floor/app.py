"""The least that any function has to do that calls CloudHSM and keeps a record in DynamoDB with boto3."""

from typing import Any

import boto3

cloudhsm = boto3.client("cloudhsmv2")
dynamodb = boto3.client("dynamodb")


def lambda_handler(_: dict[str, Any], __: Any) -> None:
    """Nothing."""
