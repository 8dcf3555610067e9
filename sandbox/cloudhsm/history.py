"""Clusters as they were some time ago: what a read shows that lags."""

from collections import defaultdict
from dataclasses import dataclass, field

from sandbox.cloudhsm.model import SandboxCluster


@dataclass
class History:
    """What each cluster was like, for as long as reads may lag.

    A cluster changes in place. So a copy is kept from just before each moment at which it may have
    changed, and the copy that stood at a moment in between is led up to that moment.
    """

    _copies: dict[str, list[tuple[float, SandboxCluster]]] = field(default_factory=lambda: defaultdict(list))
    """By id, oldest first; each with the moment up to which it stood."""

    def keep(self, cluster: SandboxCluster, now: float, seconds: float) -> None:
        """Notes what the cluster is like before anything happens to it at `now`; forgets what is older than that."""
        kept = [each for each in self._copies[cluster.cluster_id] if each[0] >= now - seconds]
        self._copies[cluster.cluster_id] = [*kept, (now, cluster.snapshot())]

    def at(self, cluster: SandboxCluster, moment: float) -> SandboxCluster:
        """A copy of the cluster as it was at `moment`."""
        copies = self._copies[cluster.cluster_id]
        stood = next((copy for until, copy in copies if until >= moment), cluster).snapshot()
        stood.advance_to(moment)
        return stood
