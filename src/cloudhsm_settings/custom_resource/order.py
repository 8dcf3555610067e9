"""Which of two requests for a resource is the newer one. Pure.

CloudFormation numbers nothing. What orders two requests is when their ResponseURLs were signed, by hosts whose clocks
differ. Within that difference the chain of properties decides: an Update names the properties that it follows upon.
"""

from enum import Enum, auto

from cloudhsm_settings.custom_resource.record import Record

FIRST_ATTEMPT = 35
"""Seconds after its signature in which a delivery cannot be a retry: Lambda's first one comes after a minute."""
CLOCK_SKEW = 60
"""Seconds that the clocks of two of CloudFormation's hosts may differ; half a minute was seen."""


class Standing(Enum):
    """What a request is to the operation on record."""

    NEWER = auto()
    SAME = auto()
    """The very request: delivered twice, tried again, or sent again under a new ResponseURL."""
    OLDER = auto()
    DOUBTFUL = auto()
    """Newer, unless it is a retry, or its stack is at rest."""


class StackDirection(Enum):
    """Whether a stack is being operated on, as far as it can be read."""

    UNKNOWN = auto()
    IN_PROGRESS = auto()
    DELETING = auto()
    AT_REST = auto()


def surely_newer_than(fresh: Record) -> float:
    """A record that was signed before this, in seconds since the epoch, is of an older request than `fresh`."""
    return fresh.signed_at - CLOCK_SKEW


def standing(current: Record, fresh: Record) -> Standing:
    """What the request of `fresh` is to the operation on record."""
    if fresh.request_id == current.request_id:
        return Standing.SAME
    if fresh.request_id in current.recent:
        return Standing.OLDER
    after = fresh.signed_at - current.signed_at
    if abs(after) <= CLOCK_SKEW:
        return _by_chain(current, fresh, after)
    return Standing.NEWER if after > 0 else Standing.OLDER


def follows(after: Record, before: Record) -> bool:
    """Whether a request names the properties of another one as those that it changes."""
    return (
        after.request_type == "Update" and before.request_type != "Delete" and after.old_properties == before.properties
    )


def _by_chain(current: Record, fresh: Record, after: float) -> Standing:
    if fresh.request_type == "Delete":
        return Standing.NEWER
    if current.request_type == "Delete":
        # A Delete whose Create was never seen says that one is under way.
        is_missing = fresh.request_type == "Create" and not current.follows_on
        return Standing.OLDER if is_missing or after < 0 else Standing.NEWER
    is_next, is_before = follows(fresh, current), follows(current, fresh)
    if is_next and is_before:
        return _by_swap(current, after)
    if is_next and after < 0:
        # What its own rollback or a later one left behind is what an older update followed upon too.
        return Standing.DOUBTFUL
    if is_next or is_before:
        return Standing.NEWER if is_next else Standing.OLDER
    if after >= 0:
        return Standing.NEWER
    # No update comes before its Create. One that follows upon what is not on record may be of a clock behind, and what
    # has ended loses nothing to it. But it may as well be a late one of before: the stack has to tell.
    may_be_next = current.request_type == "Create" or (fresh.request_type == "Update" and current.ended)
    return Standing.DOUBTFUL if may_be_next and _is_told(current) else Standing.OLDER


def _by_swap(current: Record, after: float) -> Standing:
    """A rollback swaps the properties of its update: one of the two is the other's rollback."""
    if current.follows_on or after >= 0:
        return Standing.NEWER
    # Its predecessor was missing when it came, which may be this one, and the signatures say so.
    # But clocks differ, and what has ended and was told loses nothing to a request that its stack may wait for.
    return Standing.DOUBTFUL if current.ended and _is_told(current) else Standing.OLDER


def _is_told(record: Record) -> bool:
    """Whether its response was sent. Whoever ended it without polls told it at once, and left it at that."""
    return record.response_paid or (record.ended and not record.scheduled)
