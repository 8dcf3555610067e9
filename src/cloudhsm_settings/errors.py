"""What can go wrong with a cluster, besides what can go wrong with any custom resource.

Failure                   see `custom_resource.errors`
├── InvalidProperties     the template is wrong; nothing was called
├── NotReady              the cluster is in a state that only a person can move on
├── WontFit               the migration would outlast the wait
├── HandleUsed            the wait condition handle belongs to the former update
├── Reverted              the cluster went back to the original type
├── Conflicting           somebody else changed what this operation changes
├── TurnBackRefused       going back to the former type needs consent, or is not possible
└── NotStabilized         the time is up
"""

from cloudhsm_settings.custom_resource.errors import (
    AccessDenied,
    Failure,
    InternalFailure,
    InvalidRequest,
    NotARequest,
    NotFound,
    Superseded,
    Transient,
)

__all__ = [
    "AccessDenied",
    "Conflicting",
    "Failure",
    "HandleUsed",
    "InternalFailure",
    "InvalidProperties",
    "InvalidRequest",
    "NotARequest",
    "NotFound",
    "NotReady",
    "NotStabilized",
    "Reverted",
    "Superseded",
    "Transient",
    "TurnBackRefused",
    "WontFit",
]


class InvalidProperties(Failure):
    """The resource's properties are wrong; `faults` has one sentence for each."""

    outcome = "InvalidProperties"

    def __init__(self, faults: list[str]) -> None:
        super().__init__("Nothing was changed. " + " ".join(faults))
        self.faults = tuple(faults)


class NotReady(Failure):
    """The cluster waits for a person, so waiting for the cluster would never end."""

    outcome = "NotReady"


class WontFit(Failure):
    """Migrating all HSMs takes longer than CloudFormation is willing to wait."""

    outcome = "WontFit"


class HandleUsed(Failure):
    """A wait condition waits once: the handle of the former update tells nobody anything."""

    outcome = "HandleUsed"


class Reverted(Failure):
    """The migration ended ACTIVE with the original HSM type."""

    outcome = "Reverted"


class Conflicting(Failure):
    """The cluster became something that this operation never asked for."""

    outcome = "Conflicting"


class TurnBackRefused(Failure):
    """Going back to the former HSM type needs consent, or is no longer possible."""

    outcome = "TurnBackRefused"


class NotStabilized(Failure):
    """The deadline came before the cluster was as declared."""

    outcome = "NotStabilized"
