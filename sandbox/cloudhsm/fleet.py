"""All clusters of the local CloudHSM, its rules, and a log of what was asked of it."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sandbox.cloudhsm.clock import Clock
from sandbox.cloudhsm.faults import Fault
from sandbox.cloudhsm.history import History
from sandbox.cloudhsm.model import ROLLBACK_WINDOW, SECONDS_PER_HSM, SandboxCluster

T = TypeVar("T")
_HSM_TYPE = re.compile(r"p?hsm[0-9][a-z.]*\.[a-zA-Z]+")
_MOST_HSMS = 27
_QUOTA_OF_HSMS = 28
_NEED_MODE = ("hsm2m.medium",)
_MODES = ("FIPS", "NON_FIPS")
_GONE = ("DELETE_IN_PROGRESS", "DELETED")
_SETTLED = ("UNINITIALIZED", "INITIALIZED", "ACTIVE", "DEGRADED")


class CloudHsmError(Exception):
    """An error of the service: `code` is the exception's name in the API."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Call:
    """One call that reached the service."""

    operation: str
    members: dict[str, Any]
    at: float


@dataclass
class Fleet:
    """The clusters of one account and region."""

    clock: Clock = field(default_factory=Clock)
    clusters: dict[str, SandboxCluster] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    stale_reads: int = 0
    """How many DescribeClusters after a ModifyCluster still show the cluster as it was."""
    lag_seconds: float = 0.0
    """DescribeClusters shows every cluster as it was so many seconds ago; AWS may lag by up to 120."""
    retention_needs_settled: bool = False
    """Whether the retention cannot be set while something is going on with the cluster; AWS does not say."""
    pace: float = 1.0
    """How many times as fast as AWS clusters change; the times that they tell stay those of the clock."""
    not_created: frozenset[str] = frozenset({"hsm1.medium"})
    """Types of which CreateCluster makes no cluster any more; those that are there stay."""
    before_call: Callable[[Call], None] | None = None
    after_call: Callable[[Call], None] | None = None
    _stale: dict[str, tuple[int, SandboxCluster]] = field(default_factory=dict)
    _history: History = field(default_factory=History)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def seed(self, hsms: int = 1, **members: Any) -> SandboxCluster:
        """Adds a cluster; members as of `SandboxCluster`."""
        durations = {"seconds_per_hsm": SECONDS_PER_HSM / self.pace, "rollback_window": ROLLBACK_WINDOW / self.pace}
        cluster = SandboxCluster.of(hsms, **{**durations, **members})
        with self._lock:
            self.clusters[cluster.cluster_id] = cluster
        return cluster

    def cluster(self, cluster_id: str) -> SandboxCluster:
        """A cluster as it is at this moment, whatever reads show."""
        with self._lock:
            return self._up_to_date(self.clusters[cluster_id])

    def is_stale(self, cluster_id: str) -> bool:
        """Whether the next DescribeClusters shows the cluster as it was."""
        if self._stale.get(cluster_id, (0, None))[0] > 0:
            return True
        if self.lag_seconds <= 0:
            return False
        cluster = self.cluster(cluster_id)
        return self._history.at(cluster, self.clock.now() - self.lag_seconds).to_api() != cluster.to_api()

    def count(self, operation: str, member: str | None = None) -> int:
        """How many calls of `operation` came, with `member` among their members."""
        return sum(call.operation == operation and (member is None or member in call.members) for call in self.calls)

    def describe(self, members: dict[str, Any]) -> list[dict[str, Any]]:
        """DescribeClusters, all pages at once."""
        filters = members.get("Filters") or {}
        return self._called("DescribeClusters", members, lambda: self._described(filters), nothing=list)

    def modify(self, members: dict[str, Any]) -> dict[str, Any]:
        """ModifyCluster."""
        return self._called("ModifyCluster", members, lambda: self._modified(members))

    def create(self, members: dict[str, Any]) -> dict[str, Any]:
        """CreateCluster: an empty cluster, which waits for a person to initialize and activate it."""
        return self._called("CreateCluster", members, lambda: self._created(members))

    def delete(self, members: dict[str, Any]) -> dict[str, Any]:
        """DeleteCluster."""
        return self._called("DeleteCluster", members, lambda: self._deleted(members))

    def create_hsm(self, members: dict[str, Any]) -> dict[str, Any]:
        """CreateHsm: ACTIVE at once, where AWS takes minutes."""
        return self._called("CreateHsm", members, lambda: self._hsm_created(members))

    def delete_hsm(self, members: dict[str, Any]) -> str:
        """DeleteHsm; returns its id."""
        return self._called("DeleteHsm", members, lambda: self._hsm_deleted(members))

    def _called(
        self,
        operation: str,
        members: dict[str, Any],
        carry_out: Callable[[], T],
        *,
        nothing: Callable[[], T] | None = None,
    ) -> T:
        """Carries a call out, unless a fault hits it; `nothing` makes the answer of one that finds nothing."""
        with self._lock:
            call = Call(operation, members, self.clock.now())
            self.calls.append(call)
            if self.before_call:
                self.before_call(call)
            fault = next((fault for fault in self.faults if fault.hits(operation, members)), None)
            if fault:
                fault.consume()
            if fault and fault.empty and nothing:
                return nothing()
            if fault and not fault.carried_out:
                raise CloudHsmError(fault.code, "The sandbox was told to fail.")
            answer = carry_out()
            if self.after_call:
                self.after_call(call)
            if fault:
                raise CloudHsmError(fault.code, "The sandbox was told to fail after carrying it out.")
            return answer

    def _described(self, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
        known = {"clusterIds", "vpcIds", "states"}
        if set(filters) - known:
            raise CloudHsmError("CloudHsmInvalidRequestException", f"Unknown filter: {sorted(set(filters) - known)}")
        seen = [self._read(cluster) for cluster in self.clusters.values()]
        return [cluster.to_api() for cluster in seen if _matches(cluster, filters)]

    def _read(self, cluster: SandboxCluster) -> SandboxCluster:
        self._up_to_date(cluster)
        left, old = self._stale.get(cluster.cluster_id, (0, cluster))
        if left > 0:
            self._stale[cluster.cluster_id] = (left - 1, old)
            return old
        return self._history.at(cluster, self.clock.now() - self.lag_seconds) if self.lag_seconds > 0 else cluster

    def _up_to_date(self, cluster: SandboxCluster) -> SandboxCluster:
        """The cluster itself, after everything that has happened by now."""
        now = self.clock.now()
        if self.lag_seconds > 0:
            self._history.keep(cluster, now, self.lag_seconds)
        cluster.advance_to(now)
        return cluster

    def _created(self, members: dict[str, Any]) -> dict[str, Any]:
        hsm_type, mode = members["HsmType"], members.get("Mode")
        if not _HSM_TYPE.fullmatch(hsm_type) or hsm_type in self.not_created:
            raise _invalid("Provided HsmType is not supported.")
        if mode is None and hsm_type in _NEED_MODE:
            raise _invalid("Mode is a required argument for this hsm type.")
        if mode not in (None, *_MODES):
            raise _invalid(f"{mode} is not a mode.")
        cluster = self.seed(
            hsms=0, hsm_type=hsm_type, mode=mode or "FIPS", state="UNINITIALIZED", created_at=self.clock.now()
        )
        if policy := members.get("BackupRetentionPolicy"):
            _retain(cluster, policy)
        return cluster.to_api()

    def _deleted(self, members: dict[str, Any]) -> dict[str, Any]:
        cluster = self._known(members)
        if cluster.hsms:
            raise _invalid("The cluster has HSMs.")
        cluster.state = "DELETED"
        return cluster.to_api()

    def _hsm_created(self, members: dict[str, Any]) -> dict[str, Any]:
        cluster = self._with_changeable_hsms(members)
        if len(cluster.hsms) >= _QUOTA_OF_HSMS:
            raise _invalid("The cluster has as many HSMs as a cluster may have.")
        cluster.add_hsms(1)
        made = cluster.hsms[-1]
        made.zone, made.eni_ip = members["AvailabilityZone"], members.get("IpAddress", made.eni_ip)
        created: dict[str, Any] = cluster.to_api()["Hsms"][-1]
        return created

    def _hsm_deleted(self, members: dict[str, Any]) -> str:
        cluster = self._with_changeable_hsms(members)
        named = (members.get("HsmId"), members.get("EniId"), members.get("EniIp"))
        for hsm in cluster.hsms:
            if any(name in (hsm.hsm_id, hsm.eni_id, hsm.eni_ip) for name in named if name):
                cluster.hsms.remove(hsm)
                return hsm.hsm_id
        raise CloudHsmError("CloudHsmResourceNotFoundException", "The HSM does not exist.")

    def _with_changeable_hsms(self, members: dict[str, Any]) -> SandboxCluster:
        """While the type of a cluster changes, HSMs can be neither added nor removed."""
        cluster = self._up_to_date(self._known(members))
        if cluster.state not in _SETTLED:
            raise _invalid(f"The cluster is {cluster.state}.")
        return cluster

    def _known(self, members: dict[str, Any]) -> SandboxCluster:
        cluster = self.clusters.get(members.get("ClusterId", ""))
        if cluster is None:
            raise CloudHsmError("CloudHsmResourceNotFoundException", "The cluster does not exist.")
        return cluster

    def _modified(self, members: dict[str, Any]) -> dict[str, Any]:
        cluster = self._up_to_date(self._known(members))
        before = cluster.snapshot()
        policy = members.get("BackupRetentionPolicy")
        if not policy and not members.get("HsmType"):
            raise _invalid("There is nothing to modify.")
        if cluster.state in _GONE or (policy and self.retention_needs_settled and cluster.state not in _SETTLED):
            raise _invalid(f"The cluster is {cluster.state}.")
        if policy:
            _retain(cluster, policy)
        if hsm_type := members.get("HsmType"):
            self._change_type(cluster, hsm_type)
        self._stale[cluster.cluster_id] = (self.stale_reads, before)
        return cluster.to_api()

    def _change_type(self, cluster: SandboxCluster, hsm_type: str) -> None:
        now = self.clock.now()
        if not _HSM_TYPE.fullmatch(hsm_type):
            raise _invalid(f"{hsm_type} is not an HSM type.")
        going_back = hsm_type == cluster.original_type and hsm_type != cluster.hsm_type
        if going_back and cluster.state in ("ACTIVE", "MODIFY_IN_PROGRESS"):
            if now >= (cluster.rollback_expires_at or 0):
                raise _invalid("The rollback period has ended.")
            cluster.roll_back(now)
        elif cluster.state != "ACTIVE":
            raise _invalid(f"The cluster is {cluster.state}, it must be ACTIVE.")
        elif _generation(hsm_type) < _generation(cluster.hsm_type):
            raise _invalid(f"A cluster of {cluster.hsm_type} cannot become {hsm_type}.")
        elif len(cluster.hsms) > _MOST_HSMS:
            raise _invalid("The cluster has too many HSMs.")
        elif hsm_type != cluster.hsm_type:
            cluster.migrate(hsm_type, now)


def _generation(hsm_type: str) -> int:
    """1 for hsm1.medium: only a rollback leads to a lower one."""
    return int(re.sub(r"\D", "", hsm_type)[:1])


def _retain(cluster: SandboxCluster, policy: dict[str, str]) -> None:
    value = policy.get("Value", "")
    if policy.get("Type") != "DAYS" or not value.isdigit() or not 7 <= int(value) <= 379:
        raise _invalid("The backup retention policy must be DAYS, 7 to 379.")
    cluster.retention = {"Type": "DAYS", "Value": value}


def _invalid(message: str) -> CloudHsmError:
    return CloudHsmError("CloudHsmInvalidRequestException", message)


def _matches(cluster: SandboxCluster, filters: dict[str, list[str]]) -> bool:
    return (
        cluster.cluster_id in filters.get("clusterIds", [cluster.cluster_id])
        and cluster.state in filters.get("states", [cluster.state])
        and "vpc-0123456789abcdef0" in filters.get("vpcIds", ["vpc-0123456789abcdef0"])
    )
