"""crhelper's CfnResource, with looks by EventBridge Scheduler and answers that arrive.

It is used as crhelper is (`@resource.create`, `@resource.poll_create`, ...), with one difference: each function
returns the physical id when it has finished and None to be called again at the next look.
docs/reliability.md lists the methods overridden here and the trap each one closes.
"""

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from crhelper import FAILED, SUCCESS, CfnResource

from cloudhsm_settings.answers import answer
from cloudhsm_settings.delivery import put
from cloudhsm_settings.errors import Failure, InternalFailure, Superseded, Transient
from cloudhsm_settings.identity import failed_id, physical_id
from cloudhsm_settings.observability import count, logger
from cloudhsm_settings.operation import Operation
from cloudhsm_settings.schedules import Schedules

Event = dict[str, Any]
Handler = Callable[[Event, Any], str | bool | None]
Deliver = Callable[..., bool]

LOGGED = ("RequestType", "StackId", "LogicalResourceId", "PhysicalResourceId", "RequestId")
"""Members of a request that log lines carry. The ResponseURL is a credential."""
_ALLOWANCE = 5
"""Seconds of an invocation that are kept for cleaning up after the answer."""
_LEEWAY = 120
"""Seconds that looks go on after the deadline, should the answer not get through at once."""


class ScheduledResource(CfnResource):
    """One custom resource type; one instance serves one request after the other."""

    def __init__(
        self,
        *,
        schedules: Callable[[Any], Schedules],
        trimmed_first: tuple[str, ...] = (),
        deliver: Deliver = put,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`schedules` makes the record of operations in flight for a Lambda context.

        CfnResource.__init__ is not called: it builds three clients and reconfigures the root logger.
        A test holds the attributes set here to those that it would have set.
        """
        self._create_func = self._update_func = self._delete_func = None
        self._poll_create_func = self._poll_update_func = self._poll_delete_func = None
        self._timer = self._init_failed = self._sam_local = self._region = self._ssl_verify = None
        self._lambda_client = self._events_client = self._logs_client = None
        self._json_logging, self._log_level, self._boto_level = False, "WARNING", "WARNING"
        self._sleep_on_delete = self._polling_interval = 0
        self._send_response, self.NoEcho = False, False
        self.Status = self.Reason = ""
        self.PhysicalResourceId = ""
        self.StackId = self.RequestId = self.LogicalResourceId = self._response_url = ""
        self.Data: dict[str, str] = {}
        self._event: Event = {}
        self._context: Any = None

        self._schedules_for = schedules
        self._trimmed_first = trimmed_first
        self._deliver = deliver
        self._clock = clock
        self.progress: dict[str, Any] = {}
        self.answered = False
        self.ends_at = 0.0
        self.stage: int | None = None
        self._on_record: Event | None = None
        self._trouble: Transient | None = None
        self._standing_down = True

    # What the decorated functions may use ---------------------------------------------------

    def claim(self, *, of_subject_only: bool = False) -> list[Event]:
        """Makes this request the owner of its resource; returns the requests it has superseded.

        With `of_subject_only`, operations on another physical resource go on. A request that was sent again
        under another ResponseURL takes over what its first delivery did. Raises Superseded when the
        very delivery is on record already, or when a newer request is.
        """
        if self.stage is not None:
            return []
        operation = self.operation
        superseded = []
        prefix = operation.subject_prefix if of_subject_only else operation.resource_prefix
        # Sorted, so that of two stages that a crash left behind the later one is taken over last.
        for name in sorted(self.schedules.names(prefix)):
            if name.startswith(operation.delivery_prefix):
                raise Superseded(name)
            look = self.schedules.read(name)
            if look is None:
                continue
            carried = look["CrHelperData"]
            if name.startswith(operation.request_prefix):
                self.answered = carried["Answered"]
                self.record(carried["Progress"])
            elif carried["IssuedAt"] > operation.issued_at:
                raise Superseded(name)
            else:
                superseded.append(look)
            self.schedules.delete(name)
        return superseded

    def record(self, progress: Mapping[str, Any]) -> None:
        """Puts `progress` on record before something that must happen once.

        Raises Superseded when a twin of this look did so first or a newer request owns the resource.
        """
        stage = 0 if self.stage is None else self.stage + 1
        if stage and self._has_later_stage():
            raise Superseded("an earlier stage, left behind by a crash")
        self.progress = dict(progress)
        if not self.schedules.create(self.operation.name(stage), self._look(stage), self._until):
            raise Superseded(self.operation.name(stage))
        if self.stage is not None and not self.schedules.delete(self.operation.name(self.stage)):
            self.schedules.delete(self.operation.name(stage))
            raise Superseded(self.operation.name(stage))
        self.stage = stage
        self._on_record = self._look(stage)

    def fence(self) -> None:
        """Makes sure that an operation on record still owns its resource, before a call that may be repeated.

        Raises Superseded as `record` does. A request that is not on record yet has nothing to lose.
        """
        if self.stage is not None:
            self.record(self.progress)

    def answer_now(self, physical_id: str, data: dict[str, str], failure: Failure | None = None) -> None:
        """Answers the stack before the function has finished: SUCCESS, or FAILED with `failure`.

        Whatever the function returns or raises later is not sent to the stack any more.
        """
        if not self.answered and self._is_owner():
            self.Data = data
            status, reason = (FAILED, failure.reason) if failure else (SUCCESS, "")
            self._put(status, reason, failed_id(self._event) if failure else physical_id)
            self.answered = True

    # What crhelper calls ----------------------------------------------------------------------

    def __call__(self, event: Event, context: Any) -> None:
        """Handles a request or a look; raises Transient for Lambda to try the same event again."""
        self._trouble = None
        # Whatever fails before the request is read must not answer the request before it.
        self._standing_down = True
        super().__call__(event, context)
        if self._trouble:
            raise self._trouble

    def generate_physical_id(self, event: Event) -> str:
        """The same id for the same request, always."""
        return physical_id(event)

    def _log_setup(self, event: Event, _: Any) -> None:
        """Every line carries the ids of its request; levels and format are `observability`'s."""
        logger.append_keys(**{name: event.get(name) for name in LOGGED})

    def _set_timeout(self) -> None:
        """No timer: an invocation that dies is tried again by Lambda, and a look by the next one."""

    def _crhelper_init(self, event: Event, context: Any) -> bool:
        event = dict(event)
        carried = event.pop("CrHelperData", None) or {}
        self._event, self._context = event, context
        self.operation = Operation.of(event, physical_id(event), carried.get("IssuedAt") or self._clock())
        self.schedules = self._schedules_for(context)
        self.stage = carried.get("Stage")
        self.progress = carried.get("Progress", {})
        self.answered = carried.get("Answered", False)
        self.ends_at = self.operation.deadline
        self._on_record = self._look(self.stage) if self.stage is not None else None
        self._standing_down = False
        self.NoEcho = False
        return bool(super()._crhelper_init(event, context))  # type: ignore[misc]  # absent from its stub

    def _wrap_function(self, func: Handler | None) -> None:
        try:
            finished = func(self._event, self._context) if func else None
            # crhelper's samples return True for "done": it must not become an id, and never a random one.
            self.PhysicalResourceId = physical_id(self._event) if finished is True else finished or ""
        except Failure as failure:
            self._fail(failure)
        except Superseded as superseded:
            self._stand_down(str(superseded))
        except Transient as transient:
            self._try_again(transient)
        except Exception as error:
            logger.exception("unexpected", error=type(error).__name__)
            self._fail(InternalFailure(_unexpected(self.operation, type(error).__name__)))

    def _polling_init(self, _: Event) -> None:
        if self._standing_down:
            return
        if self.PhysicalResourceId or self.Status == FAILED:
            self._send_response = True
            return
        try:
            self._keep_looking()
        except Failure as failure:
            self._fail(failure)
            self._send_response = True
        except Superseded as superseded:
            self._stand_down(str(superseded))
        except Transient as transient:
            self._try_again(transient)

    def _send(self, status: str | None = None, reason: str = "", *_: Any) -> None:
        if self._standing_down:
            return
        if status:
            logger.error("crhelper failed", error=reason)
            self._fail(InternalFailure(_unexpected(self.operation, reason)))
        if not self.PhysicalResourceId:
            self.PhysicalResourceId = failed_id(self._event)
        try:
            if not self._is_owner():
                self._stand_down("no longer on record")
                return
            if not self.answered:
                self._put(self.Status, self.Reason, self.PhysicalResourceId)
        except Transient as transient:
            self._try_again(transient)
        else:
            self._strike_off()

    # Details ------------------------------------------------------------------------------------

    @property
    def _until(self) -> float:
        """When looks end by themselves, seconds since the epoch."""
        return max(self.ends_at, self._clock()) + _LEEWAY

    def _look(self, stage: int | None) -> Event:
        """The event of the coming looks."""
        carried = {
            "Stage": stage,
            "IssuedAt": self.operation.issued_at,
            "Progress": deepcopy(self.progress),
            "Answered": self.answered,
        }
        return {**self._event, "CrHelperPoll": True, "CrHelperData": carried}

    def _keep_looking(self) -> None:
        if self.stage is None:
            self.record(self.progress)
            return
        name, look = self.operation.name(self.stage), self._look(self.stage)
        if look != self._on_record and not self.schedules.replace(name, look, self._until):
            raise Superseded(name)

    def _has_later_stage(self) -> bool:
        names = self.schedules.names(self.operation.delivery_prefix)
        return any(int(name.rpartition("-")[2]) > (self.stage or 0) for name in names)

    def _is_owner(self) -> bool:
        if self.stage is None:
            return True
        try:
            return self.schedules.read(self.operation.name(self.stage)) is not None
        except (Failure, Transient):
            # An answer too many is ignored, one too few hangs the stack.
            return True

    def _put(self, status: str, reason: str, physical_id: str | None) -> None:
        ids = {
            "PhysicalResourceId": str(physical_id),
            "StackId": self.StackId,
            "RequestId": self.RequestId,
            "LogicalResourceId": self.LogicalResourceId,
        }
        data = self.Data if status == SUCCESS else {}
        body = answer(ids, status, reason, self._context.log_stream_name, data=data, trimmed_first=self._trimmed_first)
        left = self._context.get_remaining_time_in_millis() / 1000 - _ALLOWANCE
        if not self._deliver(self._response_url, body, left, what="the ResponseURL"):
            logger.error("answer refused", status=status)

    def _strike_off(self) -> None:
        """Best effort: a schedule left behind ends by itself, and its looks do no harm."""
        if self.stage is None:
            return
        present = self.operation.name(self.stage)
        try:
            # A crash may have left an earlier stage behind. The present one goes last, to mend another crash.
            left_behind = set(self.schedules.names(self.operation.delivery_prefix)) - {present}
            for name in (*left_behind, present):
                self.schedules.delete(name)
        except (Failure, Transient) as error:
            logger.warning("schedule not deleted", error=str(error))

    def _fail(self, failure: Failure) -> None:
        count(failure.outcome)
        self.Status, self.Reason = FAILED, failure.reason
        self.PhysicalResourceId = ""

    def _stand_down(self, because: str) -> None:
        logger.info("standing down", because=because)
        self._standing_down, self._send_response = True, False

    def _try_again(self, transient: Transient) -> None:
        logger.warning("trying again", because=str(transient))
        self._trouble = transient
        self._standing_down, self._send_response = True, False


def _unexpected(operation: Operation, what: str) -> str:
    return (
        f"{operation.physical_resource_id}: the provider failed unexpectedly ({what}). "
        "Look at its log, and at the cluster with DescribeClusters, before you try again."
    )
