"""The course that a request would take: the function's own `converge`, against a CloudHSM that is only pretended.

Nothing here decides. What calls ModifyCluster, what is refused and what is left alone comes from the code that will
run; this module lets time pass in between, as the documented times say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cloudhsm_settings import cluster as states
from cloudhsm_settings.cluster import CloudHsm, Cluster
from cloudhsm_settings.converge import Asked, converge
from cloudhsm_settings.custom_resource.operation import LONGEST_WAIT_CONDITION, ROOM_TO_RESPOND
from cloudhsm_settings.custom_resource.record import Record, Response
from cloudhsm_settings.decisions import Decision, Done, Fail, Wait
from cloudhsm_settings.history import ROLLBACK_WINDOW, Memory
from cloudhsm_settings.migration import LONGEST_POLL_INTERVAL, SECONDS_PER_HSM
from cloudhsm_settings.properties import Settings
from cloudhsm_settings.request import Progress, Request, StackPhase

_MOST_POLLS = 30
"""Polls after which a course counts as one that waits for ever; none that ends needs as many."""
_AFTER = {
    states.CREATE_IN_PROGRESS: states.UNINITIALIZED,
    states.INITIALIZE_IN_PROGRESS: states.INITIALIZED,
    states.DELETE_IN_PROGRESS: states.DELETED,
}
"""Where a transition leads; every other one leads to ACTIVE."""


@dataclass(frozen=True)
class Call:
    """One ModifyCluster."""

    setting: str
    """HsmType or BackupRetentionPolicy."""
    before: str
    after: str
    seconds: float = 0
    """How long it takes."""


@dataclass(frozen=True)
class Course:
    """What a request comes to."""

    end: Wait | Done | Fail
    calls: tuple[Call, ...]
    cluster: Cluster | None
    """As it is at the end."""
    progress: Progress
    memory: Memory
    seconds: float
    """From the request to the end."""
    waits_for: str = ""
    """What has to end before the first call, as a clause; empty where nothing has."""
    accepted: bool = False
    """Whether the stack has its response before the end."""

    @property
    def drifted(self) -> bool:
        """Whether another type than the declared one stays."""
        return isinstance(self.end, Done) and self.end.drifted


@dataclass(frozen=True)
class Asking:
    """A request as it would arrive. `now` is in seconds since the epoch."""

    settings: Settings
    properties: Mapping[str, Any]
    old_properties: Mapping[str, Any] | None
    """None for a Create."""
    now: float
    service_timeout: int
    request_id: str = "planned"
    """An id that nobody else's request has."""
    existing_id: str = ""
    direction: StackPhase = StackPhase.FORWARD
    logical_resource_id: str = "Settings"
    account: str = ""
    region: str = ""


def course(asking: Asking, cluster: Cluster | None, memory: Memory) -> Course:
    """Lives a request through to its end."""
    cloud = _Pretended(cluster, asking.now)
    around = _Around(cloud, asking.direction)
    asked = Asked(asking.properties, asking.old_properties or {}, asking.request_id)
    memory, progress = asked.seen(memory), Progress()
    waits_for, scheduled = "", False
    place = {"account": asking.account, "region": asking.region}
    for _ in range(_MOST_POLLS):
        record = _recorded(asking, accepted=around.accepted, scheduled=scheduled)
        request = Request.of(record, asking.settings, progress, memory, now=cloud.now, **place)
        step = converge(request, progress, memory, asked=asked, cloudhsm=cloud, around=around)
        progress, memory, end = step.progress, step.memory, step.decision
        if not isinstance(end, Wait):
            break
        if not cloud.calls and not waits_for:
            waits_for = end.because
        scheduled = True
        cloud.let_time_pass()
    calls, seconds = tuple(cloud.calls), cloud.now - asking.now
    return Course(end, calls, cloud.cluster, progress, memory, seconds, waits_for, around.accepted)


def _recorded(asking: Asking, *, accepted: bool, scheduled: bool) -> Record:
    """The request as the record would have it."""
    return Record(
        stack_id="",
        logical_resource_id=asking.logical_resource_id,
        request_id=asking.request_id,
        request_type="Create" if asking.old_properties is None else "Update",
        physical_resource_id=asking.settings.cluster_id,
        existing_id=asking.existing_id,
        properties=asking.properties,
        old_properties=asking.old_properties or {},
        signed_at=asking.now,
        deadline=asking.now + asking.service_timeout - ROOM_TO_RESPOND,
        handle_deadline=asking.now + LONGEST_WAIT_CONDITION - ROOM_TO_RESPOND,
        scheduled=scheduled,
        response=Response("SUCCESS", "", asking.settings.cluster_id) if accepted else None,
    )


class _Pretended(CloudHsm):
    """A cluster that does what AWS documents, at once or when time passes."""

    def __init__(self, cluster: Cluster | None, now: float) -> None:
        super().__init__(_Unused())
        self.cluster = cluster
        self.now = now
        self.calls: list[Call] = []

    def describe(self, cluster_id: str) -> Cluster | None:  # noqa: ARG002  # there is only one
        return self.cluster

    def modify_retention(self, cluster_id: str, days: int) -> Cluster:  # noqa: ARG002
        before = self._known()
        self.calls.append(Call("BackupRetentionPolicy", before.retention_value or "not managed", str(days)))
        self.cluster = replace(before, retention_type="DAYS", retention_value=str(days))
        return self.cluster

    def modify_hsm_type(self, cluster_id: str, hsm_type: str) -> Cluster:  # noqa: ARG002
        before = self._known()
        goes_back = before.rollback_expires_at is not None and self.now < before.rollback_expires_at
        self.cluster = replace(
            before,
            state=states.ROLLBACK_IN_PROGRESS if goes_back else states.MODIFY_IN_PROGRESS,
            hsm_type=hsm_type,
            rollback_expires_at=before.rollback_expires_at if goes_back else self.now + ROLLBACK_WINDOW,
        )
        self.calls.append(Call("HsmType", before.shown_type or "not shown", hsm_type, self._seconds_to_change()))
        return self.cluster

    def let_time_pass(self) -> None:
        """Until whatever is going on has ended, and the next poll has come."""
        cluster = self.cluster
        self.now += LONGEST_POLL_INTERVAL
        if cluster is None or cluster.state in states.SETTLED:
            return
        if cluster.state in states.TYPE_CHANGING:
            self.now += self._seconds_to_change() - LONGEST_POLL_INTERVAL
            hsms = tuple(replace(hsm, hsm_type=cluster.hsm_type) for hsm in cluster.hsms)
            cluster = replace(cluster, hsms=hsms)
        self.cluster = replace(cluster, state=_AFTER.get(cluster.state, states.ACTIVE), state_message="")

    def _seconds_to_change(self) -> float:
        cluster = self._known()
        return max(cluster.yet_to_become(cluster.hsm_type), 1) * SECONDS_PER_HSM

    def _known(self) -> Cluster:
        if self.cluster is None:
            raise AssertionError("nothing is asked of a cluster that does not exist")
        return self.cluster


class _Unused:
    """A client that is never called."""

    def describe_clusters(self, **members: Any) -> Mapping[str, Any]:
        raise NotImplementedError

    def modify_cluster(self, **members: Any) -> Mapping[str, Any]:
        raise NotImplementedError


@dataclass
class _Around:
    """A stack that goes one way, and a record that takes everything."""

    cloud: _Pretended
    direction: StackPhase
    accepted: bool = False

    def now(self) -> float:
        return self.cloud.now

    def stack_phase(self) -> StackPhase:
        return self.direction

    def checkpoint(self, progress: Progress, memory: Memory) -> None:
        """There is nobody who could be quicker."""

    def accept(self, cluster: Cluster | None, progress: Progress) -> None:  # noqa: ARG002
        self.accepted = True

    def decided(self, decision: Decision, cluster: Cluster | None) -> None:
        """The last decision says it all."""
