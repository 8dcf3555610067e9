"""crhelper's CfnResource, with polls by EventBridge Scheduler and responses that arrive.

It is used as crhelper is (`@resource.create`, `@resource.poll_create`, ...), with one difference: each function is
handed the operation, and returns True once it has ended it, or None to be called again at the next poll.
docs/decisions/6 lists the methods overridden here and the trap each one closes.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any

from crhelper import SUCCESS, CfnResource

from cloudhsm_settings.custom_resource.errors import (
    Failure,
    InternalFailure,
    NotARequest,
    Superseded,
    Transient,
)
from cloudhsm_settings.custom_resource.event import LONGEST_NAME, POLL, Delivery, Poll, is_poll
from cloudhsm_settings.custom_resource.observability import count, logger
from cloudhsm_settings.custom_resource.operation import Operation, Ports, Traits, unreadable
from cloudhsm_settings.custom_resource.order import FIRST_ATTEMPT

Event = dict[str, Any]
Handler = Callable[[Operation, Any], bool | None]

LOGGED = ("RequestType", "StackId", "LogicalResourceId", "PhysicalResourceId", "RequestId")
"""Members of a request that log lines carry. The ResponseURL is a credential."""


class Outcome(Enum):
    """What an exception makes of an invocation."""

    SILENT = auto()
    """Nothing more is done or said."""
    POLL = auto()
    """Polled again; Lambda tries the same event again where no poll can come."""
    FAIL = auto()
    """The operation ends with FAILED."""


OUTCOMES: tuple[tuple[type[Exception], Outcome], ...] = (
    (NotARequest, Outcome.SILENT),
    (Superseded, Outcome.SILENT),
    (Transient, Outcome.POLL),
    (Failure, Outcome.FAIL),
    (Exception, Outcome.FAIL),
)
"""The one table from exceptions to outcomes; the first class that fits decides."""


def outcome_of(error: Exception) -> Outcome:
    """What `error` makes of the invocation in which it was raised."""
    return next(outcome for kind, outcome in OUTCOMES if isinstance(error, kind))


class ScheduledResource(CfnResource):
    """One custom resource type; one instance serves one request after the other."""

    def __init__(
        self,
        *,
        ports: Callable[[Any], Ports],
        traits: Traits,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        """`ports` makes the collaborators of one invocation from its context; `hosts` are taken for a ResponseURL.

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
        self.Status, self.Reason = SUCCESS, ""
        self.PhysicalResourceId = ""
        self.StackId = self.RequestId = self.LogicalResourceId = self._response_url = ""
        self.Data: dict[str, str] = {}
        self._event: Event = {}
        self._context: Any = None

        self._ports_for = ports
        self._traits = traits
        self._hosts = hosts
        self._operation: Operation | None = None
        self._delivery: Delivery | None = None
        self._trouble: Transient | None = None

    def __call__(self, event: Event, context: Any) -> None:
        """Handles a request or a poll; raises Transient for Lambda to try the same event again."""
        # Whatever fails before the request is read must not answer the request before it.
        self._operation = self._delivery = self._trouble = None
        super().__call__(event, context)
        if self._trouble:
            raise self._trouble

    def generate_physical_id(self, event: Event) -> str:
        """The same id for the same request, always."""
        return self._traits.physical_id(event)

    def _log_setup(self, event: Event, _: Any) -> None:
        """Every line carries the ids of its request; levels and format are `observability`'s."""
        if isinstance(event, Mapping):
            logger.append_keys(**{name: _logged(event.get(name)) for name in LOGGED})

    def _set_timeout(self) -> None:
        """No timer: an invocation that dies is tried again by Lambda, and a poll by the next one."""

    def _crhelper_init(self, event: Event, context: Any) -> bool:
        self._ports = self._ports_for(context)
        self._attempt(lambda: self._open(event))
        if self._operation is None:
            return False
        request = self._operation.record.event
        if is_poll(event):
            self._log_setup(request, context)
            request[POLL] = True
        return bool(super()._crhelper_init(request, context))  # type: ignore[misc]  # absent from its stub

    def _wrap_function(self, func: Handler | None) -> None:
        operation = self._operation
        if operation is not None:
            self._attempt(lambda: self._carry_out(operation, func))

    def _polling_init(self, _: Event) -> None:
        """Nothing: an operation that goes on has scheduled its polls."""

    def _cfn_response(self, _: Event) -> None:
        """Nothing: an operation responds by itself, after its end is on record."""

    def _send(self, status: str | None = None, reason: str = "", *_: Any) -> None:
        """Only reached when crhelper itself fails."""
        logger.error("crhelper failed", status=status, error=_logged(reason))
        self._attempt(lambda: self._fail(InternalFailure(self._unexpected("crhelper"))))

    # Details ------------------------------------------------------------------------------------

    def _open(self, event: Event) -> None:
        if is_poll(event):
            self._operation = Operation.polled(Poll.read(event), self._ports, self._traits)
        else:
            self._delivery = Delivery.read(event, self._ports.clock(), self._hosts)
            self._operation = Operation.open(self._delivery, self._ports, self._traits)

    def _carry_out(self, operation: Operation, func: Handler | None) -> None:
        if operation.record.ended:
            operation.pay()
        elif not (operation.record.readable or operation.is_delete):
            raise InternalFailure(unreadable(operation.record))
        elif func is None or not func(operation, self._context):
            operation.wait()

    def _attempt(self, step: Callable[[], None]) -> None:
        """Does one step, and then what the exception that it raised asks for."""
        try:
            step()
        except Exception as error:  # the table above is for every exception
            match outcome_of(error):
                case Outcome.SILENT:
                    self._stay_silent(error)
                case Outcome.POLL:
                    self._poll_again(error)
                case Outcome.FAIL:
                    self._end_with(error)

    def _stay_silent(self, error: Exception) -> None:
        level = logger.error if isinstance(error, NotARequest) else logger.info
        level("standing down", because=str(error))

    def _poll_again(self, error: Exception) -> None:
        logger.warning("polling again", because=str(error))
        operation = self._operation
        if operation is None and self._delivery is not None and self._delivery.is_delete:
            self._respond_without_record(InternalFailure(str(error)))
            # Lambda tries again, so that what is in flight is ended too; CloudFormation ignores the second response.
            self._trouble = self._trouble or (error if isinstance(error, Transient) else None)
        elif isinstance(error, Transient) and (operation is None or not operation.record.scheduled):
            self._trouble = error

    def _end_with(self, error: Exception) -> None:
        if isinstance(error, Failure):
            failure = error
        else:
            logger.exception("unexpected", error=type(error).__name__)
            failure = InternalFailure(self._unexpected(type(error).__name__))
        try:
            self._fail(failure)
        except Superseded as superseded:
            self._stay_silent(superseded)
        except Transient as transient:
            self._poll_again(transient)
        except Failure as denied:
            self._respond_without_record(denied)

    def _fail(self, failure: Failure) -> None:
        if self._operation is None:
            self._respond_without_record(failure)
            return
        count(failure.outcome)
        self._operation.fail(failure.about(self._operation.record.physical_resource_id))

    def _respond_without_record(self, failure: Failure) -> None:
        """The table is denied: the request is answered all the same, and nothing was changed. A Delete succeeds."""
        if self._delivery is None or self._operation is not None:
            logger.error("the end cannot be written", because=failure.reason)
            # A request that nobody polls for is left to Lambda's retries, and after them to the responder.
            self._trouble = None if self._delivery is None else Transient("dynamodb:UpdateItem", failure.outcome)
            return
        is_first = self._ports.clock() - self._delivery.signed_at < FIRST_ATTEMPT
        if not is_first and not self._delivery.is_delete:
            # An earlier attempt may be on record, with polls: Lambda tries again, and then the responder answers.
            self._trouble = Transient("dynamodb:UpdateItem", failure.outcome)
            return
        count(failure.outcome)
        unrecorded = Operation.unrecorded(self._delivery, self._ports, self._traits)
        subject = unrecorded.record.physical_resource_id
        try:
            if unrecorded.is_delete:
                logger.warning("operations in flight not ended", because=failure.reason)
                unrecorded.succeed({}, "", "Deleted")
            else:
                unrecorded.fail(failure.about(subject, " Nothing was changed."))
        except Transient as transient:
            self._trouble = transient

    def _unexpected(self, what: str) -> str:
        subject = self._operation.record.physical_resource_id if self._operation else "The resource"
        return (
            f"{subject}: the provider failed unexpectedly ({what}). "
            "Look at its log, and at the cluster with DescribeClusters, before you try again."
        )


def _logged(value: object) -> object:
    return value[:LONGEST_NAME].encode(errors="replace").decode() if isinstance(value, str) else None
