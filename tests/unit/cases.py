"""Clusters and requests as the tests of decisions need them; every test names only what it is about."""

from dataclasses import replace
from typing import Any

from cloudhsm_settings.cluster import Cluster, Hsm
from cloudhsm_settings.decisions import Decision, Fail, TypeDecision
from cloudhsm_settings.errors import Failure
from cloudhsm_settings.history import RetentionChange, TypeChange
from cloudhsm_settings.properties import Settings
from cloudhsm_settings.request import Former, Progress, Request, StackPhase

NOW = 1_800_000_000.0
DAY = 24 * 3600.0
OLD, NEW, THIRD = "hsm1.medium", "hsm2m.medium", "hsm3x.large"
SAME_GENERATION = "hsm2x.large"
ID, OTHER_ID = "cluster-abcdefghijk", "cluster-zyxwvutsrqp"
HANDLE = "https://handle/one"
IN_TRANSITION = [
    "CREATE_IN_PROGRESS",
    "INITIALIZE_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "MODIFY_IN_PROGRESS",
    "ROLLBACK_IN_PROGRESS",
    "REPAIR_IN_PROGRESS",
]
SETTLED = ["UNINITIALIZED", "INITIALIZED", "ACTIVE", "DEGRADED"]
FRESH = Progress()


def cluster(
    state: str = "ACTIVE",
    hsm_type: str = OLD,
    hsms: int = 1,
    retention: str | None = "90",
    window: float | None = None,
    hsm_types: list[str] | None = None,
) -> Cluster:
    """A cluster; `window` is how many seconds the way back stays open, None where CloudHSM shows none."""
    types = hsm_types or [hsm_type] * hsms
    return Cluster(
        ID,
        state,
        hsm_type=hsm_type,
        hsms=tuple(Hsm(f"hsm-{n}", each) for n, each in enumerate(types)),
        retention_type="DAYS" if retention else "",
        retention_value=retention or "",
        rollback_expires_at=None if window is None else NOW + window,
    )


def request(
    hsm_type: str | None = NEW,
    retention: int | None = None,
    phase: StackPhase = StackPhase.FORWARD,
    left: float = 3585,
    handle: str | None = None,
    rollback: str = "Keep",
    **more: Any,
) -> Request:
    """A Create, whose stack has been read; `left` are the seconds to its deadline."""
    settings = Settings(ID, hsm_type, retention, "Revert" if rollback == "Revert" else "Keep", handle)
    known = {"account": "111122223333", "region": "eu-west-1", "direction": phase}
    return Request(settings, NOW + left, NOW + 43185, phase=phase, **{**known, **more})


def former(hsm_type: str | None = OLD, rollback: str = "Keep", **more: Any) -> Former:
    """What the template said before, of the same cluster."""
    return Former(**{"cluster_id": ID, "hsm_type": hsm_type, "on_rollback": rollback, **more})


def update(before: str | None = OLD, was: str = "Keep", **more: Any) -> Request:
    """An Update by the user; `before` and `was` are the former HsmType and HsmTypeOnRollback."""
    return request(**{"former": former(before, was), **more})


def ours(seconds_ago: float = 3600, **more: Any) -> TypeChange:
    """A change from OLD to NEW that this resource made."""
    known = {"cluster_id": ID, "previous": OLD, "hsm_type": NEW, "at": NOW - seconds_ago, "answered": True}
    return TypeChange(**{**known, **more})


def set_by_us(days: int = 90, **more: Any) -> RetentionChange:
    """A change of the retention that this resource made."""
    return RetentionChange(**{"cluster_id": ID, "days": days, "at": NOW - 3600, "answered": True, **more})


def rolling_back(undone: str = "Revert", change: TypeChange | None = None, **more: Any) -> Request:
    """What a stack rollback sends after an update from OLD to NEW; `undone` is what that update said."""
    known = {"hsm_type": OLD, "former": former(NEW, undone), "phase": StackPhase.ROLLING_BACK, "change": change}
    return request(**{**known, **more})


def asked(seconds_ago: float = 300.0, *, answered: bool = True, **more: Any) -> Progress:
    """The type was asked for, so many seconds ago."""
    known = {"hsm_type_asked_at": NOW - seconds_ago, "hsm_type_answered": answered, "previous_hsm_type": OLD}
    return Progress(**{**known, **more})


def long_back(progress: Progress, seconds: float = 120) -> Progress:
    """The same, where reads have shown the former type for so many seconds."""
    return replace(progress, former_seen_at=NOW - seconds)


def failure(decision: Decision | TypeDecision) -> Failure:
    assert isinstance(decision, Fail), decision
    return decision.failure
