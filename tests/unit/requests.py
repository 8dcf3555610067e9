"""Requests of CloudFormation, and everything around one operation: table, clock, polls and what was delivered."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cloudhsm_settings.custom_resource.errors import Transient
from cloudhsm_settings.custom_resource.event import Delivery, Poll
from cloudhsm_settings.custom_resource.memory import MemorySchedules, MemoryStore
from cloudhsm_settings.custom_resource.operation import Operation, Ports, Traits
from cloudhsm_settings.custom_resource.order import StackDirection
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.custom_resource.store import Store
from cloudhsm_settings.identity import is_cluster_id, physical_id
from tests.unit.cases import ID, NOW

STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/s/1"
HANDLE = "https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com/h?X-Amz-Signature=secret"


def url(name: str, at: float = NOW) -> str:
    """A ResponseURL that was signed at `at`."""
    signed = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"https://cloudformation-custom-resource-response.s3.amazonaws.com/{name}?X-Amz-Date={signed}"


def event(name: str = "r1", at: float = NOW, kind: str = "Create", **more: Any) -> dict[str, Any]:
    """A request, sent at `at`."""
    properties = {"ClusterId": ID, "HsmType": "hsm2m.medium"}
    return {
        "RequestType": kind,
        "RequestId": name,
        "ResponseURL": url(name, at),
        "StackId": STACK,
        "LogicalResourceId": "Settings",
        "ResourceProperties": properties,
        **({} if kind == "Create" else {"PhysicalResourceId": ID}),
        **more,
    }


@dataclass
class Around:
    """What an operation uses, in memory, with every delivery in order."""

    store: Store = field(default_factory=MemoryStore)
    schedules: MemorySchedules = field(default_factory=MemorySchedules)
    now: float = NOW
    delivered: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """URL and body of what arrived."""
    down: bool = False
    """Whether nothing can be delivered now."""
    unreachable: str = ""
    """A URL to which nothing can be delivered now."""
    refuses: bool = False
    direction: StackDirection = StackDirection.IN_PROGRESS
    warnings: list[str] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    """What each warning gave as its cause."""
    given: list[tuple[str, float]] = field(default_factory=list)
    """What each delivery was said to be for, and its seconds."""
    errors: list[str] = field(default_factory=list)
    seen_at_delivery: list[Record | None] = field(default_factory=list)
    """The record at the moment of each delivery."""

    def deliver(self, to: str, body: bytes, seconds_left: float, *, what: str) -> bool:
        self.seen_at_delivery.append(self.record)
        self.given.append((what, seconds_left))
        if self.down or to == self.unreachable:
            raise Transient(f"PUT to {what}", "HTTP 503")
        if not self.refuses:
            self.delivered.append((to, json.loads(body)))
        return not self.refuses

    @property
    def traits(self) -> Traits:
        def handle(event: Any) -> str:
            return str(event["ResourceProperties"].get("WaitConditionHandle", ""))

        return Traits(physical_id=physical_id, is_issued=is_cluster_id, handle_url=handle)

    @property
    def ports(self) -> Ports:
        return Ports(
            store=self.store,
            schedules=self.schedules,
            deliver=self.deliver,
            clock=lambda: self.now,
            seconds_left=lambda: 60.0,
            log_location="Log.",
            stack_direction=self._direction,
            warn=self._warn,
            error=self._error,
        )

    def _direction(self, stack_id: str) -> StackDirection:
        assert stack_id == STACK
        return self.direction

    def _error(self, message: str, **more: Any) -> None:
        self.errors.append(message)
        self.causes.append(more.get("status", ""))

    def _warn(self, message: str, **more: Any) -> None:
        self.warnings.append(message)
        self.causes.append(more.get("because", ""))

    @property
    def record(self) -> Record | None:
        """What the table has."""
        return self.store.read(self.delivery(event()).key)

    def delivery(self, sent: dict[str, Any]) -> Delivery:
        return Delivery.read(sent, self.now)

    def open(self, sent: dict[str, Any]) -> Operation:
        """The operation of a request that arrives now."""
        return Operation.open(self.delivery(sent), self.ports, self.traits)

    def poll(self, name: str = "r1") -> Operation:
        """The operation of a poll for a request."""
        return Operation.polled(Poll(self.delivery(event()).key, name), self.ports, self.traits)

    def statuses(self) -> list[str]:
        """The statuses of all that was delivered."""
        return [body["Status"] for _, body in self.delivered]


def with_handle(name: str = "r1", at: float = NOW, kind: str = "Create", handle: str = HANDLE) -> dict[str, Any]:
    """A request with a wait condition."""
    sent = event(name, at, kind)
    sent["ResourceProperties"] = {**sent["ResourceProperties"], "WaitConditionHandle": handle}
    return sent
