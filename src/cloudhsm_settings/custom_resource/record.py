"""What is known of one resource, between invocations: a frozen value, and its form in the table."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from cloudhsm_settings.custom_resource.event import Key

VERSION = 1
"""Of the form below. A record of another version is read as far as it can be."""


@dataclass(frozen=True)
class Signal:
    """One signal to a wait condition handle. CloudFormation ignores a second one with the same UniqueId."""

    url: str = field(repr=False)
    status: str
    """SUCCESS or FAILURE."""
    reason: str
    unique_id: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Response:
    """What the stack is told. `status` is SUCCESS or FAILED."""

    status: str
    reason: str
    physical_resource_id: str
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """The present operation of one resource, what it owes, and what the resource remembers.

    Times are seconds since the epoch. `request_id` is the owner: only its invocations may act.
    """

    stack_id: str
    logical_resource_id: str
    request_id: str
    request_type: str = ""
    response_url: str = field(default="", repr=False)
    former_urls: tuple[str, ...] = field(default=(), repr=False)
    """URLs that the same request was sent under before, so lately that one of them may be the newest; told too."""
    physical_resource_id: str = ""
    """What the operation is about: the declared cluster."""
    existing_id: str = ""
    """The PhysicalResourceId of the request: what a FAILED response keeps."""
    properties: Mapping[str, Any] = field(default_factory=dict, repr=False)
    old_properties: Mapping[str, Any] = field(default_factory=dict, repr=False)
    declared: Mapping[str, Any] = field(default_factory=dict)
    """The declared settings, without any secret: the inventory."""
    handle_url: str = field(default="", repr=False)
    signed_at: float = 0.0
    deadline: float = 0.0
    """Until when the response must be on its way."""
    handle_deadline: float = 0.0
    """Until when a signal must be on its way."""
    fence: int = 0
    """Every write raises it, and demands the one that was read."""
    progress: Mapping[str, Any] = field(default_factory=dict)
    scheduled: bool = False
    """Whether polls have been scheduled."""
    response: Response | None = None
    """What the stack is owed, or was told."""
    response_paid: bool = False
    signals: tuple[Signal, ...] = ()
    """Signals that are owed; a paid one is struck off."""
    ended: bool = False
    """Nothing changes the cluster any more; what is owed is still paid."""
    settled: bool = False
    """Ended, and no signal is owed: a newer request may take the resource without reading this."""
    outcome: str = ""
    ended_at: float = 0.0
    memory: Mapping[str, Any] = field(default_factory=dict)
    """What the resource remembers across operations."""
    follows_on: bool = True
    """Whether the record before it was that of its predecessor, or there was none to compare."""
    recent: tuple[str, ...] = ()
    """Ids of the latest requests, the present one included."""
    expires_at: int | None = None
    """When the table may forget the resource; None while it exists."""
    readable: bool = True
    """False when a member is not as this version writes it."""

    @property
    def key(self) -> Key:
        """Which resource it is about."""
        return Key(self.stack_id, self.logical_resource_id)

    @property
    def response_urls(self) -> tuple[str, ...]:
        """Every URL that may be the one that counts, the latest first."""
        return (self.response_url, *self.former_urls)

    @property
    def polls_go_on(self) -> bool:
        """Whether polls are scheduled and last: those of what has ended are going, or gone."""
        return self.scheduled and not self.ended

    @property
    def accepted(self) -> bool:
        """Whether the stack has its response while the operation goes on."""
        return self.response is not None and not self.ended

    @property
    def event(self) -> dict[str, Any]:
        """The request, as far as it is kept."""
        return {
            "RequestType": self.request_type,
            "RequestId": self.request_id,
            "ResponseURL": self.response_url,
            "StackId": self.stack_id,
            "LogicalResourceId": self.logical_resource_id,
            **({"PhysicalResourceId": self.existing_id} if self.existing_id else {}),
            "ResourceProperties": dict(self.properties),
            "OldResourceProperties": dict(self.old_properties),
        }

    def to_item(self) -> dict[str, Any]:
        """The item of the table; members without a value are absent."""
        members = ((name, member.to_item(getattr(self, member.field))) for name, member in MEMBERS.items())
        return {"Version": {"N": str(VERSION)}, **{name: value for name, value in members if value is not None}}

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Reads an item. What cannot be read keeps its default, and the record says that it is not readable."""
        values: dict[str, Any] = {}
        readable = True
        for name, member in MEMBERS.items():
            if name in item:
                try:
                    values[member.field] = member.from_item(item[name])
                except (ValueError, TypeError, KeyError, AttributeError):
                    readable = False
        return cls(**{"stack_id": "", "logical_resource_id": "", "request_id": "", **values, "readable": readable})


@dataclass(frozen=True, eq=False, repr=False)
class _Member:
    field: str
    to_item: Callable[[Any], dict[str, Any] | None]
    from_item: Callable[[Mapping[str, Any]], Any]


def _text(name: str) -> _Member:
    return _Member(name, lambda value: {"S": value} if value else None, lambda member: str(member["S"]))


def _texts(name: str) -> _Member:
    return _Member(
        name,
        lambda value: {"L": [{"S": each} for each in value]},
        lambda member: tuple(str(each["S"]) for each in member["L"]),
    )


def _number(name: str, kind: Callable[[str], Any] = float) -> _Member:
    return _Member(name, lambda value: None if value is None else {"N": repr(value)}, lambda member: kind(member["N"]))


def _truth(name: str) -> _Member:
    return _Member(name, lambda value: {"BOOL": value}, lambda member: bool(member["BOOL"]))


def _document(name: str) -> _Member:
    return _Member(name, lambda value: {"S": _json(value)}, lambda member: _mapping(json.loads(member["S"])))


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not a mapping")
    return value


def _json(value: object) -> str:
    return json.dumps(value, default=_members_of)


def _members_of(value: Any) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in fields(value)}


MEMBERS: Mapping[str, _Member] = {
    "StackId": _text("stack_id"),
    "LogicalResourceId": _text("logical_resource_id"),
    "RequestId": _text("request_id"),
    "RequestType": _text("request_type"),
    "ResponseURL": _text("response_url"),
    "FormerURLs": _texts("former_urls"),
    "PhysicalResourceId": _text("physical_resource_id"),
    "ExistingId": _text("existing_id"),
    "ResourceProperties": _document("properties"),
    "OldResourceProperties": _document("old_properties"),
    "Declared": _document("declared"),
    "HandleURL": _text("handle_url"),
    "SignedAt": _number("signed_at"),
    "Deadline": _number("deadline"),
    "HandleDeadline": _number("handle_deadline"),
    "Fence": _number("fence", int),
    "Progress": _document("progress"),
    "Scheduled": _truth("scheduled"),
    "Response": _Member(
        "response",
        lambda value: {"S": _json(value)} if value else None,
        lambda member: Response(**json.loads(member["S"])),
    ),
    "ResponsePaid": _truth("response_paid"),
    "Signals": _Member(
        "signals",
        lambda value: {"S": _json(list(value))},
        lambda member: tuple(Signal(**each) for each in json.loads(member["S"])),
    ),
    "Ended": _truth("ended"),
    "Settled": _truth("settled"),
    "FollowsOn": _truth("follows_on"),
    "Outcome": _text("outcome"),
    "EndedAt": _number("ended_at"),
    "Memory": _document("memory"),
    "Recent": _texts("recent"),
    "ExpiresAt": _number("expires_at", int),
}
"""The members of an item, by their names in the table."""
