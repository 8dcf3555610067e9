"""The provider: what a request for Custom::CloudHSMClusterSettings does, from the request to its effects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

from cloudhsm_settings.attributes import attributes
from cloudhsm_settings.cluster import CloudHsm, Cluster
from cloudhsm_settings.contested import contested, may_be_contested
from cloudhsm_settings.converge import Asked, Step, converge
from cloudhsm_settings.custom_resource.observability import count, logger
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.decisions import Decision, Done, Fail, ModifyHsmType, ModifyRetention, Wait
from cloudhsm_settings.errors import Failure, Transient
from cloudhsm_settings.history import Memory
from cloudhsm_settings.properties import parse
from cloudhsm_settings.request import Progress, Request, StackPhase


class OperationInFlight(Protocol):
    """What the provider uses of `custom_resource.operation.Operation`, which says what each method does."""

    @property
    def record(self) -> Record: ...

    def checkpoint(self, progress: Mapping[str, Any], memory: Mapping[str, Any] | None = None) -> None: ...

    def accept(self, data: Mapping[str, str], progress: Mapping[str, Any]) -> None: ...

    def others(self) -> list[Mapping[str, Any]]: ...

    def keep(self, **kept: Mapping[str, Any]) -> None: ...

    def succeed(self, data: Mapping[str, str], reason: str, outcome: str, **kept: Mapping[str, Any]) -> None: ...

    def fail(self, failure: Failure, **kept: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, eq=False, repr=False)
class Provider:
    """Brings clusters to their declared settings; every collaborator is handed in."""

    cloudhsm: Callable[[], CloudHsm]
    read_phase: Callable[[str], StackPhase]
    clock: Callable[[], float]
    handle_hosts: frozenset[str] = frozenset()

    def poll(self, operation: OperationInFlight, context: Any) -> bool:
        """One poll of the cluster, at the request or later; True once the operation has ended."""
        count("Polls")
        record = operation.record
        asked = Asked(record.properties, record.old_properties, record.request_id)
        progress, memory = Progress.from_json(record.progress), asked.seen(Memory.from_json(record.memory))
        request = self._request(record, progress, memory, context)
        logger.append_keys(ClusterId=request.cluster_id)
        step = converge(
            request,
            progress,
            memory,
            asked=asked,
            cloudhsm=self.cloudhsm(),
            around=_Around(self, operation, request),
        )
        return _effect(operation, step)

    def leave_alone(self, operation: OperationInFlight, _: Any) -> bool:
        """Delete: the cluster stays as it is; the claim has ended what was in flight."""
        subject = operation.record.physical_resource_id
        logger.info("decided", decision="Done", because="Delete leaves the cluster as it is", ClusterId=subject)
        count("Deleted")
        operation.succeed({}, "", "Deleted")
        return True

    def _request(self, record: Record, progress: Progress, memory: Memory, context: Any) -> Request:
        try:
            settings = parse(record.properties, self.handle_hosts)
        except Failure as failure:
            logger.info("decided", decision="Fail", because=failure.reason)
            raise
        _, _, _, region, account, *_ = context.invoked_function_arn.split(":")
        now = self.clock()
        return Request.of(record, settings, progress, memory, now=now, account=account, region=region)


@dataclass(frozen=True, eq=False, repr=False)
class _Around:
    """The surroundings of one poll, see `converge.Surroundings`."""

    provider: Provider
    operation: OperationInFlight
    request: Request

    def now(self) -> float:
        return self.provider.clock()

    def stack_phase(self) -> StackPhase:
        return self.provider.read_phase(self.operation.record.stack_id)

    def checkpoint(self, progress: Progress, memory: Memory) -> None:
        self.operation.checkpoint(progress.to_json(), memory.to_json())

    def accept(self, cluster: Cluster | None, progress: Progress) -> None:
        self.operation.accept(_data(self.operation.record, cluster, progress), progress.to_json())

    def decided(self, decision: Decision, cluster: Cluster | None) -> None:
        state, types = (cluster.state, cluster.hsm_types) if cluster else (None, None)
        name = type(decision).__name__
        logger.info("decided", decision=name, because=decision.because, State=state, HsmTypes=types)
        if isinstance(decision, ModifyHsmType | ModifyRetention):
            count("ModifyCluster")
            self._warn_of_others(decision, cluster)

    def _warn_of_others(self, decision: ModifyHsmType | ModifyRetention, cluster: Cluster | None) -> None:
        """Two owners of one cluster are told of each other; it is no reason to fail."""
        if cluster is None or not may_be_contested(self.request, decision, cluster):
            return
        try:
            others = contested(decision, self.operation.others())
        except (Failure, Transient) as error:
            logger.warning("other owners not read", because=str(error))
            return
        for other in others:
            logger.warning("contested", **other)
            count("Contested")


def _effect(operation: OperationInFlight, step: Step) -> bool:
    progress, memory = step.progress.to_json(), step.memory.to_json()
    match step.decision:
        case Wait():
            operation.keep(progress=progress, memory=memory)
            return False
        case Done(because):
            count("Drifted" if step.decision.drifted else "Succeeded")
            data = _data(operation.record, step.cluster, step.progress, step.decision.drifted)
            operation.succeed(data, because, "Succeeded", progress=progress, memory=memory)
            return True
        case Fail(failure):
            count(failure.outcome)
            operation.fail(failure, progress=progress, memory=memory)
            return True
        case _ as never:
            assert_never(never)


def _data(record: Record, cluster: Cluster | None, progress: Progress, drifted: bool = False) -> dict[str, str]:
    """The attributes. A rollback succeeds without a cluster too; then it only knows the id."""
    return attributes(cluster or Cluster(record.physical_resource_id, state=""), progress, drifted)
