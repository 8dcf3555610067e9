"""Which of two requests for a resource is the newer one. Pure.

CloudFormation numbers nothing: all that orders two requests is when their ResponseURLs were signed, by hosts whose
clocks differ. A retry of Lambda comes a minute or more after its signature, so only a first attempt is given that
leeway.
"""

from enum import Enum, auto

from cloudhsm_settings.custom_resource.event import Delivery
from cloudhsm_settings.custom_resource.record import Record

CLOCK_SKEW = 60
"""Seconds that the clocks of two of CloudFormation's hosts may differ; half a minute was seen."""
FIRST_ATTEMPT = 35
"""Seconds after its signature in which a delivery cannot be a retry: Lambda's first one comes after a minute."""


class Standing(Enum):
    """What a delivery is to the operation on record."""

    NEWER = auto()
    SAME = auto()
    """The very request: delivered twice, tried again, or sent again under a new ResponseURL."""
    OLDER = auto()


class StackDirection(Enum):
    """Whether a stack is being operated on, as far as it can be read."""

    UNKNOWN = auto()
    IN_PROGRESS = auto()
    AT_REST = auto()


def latest_signature(delivery: Delivery, now: float) -> float:
    """A record signed later than this is of a newer request than `delivery`."""
    is_first_attempt = now - delivery.signed_at <= FIRST_ATTEMPT
    return delivery.signed_at + (CLOCK_SKEW if is_first_attempt else 0)


def standing(record: Record, delivery: Delivery, now: float) -> Standing:
    """What `delivery` is to the operation on record."""
    if delivery.request_id == record.request_id:
        return Standing.SAME
    if delivery.request_id in record.recent or record.signed_at > latest_signature(delivery, now):
        return Standing.OLDER
    return Standing.NEWER
