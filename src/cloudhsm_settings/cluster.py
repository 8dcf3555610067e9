"""What CloudHSM says about a cluster, and the one place that talks to CloudHSM."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cloudhsm_settings.custom_resource.aws_errors import Final, translated
from cloudhsm_settings.custom_resource.errors import InvalidRequest, NotFound
from cloudhsm_settings.custom_resource.event import whole_number

# Cluster states: https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_Cluster.html
CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
UNINITIALIZED = "UNINITIALIZED"
INITIALIZE_IN_PROGRESS = "INITIALIZE_IN_PROGRESS"
INITIALIZED = "INITIALIZED"
ACTIVE = "ACTIVE"
UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
MODIFY_IN_PROGRESS = "MODIFY_IN_PROGRESS"
ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
DELETED = "DELETED"
DEGRADED = "DEGRADED"

SETTLED = frozenset({UNINITIALIZED, INITIALIZED, ACTIVE, DEGRADED})
AWAITING_A_PERSON = frozenset({UNINITIALIZED, INITIALIZED})
TYPE_CHANGING = frozenset({MODIFY_IN_PROGRESS, ROLLBACK_IN_PROGRESS})
GONE = frozenset({DELETE_IN_PROGRESS, DELETED})


@dataclass(frozen=True)
class Hsm:
    """One HSM; `state` is CREATE_IN_PROGRESS, ACTIVE, DEGRADED, DELETE_IN_PROGRESS or DELETED."""

    hsm_id: str
    hsm_type: str = ""
    state: str = ACTIVE
    state_message: str = ""
    eni_ip: str = ""

    @property
    def in_service(self) -> bool:
        """False once the HSM is deleted or being deleted."""
        return self.state not in GONE


@dataclass(frozen=True)
class Cluster:
    """A snapshot of one answer of DescribeClusters or ModifyCluster.

    Members are the API's; one that CloudHSM left out is empty or None. PreCoPassword and
    Certificates are never read. Times are seconds since the epoch.
    """

    cluster_id: str
    state: str
    state_message: str = ""
    hsm_type: str = ""
    hsms: tuple[Hsm, ...] = ()
    retention_type: str = ""
    retention_value: str = ""
    backup_policy: str = ""
    mode: str = ""
    network_type: str = ""
    vpc_id: str = ""
    security_group: str = ""
    subnets: tuple[tuple[str, str], ...] = ()
    """(Availability Zone, subnet id), sorted by zone."""
    source_backup_id: str = ""
    created_at: float | None = None
    rollback_expires_at: float | None = None

    @property
    def live_hsms(self) -> tuple[Hsm, ...]:
        """The HSMs that are neither deleted nor being deleted."""
        return tuple(hsm for hsm in self.hsms if hsm.in_service)

    @property
    def retention_days(self) -> int | None:
        """Days of the managed policy; None without one, or with one not counted in days."""
        return whole_number(self.retention_value) if self.retention_type in ("", "DAYS") else None

    @property
    def shown_type(self) -> str:
        """The type that the cluster, or else all of its HSMs, report; empty when neither does.

        While the type is being changed the HSMs tell nothing about the cluster's.
        """
        if self.state in TYPE_CHANGING:
            return self.hsm_type
        types = {hsm.hsm_type for hsm in self.live_hsms}
        return self.hsm_type or (types.pop() if len(types) == 1 else "")

    @property
    def hsm_types(self) -> dict[str, int]:
        """How many live HSMs report which type, such as {"hsm1.medium": 2, "hsm2m.medium": 1}."""
        types = [hsm.hsm_type for hsm in self.live_hsms]
        return {each: types.count(each) for each in types}

    def lagging(self, hsm_type: str) -> tuple[Hsm, ...]:
        """The live HSMs that report another type than `hsm_type`."""
        return tuple(hsm for hsm in self.live_hsms if hsm.hsm_type not in ("", hsm_type))

    def migrated(self, hsm_type: str) -> int:
        """How many live HSMs are of `hsm_type` and in service."""
        return sum(hsm.hsm_type == hsm_type and hsm.state == ACTIVE for hsm in self.live_hsms)

    def yet_to_become(self, hsm_type: str) -> int:
        """How many live HSMs are not of `hsm_type`, as far as can be told."""
        unknown = 0 if self.shown_type == hsm_type else sum(hsm.hsm_type == "" for hsm in self.live_hsms)
        return len(self.lagging(hsm_type)) + unknown

    def is_wholly(self, hsm_type: str) -> bool:
        """Whether `hsm_type` is reported, and no live HSM reports another one."""
        return self.shown_type == hsm_type and not self.lagging(hsm_type)

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> "Cluster":
        """Reads the Cluster structure of the API; members unknown here are ignored."""
        retention = answer.get("BackupRetentionPolicy") or {}
        return cls(
            cluster_id=_text(answer, "ClusterId"),
            state=_text(answer, "State"),
            state_message=_text(answer, "StateMessage"),
            hsm_type=_text(answer, "HsmType"),
            hsms=tuple(_hsm(hsm) for hsm in answer.get("Hsms") or ()),
            retention_type=_text(retention, "Type"),
            retention_value=_text(retention, "Value"),
            backup_policy=_text(answer, "BackupPolicy"),
            mode=_text(answer, "Mode"),
            network_type=_text(answer, "NetworkType"),
            vpc_id=_text(answer, "VpcId"),
            security_group=_text(answer, "SecurityGroup"),
            subnets=tuple(sorted((answer.get("SubnetMapping") or {}).items())),
            source_backup_id=_text(answer, "SourceBackupId"),
            created_at=_epoch(answer.get("CreateTimestamp")),
            rollback_expires_at=_epoch(answer.get("HsmTypeRollbackExpiration")),
        )


def generation(hsm_type: str) -> int:
    """1 for hsm1.medium, 2 for hsm2m.medium. AWS documents a change to an earlier one only as a rollback."""
    return next((int(letter) for letter in hsm_type if letter.isdigit()), 0)


def _hsm(answer: Mapping[str, Any]) -> Hsm:
    return Hsm(
        hsm_id=_text(answer, "HsmId"),
        hsm_type=_text(answer, "HsmType"),
        state=_text(answer, "State"),
        state_message=_text(answer, "StateMessage"),
        eni_ip=_text(answer, "EniIp") or _text(answer, "EniIpV6"),
    )


def _text(answer: Mapping[str, Any], member: str) -> str:
    return str(answer.get(member) or "")


def _epoch(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


_REFUSED = (InvalidRequest, "Nothing more was changed; correct what the message names, then update the stack again.")
# Of ModifyCluster: what refuses a read heals by itself, as far as is known.
_REFUSALS: Final = {
    "CloudHsmInvalidRequestException": _REFUSED,
    "CloudHsmResourceNotFoundException": (NotFound, "Check the ClusterId."),
    "CloudHsmServiceException": _REFUSED,
    "ValidationError": _REFUSED,
    "ValidationException": _REFUSED,
}


class CloudHsmV2Client(Protocol):
    """The part of boto3's cloudhsmv2 client that is used."""

    def describe_clusters(self, **members: Any) -> Mapping[str, Any]:
        """See https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_DescribeClusters.html ."""

    def modify_cluster(self, **members: Any) -> Mapping[str, Any]:
        """See https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_ModifyCluster.html ."""


class CloudHsm:
    """CloudHSM as seen by one operation; each method makes exactly one call.

    Both kinds of call raise AccessDenied or Transient, ModifyCluster also InvalidRequest or NotFound.
    """

    def __init__(self, client: CloudHsmV2Client) -> None:
        self._client = client

    def describe(self, cluster_id: str) -> Cluster | None:
        """The cluster, or None when CloudHSM lists none with this id."""
        with translated("cloudhsm:DescribeClusters", cluster_id):
            answer = self._client.describe_clusters(Filters={"clusterIds": [cluster_id]})
        clusters = [Cluster.from_api(each) for each in answer.get("Clusters") or ()]
        return next((cluster for cluster in clusters if cluster.cluster_id == cluster_id), None)

    def modify_retention(self, cluster_id: str, days: int) -> Cluster:
        """Changes the backup retention policy and nothing else."""
        policy = {"Type": "DAYS", "Value": str(days)}
        return self._modify(cluster_id, BackupRetentionPolicy=policy)

    def modify_hsm_type(self, cluster_id: str, hsm_type: str) -> Cluster:
        """Starts the migration to `hsm_type`, or the rollback to it."""
        return self._modify(cluster_id, HsmType=hsm_type)

    def _modify(self, cluster_id: str, **setting: Any) -> Cluster:
        with translated("cloudhsm:ModifyCluster", cluster_id, final=_REFUSALS):
            answer = self._client.modify_cluster(ClusterId=cluster_id, **setting)
        return Cluster.from_api(answer.get("Cluster") or {})
