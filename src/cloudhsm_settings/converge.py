"""Carries out what `decide` decides: observe, change one setting, observe again.

A Create, an Update and every later poll run this same function.

Why it is safe. Before ModifyCluster the progress is put on record, under the fence of the owner, and only then is the
stack asked once more which way it goes: a request that was superseded, or whose stack has turned, never gets to the
call. If the process dies between record and call, the next poll finds that it asked and waits until reads can be
believed. What CloudHSM refuses once is read again, because somebody else may have been quicker; what it refuses twice
is refused.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from cloudhsm_settings import reasons
from cloudhsm_settings.cluster import CloudHsm, Cluster
from cloudhsm_settings.decisions import Accepted, Decision, Done, Fail, ModifyHsmType, ModifyRetention, ReadStack, Wait
from cloudhsm_settings.declared import digest_of
from cloudhsm_settings.errors import Failure, InvalidRequest, Transient
from cloudhsm_settings.history import Memory, RetentionChange, TypeChange
from cloudhsm_settings.reconcile import decide, unreachable
from cloudhsm_settings.request import Progress, Request, StackPhase

_Change = TypeVar("_Change", TypeChange, RetentionChange)
_MOST_UNREADABLE = 3
"""Polls that could not read the stack, after which it counts as UNKNOWN."""


class Surroundings(Protocol):
    """All that an operation needs from outside, besides CloudHSM."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def stack_phase(self) -> StackPhase:
        """Which way the request's stack is going; raises Transient."""

    def checkpoint(self, progress: Progress, memory: Memory) -> None:
        """Puts progress and memory on durable record before a call; raises Superseded for whoever is not the owner."""

    def accept(self, cluster: Cluster | None, progress: Progress) -> None:
        """Tells the stack SUCCESS while the operation goes on."""

    def decided(self, decision: Decision, cluster: Cluster | None) -> None:
        """Takes note of a decision."""


@dataclass(frozen=True, eq=False, repr=False)
class Step:
    """Where one poll ended."""

    decision: Wait | Done | Fail
    cluster: Cluster | None
    progress: Progress
    memory: Memory


@dataclass(frozen=True, eq=False, repr=False)
class Asked:
    """The properties of a request, as the memory compares them."""

    properties: Mapping[str, Any]
    old_properties: Mapping[str, Any]
    request_id: str

    def seen(self, memory: Memory) -> Memory:
        """The memory as this request finds it, see `history`."""
        me = (self.properties, self.old_properties, self.request_id)
        hsm_type, retention = memory.type_change, memory.retention_change
        return Memory(hsm_type and hsm_type.seen_by(*me), retention and retention.seen_by(*me))

    def own(self, change: _Change, former: _Change | None) -> _Change:
        """The change, told from those of others; `former` is the one before it, as this request has seen it."""
        before, after = digest_of(self.old_properties), digest_of(self.properties)
        undoes = former is not None and former.is_last
        return replace(change, request_id=self.request_id, before=before, after=after, undoes=undoes)


def converge(
    request: Request, progress: Progress, memory: Memory, *, asked: Asked, cloudhsm: CloudHsm, around: Surroundings
) -> Step:
    """Brings the cluster as near to `request` as can be done without waiting."""
    run = _Run(request, asked, progress, memory, cloudhsm, around)
    try:
        return run.run()
    except Transient as transient:
        run.progress = replace(run.progress, waits_for=reasons.unreachable(transient))
        if run.unread is None:
            with suppress(Transient):
                # Not only at the end: it may be hidden just then.
                run.read_stack_if_unread()
        last: Wait | Fail = unreachable(run.request, transient, run.progress, around.now())
    except Failure as failure:
        last = run.failed(failure)
    decision = _kind(run.request, last)
    around.decided(decision, run.cluster)
    return Step(decision, run.cluster, run.progress, run.memory)


@dataclass(eq=False, repr=False)
class _Run:
    """One poll, and what has become known in its course."""

    request: Request
    asked: Asked
    progress: Progress
    memory: Memory
    cloudhsm: CloudHsm
    around: Surroundings
    cluster: Cluster | None = None
    unread: Transient | None = None
    """Why the stack could not be read in this poll, where trying again may help."""

    def run(self) -> Step:
        self.cluster = self._observed()
        while True:
            decision = decide(self.request, self.cluster, self.progress, self.around.now())
            self.around.decided(decision, self.cluster)
            match decision:
                case ReadStack():
                    self._read_stack()
                case Accepted():
                    self.around.accept(self.cluster, self.progress)
                    self.request = replace(self.request, accepted=True)
                case ModifyRetention(days, asked):
                    self._modify_retention(days, asked)
                case ModifyHsmType():
                    self._modify_hsm_type(decision)
                case Wait(progress):
                    return Step(decision, self.cluster, progress, self.memory)
                case Fail():
                    return Step(self._told(decision), self.cluster, self.progress, self.memory)
                case Done():
                    return Step(decision, self.cluster, self.progress, self.memory)

    def read_stack_if_unread(self) -> None:
        """After a failure: a rollback is told something else than a user. Raises Transient."""
        if self.request.may_ask_direction:
            self._read_stack()

    def failed(self, failure: Failure) -> Wait | Fail:
        """The failure, as soon as it is known whom it is told."""
        try:
            self.read_stack_if_unread()
        except Transient as transient:
            return unreachable(self.request, transient, self.progress, self.around.now())
        return self._told(Fail(failure))

    def _told(self, failed: Fail) -> Wait | Fail:
        """The failure, unless it may be a rollback's: what cannot be read now may be read at a later poll."""
        may_be_a_rollback = self.request.former is not None and self.request.direction is StackPhase.UNKNOWN
        if self.unread is None or not may_be_a_rollback:
            return failed
        return unreachable(self.request, self.unread, self.progress, self.around.now())

    def _observed(self) -> Cluster | None:
        """What CloudHSM says, unless it lags behind an earlier operation. Of an own change, reads are the proof."""
        cluster = self.cloudhsm.describe(self.request.cluster_id)
        earlier = replace(
            self.memory,
            type_change=None if self.progress.hsm_type_asked_at else self.memory.type_change,
            retention_change=None if self.progress.retention_asked_at else self.memory.retention_change,
        )
        return cluster and earlier.corrected(cluster, self.around.now())

    def _read_stack(self) -> None:
        """The phase, and the direction as soon as it can be read; a stack that has turned has ended this request."""
        try:
            phase = self.around.stack_phase()
        except Transient as transient:
            self.unread = transient
            if self.progress.unreadable < _MOST_UNREADABLE:
                self.progress = replace(self.progress, unreadable=self.progress.unreadable + 1)
                raise
            phase = StackPhase.UNKNOWN
        if self.progress.direction in (StackPhase.UNREAD, StackPhase.UNKNOWN):
            self.progress = replace(self.progress, direction=phase)
        direction = self.progress.direction
        if direction is StackPhase.ROLLING_BACK:
            # After its response the polls of a rollback go on though its stack has come to rest.
            is_over = phase in (StackPhase.ENDED, StackPhase.COMPLETE) and not self.request.accepted
            phase = StackPhase.ENDED if is_over else StackPhase.ROLLING_BACK
        self.request = replace(self.request, phase=phase, direction=direction)

    def _modify_retention(self, days: int, asked: Progress) -> None:
        previous = self.cluster.retention_days if self.cluster else None
        unowned = RetentionChange(self.request.cluster_id, days, self.around.now(), previous)
        change = self.asked.own(unowned, self.memory.retention_change)
        before, memory = self.memory, replace(self.memory, retention_change=change)
        self.around.checkpoint(asked, memory)
        self.progress, self.memory = asked, memory
        with _Refusals(self, replace(asked, retention_asked_at=None), before):
            cluster = self.cloudhsm.modify_retention(self.request.cluster_id, days)
            self.progress = replace(asked, retention_answered=True)
            self.memory = replace(memory, retention_change=replace(change, answered=True))
            self.cluster = _answered(cluster, self.cluster)

    def _modify_hsm_type(self, decision: ModifyHsmType) -> None:
        phase = self.request.phase
        previous, now = decision.progress.previous_hsm_type, self.around.now()
        unowned = TypeChange(self.request.cluster_id, previous, decision.hsm_type, now)
        change = self.asked.own(unowned, self.memory.type_change)
        before, memory = self.memory, replace(self.memory, type_change=change)
        self.around.checkpoint(decision.progress, memory)
        self._read_stack()
        if self.request.phase is not phase:
            return
        self.progress, self.memory = decision.progress, memory
        unasked = replace(decision.progress, hsm_type_asked_at=None, previous_hsm_type="", turns_back=False)
        with _Refusals(self, unasked, before):
            cluster = self.cloudhsm.modify_hsm_type(self.request.cluster_id, decision.hsm_type)
            self.progress = replace(decision.progress, hsm_type_answered=True)
            self.memory = replace(memory, type_change=replace(change, answered=True))
            self.cluster = _answered(cluster, self.cluster)


class _Refusals:
    """Around a call of ModifyCluster: what was not done was not asked for, and one refusal is waited out."""

    def __init__(self, run: _Run, unasked: Progress, memory: Memory) -> None:
        self._run, self._unasked, self._memory = run, unasked, memory

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, Transient) and error.had_no_effect:
            self._forget(self._unasked)
        if isinstance(error, InvalidRequest):
            first = self._unasked.refusals == 0
            self._forget(replace(self._unasked, refusals=self._unasked.refusals + 1))
            if first:
                raise Transient("cloudhsm:ModifyCluster", "refused for now", had_no_effect=True) from None

    def _forget(self, progress: Progress) -> None:
        self._run.progress = progress
        self._run.memory = self._memory


def _answered(answer: Cluster, before: Cluster | None) -> Cluster:
    """The answer of ModifyCluster; an empty one tells nothing, so what was known before stands."""
    return answer if answer.cluster_id or before is None else before


def _kind(request: Request, last: Wait | Fail) -> Wait | Done | Fail:
    """A stack rollback does not fail because of the cluster, nor because of what CloudHSM refuses."""
    if isinstance(last, Fail) and request.rolls_back and not request.accepted:
        return Done(f"stack rollback, left alone: {last.because}", request.settings.hsm_type is not None)
    return last
