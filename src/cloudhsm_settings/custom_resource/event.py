"""What arrives: a request of CloudFormation, or a poll of Scheduler. Both are read with suspicion.

Whoever may invoke the function can send any event, so nothing in one is believed that the record can tell.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import SplitResult, parse_qs, urlsplit

from cloudhsm_settings.custom_resource.errors import NotARequest

POLL = "CrHelperPoll"
ENVELOPE = ("ServiceToken", "ServiceTimeout")
"""Properties that are CloudFormation's own."""
LONGEST_NAME = 128
"""Characters of a name or value from an event that a log line or a Reason shows."""
OLDEST_SIGNATURE = 7200
"""Seconds that a ResponseURL is valid: an older signature is none."""
NEWEST_SIGNATURE = 300
"""Seconds that the clock of CloudFormation may be ahead of ours."""
DEFAULT_SERVICE_TIMEOUT = 3600
"""Seconds that CloudFormation waits for a response, at most and by default:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html"""
# The domains of AWS's partitions; the form of the hosts below them is not documented.
_AWS_DOMAINS = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".api.aws",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
)
_LONGEST = {"StackId": 1024, "LogicalResourceId": 255, "RequestId": 255, "ResponseURL": 8192}
_REQUEST_TYPES = ("Create", "Update", "Delete")


@dataclass(frozen=True)
class Key:
    """Which resource an operation is about."""

    stack_id: str
    logical_resource_id: str


@dataclass(frozen=True)
class Poll:
    """One poll: a key, and whose schedule sent it."""

    key: Key
    request_id: str

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Self:
        """Reads the input of a schedule; raises NotARequest for anything else."""
        return cls(_key(event), _text(event, "RequestId"))


@dataclass(frozen=True)
class Delivery:
    """One delivery of a request; two deliveries of a request differ in their ResponseURL."""

    key: Key
    request_id: str
    request_type: str
    """Create, Update or Delete."""
    response_url: str = field(repr=False)
    physical_resource_id: str
    """As CloudFormation knows the resource; empty for a Create."""
    signed_at: float
    """When CloudFormation signed the ResponseURL, seconds since the epoch."""
    service_timeout: int
    """Seconds, 1 to 3600."""
    event: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, event: object, now: float, hosts: frozenset[str] = frozenset()) -> Self:
        """Reads a request; `now` stands in where the URL has no date.

        `hosts` are taken for a ResponseURL besides AWS's. Raises NotARequest when no response can be sent.
        """
        if not isinstance(event, Mapping):
            raise NotARequest("not a mapping")
        request_type = event.get("RequestType")
        if request_type not in _REQUEST_TYPES:
            raise NotARequest(f"RequestType is {shown(request_type)}")
        url = _text(event, "ResponseURL")
        if not is_response_url(url, hosts):
            raise NotARequest("ResponseURL leads to no host of AWS")
        properties = event.get("ResourceProperties")
        timeout = properties.get("ServiceTimeout") if isinstance(properties, Mapping) else None
        physical_id = event.get("PhysicalResourceId")
        return cls(
            key=_key(event),
            request_id=_text(event, "RequestId"),
            request_type=str(request_type),
            response_url=url,
            physical_resource_id=physical_id if isinstance(physical_id, str) and is_text(physical_id) else "",
            signed_at=_clamped(signed_at(url), now),
            service_timeout=min(max(whole_number(timeout) or DEFAULT_SERVICE_TIMEOUT, 1), DEFAULT_SERVICE_TIMEOUT),
            event=event,
        )

    @property
    def is_delete(self) -> bool:
        """Whether the resource goes."""
        return self.request_type == "Delete"


def is_poll(event: object) -> bool:
    """Whether an event claims to be a poll. A request with poll's members in it is a request."""
    return isinstance(event, Mapping) and POLL in event and "RequestType" not in event


def poll_event(key: Key, request_id: str) -> dict[str, Any]:
    """The input of a schedule: a key, no secret and no progress."""
    return {
        POLL: True,
        "StackId": key.stack_id,
        "LogicalResourceId": key.logical_resource_id,
        "RequestId": request_id,
    }


def signed_at(url: str) -> float | None:
    """When a URL was presigned (X-Amz-Date of Signature Version 4), seconds since the epoch."""
    date = parse_qs(urlsplit(url).query).get("X-Amz-Date", [""])[0]
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def is_response_url(url: str, hosts: frozenset[str] = frozenset()) -> bool:
    """Whether `url` is https and leads to AWS, or to one of `hosts` ("localhost:4566")."""
    parts = split(url)
    if parts is None or parts.scheme != "https" or "@" in parts.netloc:
        return False
    return parts.netloc in hosts or (parts.hostname or "").endswith(_AWS_DOMAINS)


def split(url: str) -> SplitResult | None:
    """The parts of a URL; None when it has none."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises for a port that is no number
    except ValueError:
        return None
    return parts


def whole_number(value: object) -> int | None:
    """`value` as an int when it is one or spells one in at most nine ASCII digits, else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    return None


def shown(value: object) -> str:
    """`value` for a log line or a Reason, cut to a length."""
    text = "empty" if value in (None, "") else repr(value)
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 3] + "..."


def is_text(value: str) -> bool:
    """Whether `value` can be sent: a lone surrogate cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _clamped(signed: float | None, now: float) -> float:
    return now if signed is None else min(max(signed, now - OLDEST_SIGNATURE), now + NEWEST_SIGNATURE)


def _key(event: Mapping[str, Any]) -> Key:
    return Key(_text(event, "StackId"), _text(event, "LogicalResourceId"))


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value or len(value) > _LONGEST[name] or not is_text(value):
        raise NotARequest(f"{name} is no text of 1 to {_LONGEST[name]} characters")
    return value
