"""The fleet as a boto3 client: without HTTP, for tests that live through millions of calls."""

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from sandbox.cloudhsm.fleet import CloudHsmError, Fleet

_TIMES = ("CreateTimestamp", "HsmTypeRollbackExpiration")


class FleetClient:
    """What botocore makes of the fleet's answers."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def describe_clusters(self, **members: Any) -> dict[str, Any]:
        """DescribeClusters."""
        try:
            return {"Clusters": [as_botocore_parses(cluster) for cluster in self._fleet.describe(members)]}
        except CloudHsmError as error:
            raise _client_error(error, "DescribeClusters") from error

    def modify_cluster(self, **members: Any) -> dict[str, Any]:
        """ModifyCluster."""
        try:
            return {"Cluster": as_botocore_parses(self._fleet.modify(members))}
        except CloudHsmError as error:
            raise _client_error(error, "ModifyCluster") from error


def as_botocore_parses(cluster: dict[str, Any]) -> dict[str, Any]:
    """The Cluster structure with its times as datetimes."""
    times = {name: datetime.fromtimestamp(cluster[name], UTC) for name in _TIMES if cluster.get(name) is not None}
    return {**cluster, **times}


def _client_error(error: CloudHsmError, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": error.code, "Message": str(error)}}, operation)
