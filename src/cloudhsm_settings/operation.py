"""One operation in flight: whose it is, until when, and under which name it is on record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit

DEFAULT_SERVICE_TIMEOUT = 3600
"""Seconds that CloudFormation waits for an answer:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html"""
LONGEST_WAIT_CONDITION = 43200
"""Seconds that a wait condition waits at most."""
ROOM_TO_ANSWER = 15
"""Seconds before either ends in which the answer must be on its way."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Identity of one delivery of one request; two deliveries differ in their ResponseURL."""

    stack_id: str
    logical_resource_id: str
    physical_resource_id: str
    request_id: str
    response_url: str = field(repr=False)
    issued_at: float
    """When CloudFormation sent the request, seconds since the epoch."""
    service_timeout: int = DEFAULT_SERVICE_TIMEOUT

    @classmethod
    def of(cls, event: Mapping[str, Any], physical_resource_id: str, now: float) -> "Operation":
        """Reads a custom resource request; `now` stands in where the URL has no date."""
        properties = event.get("ResourceProperties") or {}
        timeout = str(properties.get("ServiceTimeout", ""))
        return cls(
            stack_id=event["StackId"],
            logical_resource_id=event["LogicalResourceId"],
            physical_resource_id=physical_resource_id,
            request_id=event["RequestId"],
            response_url=event["ResponseURL"],
            issued_at=signed_at(event["ResponseURL"]) or now,
            service_timeout=int(timeout) if timeout.isdigit() else DEFAULT_SERVICE_TIMEOUT,
        )

    @property
    def deadline(self) -> float:
        """Until when the answer must be on its way, seconds since the epoch."""
        return self.issued_at + self.service_timeout - ROOM_TO_ANSWER

    @property
    def handle_deadline(self) -> float:
        """Until when a wait condition handle must be signalled, seconds since the epoch."""
        return self.issued_at + LONGEST_WAIT_CONDITION - ROOM_TO_ANSWER

    @property
    def resource_prefix(self) -> str:
        """Begins the names of all operations on this resource of this stack."""
        return _digest(16, self.stack_id, self.logical_resource_id) + "-"

    @property
    def subject_prefix(self) -> str:
        """Begins the names of this resource's operations on the same physical resource."""
        return self.resource_prefix + _digest(10, self.physical_resource_id) + "-"

    @property
    def request_prefix(self) -> str:
        """Begins the names of all deliveries of this request."""
        return self.subject_prefix + _digest(12, self.request_id) + "-"

    @property
    def delivery_prefix(self) -> str:
        """Begins the names of all stages of this delivery."""
        return self.request_prefix + _digest(12, self.response_url) + "-"

    def name(self, stage: int) -> str:
        """Name of the schedule of one stage: at most 64 of Scheduler's characters."""
        return f"{self.delivery_prefix}{stage}"


def signed_at(url: str) -> float | None:
    """When a URL was presigned (X-Amz-Date of Signature Version 4), seconds since the epoch."""
    date = parse_qs(urlsplit(url).query).get("X-Amz-Date", [""])[0]
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _digest(length: int, *parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:length]
