"""Everything that can end or interrupt an operation.

    Failure                   the response is FAILED, with `reason`
    ├── AccessDenied          an IAM permission is missing
    ├── InvalidRequest        the service refused the call
    ├── NotFound              the service does not know what the call is about
    └── InternalFailure       a defect of this function, or a record that it cannot read
    Transient                 AWS throttled, erred or timed out: poll again
    Superseded                another request, or another invocation of it, owns the resource
    NotARequest               the event is neither a request nor a poll

Names follow the handler error codes of the CloudFormation CLI where one fits:
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
"""

from copy import copy
from typing import ClassVar


class Failure(Exception):
    """Ends the operation; `reason` becomes the Reason of the response.

    A reason is one or two sentences: the cluster, what was seen, what to do next.
    """

    outcome: ClassVar[str] = "Failed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def about(self, subject: str, addition: str = "") -> "Failure":
        """The same failure, with a reason that names its subject, and an addition to it."""
        about = copy(self)
        named = self.reason if subject in self.reason else f"{subject}: {self.reason}"
        about.reason = named + addition
        return about


class AccessDenied(Failure):
    """AWS denied a call; the reason names the missing IAM action."""

    outcome = "AccessDenied"


class InvalidRequest(Failure):
    """The service refused a call."""

    outcome = "InvalidRequest"


class NotFound(Failure):
    """The cluster does not exist (any more) in this account and region."""

    outcome = "NotFound"


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
    """A newer request for the same resource, or another invocation of this one, has taken over.

    `by_itself`: the record is still of the same request, by another invocation or a write whose answer was lost.
    """

    def __init__(self, because: str, *, by_itself: bool = False) -> None:
        super().__init__(because)
        self.by_itself = by_itself


class NotARequest(Exception):
    """The event is neither a request of CloudFormation nor a poll: nobody waits for a response."""
