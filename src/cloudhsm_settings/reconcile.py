"""Decides the next step of an operation: pure, without I/O and without a clock.

    decide(request, cluster, progress, now)
    ├── ReadStack          tell me first whether the stack is rolling back
    ├── ModifyRetention    call ModifyCluster with the retention policy
    ├── ModifyHsmType      call ModifyCluster with the type
    ├── Accepted           answer the stack now, the wait condition handle later
    ├── Wait               nothing to do but to look again
    ├── Done               everything is as declared
    └── Fail               answer FAILED

Every decision says why. The rules are the table of docs/resource.md.
"""

from dataclasses import dataclass, replace

from cloudhsm_settings import cluster as states
from cloudhsm_settings import reasons
from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.errors import (
    Conflicting,
    Failure,
    NotFound,
    NotReady,
    NotStabilized,
    Reverted,
    Transient,
    TurnBackRefused,
    WontFit,
)
from cloudhsm_settings.request import Progress, Request, StackPhase

SECONDS_PER_HSM = 30 * 60
"""How long AWS takes to migrate one HSM: https://docs.aws.amazon.com/cloudhsm/latest/userguide/cluster-migration.html"""
LONGEST_LOOK_INTERVAL = 120
"""Seconds until the next look has surely come; Scheduler keeps time to the minute."""
ROLLBACK_WINDOW = 24 * 3600
"""Seconds from the start of a migration in which CloudHSM allows the way back."""
STALE_SECONDS = 45
"""For so long after ModifyCluster a read of the old type says nothing."""


@dataclass(frozen=True, slots=True)
class ReadStack:
    """Decide again once the phase of the stack is known."""

    because: str


@dataclass(frozen=True, slots=True)
class ModifyRetention:
    """Call ModifyCluster with BackupRetentionPolicy."""

    days: int
    because: str


@dataclass(frozen=True, slots=True)
class ModifyHsmType:
    """Call ModifyCluster with HsmType, after `progress` has been put on record."""

    hsm_type: str
    progress: Progress
    because: str
    turns_back: bool = False
    """The way back, which CloudHSM also allows while the migration is still running."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Answer the stack with SUCCESS and go on for the wait condition handle."""

    because: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again; put `progress` on record first where it differs from what was known."""

    progress: Progress
    because: str


@dataclass(frozen=True, slots=True)
class Done:
    """Answer SUCCESS. `drifted`: the cluster's type is not the declared one and was left alone."""

    because: str
    drifted: bool = False


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer FAILED with the failure's reason."""

    failure: Failure

    @property
    def because(self) -> str:
        """The same sentence that CloudFormation shows."""
        return self.failure.reason


Decision = ReadStack | ModifyRetention | ModifyHsmType | Accepted | Wait | Done | Fail


@dataclass(frozen=True, slots=True)
class _Leave:
    """The type stays as it is."""

    because: str = "all as declared"
    drifted: bool = False
    at_once: bool = False
    """Even while the cluster is in transition: a stack rollback does not wait for what it leaves alone."""


def decide(request: Request, cluster: Cluster | None, progress: Progress, now: float) -> Decision:
    """The next step for `request`, given what CloudHSM says and what was done so far.

    `cluster` is None when CloudHSM does not list it; `now` is in seconds since the epoch.
    """
    if cluster is None or cluster.state in states.GONE:
        return Fail(NotFound(reasons.not_found(request, cluster)))
    if progress.hsm_type_asked_at is not None:
        return _follow(request, cluster, progress, now)
    change = _type_change(request, cluster, progress, now)
    if isinstance(change, ReadStack | Fail):
        return change
    if isinstance(change, ModifyHsmType) and change.turns_back and _is_leaving(cluster, change.hsm_type):
        return change
    if cluster.state not in states.SETTLED:
        at_once = isinstance(change, _Leave) and change.at_once and _retention_as_declared(request, cluster)
        if not at_once:
            return _wait(request, cluster, progress, now, reasons.in_transition(cluster))
    if not _retention_as_declared(request, cluster):
        return _converge_retention(request, cluster, progress, now)
    if isinstance(change, ModifyHsmType):
        return change
    if not change.drifted and request.settings.hsm_type and not cluster.is_wholly(request.settings.hsm_type):
        return _wait(request, cluster, progress, now, reasons.migrating(request, cluster))
    return Done(change.because, change.drifted)


def unreachable(request: Request, transient: Transient, progress: Progress, now: float) -> Wait | Fail:
    """What to do when AWS could not answer: look again until the deadline."""
    if _time_is_up(request, progress, now):
        return Fail(NotStabilized(reasons.unreachable_at_deadline(request, transient)))
    return Wait(progress, reasons.unreachable(transient))


def deadline_of(request: Request, progress: Progress) -> float:
    """When the operation must have ended, seconds since the epoch."""
    return request.handle_deadline if progress.answered else request.deadline


def _converge_retention(request: Request, cluster: Cluster, progress: Progress, now: float) -> Decision:
    days = request.settings.retention_days
    if days is None or progress.retention_asked:
        return _wait(request, cluster, progress, now, reasons.retention_not_shown_yet(request, cluster))
    return ModifyRetention(days, reasons.retention_differs(request, cluster))


def _retention_as_declared(request: Request, cluster: Cluster) -> bool:
    return request.settings.retention_days in (None, cluster.retention_days)


def _type_change(
    request: Request, cluster: Cluster, progress: Progress, now: float
) -> _Leave | ReadStack | ModifyHsmType | Fail:
    wanted = request.settings.hsm_type
    if wanted is None or cluster.hsm_type == wanted:
        return _Leave()
    if not request.changes_type:
        return _Leave(reasons.drifted(request, cluster), drifted=True)
    modify = ModifyHsmType(
        wanted,
        replace(progress, hsm_type_asked_at=now, unsure=True, previous_hsm_type=cluster.hsm_type),
        reasons.type_differs(request, cluster),
    )
    if request.phase is StackPhase.UNREAD:
        refused = _feasible(request, cluster, modify, now)
        # What cannot end well is refused in a Create whichever way its stack goes; in an Update, a rollback keeps it.
        if not request.is_update and isinstance(refused, Fail):
            return refused
        return ReadStack(reasons.read_stack(request, cluster))
    if request.phase is StackPhase.ENDED or (request.phase is StackPhase.ROLLING_BACK and not request.is_update):
        return Fail(Conflicting(reasons.nobody_waits(request)))
    if request.phase is StackPhase.ROLLING_BACK:
        return _during_rollback(request, cluster, modify, now)
    return _by_the_user(request, cluster, modify, now)


def _during_rollback(
    request: Request, cluster: Cluster, modify: ModifyHsmType, now: float
) -> _Leave | ModifyHsmType | Fail:
    """A stack rollback sends the old properties; passed through, they would cost keys."""
    if request.settings.on_rollback == "Keep" or cluster.hsm_type != request.declared_before:
        return _Leave(reasons.kept(request, cluster), drifted=True, at_once=True)
    if _window_is_open(cluster, now) or cluster.state == states.MODIFY_IN_PROGRESS:
        return _feasible(request, cluster, replace(modify, turns_back=True), now)
    return Fail(TurnBackRefused(reasons.window_closed(request, cluster)))


def _by_the_user(
    request: Request, cluster: Cluster, modify: ModifyHsmType, now: float
) -> _Leave | ModifyHsmType | Fail:
    if _is_newer(modify.hsm_type, cluster.hsm_type):
        return _feasible(request, cluster, modify, now)
    if request.phase is StackPhase.UNKNOWN and request.is_update and cluster.rollback_expires_at is not None:
        return _Leave(reasons.kept(request, cluster), drifted=True, at_once=True)
    if not _window_is_open(cluster, now):
        return _feasible(request, cluster, modify, now)
    if request.settings.on_rollback == "Keep":
        return Fail(TurnBackRefused(reasons.turn_back_needs_consent(request, cluster)))
    return _feasible(request, cluster, replace(modify, turns_back=True), now)


def _feasible(request: Request, cluster: Cluster, modify: ModifyHsmType, now: float) -> ModifyHsmType | Fail:
    """Refuses, before anything is touched, what cannot end well."""
    if cluster.state in states.SETTLED and cluster.state != states.ACTIVE:
        return Fail(NotReady(reasons.not_ready(request, cluster)))
    by_handle = request.settings.wait_condition_handle is not None
    left = (request.handle_deadline if by_handle else request.deadline) - now
    if cluster.yet_to_become(modify.hsm_type) * SECONDS_PER_HSM > left:
        return Fail(WontFit(reasons.wont_fit(request, cluster, left)))
    return modify


def _follow(request: Request, cluster: Cluster, progress: Progress, now: float) -> Decision:
    """After ModifyCluster was called with the type: wait for its end and tell which it was."""
    wanted = request.settings.hsm_type or ""
    settled = cluster.state == states.ACTIVE
    if settled and cluster.is_wholly(wanted):
        if not _retention_as_declared(request, cluster):
            return _converge_retention(request, cluster, progress, now)
        return Done(f"{cluster.cluster_id} is ACTIVE and wholly {wanted}")
    if settled and cluster.hsm_type == progress.previous_hsm_type:
        return _went_back(request, cluster, progress, now)
    if settled and cluster.hsm_type != wanted:
        return Fail(Conflicting(reasons.third_type(request, cluster)))
    by_handle = request.settings.wait_condition_handle is not None
    if by_handle and not progress.answered and cluster.hsm_type == wanted:
        return Accepted(reasons.migrating(request, cluster))
    under_way = replace(progress, original_seen_at=None, unsure=False)
    return _wait(request, cluster, under_way, now, reasons.migrating(request, cluster))


def _went_back(request: Request, cluster: Cluster, progress: Progress, now: float) -> Decision:
    """The original type again: stale at first, believed when a second look shows it too."""
    asked_at = progress.hsm_type_asked_at or now
    seen_at = progress.original_seen_at
    if seen_at is not None and now - seen_at >= STALE_SECONDS / 2:
        if progress.unsure and not _began(cluster, asked_at):
            return decide(request, cluster, replace(progress, hsm_type_asked_at=None, original_seen_at=None), now)
        return Fail(Reverted(reasons.reverted(request, cluster)))
    if seen_at is None and now - asked_at >= STALE_SECONDS:
        progress = replace(progress, original_seen_at=now)
    return _wait(request, cluster, progress, now, reasons.perhaps_stale(request, cluster))


def _began(cluster: Cluster, asked_at: float) -> bool:
    """Whether a migration has begun since: its rollback window ends a day after its start."""
    return (cluster.rollback_expires_at or 0) >= asked_at + ROLLBACK_WINDOW - 60


def _wait(request: Request, cluster: Cluster, progress: Progress, now: float, because: str) -> Wait | Fail:
    if _time_is_up(request, progress, now):
        return Fail(NotStabilized(reasons.time_is_up(request, cluster)))
    return Wait(progress, because)


def _time_is_up(request: Request, progress: Progress, now: float) -> bool:
    return now + LONGEST_LOOK_INTERVAL > deadline_of(request, progress)


def _is_leaving(cluster: Cluster, hsm_type: str) -> bool:
    """Whether a migration away from `hsm_type` is running: turning back now costs no key."""
    return cluster.state == states.MODIFY_IN_PROGRESS and any(hsm.hsm_type == hsm_type for hsm in cluster.live_hsms)


def _window_is_open(cluster: Cluster, now: float) -> bool:
    return cluster.rollback_expires_at is not None and now < cluster.rollback_expires_at


def _is_newer(hsm_type: str, than: str) -> bool:
    """Whether `hsm_type` is of a later generation: hsm2m.medium after hsm1.medium.

    AWS documents a change to an earlier generation only as a rollback, which loses keys.
    """
    return _generation(hsm_type) > _generation(than)


def _generation(hsm_type: str) -> int:
    return next((int(letter) for letter in hsm_type if letter.isdigit()), 0)
