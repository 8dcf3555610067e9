"""A request as CloudFormation knows it, and what the oracle notes about it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Properties = dict[str, Any]
ACCOUNT = "111122223333"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:cloudhsm-cluster-settings-Function"
SECRET = "X-Amz-Signature=secret"
DEFAULT_TIMEOUT = 3600


@dataclass
class Said:
    """A response or a signal that arrived."""

    at: float
    status: str
    body: dict[str, Any]
    url: str
    by: Any
    """The invocation that sent it."""


@dataclass
class Sent:
    """One request."""

    number: int
    kind: str
    """Create, Update or Delete."""
    stack: Any
    resource: Any
    physical_id: str | None
    properties: Properties
    old: Properties | None
    is_rollback: bool
    sent_at: float
    then: Callable[["Sent"], None]
    """Called once with its end: `outcome` is None when the time was up."""
    earlier: "Sent | None" = None
    """The request for the same resource before this one."""
    urls: list[str] = field(default_factory=list)
    outcome: Properties | None = None
    over_at: float | None = None
    """Since when CloudFormation does not wait any more."""

    signed_at: float = 0.0
    """When the URL signed first was signed, by the clock of the host that signed it."""
    signed_last_at: float = 0.0
    """The latest that any of its URLs says."""

    # What the oracle notes.
    fault_at: float = 0.0
    """When a fault last hit one of its invocations."""
    told_at: float | None = None
    """When its first response or signal was on its way: what it says was true then."""
    struck: Counter[str] = field(default_factory=Counter)
    """How often each fault hit an invocation of it."""
    unread_stack: bool = False
    """An invocation of it could not read the stack."""
    read_stack: bool = False
    """An invocation of it has read the stack, and put on record what it knew."""
    unreadable_at: float | None = None
    """When another version of the function wrote its record so that this one cannot read it."""
    claimed_by: str = ""
    """Who made the claim: a request, a poll or the responder."""
    claimed_at: float | None = None
    """When a write of it to the table first took effect."""
    later: "Sent | None" = None
    """The request for the same resource after this one."""
    changes: list[Any] = field(default_factory=list)
    responses: list[Said] = field(default_factory=list)
    signals: list[Said] = field(default_factory=list)
    refused: int = 0
    """How often a URL refused a response or a signal."""
    ended_at: float | None = None
    lost: bool = False
    """The responder failed for it too."""
    schedule_left: int = 0
    """Polls without any fault that found it ended and paid, and left its schedule."""
    clean_responses: int = 0
    """Invocations without any fault that sent a response."""
    end_written_at: float | None = None
    """When its end was put on record."""
    ended_by: str = ""
    """Who put it there: a request, a poll or the responder."""
    paid_at: float | None = None
    """Since when nothing is owed any more, by the record."""
    clean_runs: int = 0
    """Invocations that ended well without any fault."""

    @property
    def name(self) -> str:
        """How the timeline calls it."""
        return f"R{self.number}"

    @property
    def handle(self) -> str | None:
        """The URL of its wait condition handle."""
        return None if self.kind == "Delete" else self.properties.get("WaitConditionHandle")

    @property
    def timeout(self) -> float:
        """Seconds that CloudFormation waits."""
        return float(self.properties.get("ServiceTimeout", DEFAULT_TIMEOUT))

    @property
    def event_id(self) -> str:
        """Its RequestId."""
        return f"{self.number:08x}-0000-4000-8000-000000000000"

    @property
    def cluster_id(self) -> str:
        """The cluster that it declares."""
        return str(self.properties.get("ClusterId", ""))

    def event(self) -> dict[str, Any]:
        """What Lambda is invoked with, under the URL signed last."""
        event = {
            "RequestType": self.kind,
            "ServiceToken": FUNCTION,
            "ResponseURL": self.urls[-1],
            "StackId": self.stack.stack_id,
            "RequestId": self.event_id,
            "LogicalResourceId": self.resource.name,
            "ResourceType": "Custom::CloudHSMClusterSettings",
            "ResourceProperties": self.properties,
        }
        if self.physical_id is not None:
            event["PhysicalResourceId"] = self.physical_id
        if self.old is not None:
            event["OldResourceProperties"] = self.old
        return event


def response_url(number: int, delivery: int, signed_at: float) -> str:
    """A presigned URL as CloudFormation makes them."""
    date = datetime.fromtimestamp(signed_at, UTC).strftime("%Y%m%dT%H%M%SZ")
    host = "cloudformation-custom-resource-response-useast1.s3.amazonaws.com"
    return f"https://{host}/{number}/{delivery}?X-Amz-Date={date}&X-Amz-Expires=7200&{SECRET}"


def handle_url(stack: str, number: int) -> str:
    """The URL of a wait condition handle."""
    return f"https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/{stack}/{number}?{SECRET}"
