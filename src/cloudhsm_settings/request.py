"""What an operation knows besides the cluster: the request, and its own progress."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self, TypeVar

from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.declared import retention_of
from cloudhsm_settings.history import Memory, RetentionChange, TypeChange
from cloudhsm_settings.identity import declared_cluster
from cloudhsm_settings.properties import Settings

_Change = TypeVar("_Change", TypeChange, RetentionChange)
_FRESH = 5
"""Seconds after its signature in which a request needs not ask which way its stack goes."""


class StackPhase(StrEnum):
    """Which way the stack of a request is going."""

    UNREAD = "Unread"
    UNKNOWN = "Unknown"
    """The stack could not be read, for example because the permission is missing."""
    FORWARD = "Forward"
    ROLLING_BACK = "RollingBack"
    COMPLETE = "Complete"
    """The stack rests as it was declared: nobody waits for a response, and a migration that was accepted goes on."""
    ENDED = "Ended"
    """The stack rests as it was before, has failed, is being deleted, or is gone: nobody waits for this request."""


@dataclass(frozen=True)
class Former:
    """What the OldResourceProperties of an Update say; they may be of any earlier version."""

    cluster_id: str = ""
    hsm_type: str | None = None
    retention_days: int | None = None
    on_rollback: str = "Keep"
    wait_condition_handle: str | None = None

    @classmethod
    def read(cls, old: Mapping[str, Any], existing_id: str) -> Self:
        """Reads OldResourceProperties; those of another cluster than `existing_id`, or of none, are a replacement."""
        on_rollback, handle, hsm_type = (
            old.get(name) for name in ("HsmTypeOnRollback", "WaitConditionHandle", "HsmType")
        )
        return cls(
            cluster_id=declared_cluster(old) if declared_cluster(old) == existing_id else "",
            hsm_type=hsm_type if isinstance(hsm_type, str) else None,
            retention_days=retention_of(old),
            on_rollback="Revert" if on_rollback == "Revert" else "Keep",
            wait_condition_handle=handle if isinstance(handle, str) else None,
        )


@dataclass(frozen=True)
class Request:
    """One Create or Update as CloudHSM sees it. Times are seconds since the epoch."""

    settings: Settings
    deadline: float
    """Until when the stack can be answered."""
    handle_deadline: float
    """Until when the wait condition handle can be signalled."""
    former: Former | None = None
    """None for a Create."""
    change: TypeChange | None = None
    """The last change of type that this resource made, but for the request's own way forward."""
    retention_change: RetentionChange | None = None
    """The last change of the retention that this resource made, but for the request's own way forward."""
    direction: StackPhase = StackPhase.UNREAD
    """Which way the stack went when it was first read: it tells a rollback's request from a user's."""
    phase: StackPhase = StackPhase.UNREAD
    """Which way the stack goes now; read anew in each poll that calls ModifyCluster."""
    is_fresh: bool = True
    """Signed seconds ago: its stack cannot have turned since."""
    may_be_overtaken: bool = False
    """No poll has come yet: the request that undoes this one may be on its way."""
    accepted: bool = False
    """The stack has its response; what follows goes to the wait condition handle, or to the log."""
    is_unheard: bool = False
    """It was accepted, but the response did not arrive in time: the stack has taken the request for failed."""
    logical_resource_id: str = "Settings"
    account: str = ""
    region: str = ""

    @classmethod
    def of(
        cls,
        record: Record,
        settings: Settings,
        progress: "Progress",
        memory: Memory,
        *,
        now: float,
        account: str,
        region: str,
    ) -> Self:
        """The request on record, as the poll at `now` finds it."""
        return cls(
            settings=settings,
            deadline=record.deadline,
            handle_deadline=record.handle_deadline,
            former=Former.read(record.old_properties, record.existing_id) if record.request_type == "Update" else None,
            change=_undoable(memory.type_change, record.request_id),
            retention_change=_undoable(memory.retention_change, record.request_id),
            direction=progress.direction,
            is_fresh=not record.scheduled and now - record.signed_at <= _FRESH,
            may_be_overtaken=not record.scheduled,
            accepted=record.accepted,
            is_unheard=record.accepted and not record.response_paid and now > record.deadline,
            logical_resource_id=record.logical_resource_id,
            account=account,
            region=region,
        )

    @property
    def cluster_id(self) -> str:
        """The cluster that the request is about."""
        return self.settings.cluster_id

    @property
    def is_in_place(self) -> bool:
        """Whether it is an Update that stays with its cluster."""
        return self.former is not None and self.former.cluster_id == self.cluster_id

    @property
    def rolls_back(self) -> bool:
        """Whether it is what a stack rollback sends, as far as the stack could be read."""
        return self.former is not None and self.direction is StackPhase.ROLLING_BACK

    @property
    def is_out_of_date(self) -> bool:
        """Whether its stack has given up on it, or was seen to have gone another way: it is not wanted any more."""
        if self.is_unheard:
            return True
        if self.phase is StackPhase.ROLLING_BACK:
            return not self.rolls_back
        return self.phase is StackPhase.ENDED or (self.phase is StackPhase.COMPLETE and not self.accepted)

    @property
    def may_ask_direction(self) -> bool:
        """Whether it is not known which way the stack went, and not yet asked in this poll."""
        is_unknown = self.direction is StackPhase.UNKNOWN and self.phase is StackPhase.UNREAD
        return self.former is not None and (is_unknown or self.direction is StackPhase.UNREAD)

    @property
    def changes_type(self) -> bool:
        """Whether the template itself asks for a change of the type, not only drift does."""
        return self.former is None or not self.is_in_place or self.settings.hsm_type != self.former.hsm_type

    @property
    def asks_for_type_anew(self) -> bool:
        """Whether the type is asked for: by a change of it, or by Revert, which is the way back after Keep."""
        consents = self.settings.on_rollback == "Revert"
        return self.changes_type or (consents and self.former is not None and self.former.on_rollback != "Revert")

    @property
    def undoes(self) -> TypeChange | None:
        """The change of type by this resource that a rollback with this request undoes."""
        change = self.change
        is_ours = change is not None and change.is_last and change.cluster_id == self.cluster_id
        return change if is_ours and self.is_in_place else None

    @property
    def leaves_retention(self) -> bool:
        """Whether it is a rollback of an update that did not change the retention, as far as the record tells.

        An update that was cancelled at once looks like a rollback itself, and has nothing to undo.
        """
        change = self.retention_change
        undoes = change is not None and change.is_last and change.cluster_id == self.cluster_id
        return self.rolls_back and not undoes

    @property
    def handle(self) -> str | None:
        """The handle that waits for this request; a rollback's was made for an earlier update."""
        return None if self.rolls_back else self.settings.wait_condition_handle

    @property
    def handle_is_used(self) -> bool:
        """Whether the handle is the one of the former update."""
        return self.handle is not None and self.former is not None and self.handle == self.former.wait_condition_handle


@dataclass(frozen=True)
class Progress:
    """What an operation has asked for and seen; it is kept in the record. Times are seconds since the epoch."""

    retention_asked_at: float | None = None
    """When ModifyCluster was about to be called with the retention."""
    retention_answered: bool = False
    """CloudHSM took that call."""
    hsm_type_asked_at: float | None = None
    """When ModifyCluster was about to be called with the type, or when somebody else's change to it was seen."""
    hsm_type_answered: bool = False
    """CloudHSM took that call, or its effect was seen."""
    turns_back: bool = False
    """The change of type is the way back."""
    previous_hsm_type: str = ""
    """Type of the cluster before the change; empty when this operation asked for none."""
    former_seen_at: float | None = None
    """Since when reads show ACTIVE with a type that is not the wanted one, after it was asked for."""
    missing_at: float | None = None
    """Since when CloudHSM lists no such cluster."""
    refusals: int = 0
    """How often CloudHSM has refused ModifyCluster."""
    unreadable: int = 0
    """How many polls could not read the stack."""
    direction: StackPhase = StackPhase.UNREAD
    """Which way the stack went when it was first read."""
    waits_for: str = ""
    """What kept a migration from beginning, as a clause: "cloudhsm:ModifyCluster fails with ThrottlingException"."""

    def to_json(self) -> dict[str, Any]:
        """A mapping for the record."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Reads `to_json`; members of other versions are ignored."""
        known = {field.name: value[field.name] for field in fields(cls) if field.name in value}
        if "direction" in known:
            known["direction"] = StackPhase(known["direction"])
        return cls(**known)


def _undoable(change: _Change | None, request_id: str) -> _Change | None:
    return None if change is None or change.is_way_forward_of(request_id) else change
