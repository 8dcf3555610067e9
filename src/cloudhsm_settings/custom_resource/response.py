"""The bodies that CloudFormation reads: responses to requests, and signals to wait conditions.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudhsm_settings.custom_resource.record import Record, Response, Signal

LIMIT = 4096
"""Bytes of a whole response; a longer one is refused and its Reason lost."""
_CUT = " [...]"


def response_body(record: Record, response: Response, log_location: str, trimmed_first: Sequence[str] = ()) -> bytes:
    """The body of a response, never over 4096 bytes.

    Where it would be too long, the attributes in `trimmed_first` are emptied one by one, then the others from the last
    one on, then the Reason loses its end; it always keeps its head and where the log is.
    """
    closing = f" {log_location}" if response.status == "FAILED" else ""
    ids = {
        "PhysicalResourceId": response.physical_resource_id,
        "StackId": record.stack_id,
        "RequestId": record.request_id,
        "LogicalResourceId": record.logical_resource_id,
    }

    def encoded(data: Mapping[str, str], reason: str) -> bytes:
        body = {"Status": response.status, **ids, "NoEcho": False, "Data": data, "Reason": reason + closing}
        return json.dumps(body).encode()

    return _fitting(encoded, response.data, response.reason, trimmed_first)


def signal_body(signal: Signal, trimmed_first: Sequence[str] = ()) -> bytes:
    """The body of a signal, trimmed as a response is; its data arrive as a JSON string."""

    def encoded(data: Mapping[str, str], reason: str) -> bytes:
        body: dict[str, Any] = {"Status": signal.status, "Reason": reason, "UniqueId": signal.unique_id}
        return json.dumps({**body, "Data": json.dumps(data)}).encode()

    return _fitting(encoded, signal.data, signal.reason, trimmed_first)


def _fitting(
    encoded: Callable[[Mapping[str, str], str], bytes],
    attributes: Mapping[str, str],
    reason: str,
    trimmed_first: Sequence[str],
) -> bytes:
    data = dict(attributes)
    rest = [name for name in reversed(data) if name not in trimmed_first]
    for name in (*trimmed_first, *rest):
        if len(encoded(data, reason)) <= LIMIT:
            break
        if name in data:
            data[name] = ""
    body, kept = encoded(data, reason), reason
    while len(body) > LIMIT and kept:
        # A letter takes 12 bytes at most, so this never cuts too much.
        kept = kept[: -max(1, (len(body) - LIMIT) // 12)]
        body = encoded(data, kept + _CUT)
    return body
