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
    cluster: Cluster | None = None
    try:
        cluster = cloudhsm.describe(request.cluster_id)
        while True:
            decision = decide(request, cluster, progress, around.now())
            around.decided(decision, cluster)
            match decision:
                case ReadStack():
                    request = replace(request, phase=around.stack_phase())
                case ModifyRetention(days):
                    cluster = cloudhsm.modify_retention(request.cluster_id, days)
                    progress = replace(progress, retention_asked=True)
                case ModifyHsmType(hsm_type, progress):
                    around.record(progress)
                    if (phase := around.stack_phase()) is not request.phase:
                        # The stack turned while this was put on record: a newer request is on its way.
                        request, progress = replace(request, phase=phase), replace(progress, hsm_type_asked_at=None)
                        continue
                    try:
                        cluster = cloudhsm.modify_hsm_type(request.cluster_id, hsm_type)
                    except Transient as transient:
                        if transient.had_no_effect:
                            progress = replace(progress, hsm_type_asked_at=None)
                        raise
                    progress = replace(progress, unsure=False)
                case Accepted() | Wait() | Done() | Fail():
                    return Step(decision, cluster, _progress_of(decision, progress))
    except Transient as transient:
        last = unreachable(request, transient, progress, around.now())
    except Failure as failure:
        last = Fail(failure)
    around.decided(last, cluster)
    return Step(last, cluster, progress)


def _progress_of(decision: Accepted | Wait | Done | Fail, progress: Progress) -> Progress:
    return decision.progress if isinstance(decision, Wait) else progress
