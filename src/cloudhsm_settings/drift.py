"""Drift: what a cluster is, beside what was last declared for it. Frozen values and pure functions."""

from dataclasses import dataclass

from cloudhsm_settings.cluster import GONE, TYPE_CHANGING, Cluster
from cloudhsm_settings.custom_resource.event import Key
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.errors import InvalidProperties
from cloudhsm_settings.history import Memory
from cloudhsm_settings.properties import Settings, parse

COMPARED = ("RequestType", "PhysicalResourceId", "Declared", "Memory", "Fence", "Ended", "ExpiresAt")
"""Members of an item that a comparison needs, besides its key. None of them is a secret."""


@dataclass(frozen=True)
class Difference:
    """One setting that is not as declared. `setting` is the property; values are as CloudHSM spells them."""

    setting: str
    declared: str
    found: str
    """Empty where the cluster has none, such as a cluster without a managed retention."""


@dataclass(frozen=True)
class Finding:
    """What came of one resource."""

    key: Key
    cluster_id: str
    differences: tuple[Difference, ...] = ()
    unread: str = ""
    """Why something could not be compared; empty when all was."""

    @property
    def drifted(self) -> bool:
        """Whether a setting differs."""
        return bool(self.differences)


def is_gone(record: Record) -> bool:
    """Whether there is no resource any more, or never was: a Delete, or a Create that failed."""
    return record.request_type == "Delete" or record.expires_at is not None


def compared(record: Record, cluster: Cluster | None, now: float) -> Finding:
    """A resource whose operation has ended beside its cluster; None is a cluster that CloudHSM does not list."""
    try:
        settings = parse({"ClusterId": record.physical_resource_id, **record.declared})
    except InvalidProperties as invalid:
        return not_compared(record, f"What is declared is invalid. {' '.join(invalid.faults)}")
    if not record.readable:
        return not_compared(record, "Another version has written its record; update its stack.")
    if cluster is None or cluster.state in GONE:
        return not_compared(record, f"The cluster is {cluster.state if cluster else 'not there any more'}.")
    # For two minutes after a change of its own a read may show what was before it.
    cluster = Memory.from_json(record.memory).corrected(cluster, now)
    types, unread = _types(settings, cluster)
    return Finding(record.key, cluster.cluster_id, (*types, *_retentions(settings, cluster)), unread)


def not_compared(record: Record, because: str) -> Finding:
    """A resource that nothing is known of."""
    return Finding(record.key, record.physical_resource_id, unread=because)


def sentence(finding: Finding) -> str:
    """A finding as one part of a line: "cluster-abcdefghijk: HsmType is hsm2m.medium, declared hsm1.medium"."""
    parts = [f"{each.setting} is {each.found or 'unset'}, declared {each.declared}" for each in finding.differences]
    return f"{finding.cluster_id}: {' and '.join(parts)}"


def _types(settings: Settings, cluster: Cluster) -> tuple[tuple[Difference, ...], str]:
    wanted, shown = settings.hsm_type, cluster.shown_type
    if wanted is None:
        return (), ""
    if not shown:
        return (), "CloudHSM reports no HSM type of it."
    # While the type is being changed, HSMs that lag are on their way.
    lagging = () if cluster.state in TYPE_CHANGING else cluster.lagging(wanted)
    found = {shown, *(hsm.hsm_type for hsm in lagging)} - {wanted}
    return ((Difference("HsmType", wanted, ", ".join(sorted(found))),) if found else ()), ""


def _retentions(settings: Settings, cluster: Cluster) -> tuple[Difference, ...]:
    wanted = settings.retention_days
    if wanted in (None, cluster.retention_days):
        return ()
    return (Difference("BackupRetentionPolicy", str(wanted), cluster.retention_value),)
