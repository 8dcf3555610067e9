"""Decides the next step of an operation: pure, without I/O and without a clock.

    decide(request, cluster, progress, now)
    ├── ReadStack          tell me first which way the stack goes
    ├── ModifyRetention    call ModifyCluster with the retention policy
    ├── ModifyHsmType      call ModifyCluster with the type
    ├── Accepted           answer the stack now, and go on
    ├── Wait               nothing to do but to poll again
    ├── Done               everything is as declared, or left alone
    └── Fail               answer FAILED

Why it is safe. One setting is asked for at a time, on record before it is asked for, and not again before two minutes
of reads show that the call was never made. One odd read decides nothing: what is missing or back as it was has to
stay so. A stack rollback has no failure but SUCCESS: what it cannot have it leaves alone. The rules are
docs/resource.md's.
"""

from dataclasses import replace

from cloudhsm_settings import cluster as states
from cloudhsm_settings import reasons
from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.decisions import (
    Accepted,
    Decision,
    Done,
    Fail,
    Follow,
    ModifyHsmType,
    ModifyRetention,
    ReadStack,
    Wait,
)
from cloudhsm_settings.errors import Conflicting, NotFound, NotStabilized, Reverted, Transient
from cloudhsm_settings.history import LAG, ROLLBACK_WINDOW
from cloudhsm_settings.migration import LONGEST_POLL_INTERVAL, fits, type_change
from cloudhsm_settings.request import Progress, Request, StackPhase

_TIME_TO_CALL = 10
"""Seconds before the deadline in which ModifyCluster is not called any more."""
_TIME_TO_ACCEPT = 2 * LONGEST_POLL_INTERVAL
"""Seconds before the deadline from which a rollback does not wait for another poll: the one after may be too late."""


def decide(request: Request, cluster: Cluster | None, progress: Progress, now: float) -> Decision:
    """The next step for `request`, given what CloudHSM says and what was done so far.

    `cluster` is None when CloudHSM does not list it; `now` is in seconds since the epoch.
    """
    decision = _decide(request, cluster, progress, now)
    if request.former is None or request.accepted or not isinstance(decision, Fail | Wait):
        return decision
    if request.may_ask_direction:
        return ReadStack("is the stack rolling back?")
    return _kind_to_rollbacks(request, cluster, decision, now) if request.rolls_back else decision


def unreachable(request: Request, transient: Transient, progress: Progress, now: float) -> Wait | Fail:
    """What to do when AWS could not answer: poll again until the deadline."""
    return _wait(request, None, progress, now, reasons.unreachable(transient))


def deadline_of(request: Request) -> float:
    """When the operation must have ended, seconds since the epoch."""
    return request.handle_deadline if request.accepted else request.deadline


def _kind_to_rollbacks(request: Request, cluster: Cluster | None, decision: Fail | Wait, now: float) -> Decision:
    """A stack rollback never fails because of the cluster, and waits only for a way back that fits."""
    if isinstance(decision, Fail) and isinstance(decision.failure, NotStabilized) and now <= request.deadline:
        # The stack has no time left, but the polls that go on after its response have.
        return Accepted(decision.because)
    if isinstance(decision, Fail):
        wanted = request.settings.hsm_type
        drifted = wanted is not None and (cluster is None or cluster.shown_type != wanted)
        return Done(f"stack rollback, left alone: {decision.because}", drifted)
    is_awaited = cluster is not None and _is_awaited(request, cluster, decision.progress.hsm_type_asked_at, now)
    return decision if is_awaited or decision.is_brief else Accepted(decision.because)


def _is_awaited(request: Request, cluster: Cluster, asked_at: float | None, now: float) -> bool:
    """Whether a way back fitted when it was asked for, and still leaves time to respond before its end."""
    # An HSM at work counts as a whole one to its last minute, so what fitted at first would not fit later.
    return asked_at is not None and fits(request, cluster, asked_at) and now + _TIME_TO_ACCEPT <= request.deadline


def _decide(request: Request, cluster: Cluster | None, progress: Progress, now: float) -> Decision:
    if cluster is None:
        return _missing(request, progress, now)
    if cluster.state in states.GONE:
        return Fail(NotFound(reasons.not_found(request, cluster)))
    progress = replace(progress, missing_at=None)
    if progress.hsm_type_asked_at is not None:
        return _follow(request, cluster, progress, now)
    change = type_change(request, cluster, progress, now)
    if isinstance(change, ReadStack | Fail):
        return change
    if isinstance(change, ModifyHsmType) and cluster.state == states.MODIFY_IN_PROGRESS:
        return _in_time(request, cluster, change, now)
    if not _retention_as_declared(request, cluster):
        return _converge_retention(request, cluster, progress, now)
    if isinstance(change, ModifyHsmType):
        return _in_time(request, cluster, change, now)
    if isinstance(change, Wait):
        waiting = _wait(request, cluster, change.progress, now, change.because)
        return replace(waiting, is_brief=change.is_brief) if isinstance(waiting, Wait) else waiting
    if isinstance(change, Follow):
        followed = replace(progress, hsm_type_asked_at=now, hsm_type_answered=True, former_seen_at=None)
        return _follow(request, cluster, followed, now)
    return Done(change.because, change.drifted)


def _missing(request: Request, progress: Progress, now: float) -> Wait | Fail:
    """An empty list is no proof; one that is empty still at a later poll is."""
    since = progress.missing_at
    patience = LAG if progress.hsm_type_asked_at or progress.retention_asked_at else 1
    if since is not None and now - since >= patience:
        return Fail(NotFound(reasons.not_found(request, None)))
    missing = replace(progress, missing_at=now if since is None else since)
    return _wait(request, None, missing, now, reasons.not_listed(request))


def _converge_retention(request: Request, cluster: Cluster, progress: Progress, now: float) -> Decision:
    days, asked_at = request.settings.retention_days, progress.retention_asked_at
    if days is None or (asked_at is not None and (progress.retention_answered or now - asked_at < LAG)):
        return _wait(request, cluster, progress, now, reasons.retention_not_shown_yet(request, cluster))
    if cluster.state not in states.SETTLED:
        return _wait(request, cluster, progress, now, reasons.in_transition(cluster))
    asked = replace(progress, retention_asked_at=now, retention_answered=False)
    modify = ModifyRetention(days, asked, reasons.retention_differs(request, cluster))
    # A request that was signed seconds ago cannot have outlived its stack's operation.
    if request.phase is StackPhase.UNREAD and not request.is_fresh:
        return ReadStack(f"{modify.because}: which way does the stack go?")
    if request.is_out_of_date:
        return Fail(Conflicting(reasons.nobody_waits(request)))
    if request.rolls_back and request.may_be_overtaken:
        # An update that was cancelled as soon as it was sent looks like its own rollback, until its stack is at rest.
        is_brief = now + _TIME_TO_ACCEPT <= request.deadline
        return Wait(progress, reasons.perhaps_overtaken(request), is_brief=is_brief)
    return _in_time(request, cluster, modify, now)


def _retention_as_declared(request: Request, cluster: Cluster) -> bool:
    return request.leaves_retention or request.settings.retention_days in (None, cluster.retention_days)


def _follow(request: Request, cluster: Cluster, progress: Progress, now: float) -> Decision:
    """After the type was asked for: wait for the end of its change, and tell which end it was."""
    wanted = request.settings.hsm_type or ""
    if cluster.state == states.ACTIVE and cluster.is_wholly(wanted):
        if not _retention_as_declared(request, cluster):
            return _converge_retention(request, cluster, progress, now)
        return Done(f"{cluster.cluster_id} is ACTIVE and wholly {wanted}")
    if cluster.state in states.SETTLED and cluster.shown_type not in ("", wanted):
        return _went_back(request, cluster, progress, now)
    asked_at = progress.hsm_type_asked_at or now
    is_unanswered = progress.turns_back and not progress.hsm_type_answered and cluster.shown_type not in ("", wanted)
    if is_unanswered and cluster.state in states.TYPE_CHANGING:
        # What was to be turned back still runs, or is turned back itself: the call never arrived, or reads lag.
        if now - asked_at < LAG:
            return _wait(request, cluster, progress, now, reasons.migrating(request, cluster))
        return decide(request, cluster, replace(progress, hsm_type_asked_at=None), now)
    # What somebody else changes meanwhile is no answer to our call.
    seen = cluster.state in states.TYPE_CHANGING or cluster.shown_type == wanted
    under_way = replace(progress, former_seen_at=None, hsm_type_answered=progress.hsm_type_answered or seen)
    if request.handle and not request.accepted and cluster.shown_type == wanted:
        return Accepted(reasons.migrating(request, cluster))
    return _wait(request, cluster, under_way, now, reasons.migrating(request, cluster))


def _went_back(request: Request, cluster: Cluster, progress: Progress, now: float) -> Decision:
    """Another type than was asked for: believed once it has lasted longer than reads lag."""
    asked_at, since = progress.hsm_type_asked_at or now, progress.former_seen_at
    if since is None or now - since < LAG or now - asked_at < LAG:
        seen = replace(progress, former_seen_at=now if since is None else since)
        return _wait(request, cluster, seen, now, reasons.perhaps_stale(request, cluster))
    if not progress.hsm_type_answered and not _began(cluster, asked_at):
        # The process died before the call, or the call never arrived.
        return decide(request, cluster, replace(progress, hsm_type_asked_at=None, former_seen_at=None), now)
    if progress.previous_hsm_type and cluster.shown_type != progress.previous_hsm_type:
        return Fail(Conflicting(reasons.third_type(request, cluster)))
    return Fail(Reverted(reasons.reverted(request, cluster)))


def _began(cluster: Cluster, asked_at: float) -> bool:
    """Whether a migration has begun since: its rollback window ends a day after its start."""
    return (cluster.rollback_expires_at or 0) >= asked_at + ROLLBACK_WINDOW - 60


def _in_time(
    request: Request, cluster: Cluster, modify: ModifyRetention | ModifyHsmType, now: float
) -> ModifyRetention | ModifyHsmType | Fail:
    if now + _TIME_TO_CALL > deadline_of(request):
        return Fail(NotStabilized(reasons.time_is_up(request, cluster, modify.because)))
    return modify


def _wait(request: Request, cluster: Cluster | None, progress: Progress, now: float, because: str) -> Wait | Fail:
    if now + LONGEST_POLL_INTERVAL > deadline_of(request):
        return Fail(NotStabilized(reasons.time_is_up(request, cluster, because)))
    return Wait(progress, because)
