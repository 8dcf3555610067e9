"""Everything that can end or interrupt an operation.

    Failure                   answered to CloudFormation as FAILED with `reason`
    ├── InvalidProperties     the template is wrong; nothing was called
    ├── NotFound              the cluster is unknown, deleted or being deleted
    ├── NotReady              the cluster is in a state that only a person can move on
    ├── WontFit               the migration would outlast the wait
    ├── Reverted              CloudHSM went back to the original type by itself
    ├── Conflicting           somebody else changed what this operation changes
    ├── TurnBackRefused       going back to the former type would lose keys
    ├── NotStabilized         the time is up
    ├── AccessDenied          an IAM permission is missing
    ├── InvalidRequest        CloudHSM refused the call
    └── InternalFailure       a defect of this function
    Transient                 AWS throttled, erred or timed out: look again later
    Superseded                a newer request owns the resource: say and do nothing

Names follow the handler error codes of the CloudFormation CLI where one fits:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
"""

from typing import ClassVar


class Failure(Exception):
    """Ends the operation; `reason` becomes the Reason of the answer.

    A reason is one or two sentences: the cluster, what was seen, what to do next.
    """

    outcome: ClassVar[str] = "Failed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidProperties(Failure):
    """The resource's properties are wrong; `faults` has one sentence for each."""

    outcome = "InvalidProperties"

    def __init__(self, faults: list[str]) -> None:
        super().__init__("Nothing was changed. " + " ".join(faults))
        self.faults = tuple(faults)


class NotFound(Failure):
    """The cluster does not exist (any more) in this account and region."""

    outcome = "NotFound"


class NotReady(Failure):
    """The cluster waits for a person, so waiting for the cluster would never end."""

    outcome = "NotReady"


class WontFit(Failure):
    """Migrating all HSMs takes longer than CloudFormation is willing to wait."""

    outcome = "WontFit"


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


class AccessDenied(Failure):
    """AWS denied a call; the reason names the missing IAM action."""

    outcome = "AccessDenied"


class InvalidRequest(Failure):
    """CloudHSM refused ModifyCluster and a repetition would be refused again."""

    outcome = "InvalidRequest"


class InternalFailure(Failure):
    """An exception nobody expected; the log has the traceback."""

    outcome = "InternalFailure"


class Transient(Exception):
    """AWS could not answer now. `code` is the error code, or the class of an I/O error.

    `had_no_effect` tells that the call was certainly not carried out.
    """

    def __init__(self, action: str, code: str, *, had_no_effect: bool = False) -> None:
        super().__init__(f"{action}: {code}")
        self.action = action
        self.code = code
        self.had_no_effect = had_no_effect


class Superseded(Exception):
    """A newer request for the same resource, or a twin of this one, has taken over."""
