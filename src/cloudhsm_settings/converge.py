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
from typing import Any, Protocol

from cloudhsm_settings import reasons
from cloudhsm_settings.cluster import CloudHsm, Cluster
from cloudhsm_settings.decisions import Accepted, Decision, Done, Fail, ModifyHsmType, ModifyRetention, ReadStack, Wait
from cloudhsm_settings.declared import digest_of
from cloudhsm_settings.errors import Failure, InvalidRequest, Transient
from cloudhsm_settings.history import Memory, RetentionChange, TypeChange
from cloudhsm_settings.reconcile import decide, unreachable
from cloudhsm_settings.request import Progress, Request, StackPhase

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
        """The memory as this request finds it, see `TypeChange.seen_by`."""
        change = memory.type_change
        seen = change and change.seen_by(self.properties, self.old_properties, self.request_id)
        return replace(memory, type_change=seen)


def converge(
    request: Request, progress: Progress, memory: Memory, *, asked: Asked, cloudhsm: CloudHsm, around: Surroundings
) -> Step:
    """Brings the cluster as near to `request` as can be done without waiting."""
    run = _Run(request, asked, progress, memory, cloudhsm, around)
    try:
        return run.run()
    except Transient as transient:
        run.progress = replace(run.progress, waits_for=reasons.unreachable(transient))
        last: Wait | Fail = unreachable(run.request, transient, run.progress, around.now())
        if isinstance(last, Fail):
            run.read_stack_if_unread()
    except Failure as failure:
        last = Fail(failure)
        run.read_stack_if_unread()
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
                case Done() | Fail():
                    return Step(decision, self.cluster, self.progress, self.memory)

    def read_stack_if_unread(self) -> None:
        """After a failure: a rollback is told something else than a user."""
        if self.request.former is not None and self.request.direction is StackPhase.UNREAD:
            with suppress(Transient):
                self._read_stack()

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
        """The phase, and at the first time the direction; a stack that has turned has ended this request."""
        try:
            phase = self.around.stack_phase()
        except Transient:
            if self.progress.unreadable >= _MOST_UNREADABLE:
                phase = StackPhase.UNKNOWN
            else:
                self.progress = replace(self.progress, unreadable=self.progress.unreadable + 1)
                raise
        if self.progress.direction is StackPhase.UNREAD:
            self.progress = replace(self.progress, direction=phase)
        direction = self.progress.direction
        if direction is StackPhase.ROLLING_BACK:
            # The polls of a rollback go on after its stack has come to rest; only a newer request ends them.
            phase = StackPhase.ROLLING_BACK
        elif phase is StackPhase.ROLLING_BACK:
            phase = StackPhase.ENDED if direction is StackPhase.FORWARD else phase
        self.request = replace(self.request, phase=phase, direction=direction)

    def _modify_retention(self, days: int, asked: Progress) -> None:
        self.progress = self._recorded(asked, self.memory)
        with _Refusals(self, replace(asked, retention_asked_at=None)):
            cluster = self.cloudhsm.modify_retention(self.request.cluster_id, days)
            self.progress = replace(asked, retention_answered=True)
            previous = self.cluster.retention_days if self.cluster else None
            change = RetentionChange(self.request.cluster_id, days, self.around.now(), previous)
            self.memory = replace(self.memory, retention_change=change)
            self.cluster = _answered(cluster, self.cluster)

    def _modify_hsm_type(self, decision: ModifyHsmType) -> None:
        phase = self.request.phase
        change = TypeChange(
            cluster_id=self.request.cluster_id,
            previous=decision.progress.previous_hsm_type,
            hsm_type=decision.hsm_type,
            at=self.around.now(),
            request_id=self.asked.request_id,
            before=digest_of(self.asked.old_properties),
            after=digest_of(self.asked.properties),
        )
        before, memory = self.memory, replace(self.memory, type_change=change)
        self._recorded(decision.progress, memory)
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

    def _recorded(self, progress: Progress, memory: Memory) -> Progress:
        self.around.checkpoint(progress, memory)
        return progress


class _Refusals:
    """Around a call of ModifyCluster: what was not done was not asked for, and one refusal is waited out."""

    def __init__(self, run: _Run, unasked: Progress, memory: Memory | None = None) -> None:
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
        self._run.memory = self._memory or self._run.memory


def _answered(answer: Cluster, before: Cluster | None) -> Cluster:
    """The answer of ModifyCluster; an empty one tells nothing, so what was known before stands."""
    return answer if answer.cluster_id or before is None else before


def _kind(request: Request, last: Wait | Fail) -> Wait | Done | Fail:
    """A stack rollback does not fail because of the cluster, nor because of what CloudHSM refuses."""
    if isinstance(last, Fail) and request.rolls_back and not request.accepted:
        return Done(f"stack rollback, left alone: {last.because}", request.settings.hsm_type is not None)
    return last
