"""Misbehaviour on request."""

from dataclasses import dataclass


@dataclass
class Fault:
    """What goes wrong with the next calls of one operation."""

    operation: str
    """DescribeClusters or ModifyCluster."""
    code: str = "CloudHsmInternalFailureException"
    times: int = 1
    carried_out: bool = False
    """Whether the call takes effect all the same, and only its answer is lost."""

    def strikes(self, operation: str) -> bool:
        """Whether it hits this call; counts down."""
        if self.operation != operation or self.times <= 0:
            return False
        self.times -= 1
        return True
