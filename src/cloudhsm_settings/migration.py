"""Decides what becomes of the HSM type: pure. The rules are those of docs/resource.md.

Why it costs no key unasked. A type only changes when a template changes it, and a rollback changes a template without
being asked. So in a rollback the type is left alone, unless the update that is being rolled back declared Revert, and
this resource itself changed this cluster for that very update. A user who goes back by hand has to say Revert as
well, whether or not CloudHSM shows that its window is open. A stack that cannot be read may be rolling back, so it
never turns back.
"""

from dataclasses import replace

from cloudhsm_settings import cluster as states
from cloudhsm_settings import reasons
from cloudhsm_settings.cluster import Cluster, generation
from cloudhsm_settings.decisions import Fail, Follow, Leave, ModifyHsmType, ReadStack, TypeDecision, Wait
from cloudhsm_settings.errors import Conflicting, HandleUsed, NotReady, NotStabilized, TurnBackRefused, WontFit
from cloudhsm_settings.request import Progress, Request, StackPhase

SECONDS_PER_HSM = 30 * 60
"""How long AWS takes to migrate one HSM: https://docs.aws.amazon.com/cloudhsm/latest/userguide/cluster-migration.html"""
LONGEST_POLL_INTERVAL = 120
"""Seconds until the next poll has surely come; Scheduler keeps time to the minute."""


def type_change(request: Request, cluster: Cluster, progress: Progress, now: float) -> TypeDecision:
    """What becomes of the type, before anything was asked of CloudHSM."""
    wanted = request.settings.hsm_type
    if wanted is None:
        return Leave()
    if cluster.is_wholly(wanted) and not (request.asks_for_type_anew and cluster.state in states.TYPE_CHANGING):
        return Leave()
    if not request.asks_for_type_anew:
        unknown = cluster.shown_type == "" and cluster.state not in states.TYPE_CHANGING
        drifted = cluster.shown_type != wanted and not unknown
        return Leave(reasons.drifted(request, cluster) if drifted else "all as declared", drifted)
    if cluster.shown_type == wanted:
        return _already_changing(request, cluster, now)
    if cluster.shown_type == "" and not request.rolls_back:
        return Wait(progress, reasons.no_type_shown(cluster))
    modify = ModifyHsmType(wanted, _asked(progress, cluster, now), reasons.type_differs(request, cluster))
    if request.phase is StackPhase.UNREAD:
        refused = _feasible(request, cluster, modify, now)
        # What cannot end well is refused in a Create whichever way its stack goes; in an Update, a rollback keeps it.
        if request.former is None and isinstance(refused, Fail):
            return refused
        return ReadStack(reasons.read_stack(request, cluster))
    if request.is_out_of_date:
        return Fail(Conflicting(reasons.nobody_waits(request)))
    if request.rolls_back:
        return _during_rollback(request, cluster, modify, now)
    return _by_the_user(request, cluster, modify, now)


def fits(request: Request, cluster: Cluster, now: float) -> bool:
    """Whether the remaining HSMs can be changed before the stack must have its response."""
    return _seconds_needed(cluster, request.settings.hsm_type or "") <= request.deadline - now


def _already_changing(request: Request, cluster: Cluster, now: float) -> Leave | Follow | ReadStack | Fail:
    """Somebody's change to the wanted type is running: nothing is called, and a rollback does not wait for it."""
    if request.former is not None and request.direction is StackPhase.UNREAD:
        return ReadStack(reasons.read_stack(request, cluster))
    if request.rolls_back:
        return Leave()
    left = (request.handle_deadline if request.handle else request.deadline) - now
    if _seconds_needed(cluster, request.settings.hsm_type or "") > left:
        return Fail(WontFit(reasons.wont_fit(request, cluster, left)))
    return Follow()


def _during_rollback(
    request: Request, cluster: Cluster, modify: ModifyHsmType, now: float
) -> Leave | ModifyHsmType | Wait:
    """A stack rollback sends the old properties; passed through, they would cost keys."""
    change = request.undoes
    consents = request.former is not None and request.former.on_rollback == "Revert"
    if change is None or not change.leads_back(cluster.shown_type, modify.hsm_type):
        return Leave(reasons.kept(request, cluster, "this update did not change it"), drifted=True)
    if not consents:
        return Leave(reasons.kept(request, cluster, "the update did not declare Revert"), drifted=True)
    expires = cluster.rollback_expires_at
    if now >= expires if expires is not None else not change.window_is_open(now):
        return Leave(reasons.window_closed(cluster), drifted=True)
    waiting = replace(modify.progress, hsm_type_asked_at=None, previous_hsm_type="")
    if cluster.state in (states.ACTIVE, states.MODIFY_IN_PROGRESS):
        # An update that was cancelled as soon as it was sent looks like its own rollback, until that one comes.
        if request.may_be_overtaken:
            return Wait(waiting, reasons.perhaps_overtaken(request), is_brief=True)
        return _turning_back(modify)
    if cluster.state in states.SETTLED:
        return Leave(reasons.kept(request, cluster, f"it is {cluster.state}"), drifted=True)
    return Wait(waiting, reasons.in_transition(cluster))


def _by_the_user(request: Request, cluster: Cluster, modify: ModifyHsmType, now: float) -> TypeDecision:
    is_later = generation(modify.hsm_type) > generation(cluster.shown_type)
    may_be_a_rollback = request.phase is StackPhase.UNKNOWN and request.former is not None
    if may_be_a_rollback and (request.undoes or not is_later):
        return Leave(reasons.kept(request, cluster, "the stack cannot be read"), drifted=True)
    is_earlier = generation(modify.hsm_type) < generation(cluster.shown_type)
    if is_later or not (is_earlier or _window_may_be_open(cluster, now)):
        return _feasible(request, cluster, modify, now)
    if request.settings.on_rollback == "Keep":
        return Fail(TurnBackRefused(reasons.turn_back_needs_consent(request, cluster, now)))
    if is_earlier and cluster.rollback_expires_at is not None and now >= cluster.rollback_expires_at:
        return Fail(TurnBackRefused(reasons.too_late_to_turn_back(request, cluster)))
    return _feasible(request, cluster, _turning_back(modify), now)


def _feasible(request: Request, cluster: Cluster, modify: ModifyHsmType, now: float) -> ModifyHsmType | Wait | Fail:
    """Refuses, before anything is touched, what cannot end well."""
    if cluster.state in states.SETTLED and cluster.state != states.ACTIVE:
        return Fail(NotReady(reasons.not_ready(request, cluster)))
    left = (request.handle_deadline if request.handle else request.deadline) - now
    if _seconds_needed(cluster, modify.hsm_type) > left:
        hindrance = modify.progress.waits_for
        if hindrance:
            return Fail(NotStabilized(reasons.begun_too_late(request, cluster, hindrance)))
        return Fail(WontFit(reasons.wont_fit(request, cluster, left)))
    if request.handle_is_used:
        return Fail(HandleUsed(reasons.handle_used(request, cluster)))
    turns_back_at_once = modify.progress.turns_back and cluster.state == states.MODIFY_IN_PROGRESS
    if cluster.state not in states.SETTLED and not turns_back_at_once:
        hindrance = reasons.in_transition(cluster)
        waiting = replace(modify.progress, hsm_type_asked_at=None, previous_hsm_type="", turns_back=False)
        return Wait(replace(waiting, waits_for=hindrance), hindrance)
    return modify


def _window_may_be_open(cluster: Cluster, now: float) -> bool:
    """Whether CloudHSM shows an open window, or shows nothing: the member is optional."""
    return cluster.rollback_expires_at is None or now < cluster.rollback_expires_at


def _asked(progress: Progress, cluster: Cluster, now: float) -> Progress:
    return replace(
        progress,
        hsm_type_asked_at=now,
        hsm_type_answered=False,
        turns_back=False,
        previous_hsm_type=cluster.shown_type,
        former_seen_at=None,
    )


def _turning_back(modify: ModifyHsmType) -> ModifyHsmType:
    return replace(modify, progress=replace(modify.progress, turns_back=True))


def _seconds_needed(cluster: Cluster, hsm_type: str) -> float:
    """A change takes as long as one HSM does at least, and is seen by the poll after its end."""
    return max(cluster.yet_to_become(hsm_type), 1) * SECONDS_PER_HSM + LONGEST_POLL_INTERVAL
