"""The bodies that CloudFormation reads: answers to requests and signals to wait conditions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

LIMIT = 4096
"""Bytes of a whole answer; a longer one is refused and its Reason lost:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html"""
LOG_STREAM = " See the details in CloudWatch Log Stream: {}"
"""The CDK CLI looks for this phrase to fetch the log."""
_CUT = " [...]"


def answer(
    ids: Mapping[str, str],
    status: str,
    reason: str,
    log_stream: str,
    *,
    data: Mapping[str, str],
    trimmed_first: Sequence[str] = (),
) -> bytes:
    """The body of an answer, never over 4096 bytes.

    `ids` are PhysicalResourceId, StackId, RequestId and LogicalResourceId. Where it would be too long, the attributes
    in `trimmed_first` are emptied one by one, then the others from the last one on, then the Reason
    loses its end; it always keeps its head and the name of the log stream.
    """
    data = dict(data)
    closing = LOG_STREAM.format(log_stream) if status == "FAILED" else ""
    body: dict[str, Any] = {"Status": status, **ids, "NoEcho": False, "Data": data, "Reason": reason + closing}
    rest = [name for name in reversed(data) if name not in trimmed_first]
    for name in (*trimmed_first, *rest):
        if _size(body) <= LIMIT:
            break
        if name in data:
            data[name] = ""
    while _size(body) > LIMIT and reason:
        # A letter takes 12 bytes at most, so this never cuts too much.
        reason = reason[: -max(1, (_size(body) - LIMIT) // 12)]
        body["Reason"] = reason + _CUT + closing
    return _encoded(body)


def signal(status: str, reason: str, unique_id: str, data: Mapping[str, str]) -> bytes:
    """The body of a signal: `status` is SUCCESS or FAILURE, `data` arrives as a JSON string.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html
    """
    return _encoded({"Status": status, "Reason": reason[:1024], "UniqueId": unique_id, "Data": json.dumps(data)})


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _size(body: Mapping[str, Any]) -> int:
    return len(_encoded(body))
