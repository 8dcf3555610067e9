"""Misbehaviour on request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class Fault:
    """What goes wrong with the next calls of one operation."""

    operation: str
    """DescribeClusters or ModifyCluster."""
    code: str = "CloudHsmInternalFailureException"
    """Any name, of a documented exception or of another."""
    times: int = 1
    carried_out: bool = False
    """Whether the call takes effect all the same, and only its answer is lost."""
    empty: bool = False
    """Whether DescribeClusters answers without an error, and without any cluster."""
    cluster_id: str = ""
    """The cluster that calls have to be about; empty for any."""

    def hits(self, operation: str, members: Mapping[str, Any]) -> bool:
        """Whether the next call of `operation` goes wrong; `members` are its own."""
        about = [members.get("ClusterId"), *(members.get("Filters") or {}).get("clusterIds", [])]
        return self.operation == operation and self.times > 0 and (not self.cluster_id or self.cluster_id in about)

    def consume(self) -> None:
        """Counts one call that went wrong."""
        self.times -= 1
