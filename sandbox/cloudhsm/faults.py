"""Misbehaviour on request."""

from dataclasses import dataclass


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

    def hits(self, operation: str) -> bool:
        """Whether the next call of `operation` goes wrong."""
        return self.operation == operation and self.times > 0

    def consume(self) -> None:
        """Counts one call that went wrong."""
        self.times -= 1
