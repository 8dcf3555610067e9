"""PhysicalResourceIds: the same for the same request, always, and never empty."""

from collections.abc import Mapping
from typing import Any

from cloudhsm_settings.properties import is_cluster_id


def physical_id(event: Mapping[str, Any]) -> str:
    """The id that a request is about: the declared ClusterId, for a Delete the id that it names.

    Where the template has no usable ClusterId it is a name without randomness, so that the Reason gets through.
    """
    declared = (event.get("ResourceProperties") or {}).get("ClusterId")
    if event["RequestType"] != "Delete" and is_cluster_id(declared):
        return str(declared)
    return existing_id(event) or f"{event['LogicalResourceId']}-without-cluster"


def failed_id(event: Mapping[str, Any]) -> str:
    """The id of a FAILED answer: a failed Update keeps the id that the resource has."""
    return existing_id(event) or physical_id(event)


def existing_id(event: Mapping[str, Any]) -> str:
    """The id that CloudFormation knows the resource by; empty for a Create."""
    return str(event.get("PhysicalResourceId") or "")
