"""What a person is shown of an observation: frozen, complete, and without any rendering. Pure."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from cloudhsm_settings import cluster as states
from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.history import ROLLBACK_WINDOW
from cloudhsm_settings.reasons import iso8601
from cloudhsm_settings_cli.watch import hsms
from cloudhsm_settings_cli.watch.ending import Ended, ended
from cloudhsm_settings_cli.watch.observed import Observed, StackEvent, without_urls
from cloudhsm_settings_cli.watch.returning import WayBack, cancelling, type_change, way_back

SILENCE = 180
"""Seconds without a poll after which something is wrong: they come every minute."""
LATEST_EVENTS = 6


@dataclass(frozen=True)
class LastPoll:
    """The last poll. `silent` tells that one should have come since, and has not."""

    at: float | None
    """None when none was seen in this operation."""
    decision: str = ""
    because: str = ""
    silent: bool = False


@dataclass(frozen=True)
class View:
    """One state of one resource. Times are seconds since the epoch; None, or empty, is what is not known."""

    now: float
    subject: str
    """ "vault/Settings", or the id of a cluster."""
    cluster_id: str
    stack_status: str
    request_type: str
    started_at: float | None
    deadline: float | None
    """Until when the stack, or once it has accepted its wait condition, can be told the end."""
    deadline_of: str
    """ "stack" or "wait condition"."""
    state: str
    """State of the cluster."""
    state_message: str
    hsm_type: str
    hsms: hsms.Progress
    poll: LastPoll | None
    """None where none is due, and where the log was not read."""
    way_back: WayBack | None
    cancelling: str
    """What cancelling the update now would do."""
    events: tuple[StackEvent, ...]
    """The latest ones, oldest first."""
    unknown: tuple[str, ...]
    """Why something is not known, each as a sentence."""
    ended: Ended | None

    @property
    def is_alarming(self) -> bool:
        """Whether the polls have stopped."""
        return self.poll is not None and self.poll.silent

    @property
    def changing(self) -> tuple[Any, ...]:
        """What makes a new line: all but the passing of time."""
        poll = self.poll
        return (
            self.stack_status,
            self.request_type,
            self.state,
            self.hsm_type,
            self.hsms.done,
            len(self.hsms.bars),
            poll and (poll.decision, poll.silent),
            self.cancelling,
            self.ended and self.ended.what,
        )

    def to_json(self) -> dict[str, Any]:
        """The same as JSON; times are ISO 8601 in UTC, ages and durations seconds."""
        document: dict[str, Any] = _readable(asdict(self))
        if self.ended:
            document["ended"]["code"] = int(self.ended.code)
        return document


def view(observed: Observed, now: float) -> View:
    """What `observed` means at `now`."""
    record, cluster, stack = observed.record, observed.cluster, observed.stack
    end = ended(observed, now)
    accepted = record is not None and record.accepted
    deadline = (record.handle_deadline if accepted else record.deadline) if record and not record.ended else None
    named = "/".join(each for each in (stack.name if stack else "", observed.logical_id) if each)
    return View(
        now=now,
        subject=named or observed.cluster_id,
        cluster_id=observed.cluster_id,
        stack_status=stack.status if stack else "",
        request_type=record.request_type if record else "",
        started_at=_started_at(observed),
        deadline=deadline or None,
        deadline_of="wait condition" if accepted else "stack",
        state=cluster.state if cluster else "",
        state_message=cluster.state_message if cluster else "",
        hsm_type=cluster.shown_type if cluster else "",
        hsms=_hsms(observed, now),
        poll=None if end else _last_poll(observed, now),
        way_back=way_back(observed, now),
        cancelling=cancelling(observed, now),
        events=stack.events[-LATEST_EVENTS:] if stack else (),
        unknown=tuple(without_urls(each) for each in observed.unknown),
        ended=end,
    )


def _started_at(observed: Observed) -> float | None:
    """When the stack's operation began; a rollback's request is signed later."""
    if observed.stack and observed.stack.events:
        return observed.stack.events[0].at
    if observed.record:
        return observed.record.signed_at
    return _type_change_began(observed)


def _hsms(observed: Observed, now: float) -> hsms.Progress:
    cluster = observed.cluster
    if cluster is None:
        return hsms.Progress((), 0)
    began_at = _type_change_began(observed)
    changes = cluster.state in states.TYPE_CHANGING
    target = cluster.hsm_type if changes or began_at is not None else ""
    found = hsms.progress(cluster, target, began_at, observed.sightings, now)
    return found if changes else replace(found, ends_at=None)


def _type_change_began(observed: Observed) -> float | None:
    """When the change of type began that goes on, or that this operation has made."""
    cluster, change, record = observed.cluster, type_change(observed), observed.record
    if cluster is None:
        return None
    changes = cluster.state in states.TYPE_CHANGING
    is_ours = change is not None and record is not None and change.request_id == record.request_id
    if change and change.hsm_type == cluster.hsm_type and (changes or is_ours):
        return change.at
    if cluster.state == states.ROLLBACK_IN_PROGRESS:
        return next((each.at for each in observed.sightings if each.state == states.ROLLBACK_IN_PROGRESS), None)
    return _by_expiration(cluster) if changes else None


def _by_expiration(cluster: Cluster) -> float | None:
    """The window is a day from the start, so its end tells when somebody else's change began."""
    return cluster.rollback_expires_at - ROLLBACK_WINDOW if cluster.rollback_expires_at is not None else None


def _last_poll(observed: Observed, now: float) -> LastPoll | None:
    record = observed.record
    if observed.polls is None or (record is not None and record.ended):
        return None
    if observed.polls:
        last = observed.polls[-1]
        return LastPoll(last.at, last.decision, last.because, now - last.at > SILENCE)
    since = record.signed_at if record else _started_at(observed)
    return None if since is None else LastPoll(None, silent=now - since > SILENCE)


def _readable(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _readable(each, key) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(each, name) for each in value]
    return iso8601(value) if name in _MOMENTS and isinstance(value, float | int) else value


_MOMENTS = frozenset({"now", "at", "started_at", "deadline", "ends_at", "until"})
