"""What `watch` has read, as frozen values. Times are seconds since the epoch. No value has a URL in it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.record import Record

_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


def without_urls(text: str) -> str:
    """`text` with each URL taken out: a ResponseURL and a handle are credentials, whoever wrote them where."""
    return _URL.sub("(URL)", text)


@dataclass(frozen=True)
class StackEvent:
    """One line of DescribeStackEvents, without the physical id: that of a handle is a URL."""

    at: float
    logical_id: str
    resource_type: str
    status: str
    reason: str = ""
    """Without any URL."""


@dataclass(frozen=True)
class Stack:
    """A stack, and the events of its present or last operation, oldest first; empty where they were not read."""

    stack_id: str
    name: str
    status: str
    events: tuple[StackEvent, ...] = ()

    @property
    def in_progress(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def rolls_back(self) -> bool:
        """Whether it goes back, or has gone back."""
        return "ROLLBACK" in self.status


@dataclass(frozen=True)
class Poll:
    """One line of the provider's log: what an invocation decided."""

    at: float
    decision: str
    """Name of a class in `cloudhsm_settings.decisions`, such as Wait."""
    because: str
    """A clause, without any URL."""
    state: str = ""
    """State of the cluster; empty where CloudHSM did not list it."""
    hsm_types: Mapping[str, int] = field(default_factory=dict)
    """How many live HSMs report which type."""


@dataclass(frozen=True)
class Sighting:
    """How far the HSMs were at one moment, by a poll or by a read of `watch` itself."""

    at: float
    state: str
    hsm_types: Mapping[str, int]


@dataclass(frozen=True)
class Observed:
    """All that is known at one moment about one resource; None, or empty, is what could not be read or is not there."""

    cluster_id: str
    """Empty while it is not known."""
    logical_id: str = ""
    """Logical id of the resource; empty with a cluster alone."""
    stack: Stack | None = None
    cluster: Cluster | None = None
    record: Record | None = None
    polls: tuple[Poll, ...] | None = None
    """Of the present or last operation, oldest first; None where the log was not read."""
    sightings: tuple[Sighting, ...] = ()
    """Oldest first."""
    unknown: tuple[str, ...] = ()
    """Why something is not known, each as a sentence."""
    region: str = ""
