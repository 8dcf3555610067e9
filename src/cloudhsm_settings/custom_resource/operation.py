"""One operation: a request in flight, from its claim to the payment of what it owes.

Why there is one owner and one end. An operation acts only after a write that demanded the fence it had read, so a twin
or an older request that comes late writes nothing and does nothing. A newer request takes the record over, and with it
what the older one owes to its wait condition. The end is written before anything of it is sent; after it no invocation
does more than pay. What is owed stands in the record until it was delivered, so a process may die anywhere. A payment
that is repeated is preceded by a write too, so it ends as soon as the table can be written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from cloudhsm_settings.custom_resource import response as bodies
from cloudhsm_settings.custom_resource.errors import Failure, Superseded, Transient
from cloudhsm_settings.custom_resource.event import Delivery, Poll
from cloudhsm_settings.custom_resource.order import (
    CLOCK_SKEW,
    FIRST_ATTEMPT,
    StackDirection,
    Standing,
    follows,
    standing,
    surely_newer_than,
)
from cloudhsm_settings.custom_resource.record import Record, Response, Signal
from cloudhsm_settings.custom_resource.store import Refused, Store

LONGEST_WAIT_CONDITION = 43200
"""Seconds that a wait condition waits at most."""
ROOM_TO_RESPOND = 15
"""Seconds before either ends in which the response must be on its way."""
LEEWAY = 300
"""Seconds that polls go on after the last deadline, should a payment not get through at once."""
KEPT_AFTER_DELETE = 86400
"""Seconds that a record outlives its resource, so that late duplicates find it."""
_ALLOWANCE = 5
"""Seconds of an invocation that are kept for writing after a delivery."""
_SECONDS_TO_SIGNAL = 15
_RETRIES_ARE_OVER = 600
"""Seconds after its signature in which Lambda has tried a request, and the responder, for the last time."""
_SENDS_NO_UPDATE = (StackDirection.AT_REST, StackDirection.DELETING)
_RECENT = 8
_FORMER_URLS = 3
_ATTEMPTS = 5


class Deliver(Protocol):
    """Puts a body; True when it arrived, False when it was refused for good. Raises Transient."""

    def __call__(self, url: str, body: bytes, seconds_left: float, *, what: str) -> bool:
        """See `delivery.put`."""


class Schedules(Protocol):
    """What polls. All methods raise AccessDenied, or Transient for what may work later."""

    def create(self, key: Any, request_id: str, until: float) -> None:
        """Begins to poll, every minute until `until`, seconds since the epoch; begun already is no error."""

    def delete(self, key: Any, request_id: str) -> None:
        """Ends the polls of a request; ended already is no error."""


@dataclass(frozen=True, eq=False, repr=False)
class Traits:
    """What this package has to be told about the resource. Each function takes a whole event."""

    physical_id: Callable[[Mapping[str, Any]], str]
    """The same id for the same request, always, and never empty."""
    is_issued: Callable[[str], bool]
    """Whether an id can be one of ours: CloudFormation makes ids up for a Delete during a Create."""
    handle_url: Callable[[Mapping[str, Any]], str] = lambda _: ""
    """The wait condition handle; empty without one."""
    declared: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _: {}
    """What the record shows of the declared settings."""
    kept: Callable[[Any], Mapping[str, Any]] = lambda properties: dict(properties or {})
    """What the record keeps of ResourceProperties: nothing unknown, nothing large."""
    trimmed_first: tuple[str, ...] = ()
    """Attributes that a response loses first where it would be too long."""


@dataclass(frozen=True, eq=False, repr=False)
class Ports:
    """Everything outside that an operation uses."""

    store: Store
    schedules: Schedules
    deliver: Deliver
    clock: Callable[[], float]
    seconds_left: Callable[[], float]
    """Seconds left of the invocation."""
    log_location: str
    """Where the log is, as the Reason says it."""
    stack_direction: Callable[[str], StackDirection]
    warn: Callable[..., None]
    """Takes note of what nobody is told otherwise."""
    error: Callable[..., None]
    """Takes note of what somebody has to look at: a receiver waits for what it will never get."""


class Operation:
    """A request in flight; what the provider is handed."""

    def __init__(self, record: Record, ports: Ports, traits: Traits, *, recorded: bool = True) -> None:
        """`record` is the owner's, as it is in the table; without `recorded` it is in none."""
        self.record = record
        self._stored = record
        self._ports = ports
        self._traits = traits
        self._recorded = recorded
        self._has_written = False

    @classmethod
    def open(cls, delivery: Delivery, ports: Ports, traits: Traits) -> "Operation":
        """Makes a request the owner of its resource.

        Raises Superseded when a newer one is, and Transient or AccessDenied when the table does not answer.
        """
        fresh = _fresh(delivery, traits)
        only_same_id = delivery.is_delete and traits.is_issued(delivery.physical_resource_id)
        for _ in range(_ATTEMPTS):
            try:
                claimed = ports.store.claim(fresh, surely_newer_than(fresh), only_same_id=only_same_id)
            except Refused as refused:
                current = refused.current
            else:
                return cls._written(claimed, ports, traits)
            if current.request_id == fresh.request_id and not current.readable:
                return cls(_read_as_far_as_can_be(current, fresh), ports, traits)
            if only_same_id and _is_about_a_former_one(current, delivery, ports):
                return cls(fresh, ports, traits, recorded=False)
            try:
                return cls._written(_taken_over(current, fresh, ports, traits), ports, traits)
            except _LostRace:
                continue
        raise Transient("dynamodb:UpdateItem", "Contended")

    @classmethod
    def polled(cls, poll: Poll, ports: Ports, traits: Traits) -> "Operation":
        """The operation that a poll is for; raises Superseded, and ends the polls, when it is not the owner."""
        record = ports.store.read(poll.key)
        if record is None or record.request_id != poll.request_id:
            if record is not None and record.signals and not record.scheduled:
                cls(record, ports, traits).pay_for_an_owner_without_polls()
            try:
                ports.schedules.delete(poll.key, poll.request_id)
            except (Failure, Transient) as error:
                ports.warn("schedule not deleted", because=str(error))
            raise Superseded("the poll is not the owner's")
        operation = cls(record, ports, traits)
        # That polls are scheduled may not have got on record; this one proves it, and so they end with the operation.
        operation.record = replace(record, scheduled=True)
        return operation

    @classmethod
    def unrecorded(cls, delivery: Delivery, ports: Ports, traits: Traits) -> "Operation":
        """A request that can be answered and nothing else: the table is out of reach."""
        return cls(_fresh(delivery, traits), ports, traits, recorded=False)

    @classmethod
    def _written(cls, record: Record, ports: Ports, traits: Traits) -> "Operation":
        operation = cls(record, ports, traits)
        operation._has_written = True
        return operation

    # What the provider uses ---------------------------------------------------------------------------

    @property
    def is_delete(self) -> bool:
        """Whether the resource goes."""
        return self.record.request_type == "Delete"

    def checkpoint(self, progress: Mapping[str, Any], memory: Mapping[str, Any] | None = None) -> None:
        """Puts progress on record before an effect; raises Superseded when somebody else owns the resource."""
        kept = self.record.memory if memory is None else memory
        self.record = replace(self.record, progress=dict(progress), memory=dict(kept))
        self._write()

    def accept(self, data: Mapping[str, str], progress: Mapping[str, Any]) -> None:
        """Tells the stack SUCCESS while the operation goes on; the end goes to the wait condition, or to the log."""
        if self.record.response is None:
            # First, because an acceptance on record is a promise that somebody polls.
            self._schedule()
            response = Response("SUCCESS", "", self.record.physical_resource_id, dict(data))
            self.record = replace(self.record, response=response, progress=dict(progress))
            self._write()

    def keep(self, **kept: Mapping[str, Any]) -> None:
        """Progress and memory for the next poll, put on record with whatever is written next."""
        progress, memory = (dict(kept.get(name, getattr(self.record, name))) for name in ("progress", "memory"))
        self.record = replace(self.record, progress=progress, memory=memory)

    def others(self) -> list[Mapping[str, Any]]:
        """What other resources declare for the same physical id, see `Store.others`."""
        return self._ports.store.others(self.record)

    # What becomes of an invocation --------------------------------------------------------------------

    def wait(self) -> None:
        """Polls again in a minute; what is owed already is paid."""
        try:
            self._schedule()
        except (Failure, Transient):
            # What CloudHSM has answered must not be forgotten with it.
            self._save()
            raise
        try:
            self._pay()
        except Transient as transient:
            self._ports.warn("not delivered yet", because=str(transient))
        self._save()

    def succeed(self, data: Mapping[str, str], reason: str, outcome: str, **kept: Mapping[str, Any]) -> None:
        """Ends the operation: SUCCESS to the stack and to the wait condition. `kept` are progress and memory."""
        response = Response("SUCCESS", "", self.record.physical_resource_id, dict(data))
        self._end(response, Signal("", "SUCCESS", reason, "", dict(data)), outcome, kept)

    def fail(self, failure: Failure, **kept: Mapping[str, Any]) -> None:
        """Ends the operation: FAILED to the stack, or FAILURE to the wait condition after the stack has accepted."""
        physical_id = self.record.existing_id or self.record.physical_resource_id
        signal = Signal("", "FAILURE", failure.reason, "")
        self._end(Response("FAILED", failure.reason, physical_id), signal, failure.outcome, kept)

    def pay(self) -> None:
        """Delivers what an ended operation owes, then ends its polls; raises Transient while something is owed."""
        try:
            self._pay()
        except Transient:
            self._schedule()
            self._save()
            raise
        settled = replace(self.record, settled=self.record.ended and not self.record.signals)
        # Without polls nobody comes back to read that it was paid.
        if settled.scheduled or settled.settled != self._stored.settled:
            self.record = settled
            self._strike_off()
        if self.record.scheduled and self.record.ended:
            self._unschedule()

    def pay_for_an_owner_without_polls(self) -> None:
        """The owner died before it scheduled its polls, and Lambda's retries are over: what it took over is paid.

        Raises Superseded while a retry may still come, and Transient while something is owed.
        """
        if self._ports.clock() - self.record.signed_at <= _RETRIES_ARE_OVER:
            raise Superseded("the owner may pay yet: these polls go on until it has")
        self._write()
        troubles = self._pay_signals()
        self._save()
        if troubles:
            raise troubles[0]

    def respond_once_more(self) -> None:
        """Sends the response on record, which its process may not have sent; raises Transient.

        No write comes before it: whoever sends it says what its owner has written already.
        """
        troubles = self._pay_response()
        if troubles:
            raise troubles[0]

    # Details ------------------------------------------------------------------------------------------

    def _end(self, response: Response, signal: Signal, outcome: str, kept: Mapping[str, Mapping[str, Any]]) -> None:
        # Only what is on record counts: an end or a response that could not be written is none.
        record = self._stored
        if record.ended:
            self.pay()
            return
        signals = record.signals
        if record.handle_url:
            signals += (replace(signal, url=record.handle_url, unique_id=record.physical_resource_id),)
        now = self._ports.clock()
        self.keep(**kept)
        self.record = replace(
            self.record,
            response=record.response or response,
            signals=signals,
            ended=True,
            settled=not signals,
            outcome=outcome,
            ended_at=now,
            recent=record.recent[-_RECENT:],
            expires_at=int(now) + KEPT_AFTER_DELETE if self._is_gone(response) else None,
        )
        self._write()
        self.pay()

    def _is_gone(self, response: Response) -> bool:
        """Whether the resource ends with the operation. A Create that failed has made none."""
        failed = response.status == "FAILED" and self._stored.response is None
        return self.is_delete or (failed and self.record.request_type == "Create")

    def _pay(self) -> None:
        """Delivers what is owed; raises Transient after having tried everything."""
        owes_response = self.record.response is not None and not self.record.response_paid
        is_on_record = self.record.response == self._stored.response
        if (owes_response or self.record.signals) and not (self._has_written and is_on_record):
            # Nothing is sent that is not on record. And what somebody tried before and could not strike off
            # is sent one more time, not once a minute for ever.
            self._write()
        troubles = [*self._pay_response(), *self._pay_signals()]
        if troubles:
            raise troubles[0]

    def _pay_response(self) -> list[Transient]:
        record = self.record
        if record.response is None or record.response_paid:
            return []
        body = bodies.response_body(record, record.response, self._ports.log_location, self._traits.trimmed_first)
        for url in record.response_urls:
            left = self._ports.seconds_left() - _ALLOWANCE
            try:
                arrived = self._ports.deliver(url, body, left, what="the ResponseURL")
            except Transient as transient:
                return [transient]
            if not arrived:
                self._ports.error("response refused", status=record.response.status)
        self.record = replace(self.record, response_paid=True)
        return []

    def _pay_signals(self) -> list[Transient]:
        owed, troubles = [], []
        for signal in self.record.signals:
            left = min(self._ports.seconds_left() - _ALLOWANCE, _SECONDS_TO_SIGNAL)
            body = bodies.signal_body(signal, self._traits.trimmed_first)
            try:
                if not self._ports.deliver(signal.url, body, left, what="the wait condition handle"):
                    self._ports.error("signal refused", status=signal.status)
            except Transient as transient:
                owed.append(signal)
                troubles.append(transient)
        self.record = replace(self.record, signals=tuple(owed))
        return troubles

    def _schedule(self) -> None:
        record = self.record
        if record.scheduled or not self._recorded:
            return
        # As long as anything can last: a request that is sent again has a later deadline, and finds these polls.
        until = max(record.deadline, record.handle_deadline) + LEEWAY
        self._ports.schedules.create(record.key, record.request_id, until)
        self.record = replace(self.record, scheduled=True)

    def _unschedule(self) -> None:
        """Best effort: a schedule left behind polls an operation that has ended, and tries again to go."""
        try:
            self._ports.schedules.delete(self.record.key, self.record.request_id)
        except (Failure, Transient) as error:
            self._ports.warn("schedule not deleted", because=str(error))

    def _strike_off(self) -> None:
        """Best effort: all is paid, and what still stands on record is paid once more at the most."""
        try:
            self._save()
        except (Failure, Transient) as error:
            self._ports.warn("payment not struck off", because=str(error))

    def _save(self) -> None:
        if self.record != self._stored:
            self._write()

    def _write(self) -> None:
        if not self._recorded:
            return
        try:
            self.record = self._stored = self._ports.store.write(self._stored, self.record)
        except Superseded as superseded:
            if superseded.by_itself and not self.record.scheduled:
                # Nobody polls, so silence could be for ever: Lambda tries again, and finds out whose write it was.
                raise Transient("dynamodb:UpdateItem", "WrittenSince") from None
            raise
        self._has_written = True


class _LostRace(Exception):
    """The record was written between its reading and the claim."""


def _is_about_a_former_one(current: Record, delivery: Delivery, ports: Ports) -> bool:
    """Whether a Delete cleans up after a replacement; that of a whole stack ends the operation on the new one too.

    No Delete ends another one: both are waited for. Of the same id, an older one ends none.
    """
    is_another = current.request_id != delivery.request_id
    if current.physical_resource_id == delivery.physical_resource_id:
        return is_another and current.request_type == "Delete" and delivery.signed_at < current.signed_at
    return current.request_type == "Delete" or ports.stack_direction(current.stack_id) is not StackDirection.DELETING


def _taken_over(current: Record, fresh: Record, ports: Ports, traits: Traits) -> Record:
    """The record after a claim that had to look at `current` first."""
    match standing(current, fresh):
        case Standing.OLDER:
            raise Superseded("a newer request owns the resource")
        case Standing.SAME:
            after = _resumed(current, fresh)
        case Standing.DOUBTFUL:
            if _is_retry(fresh, ports) or ports.stack_direction(current.stack_id) in _SENDS_NO_UPDATE:
                raise Superseded("the request on record is the newer one, as far as can be told")
            # Whichever is the newer, the other one loses nothing by its response.
            Operation(current, ports, traits).respond_once_more()
            after = _superseding(current, fresh)
        case Standing.NEWER:
            # What has ended gives way, unless clocks may differ so much that this one is the older.
            is_sure = current.ended and fresh.signed_at - current.signed_at > CLOCK_SKEW
            direction = StackDirection.UNKNOWN if is_sure else ports.stack_direction(current.stack_id)
            is_hidden = direction is StackDirection.UNKNOWN and not is_sure
            if is_hidden and _is_beside_a_delete(fresh, current) and _is_retry(fresh, ports):
                raise Superseded("the resource was deleted: no update is due")
            # A Delete of what a Create may have left behind is tried again after its stack has come to rest.
            is_clean_up = current.request_type == "Create" and fresh.request_type == "Delete"
            if direction is StackDirection.AT_REST and not is_clean_up:
                raise Superseded("the stack is not being operated on: no newer request is due")
            if direction is StackDirection.DELETING and fresh.request_type != "Delete":
                raise Superseded("the stack is being deleted: only a Delete is due")
            after = _superseding(current, fresh)
    try:
        return ports.store.write(current, after)
    except Superseded:
        raise _LostRace from None


def _is_retry(fresh: Record, ports: Ports) -> bool:
    return ports.clock() - fresh.signed_at > FIRST_ATTEMPT


def _is_beside_a_delete(fresh: Record, current: Record) -> bool:
    """Whether it is an update beside a Delete: none follows upon that, but one may follow upon a clean-up."""
    return fresh.request_type == "Update" and current.request_type == "Delete"


def _resumed(current: Record, fresh: Record) -> Record:
    """The same request again. A new ResponseURL is answered; the settings stay those that were first sent."""
    later = fresh.signed_at - current.signed_at
    if not current.properties:
        # The responder has claimed it, which knows none, and did not get to its end.
        names = ("properties", "old_properties", "declared", "handle_url")
        current = replace(current, **{name: getattr(fresh, name) for name in names})
    # A retry of the first delivery may come after the second one.
    known = current.response_urls
    if fresh.response_url in known or later < -CLOCK_SKEW:
        return current
    return replace(
        current,
        response_url=fresh.response_url,
        former_urls=known[:_FORMER_URLS] if later <= CLOCK_SKEW and not current.response_paid else (),
        response_paid=False,
        scheduled=current.polls_go_on,
        signed_at=max(current.signed_at, fresh.signed_at),
        deadline=max(current.deadline, fresh.deadline),
    )


def _read_as_far_as_can_be(current: Record, fresh: Record) -> Record:
    """A record of this very request that another version wrote: the request itself tells what cannot be read in it.

    It is not written yet: its end is the next write, so no attempt after this one takes it for readable.
    """
    names = ("fence", "memory", "recent", "response", "signals", "ended", "settled")
    kept = {name: getattr(current, name) for name in (*names, "outcome", "ended_at", "expires_at", "follows_on")}
    others = [url for url in current.response_urls if url not in ("", fresh.response_url)]
    return replace(
        fresh,
        **kept,
        response_paid=current.response_paid and fresh.response_url in current.response_urls,
        former_urls=tuple(others[:_FORMER_URLS]),
        scheduled=current.polls_go_on,
        readable=False,
    )


def _superseding(current: Record, fresh: Record) -> Record:
    """A newer request in place of one in flight, which it tells the older one's wait condition."""
    signals = current.signals
    if current.handle_url and not current.ended:
        reason = (
            f"{current.physical_resource_id}: a newer request for {current.logical_resource_id} took over. "
            "Look at the outcome of that request in the stack's events."
        )
        signals += (Signal(current.handle_url, "FAILURE", reason, current.physical_resource_id),)
    recent = (*current.recent[-_RECENT:], fresh.request_id)
    is_next = fresh.request_type == "Delete" or follows(fresh, current)
    return replace(fresh, memory=current.memory, recent=recent, signals=signals, follows_on=is_next)


def unreadable(record: Record) -> str:
    """Reason of an operation whose record another version of the function wrote."""
    return (
        f"{record.physical_resource_id or record.logical_resource_id}: the operation's record is of another version of "
        "the provider and cannot be read. Look at the cluster with DescribeClusters, then update the stack again."
    )


def _fresh(delivery: Delivery, traits: Traits) -> Record:
    event = delivery.event
    return Record(
        stack_id=delivery.key.stack_id,
        logical_resource_id=delivery.key.logical_resource_id,
        request_id=delivery.request_id,
        request_type=delivery.request_type,
        response_url=delivery.response_url,
        physical_resource_id=traits.physical_id(event),
        existing_id=delivery.physical_resource_id,
        properties=traits.kept(event.get("ResourceProperties")),
        old_properties=traits.kept(event.get("OldResourceProperties")),
        declared=traits.declared(event),
        handle_url="" if delivery.is_delete else traits.handle_url(event),
        signed_at=delivery.signed_at,
        deadline=delivery.signed_at + delivery.service_timeout - ROOM_TO_RESPOND,
        handle_deadline=delivery.signed_at + LONGEST_WAIT_CONDITION - ROOM_TO_RESPOND,
        # A Delete with an id that nobody issued is of a Create, which has not been seen unless this takes over from it.
        follows_on=not delivery.is_delete or traits.is_issued(delivery.physical_resource_id),
        # From the claim on, because a Delete may die before its end is on record.
        expires_at=int(delivery.signed_at) + KEPT_AFTER_DELETE if delivery.is_delete else None,
    )
