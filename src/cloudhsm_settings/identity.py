"""PhysicalResourceIds: the same for the same request, always, and never empty."""

import re
from collections.abc import Mapping
from typing import Any

CLUSTER_ID = re.compile(r"cluster-[2-7a-zA-Z]{11,16}")
"""https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_ModifyCluster.html"""


def is_cluster_id(value: object) -> bool:
    """Whether CloudHSM could have issued `value` as the id of a cluster."""
    return isinstance(value, str) and CLUSTER_ID.fullmatch(value) is not None


def declared_cluster(properties: object) -> str:
    """The ClusterId of ResourceProperties; empty where it is none."""
    declared = properties.get("ClusterId") if isinstance(properties, Mapping) else None
    return str(declared) if is_cluster_id(declared) else ""


def physical_id(event: Mapping[str, Any]) -> str:
    """The id that a request is about: the declared ClusterId, for a Delete the id that it names.

    Where the template has no usable ClusterId it is a name without randomness, so that the Reason gets through.
    """
    declared = "" if event["RequestType"] == "Delete" else declared_cluster(event.get("ResourceProperties"))
    return declared or str(event.get("PhysicalResourceId") or "") or f"{event['LogicalResourceId']}-without-cluster"
