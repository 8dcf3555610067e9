"""Carries out what `decide` decides: observe, change one setting, observe again.

A Create, an Update and every later look run this same function.
"""

from dataclasses import dataclass, replace
from typing import Protocol

from cloudhsm_settings.cluster import CloudHsm, Cluster
from cloudhsm_settings.errors import Failure, Transient
from cloudhsm_settings.reconcile import (
    Accepted,
    Decision,
    Done,
    Fail,
    ModifyHsmType,
    ModifyRetention,
    ReadStack,
    Wait,
    decide,
    unreachable,
)
from cloudhsm_settings.request import Progress, Request, StackPhase


class Surroundings(Protocol):
    """All that an operation needs from outside, besides CloudHSM."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def stack_phase(self) -> StackPhase:
        """Which way the request's stack is going."""

    def record(self, progress: Progress) -> None:
        """Puts `progress` on durable record before a call that must not be repeated.

        Raises Superseded when this operation does not own the resource any more.
        """

    def fence(self) -> None:
        """Before a call that may be repeated: raises Superseded when the resource has another owner."""

    def decided(self, decision: Decision, cluster: Cluster | None) -> None:
        """Takes note of a decision."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where one look ended."""

    decision: Accepted | Wait | Done | Fail
    cluster: Cluster | None
    progress: Progress


def converge(request: Request, progress: Progress, cloudhsm: CloudHsm, around: Surroundings) -> Step:
    """Brings the cluster as near to `request` as can be done without waiting."""
    look = _Look(request, progress, cloudhsm, around)
    try:
        return look.run()
    except Transient as transient:
        last = unreachable(look.request, transient, look.progress, around.now())
    except Failure as failure:
        last = Fail(failure)
    around.decided(last, look.cluster)
    return Step(last, look.cluster, look.progress)


@dataclass
class _Look:
    """One look, and what has become known in its course."""

    request: Request
    progress: Progress
    cloudhsm: CloudHsm
    around: Surroundings
    cluster: Cluster | None = None
    confirmed: bool = False

    def run(self) -> Step:
        self.cluster = self.cloudhsm.describe(self.request.cluster_id)
        while True:
            decision = decide(self.request, self.cluster, self.progress, self.around.now())
            self.around.decided(decision, self.cluster)
            match decision:
                case ReadStack():
                    self.request = replace(self.request, phase=self.around.stack_phase())
                case ModifyRetention(days):
                    self.around.fence()
                    self.cluster = self.cloudhsm.modify_retention(self.request.cluster_id, days)
                    self.progress = replace(self.progress, retention_asked=True)
                case ModifyHsmType():
                    self._modify_hsm_type(decision)
                case Done() if self._perhaps_stale():
                    self.cluster = self.cloudhsm.describe(self.request.cluster_id)
                case Accepted() | Wait() | Done() | Fail():
                    return Step(decision, self.cluster, _progress_of(decision, self.progress))

    def _perhaps_stale(self) -> bool:
        """Once: a rollback that finds everything as before may have read what was true before the update."""
        untouched = not (self.confirmed or self.progress.retention_asked or self.progress.previous_hsm_type)
        self.confirmed = True
        return untouched and self.request.follows_a_change

    def _modify_hsm_type(self, decision: ModifyHsmType) -> None:
        """Must happen once: on record first, and not if the stack has turned meanwhile."""
        self.around.record(decision.progress)
        phase = self.around.stack_phase()
        if phase is not self.request.phase:
            self.request = replace(self.request, phase=phase)
            return
        self.progress = decision.progress
        try:
            self.cluster = self.cloudhsm.modify_hsm_type(self.request.cluster_id, decision.hsm_type)
        except Transient as transient:
            if transient.had_no_effect:
                self.progress = replace(self.progress, hsm_type_asked_at=None)
            raise
        self.progress = replace(self.progress, unsure=False)


def _progress_of(decision: Accepted | Wait | Done | Fail, progress: Progress) -> Progress:
    return decision.progress if isinstance(decision, Wait) else progress
