"""CloudHSM: the sandbox's fleet behind faults, reads that lag, optional members that are missing, and other people."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.cloudhsm import Clock, CloudHsmError, Fleet, MigrationOutcome, SandboxCluster, SandboxHsm
from sandbox.cloudhsm.client import as_botocore_parses
from tests.simulation.boundary import Boundary, Invocation, client_error

OLD, NEW, OTHER = "hsm1.medium", "hsm2m.medium", "hsm2x.large"
DAY = 24 * 3600
OUTCOMES = (
    *[MigrationOutcome.SUCCEED] * 6,
    MigrationOutcome.REVERT,
    MigrationOutcome.REVERT_AT_ONCE,
    MigrationOutcome.HANG,
)


@dataclass
class Change:
    """One call of ModifyCluster that reached the service."""

    invocation: Invocation
    cluster_id: str
    setting: str
    """HsmType or BackupRetentionPolicy."""
    value: str
    at: float
    before: SandboxCluster
    refused: str = ""
    """The error code, where it had no effect."""
    costs_keys: bool = False


@dataclass
class CloudHsm:
    """The part of boto3's cloudhsmv2 client that the provider calls."""

    boundary: Boundary
    changed: Callable[[Change], None]
    provoked: Callable[[Change], None] = lambda _: None
    """Told of each change that was taken: others may answer it."""
    fleet: Fleet = field(init=False)
    history: dict[str, list[tuple[float, SandboxCluster]]] = field(default_factory=dict)
    """Each cluster as it was right after something changed it."""
    touches: list[tuple[float, str, str]] = field(default_factory=list)
    """When each cluster was changed, and by which request; by an empty one where others did."""

    def __post_init__(self) -> None:
        self.fleet = Fleet(Clock(source=self.boundary.agenda))

    # What is there ---------------------------------------------------------------------------

    def seed(self, cluster_id: str, hsms: int, **members: Any) -> None:
        """A new cluster."""
        self.fleet.seed(0, cluster_id=cluster_id, **members)
        self.add_hsms(cluster_id, hsms)
        self.remember(cluster_id)

    def add_hsms(self, cluster_id: str, number: int) -> None:
        """More HSMs; their ids are the same in each run."""
        cluster = self.fleet.clusters[cluster_id]
        for n in range(len(cluster.hsms), len(cluster.hsms) + number):
            ids = {"hsm_id": f"hsm-{cluster_id[8:]}{n:02}", "eni_id": f"eni-{n:017}"}
            cluster.hsms.append(SandboxHsm(cluster.hsm_type, eni_ip=f"10.0.{n}.10", **ids))

    def truth(self, cluster_id: str) -> SandboxCluster | None:
        """The cluster as it is at this moment."""
        return self.fleet.cluster(cluster_id) if cluster_id in self.fleet.clusters else None

    def as_of(self, cluster_id: str, moment: float) -> SandboxCluster:
        """The cluster as it was at `moment`."""
        kept = self.history[cluster_id]
        found = next((snapshot for at, snapshot in reversed(kept) if at <= moment), kept[0][1])
        copy = found.snapshot()
        copy.advance_to(moment)
        return copy

    def touched_since(self, moment: float, cluster_id: str, except_by: str = "-") -> bool:
        """Whether anybody but one request has changed a cluster since."""
        for at, touched, by in reversed(self.touches):
            if at < moment:
                break
            if touched == cluster_id and by != except_by:
                return True
        return False

    def remember(self, cluster_id: str) -> None:
        """Keeps the cluster as it is now, for reads that lag."""
        now = self.boundary.agenda.now
        kept = self.history.setdefault(cluster_id, [])
        kept.append((now, self.fleet.clusters[cluster_id].snapshot()))
        while len(kept) > 2 and kept[1][0] < now - 3600:
            kept.pop(0)

    # The client ------------------------------------------------------------------------------

    def describe_clusters(self, **members: Any) -> dict[str, Any]:
        """DescribeClusters of one cluster."""
        (cluster_id,) = members["Filters"]["clusterIds"]

        def carry_out() -> dict[str, Any]:
            if cluster_id not in self.fleet.clusters:
                return {"Clusters": []}
            return {"Clusters": [self._shown(cluster_id)]}

        answer: dict[str, Any] = self.boundary.call(
            "cloudhsm", "cloudhsm:DescribeClusters", carry_out, odd=lambda: self._odd("DescribeClusters")
        )
        self.boundary.invocation.seen[cluster_id] = answer["Clusters"][0] if answer["Clusters"] else None
        return answer

    def modify_cluster(self, **members: Any) -> dict[str, Any]:
        """ModifyCluster."""
        cluster_id = members["ClusterId"]
        (setting,) = set(members) - {"ClusterId"}
        answer: dict[str, Any] = self.boundary.call(
            "cloudhsm", "cloudhsm:ModifyCluster", lambda: self._modify(cluster_id, setting, members)
        )
        self.boundary.invocation.seen[cluster_id] = answer["Cluster"]
        return answer

    def _modify(self, cluster_id: str, setting: str, members: dict[str, Any]) -> dict[str, Any]:
        cluster, value = self.truth(cluster_id), members[setting]
        before = cluster.snapshot() if cluster else SandboxCluster()
        shown = value if setting == "HsmType" else value["Value"]
        change = Change(self.boundary.invocation, cluster_id, setting, shown, self.boundary.agenda.now, before)
        if cluster:
            cluster.keys_lost = False
        try:
            answer = self.fleet.modify(members)
        except CloudHsmError as error:
            change.refused = error.code
            raise client_error(error.code, "ModifyCluster", str(error)) from error
        else:
            change.costs_keys = self.fleet.clusters[cluster_id].keys_lost
            self.remember(cluster_id)
            self.provoked(change)
        finally:
            del self.fleet.calls[:]
            self.changed(change)
        return {"Cluster": self._as_shown(answer)}

    def _shown(self, cluster_id: str) -> dict[str, Any]:
        swarm, now = self.boundary.swarm, self.boundary.agenda.now
        if swarm.lag and now < swarm.until and swarm.random.random() < 0.5:
            self.boundary.sometimes.saw("fault: read lags")
            return self._as_shown(self.as_of(cluster_id, now - swarm.random.random() * swarm.lag).to_api())
        return self._as_shown(self.fleet.cluster(cluster_id).to_api())

    def _as_shown(self, api: dict[str, Any]) -> dict[str, Any]:
        shown = as_botocore_parses(api)
        for member in self.boundary.swarm.missing:
            self.boundary.sometimes.saw(f"fault: no {member}")
            if member.startswith("Hsms."):
                for hsm in shown.get("Hsms", ()):
                    hsm.pop(member.removeprefix("Hsms."), None)
            elif member == "Retention.Type":
                shown["BackupRetentionPolicy"] = dict(shown.get("BackupRetentionPolicy") or {})
                shown["BackupRetentionPolicy"].pop("Type", None)
            else:
                shown.pop(member, None)
        return shown

    def _odd(self, action: str) -> dict[str, Any] | None:
        swarm, now = self.boundary.swarm, self.boundary.agenda.now
        if swarm.strikes("cloudhsm empty", now):
            self.boundary.struck(self.boundary.invocation, "cloudhsm empty", at=action)
            return {"Clusters": []}
        if swarm.strikes("cloudhsm odd", now):
            self.boundary.struck(self.boundary.invocation, "cloudhsm odd", at=action)
            raise client_error(swarm.random.choice(("CloudHsmServiceException", "503", "")), action)
        return None


@dataclass
class People:
    """Others: consoles, Terraform, and AWS itself."""

    cloudhsm: CloudHsm
    ends_at: float

    def begin(self, cluster_id: str) -> None:
        """Lets others come to a cluster, as often as the swarm says."""
        swarm, agenda = self.cloudhsm.boundary.swarm, self.cloudhsm.boundary.agenda
        if swarm.people and agenda.now < self.ends_at:
            agenda.after(swarm.random.expovariate(swarm.people / DAY), lambda: self._come(cluster_id))

    def answer(self, change: Change) -> None:
        """Where a migration went back at once, somebody may try another type."""
        boundary = self.cloudhsm.boundary
        failed = change.setting == "HsmType" and change.before.outcome is MigrationOutcome.REVERT_AT_ONCE
        if failed and boundary.swarm.people and boundary.agenda.now < self.ends_at:
            boundary.agenda.after(boundary.swarm.random.choice((5.0, 40.0, 90.0)), lambda: self._try(change))

    def _try(self, change: Change) -> None:
        self._carry_out("migrate", change.cluster_id, OTHER if change.value == NEW else NEW)

    def _come(self, cluster_id: str) -> None:
        boundary = self.cloudhsm.boundary
        random = boundary.swarm.random
        what = random.choice(("migrate", "revert", "add an HSM", "retention", "retention", "AWS moves it"))
        self._carry_out(what, cluster_id, random.choice((NEW, NEW, OTHER)))
        self.begin(cluster_id)

    def _carry_out(self, what: str, cluster_id: str, hsm_type: str) -> None:
        boundary = self.cloudhsm.boundary
        cluster = self.cloudhsm.truth(cluster_id)
        if cluster is not None and self._do(what, cluster, hsm_type, boundary.agenda.now):
            boundary.sometimes.saw(f"others: {what}")
            boundary.timeline.note(cluster_id, "others", f"{what}: {cluster.state}, {cluster.hsm_type}")
            self.cloudhsm.touches.append((boundary.agenda.now, cluster_id, ""))
            self.cloudhsm.remember(cluster_id)

    def _do(self, what: str, cluster: SandboxCluster, hsm_type: str, now: float) -> bool:
        random = self.cloudhsm.boundary.swarm.random
        members: dict[str, Any]
        match what:
            case "migrate":
                cluster.outcome = random.choice(OUTCOMES)
                members = {"HsmType": hsm_type}
            case "revert":
                members = {"HsmType": OLD}
            case "add an HSM":
                if cluster.state != "ACTIVE" or len(cluster.hsms) > 5:
                    return False
                cluster.state, cluster.busy_until = "UPDATE_IN_PROGRESS", now + random.choice((60, 600, 1500))
                self.cloudhsm.add_hsms(cluster.cluster_id, 1)
                return True
            case "AWS moves it":
                if cluster.state != "ACTIVE" or cluster.hsm_type != OLD:
                    return False
                # As it did with every hsm1.medium: overnight, and without a way back that it shows.
                for each in (cluster, *cluster.hsms):
                    each.hsm_type = NEW
                return True
            case _:
                members = {"BackupRetentionPolicy": {"Type": "DAYS", "Value": random.choice(("30", "90", "200"))}}
        try:
            self.cloudhsm.fleet.modify({"ClusterId": cluster.cluster_id, **members})
        except CloudHsmError:
            return False
        return True
