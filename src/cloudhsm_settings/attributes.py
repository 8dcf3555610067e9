"""Cluster -> Data: what `Fn::GetAtt` can read, each under the API's own name."""

from collections.abc import Iterable

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.reasons import iso8601
from cloudhsm_settings.request import Progress

TRIMMED_FIRST = ("StateMessage", "HsmEniIps", "HsmIds", "SubnetIds", "AvailabilityZones")
"""Attributes that are emptied, in this order, when an answer would exceed 4096 bytes."""


def attributes(cluster: Cluster, progress: Progress, drifted: bool = False) -> dict[str, str]:
    """All attributes of the resource; one that the cluster does not have is an empty string.

    Lists are comma-delimited, times ISO 8601 UTC, Booleans "true" or "false". Never contains
    PreCoPassword or certificates.
    """
    hsms = cluster.live_hsms
    return {
        "ClusterId": cluster.cluster_id,
        "HsmType": cluster.hsm_type,
        "HsmTypeDrifted": str(drifted).lower(),
        "BackupRetentionPolicy.Type": cluster.retention_type,
        "BackupRetentionPolicy.Value": cluster.retention_value,
        "BackupPolicy": cluster.backup_policy,
        "State": cluster.state,
        "StateMessage": cluster.state_message,
        "Mode": cluster.mode,
        "NetworkType": cluster.network_type,
        "VpcId": cluster.vpc_id,
        "SecurityGroup": cluster.security_group,
        "SubnetIds": _listed(subnet for _, subnet in cluster.subnets),
        "AvailabilityZones": _listed(zone for zone, _ in cluster.subnets),
        "HsmIds": _listed(hsm.hsm_id for hsm in hsms),
        "HsmEniIps": _listed(hsm.eni_ip for hsm in hsms),
        "HsmCount": str(len(hsms)),
        "CreateTimestamp": iso8601(cluster.created_at),
        "SourceBackupId": cluster.source_backup_id,
        "HsmTypeRollbackExpiration": iso8601(cluster.rollback_expires_at),
        "PreviousHsmType": progress.previous_hsm_type,
    }


def _listed(values: Iterable[str]) -> str:
    return ",".join(value for value in values if value)
