"""The second function: answers for the first when all of its invocations crashed.

It is the on-failure destination of the first function, which spares the stack the hour of waiting for a response that
nobody will give. It imports the standard library, and what broke the first function does not break it: the table is
written best effort, with the runtime's own boto3, so that after its response nobody goes on.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cloudhsm_settings.custom_resource.delivery import put
from cloudhsm_settings.custom_resource.errors import Failure, InternalFailure, NotARequest, Superseded, Transient
from cloudhsm_settings.custom_resource.event import Delivery, Key, is_poll, shown
from cloudhsm_settings.custom_resource.operation import Deliver, Operation, Ports, Traits
from cloudhsm_settings.custom_resource.order import StackDirection
from cloudhsm_settings.custom_resource.store import DynamoDbStore
from cloudhsm_settings.identity import is_cluster_id, physical_id


def lambda_handler(record: Mapping[str, Any], context: Any) -> None:
    """Answers the request inside an invocation record; raises Transient for Lambda to try again."""
    hosts = frozenset(os.environ.get("RESPONSE_HOSTS", "").split())
    respond(record, context, table=os.environ.get("TABLE_NAME", ""), hosts=hosts)


def respond(
    record: Mapping[str, Any],
    context: Any,
    *,
    table: str,
    dynamodb: Callable[[], Any] | None = None,
    deliver: Deliver = put,
    clock: Callable[[], float] = time.time,
    hosts: frozenset[str] = frozenset(),
) -> None:
    """As `lambda_handler`, every collaborator handed in.

    A poll needs no response: Scheduler lets the next one follow. A Delete succeeds, because it leaves the cluster as
    it is in any case. An operation whose polls go on responds by itself.
    """
    request = record.get("requestPayload") if isinstance(record, Mapping) else None
    if is_poll(request):
        return
    try:
        delivery = Delivery.read(request, clock(), hosts)
    except NotARequest as error:
        _log("no request to answer", because=str(error))
        return
    ports = Ports(
        store=DynamoDbStore(dynamodb or _client, table),
        schedules=_NoSchedules(),
        deliver=deliver,
        clock=clock,
        seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
        log_location=f"See the details in CloudWatch Log Stream: {context.log_stream_name}",
        stack_direction=lambda _: StackDirection.UNKNOWN,
        warn=_log,
        error=partial(_log, level="ERROR"),
    )
    try:
        operation, trouble = _opened(delivery, ports)
        _end(operation, _reason(record, delivery))
    except Superseded as superseded:
        _log("standing down", because=str(superseded))
        return
    except Failure as denied:
        # The claim is on record, and the end was refused: the next attempt answers without the table.
        raise Transient("dynamodb:UpdateItem", denied.outcome) from None
    if trouble:
        # The stack has its response; Lambda tries again, so that the end gets on record too.
        raise trouble


def _opened(delivery: Delivery, ports: Ports) -> tuple[Operation, Transient | None]:
    """The operation as its owner has it, or without a record, and what keeps it from being on record.

    Raises Superseded for a request that a newer one has replaced; a Delete is answered all the same.
    """
    # It cannot read properties as the function does, so it compares none: half a chain would deceive.
    traits = Traits(physical_id=physical_id, is_issued=is_cluster_id, kept=lambda _: {})
    try:
        return Operation.open(delivery, ports, traits), None
    except Superseded:
        if not delivery.is_delete:
            raise
        return Operation.unrecorded(delivery, ports, traits), None
    except Exception as error:  # whatever is wrong with the table, the stack must not hang
        _log("the end is not on record", error=type(error).__name__)
        return Operation.unrecorded(delivery, ports, traits), Transient("dynamodb:UpdateItem", type(error).__name__)


def _end(operation: Operation, reason: str) -> None:
    record = operation.record
    if record.ended or record.accepted:
        operation.pay()
    elif operation.is_delete:
        operation.succeed({}, "", "Deleted")
    elif record.scheduled:
        _log("the operation's polls go on", RequestId=record.request_id)
    else:
        operation.fail(InternalFailure(reason))


def _reason(record: Mapping[str, Any], delivery: Delivery) -> str:
    request, response = record.get("requestContext"), record.get("responseContext")
    condition = request.get("condition") if isinstance(request, Mapping) else None
    error = response.get("functionError") if isinstance(response, Mapping) else None
    return (
        f"{physical_id(delivery.event)}: the provider could not handle the request ({shown(condition)}, "
        f"{shown(error or 'no answer')}). Look at the provider's log, and at the cluster with DescribeClusters, before "
        "you update the stack again."
    )


class _NoSchedules:
    """Lambda tries the responder again; there is nothing to poll with."""

    def create(self, key: Key, request_id: str, until: float) -> None:  # noqa: ARG002  # the protocol's
        raise Transient("scheduler:CreateSchedule", "NotByTheResponder")

    def delete(self, key: Key, request_id: str) -> None:
        """Nothing: the next poll finds the end, and goes."""


def _client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("dynamodb", config=Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 2}))


def _log(message: str, *, level: str = "WARN", **keys: Any) -> None:
    print(json.dumps({"level": level, "message": message, **keys}, default=str))
