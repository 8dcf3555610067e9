"""What a resource remembers of the changes that it made itself.

A stack rollback may only turn back what the update that is being rolled back has changed. Two things tell: the change
was made by a request whose properties and old properties are this one's the other way round, and no other update came
since. The memory also corrects reads: for two minutes after a change CloudHSM may still show what was before it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from cloudhsm_settings import cluster as states
from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.declared import digest_of

ROLLBACK_WINDOW = 24 * 3600
"""Seconds from the start of a migration in which CloudHSM allows the way back."""
LAG = 120
"""Seconds in which a read may show what was true before a change: 80 to 120 were measured."""


@dataclass(frozen=True, kw_only=True)
class _Change:
    """What is remembered of a change of either kind."""

    request_id: str = ""
    before: str = ""
    """Digest of the properties before the update that made it."""
    after: str = ""
    """Digest of the properties that the update declared."""
    answered: bool = False
    """CloudHSM took the call."""
    undoes: bool = False
    """The request that made it has the properties of the change before it the other way round: a rollback, perhaps."""
    is_last: bool = True
    """False once another update has come: a rollback of that one does not undo this."""

    def seen_by(self, properties: Mapping[str, Any], old: Mapping[str, Any], request_id: str) -> Self:
        """The change as a request sees it, and leaves it to the next one."""
        undoes = digest_of(properties) == self.before and digest_of(old) == self.after
        return replace(self, is_last=self.is_last and (undoes or request_id == self.request_id))

    def is_way_forward_of(self, request_id: str) -> bool:
        """Whether a request made it itself, and not to undo another: there is nothing in it that it could undo.

        A cancelled update finds its own change, and takes the stack's rollback for its own.
        """
        return request_id == self.request_id and not self.undoes


@dataclass(frozen=True)
class TypeChange(_Change):
    """One change of type. `at` is when ModifyCluster was called, seconds since the epoch."""

    cluster_id: str
    previous: str
    hsm_type: str
    at: float

    def leads_back(self, shown: str, wanted: str) -> bool:
        """Whether the way from `shown` to `wanted` undoes it, or is its own that CloudHSM may not have taken."""
        is_way_back = (self.previous, self.hsm_type) == (wanted, shown)
        return is_way_back or (not self.answered and (self.previous, self.hsm_type) == (shown, wanted))

    def window_is_open(self, now: float) -> bool:
        """Whether CloudHSM may still allow the way back."""
        return now < self.at + ROLLBACK_WINDOW


@dataclass(frozen=True)
class RetentionChange(_Change):
    """The last change of the retention. `at` is when ModifyCluster was called, seconds since the epoch."""

    cluster_id: str
    days: int
    at: float
    previous: int | None = None
    """Days before the change: what a read that lags still shows."""


@dataclass(frozen=True)
class Memory:
    """All that a resource remembers."""

    type_change: TypeChange | None = None
    retention_change: RetentionChange | None = None

    def to_json(self) -> dict[str, Any]:
        """A mapping for the record."""
        return {name: asdict(change) for name, change in self._changes() if change}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Reads `to_json`; what another version has written otherwise is forgotten."""
        kinds = {"type_change": TypeChange, "retention_change": RetentionChange}
        return cls(**{name: _read(kind, value[name]) for name, kind in kinds.items() if name in value})

    def corrected(self, cluster: Cluster, now: float) -> Cluster:
        """The cluster as it must be by now, where a read may lag behind a change of our own."""
        change = self.type_change
        is_new = change is not None and change.answered and now - change.at < LAG
        if change and is_new and (change.cluster_id, change.previous) == (cluster.cluster_id, cluster.hsm_type):
            state = states.MODIFY_IN_PROGRESS if cluster.state == states.ACTIVE else cluster.state
            cluster = replace(cluster, hsm_type=change.hsm_type, state=state)
        retention = self.retention_change
        lags = retention is not None and retention.answered and now - retention.at < LAG
        former = (cluster.cluster_id, cluster.retention_days)
        if retention and lags and (retention.cluster_id, retention.previous) == former:
            cluster = replace(cluster, retention_type="DAYS", retention_value=str(retention.days))
        return cluster

    def _changes(self) -> list[tuple[str, Any]]:
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


def _read(kind: Any, value: Any) -> Any:
    known = {field.name: value[field.name] for field in fields(kind) if field.name in value}
    try:
        return kind(**known)
    except TypeError:
        return None
