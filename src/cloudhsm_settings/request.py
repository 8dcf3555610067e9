"""What an operation knows besides the cluster: the request, and its own progress."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

from cloudhsm_settings.properties import Settings


class StackPhase(StrEnum):
    """Which way the stack of a request is going."""

    UNREAD = "Unread"
    UNKNOWN = "Unknown"
    """The stack could not be read, for example because the permission is missing."""
    FORWARD = "Forward"
    ROLLING_BACK = "RollingBack"
    ENDED = "Ended"
    """The stack is being deleted or is gone: nobody waits for this request any more."""


@dataclass(frozen=True, slots=True)
class Request:
    """One Create or Update as CloudHSM sees it. Times are seconds since the epoch."""

    settings: Settings
    deadline: float
    """Until when the stack can be answered."""
    handle_deadline: float
    """Until when the wait condition handle can be signalled."""
    is_update: bool = False
    """False for a Create, and for an Update that moves the resource to another cluster."""
    declared_before: str | None = None
    """HsmType of the OldResourceProperties of an Update."""
    retention_before: int | None = None
    """Retention in days of the OldResourceProperties of an Update."""
    phase: StackPhase = StackPhase.UNREAD
    logical_resource_id: str = "Settings"
    account: str = ""
    region: str = ""

    @property
    def cluster_id(self) -> str:
        """The cluster that the request is about."""
        return self.settings.cluster_id

    @property
    def changes_type(self) -> bool:
        """Whether the template itself asks for a change of the type, not only drift does."""
        return not self.is_update or self.settings.hsm_type != self.declared_before

    @property
    def follows_a_change(self) -> bool:
        """Whether an earlier request may have changed moments ago what this one declares otherwise."""
        retention = self.settings.retention_days
        changes_retention = retention is not None and retention != self.retention_before
        return self.is_update and (changes_retention or (self.settings.hsm_type is not None and self.changes_type))


@dataclass(frozen=True, slots=True)
class Progress:
    """What an operation has asked for and seen; it travels from look to look."""

    retention_asked: bool = False
    hsm_type_asked_at: float | None = None
    """When ModifyCluster was about to be called with the type, seconds since the epoch."""
    unsure: bool = False
    """Nothing has shown yet that this call took effect: it may never have been made."""
    previous_hsm_type: str = ""
    """Type of the cluster before the change; empty when none was asked for."""
    original_seen_at: float | None = None
    """When a look first showed the previous type again, seconds since the epoch."""
    answered: bool = False
    """The stack has its answer; what follows goes to the wait condition handle."""

    def to_json(self) -> dict[str, Any]:
        """A mapping for the schedule's input."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Reads `to_json`; members of other versions are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: member for name, member in value.items() if name in known})
