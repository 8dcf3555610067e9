"""The second function: answers for the first when all of its invocations crashed.

It is the on-failure destination of the first function, which spares the stack the hour of waiting for an answer that
nobody will give. Standard library only, so that what broke the first function does not break this one.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from collections.abc import Mapping
from typing import Any

from cloudhsm_settings.answers import answer
from cloudhsm_settings.delivery import put
from cloudhsm_settings.identity import failed_id

SECONDS_TO_DELIVER = 20


def lambda_handler(record: Mapping[str, Any], context: Any) -> None:
    """Answers the request inside an invocation record; raises Transient for Lambda to try again.

    A look of an operation in flight needs no answer: Scheduler lets the next one follow. A Delete
    succeeds, because it leaves the cluster as it is in any case.
    """
    request = record["requestPayload"]
    if "CrHelperPoll" in request:
        return
    succeeds = request["RequestType"] == "Delete"
    ids = {name: request[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body = answer(
        {"PhysicalResourceId": failed_id(request), **ids},
        "SUCCESS" if succeeds else "FAILED",
        "" if succeeds else _reason(record),
        context.log_stream_name,
        data={},
    )
    put(request["ResponseURL"], body, SECONDS_TO_DELIVER, what="the ResponseURL")


def _reason(record: Mapping[str, Any]) -> str:
    condition = record["requestContext"]["condition"]
    error = (record.get("responseContext") or {}).get("functionError") or "no answer"
    return (
        f"{failed_id(record['requestPayload'])}: the provider could not handle the request ({condition}, {error}). "
        "Look at the provider's log, and at the cluster with DescribeClusters, before you update the stack again."
    )
