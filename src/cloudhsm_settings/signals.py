"""Signals to wait condition handles: the second answer of a long migration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from cloudhsm_settings import answers
from cloudhsm_settings.delivery import put
from cloudhsm_settings.errors import Transient
from cloudhsm_settings.observability import logger
from cloudhsm_settings.request import Request

SECONDS_TO_DELIVER = 15


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal; its UniqueId is the cluster's id, so a second one is ignored by CloudFormation."""

    url: str = field(repr=False)
    status: str
    """SUCCESS or FAILURE."""
    reason: str
    unique_id: str
    data: Mapping[str, str]

    @classmethod
    def success(cls, request: Request, reason: str, data: Mapping[str, str]) -> Self:
        """The cluster is as declared; `data` are its attributes."""
        return cls(request.settings.wait_condition_handle or "", "SUCCESS", reason, request.cluster_id, data)

    @classmethod
    def failure(cls, request: Request, reason: str) -> Self:
        """The operation ended otherwise."""
        return cls(request.settings.wait_condition_handle or "", "FAILURE", reason, request.cluster_id, {})


def signal_handle(signal: Signal) -> None:
    """Sends a signal; raises Transient when it may get through later.

    One that is refused is logged only: a handle of an earlier migration has expired.
    """
    body = answers.signal(signal.status, signal.reason, signal.unique_id, signal.data)
    if not put(signal.url, body, SECONDS_TO_DELIVER, what="the wait condition handle"):
        logger.warning("signal refused", status=signal.status)


def signal_superseded(look: Mapping[str, Any], send: Callable[[Signal], None]) -> None:
    """Tells the wait condition of a superseded operation, if it has one, that it will not be signalled again."""
    properties = look.get("ResourceProperties") or {}
    url = properties.get("WaitConditionHandle")
    if not url:
        return
    cluster_id = str(properties.get("ClusterId", ""))
    reason = f"{cluster_id}: a newer request for {look['LogicalResourceId']} took over. Look at that request's outcome."
    try:
        send(Signal(url, "FAILURE", reason, cluster_id, {}))
    except Transient as transient:
        logger.warning("superseded handle not signalled", because=str(transient))
