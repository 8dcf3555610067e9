"""What a report is made from: frozen values without any secret, and their one form as bytes.

Physical ids and properties of stack events are left out: those of a handle are credentials. Of CloudTrail only the
named members are kept, because parameters of a stack are nobody's business in a ticket.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Self

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings_cli.watch.observed import without_urls

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class StackEvent:
    """One event of a stack; `at` is in seconds since the epoch, as all times are."""

    at: float
    stack: str
    logical_id: str
    resource_type: str
    status: str
    reason: str

    @property
    def is_of_stack(self) -> bool:
        """Whether it is about the stack itself."""
        return self.resource_type == STACK_TYPE

    @classmethod
    def from_api(cls, event: Mapping[str, Any]) -> Self:
        """Reads https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html ."""
        return cls(
            at=moment(event.get("Timestamp")),
            stack=str(event.get("StackName") or ""),
            logical_id=str(event.get("LogicalResourceId") or ""),
            resource_type=str(event.get("ResourceType") or ""),
            status=str(event.get("ResourceStatus") or ""),
            reason=without_urls(str(event.get("ResourceStatusReason") or "")),
        )


@dataclass(frozen=True)
class Decision:
    """One line of the provider's log: what an invocation decided, and what it saw."""

    at: float
    request_id: str
    request_type: str
    stack_id: str
    logical_id: str
    invocation: str
    """Request id of the invocation: each is one poll."""
    decision: str
    because: str
    state: str
    hsm_types: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_line(cls, line: Mapping[str, Any]) -> Self | None:
        """Reads one event of FilterLogEvents; None for a line that is no decision."""
        try:
            said = json.loads(str(line.get("message") or ""))
        except ValueError:
            return None
        if not isinstance(said, dict) or said.get("message") != "decided":
            return None
        types = said.get("HsmTypes")
        return cls(
            at=float(line.get("timestamp") or 0) / 1000,
            request_id=str(said.get("RequestId") or ""),
            request_type=str(said.get("RequestType") or ""),
            stack_id=str(said.get("StackId") or ""),
            logical_id=str(said.get("LogicalResourceId") or ""),
            invocation=str(said.get("function_request_id") or ""),
            decision=str(said.get("decision") or ""),
            because=without_urls(str(said.get("because") or "")),
            state=str(said.get("State") or ""),
            hsm_types=types if isinstance(types, dict) else {},
        )


@dataclass(frozen=True)
class Trail:
    """One event of CloudTrail: who called what, and the request id by which AWS finds it again."""

    at: float
    name: str
    """Such as ModifyCluster."""
    who: str
    """ARN of the caller, or the service that called."""
    request_id: str
    subject: str
    """The cluster, or the stack."""
    asked: str
    """HsmType or retention of a ModifyCluster; empty for any other."""
    error: str

    @classmethod
    def from_api(cls, event: Mapping[str, Any]) -> Self | None:
        """Reads one event of LookupEvents; None where it is none.

        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
        """
        try:
            record = json.loads(str(event.get("CloudTrailEvent") or "{}"))
        except ValueError:
            return None
        asked: Mapping[str, Any] = record.get("requestParameters") or {}
        identity: Mapping[str, Any] = record.get("userIdentity") or {}
        policy: Mapping[str, Any] = asked.get("backupRetentionPolicy") or {}
        retention = f"{policy.get('value')} days" if policy.get("value") else ""
        return cls(
            at=moment(event.get("EventTime")),
            name=str(event.get("EventName") or record.get("eventName") or ""),
            who=str(identity.get("arn") or identity.get("invokedBy") or event.get("Username") or "unknown"),
            request_id=str(record.get("requestID") or ""),
            subject=str(asked.get("clusterId") or asked.get("stackName") or ""),
            asked=str(asked.get("hsmType") or retention),
            error=str(record.get("errorCode") or ""),
        )


@dataclass(frozen=True)
class Evidence:
    """Everything that a report says comes from here; None stands for what could not be read."""

    made_at: float
    since: float
    region: str
    cluster_id: str
    cluster: Cluster | None
    records: tuple[Record, ...] = ()
    events: tuple[StackEvent, ...] = ()
    """Oldest first, as all that follows."""
    decisions: tuple[Decision, ...] | None = None
    trail: tuple[Trail, ...] | None = None
    functions: tuple[str, ...] = ()
    """Names of the providers' functions: CloudTrail shows them as the callers."""
    unread: tuple[str, ...] = ()
    """What could not be read, a sentence each."""

    def to_bytes(self) -> bytes:
        """The same bytes for the same evidence: JSON with sorted keys."""
        value = {**asdict(self), "records": [_public(each) for each in self.records]}
        return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()

    @property
    def digest(self) -> str:
        """SHA-256 of `to_bytes`, as `sha256sum` prints it."""
        return sha256(self.to_bytes()).hexdigest()


def _public(record: Record) -> dict[str, Any]:
    """A record as it was read, which is without its secrets."""
    response = record.response
    return {
        "stack_id": record.stack_id,
        "logical_resource_id": record.logical_resource_id,
        "request_id": record.request_id,
        "request_type": record.request_type,
        "physical_resource_id": record.physical_resource_id,
        "declared": dict(record.declared),
        "signed_at": record.signed_at,
        "deadline": record.deadline,
        "handle_deadline": record.handle_deadline,
        "ended": record.ended,
        "ended_at": record.ended_at,
        "outcome": record.outcome,
        "response": {"status": response.status, "reason": without_urls(response.reason)} if response else None,
        "progress": dict(record.progress),
        "memory": dict(record.memory),
    }


def moment(value: object) -> float:
    """Seconds since the epoch; 0 for none."""
    return value.timestamp() if isinstance(value, datetime) else 0.0
