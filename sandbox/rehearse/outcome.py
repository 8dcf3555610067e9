"""What became of a scenario, and how a person reads it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from sandbox.cloudhsm import SandboxCluster

DAY = 24 * 3600


@dataclass(frozen=True)
class Moment:
    """One line of a timeline, `minutes` after the change began."""

    minutes: float
    what: str

    def __str__(self) -> str:
        return f"{self.minutes:7.0f} min  {self.what}"


@dataclass(frozen=True)
class ClusterOutcome:
    """What a cluster came to."""

    state: str
    """When the stack came to rest."""
    hsm_type: str
    """In the end, a day later: CloudHSM goes on without the stack."""
    retention: str
    """Days in the end."""
    keys_lost: bool
    calls: int
    """Of ModifyCluster."""

    def __str__(self) -> str:
        later = "" if self.state == "ACTIVE" else f" ({self.state} when the stack ended)"
        return f"{self.hsm_type}, {self.retention} days{later}"


@dataclass(frozen=True)
class Outcome:
    """What became of a scenario."""

    scenario: str
    stack_status: str
    clusters: Mapping[str, ClusterOutcome]
    """By logical id of the resource."""
    minutes: float
    """Real minutes that the stack would take."""
    because: str = ""
    """The first failure's reason."""
    timeline: tuple[Moment, ...] = ()

    @property
    def keys(self) -> str:
        """Either "kept", or "LOST": those made since the cluster became ACTIVE."""
        return "LOST" if any(each.keys_lost for each in self.clusters.values()) else "kept"

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return {**asdict(self), "keys": self.keys}


def cluster_outcome(cluster: SandboxCluster, state: str, now: float, calls: int) -> ClusterOutcome:
    """What `cluster`, of which `state` was seen when its stack ended, comes to by itself after `now`."""
    later = cluster.snapshot()
    later.advance_to(now + DAY)
    retention = (cluster.retention or {}).get("Value", "no")
    return ClusterOutcome(state, later.hsm_type, retention, cluster.keys_lost, calls)


def shortened(reason: str) -> str:
    """The first sentence of a reason; a timeline has the whole."""
    return reason.partition(". ")[0].partition(" Log group:")[0]


def table(outcomes: Sequence[Outcome]) -> Table:
    """One row for each scenario."""
    drawn = Table(show_lines=True)
    for column in ("scenario", "stack", "cluster in the end", "keys", "real minutes", "because"):
        drawn.add_column(column, justify="right" if column == "real minutes" else "left")
    for each in outcomes:
        clusters = "\n".join(
            f"{name}: {cluster}" if len(each.clusters) > 1 else str(cluster) for name, cluster in each.clusters.items()
        )
        style = "red" if each.keys == "LOST" else "" if each.stack_status.endswith("E_COMPLETE") else "yellow"
        drawn.add_row(
            each.scenario,
            each.stack_status,
            clusters,
            each.keys,
            f"{each.minutes:.0f}",
            shortened(each.because),
            style=style,
        )
    return drawn
