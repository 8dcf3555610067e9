"""What is known of a cluster and its surroundings when a plan is made: frozen values, and nothing read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings_cli.plan.intent import Native


@dataclass(frozen=True)
class Backup:
    """One backup; `created_at` is in seconds since the epoch."""

    created_at: float
    state: str
    never_expires: bool

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Self:
        """Reads https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_Backup.html ."""
        created = answer.get("CreateTimestamp")
        return cls(
            created_at=created.timestamp() if created else 0.0,
            state=str(answer.get("BackupState") or ""),
            never_expires=bool(answer.get("NeverExpires")),
        )

    @property
    def is_ready(self) -> bool:
        """Whether a cluster can be restored from it."""
        return self.state == "READY"


@dataclass(frozen=True)
class Observed:
    """None stands for what could not be read; an empty tuple for what there is none of."""

    now: float
    """Seconds since the epoch."""
    region: str
    account: str
    cluster: Cluster | None
    record: Record | None = None
    others: tuple[Record, ...] | None = None
    """What other resources of the same provider declare for the cluster."""
    backups: tuple[Backup, ...] | None = None
    key_stores: tuple[str, ...] | None = None
    """Names of the KMS custom key stores that use the cluster."""
    natives: tuple[Native, ...] | None = None
    """The resources of CloudFormation's own type that own the cluster, in whichever stack."""
