"""The provider: what a request for Custom::CloudHSMClusterSettings does, from the request to its effects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, assert_never

from cloudhsm_settings.attributes import attributes
from cloudhsm_settings.cluster import CloudHsm, Cluster
from cloudhsm_settings.converge import Step, converge
from cloudhsm_settings.errors import Failure
from cloudhsm_settings.observability import count, logger
from cloudhsm_settings.properties import is_cluster_id, parse, whole_number
from cloudhsm_settings.reconcile import Accepted, Decision, Done, Fail, ModifyHsmType, ModifyRetention, Wait
from cloudhsm_settings.request import Progress, Request, StackPhase
from cloudhsm_settings.resource import Event, ScheduledResource
from cloudhsm_settings.signals import Signal, signal_handle, signal_superseded


@dataclass(frozen=True, slots=True)
class Provider:
    """Brings clusters to their declared settings; every collaborator is handed in."""

    resource: ScheduledResource
    cloudhsm: Callable[[], CloudHsm]
    read_phase: Callable[[str], StackPhase]
    clock: Callable[[], float]
    send_signal: Callable[[Signal], None] = signal_handle
    handle_hosts: frozenset[str] = frozenset()

    def look(self, event: Event, context: Any) -> str | None:
        """One look at the cluster, at the request or later; the physical id once everything is done."""
        count("Looks")
        request = self._request(event, context)
        if request.settings.wait_condition_handle:
            self.resource.ends_at = request.handle_deadline
        for superseded in self.resource.claim():
            signal_superseded(superseded, self.send_signal)
        progress = replace(Progress.from_json(self.resource.progress), answered=self.resource.answered)
        return self._effect(request, converge(request, progress, self.cloudhsm(), _Around(self, event)))

    def leave_alone(self, event: Event, _: Any) -> None:
        """Delete: ends the operations in flight; the cluster stays as it is."""
        physical_id = event.get("PhysicalResourceId", "")
        try:
            for superseded in self.resource.claim(of_subject_only=is_cluster_id(physical_id)):
                signal_superseded(superseded, self.send_signal)
        except Failure as failure:
            # A resource must be deletable whatever has become of the provider; looks end by themselves.
            logger.warning("operations in flight not ended", because=failure.reason)
        logger.info("decided", decision="Done", because="Delete leaves the cluster as it is", ClusterId=physical_id)
        count("Deleted")

    def _request(self, event: Event, context: Any) -> Request:
        try:
            settings = parse(event["ResourceProperties"], self.handle_hosts)
        except Failure as failure:
            logger.info("decided", decision="Fail", because=failure.reason)
            raise
        logger.append_keys(ClusterId=settings.cluster_id)
        operation = self.resource.operation
        arn = context.invoked_function_arn.split(":")
        in_place = event["RequestType"] == "Update" and event.get("PhysicalResourceId") == settings.cluster_id
        before = event.get("OldResourceProperties") or {}
        return Request(
            settings=settings,
            deadline=operation.deadline,
            handle_deadline=operation.handle_deadline,
            is_update=in_place,
            declared_before=before.get("HsmType") if in_place else None,
            retention_before=_retention_of(before) if in_place else None,
            logical_resource_id=operation.logical_resource_id,
            account=arn[4],
            region=arn[3],
        )

    def _effect(self, request: Request, step: Step) -> str | None:
        self.resource.progress = step.progress.to_json()
        match step.decision:
            case Wait():
                return None
            case Accepted():
                self.resource.answer_now(request.cluster_id, _data(step))
                self.resource.progress = replace(step.progress, answered=True).to_json()
                return None
            case Done(because):
                self.resource.Data = data = _data(step)
                self._signal(request, Signal.success(request, because, data), None)
                count("Drifted" if step.decision.drifted else "Succeeded")
                return request.cluster_id
            case Fail(failure):
                self._signal(request, Signal.failure(request, failure.reason), failure)
                raise failure
            case _ as never:
                assert_never(never)

    def _signal(self, request: Request, signal: Signal, failure: Failure | None) -> None:
        """The stack comes first: a handle that cannot be reached must not keep it waiting."""
        if request.settings.wait_condition_handle:
            self.resource.answer_now(request.cluster_id, dict(signal.data), failure)
            self.send_signal(signal)


@dataclass(frozen=True, slots=True)
class _Around:
    """The surroundings of one look, see `converge.Surroundings`."""

    provider: Provider
    event: Event

    def now(self) -> float:
        return self.provider.clock()

    def stack_phase(self) -> StackPhase:
        return self.provider.read_phase(self.event["StackId"])

    def record(self, progress: Progress) -> None:
        self.provider.resource.record(progress.to_json())

    def fence(self) -> None:
        self.provider.resource.fence()

    def decided(self, decision: Decision, cluster: Cluster | None) -> None:
        state = cluster.state if cluster else None
        logger.info("decided", decision=type(decision).__name__, because=decision.because, State=state)
        if isinstance(decision, ModifyHsmType | ModifyRetention):
            count("ModifyCluster")


def _retention_of(properties: Mapping[str, Any]) -> int | None:
    """Days in OldResourceProperties, which may be of any earlier version."""
    policy = properties.get("BackupRetentionPolicy")
    return whole_number(policy.get("Value")) if isinstance(policy, Mapping) else None


def _data(step: Step) -> dict[str, str]:
    if step.cluster is None:
        raise TypeError("Done and Accepted are decided on a cluster")
    drifted = isinstance(step.decision, Done) and step.decision.drifted
    return attributes(step.cluster, step.progress, drifted)
