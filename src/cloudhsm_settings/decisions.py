"""What can be decided about an operation; every decision says why."""

from dataclasses import dataclass

from cloudhsm_settings.errors import Failure
from cloudhsm_settings.request import Progress


@dataclass(frozen=True, repr=False)
class ReadStack:
    """Decide again once it is known which way the stack goes."""

    because: str


@dataclass(frozen=True, repr=False)
class ModifyRetention:
    """Call ModifyCluster with BackupRetentionPolicy, after `progress` has been put on record."""

    days: int
    progress: Progress
    because: str


@dataclass(frozen=True, repr=False)
class ModifyHsmType:
    """Call ModifyCluster with HsmType, after `progress` has been put on record."""

    hsm_type: str
    progress: Progress
    because: str


@dataclass(frozen=True, repr=False)
class Accepted:
    """Answer the stack with SUCCESS, and go on."""

    because: str


@dataclass(frozen=True, repr=False)
class Wait:
    """Poll again; `because` says what is waited for, as a clause."""

    progress: Progress
    because: str
    is_brief: bool = False
    """Over by the next poll: a rollback waits for it too."""


@dataclass(frozen=True, repr=False)
class Done:
    """Answer SUCCESS. `drifted`: the cluster's type is not the declared one and was left alone."""

    because: str
    drifted: bool = False


@dataclass(frozen=True, repr=False)
class Fail:
    """Answer FAILED with the failure's reason."""

    failure: Failure

    @property
    def because(self) -> str:
        """The same sentence that CloudFormation shows."""
        return self.failure.reason


Decision = ReadStack | ModifyRetention | ModifyHsmType | Accepted | Wait | Done | Fail


@dataclass(frozen=True, repr=False)
class Leave:
    """The type stays as it is."""

    because: str = "all as declared"
    drifted: bool = False


@dataclass(frozen=True, repr=False)
class Follow:
    """The type is being changed to the wanted one already: wait for it as for a change of one's own."""


TypeDecision = Leave | Follow | ReadStack | ModifyHsmType | Wait | Fail
