"""Lambda: asynchronous invocations with duplicates, delays, retries and deaths, and the destination for what failed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.simulation.boundary import Boundary, Invocation, Killed

TIMEOUT = 90.0
"""Seconds that the template gives the function."""
EVENT_AGE = 3600.0
"""Seconds after which Lambda drops an event."""
RETRY_AFTER = (60.0, 120.0)
"""Seconds before Lambda's first and second retry."""
Event = dict[str, Any]


class Context:
    """The context of one invocation."""

    function_name = "cloudhsm-cluster-settings-Function"
    log_group_name = "/aws/lambda/cloudhsm-cluster-settings"
    memory_limit_in_mb = 512

    def __init__(self, boundary: Boundary, invocation: Invocation, number: int, version: int) -> None:
        self._boundary, self._invocation = boundary, invocation
        self.aws_request_id = f"{number:08x}-0000-4000-8000-00000000000a"
        self.log_stream_name = f"2027/01/15/[{version}]0123456789abcdef0123456789abcdef"
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:111122223333:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        ends_at = self._invocation.started_at + self._invocation.seconds
        return int((ends_at - self._boundary.agenda.now) * 1000)


@dataclass
class Queued:
    """An event in Lambda's queue."""

    event: Event
    at: float
    attempts: int = 0


@dataclass
class Lambda:
    """The function, its responder, and the queue before them."""

    boundary: Boundary
    start_environment: Callable[[], Callable[[Event, Context], Any]]
    """A cold start: what comes of importing the handler."""
    respond: Callable[[Event, Context], Any]
    """The responder."""
    request_of: Callable[[Event], Any]
    """The request that an event belongs to, as CloudFormation knows it."""
    warm: list[Callable[[Event, Context], Any]] = field(default_factory=list)
    invocations: int = 0
    polls: int = 0
    version: int = 1
    deployed: Callable[[], None] = lambda: None
    """Told that another version of the function runs from now on."""
    ended: Callable[[Invocation, str], None] = lambda *_: None

    def invoke(self, event: Event) -> None:
        """Takes an event into the queue."""
        swarm, agenda = self.boundary.swarm, self.boundary.agenda
        delay = swarm.random.random()
        if swarm.strikes("lambda delayed", agenda.now):
            self.boundary.struck(None, "lambda delayed")
            delay = swarm.random.choice((5.0, 30.0, 90.0, 300.0))
            self._hurt(event, agenda.now + delay)
        queued = Queued(event, agenda.now)
        agenda.after(delay, lambda: self._run(queued))
        if swarm.strikes("lambda duplicate", agenda.now):
            self.boundary.struck(None, "lambda duplicate")
            for _ in range(swarm.random.choice((1, 1, 1, 4))):
                later = agenda.now + delay + swarm.random.choice((0.0, 0.1, 1.0, 30.0, 600.0, 4000.0))
                agenda.at(later, partial(self._run, Queued(event, later)))

    def _run(self, queued: Queued) -> None:
        swarm, agenda = self.boundary.swarm, self.boundary.agenda
        if agenda.now - queued.at > EVENT_AGE:
            self._give_up(queued, "EventAgeExceeded", None)
            return
        if swarm.strikes("lambda throttled", agenda.now):
            self.boundary.struck(None, "lambda throttled")
            pause = swarm.random.choice((1.0, 1.0, 20.0, 20.0, 300.0, 300.0, EVENT_AGE))
            self._hurt(queued.event, agenda.now + pause)
            agenda.after(pause, lambda: self._run(queued))
            return
        self.boundary.tasks.start(lambda: self._execute(queued))

    def _execute(self, queued: Queued) -> None:
        """In a task of its own: one attempt at an event."""
        event = queued.event
        is_poll = "CrHelperPoll" in event
        self.polls += is_poll
        invocation = self._invocation(event, "poll" if is_poll else "request")
        invocation.is_last = queued.attempts == len(RETRY_AFTER)
        self.tell(invocation, f"begins, attempt {queued.attempts + 1}")
        trouble = self._in_environment(invocation)
        self.tell(invocation, f"ends {trouble}")
        self.ended(invocation, trouble)
        if not trouble:
            return
        if queued.attempts == len(RETRY_AFTER):
            self._give_up(queued, "RetriesExhausted", trouble)
            return
        queued.attempts += 1
        self.boundary.sometimes.saw(f"retried by Lambda after {'a death' if trouble == 'Killed' else trouble}")
        self.boundary.agenda.after(RETRY_AFTER[queued.attempts - 1], lambda: self._run(queued))

    def _in_environment(self, invocation: Invocation) -> str:
        """The class of what it raised; empty when it ended well."""
        swarm, now = self.boundary.swarm, self.boundary.agenda.now
        if swarm.strikes("lambda deployed", now):
            self.boundary.struck(None, "lambda deployed")
            self.warm.clear()
            self.version += 1
            self.deployed()
        if swarm.strikes("lambda broken", now):
            self.boundary.struck(invocation, "lambda broken")
            return "Runtime.ExitError"
        function = self.warm.pop() if self.warm else self.start_environment()
        context = Context(self.boundary, invocation, self.invocations, self.version)
        self.boundary.running[id(self.boundary.tasks.running)] = invocation
        invocation.environment = function
        try:
            function(dict(invocation.event), context)
        except Killed:
            return "Killed"
        except Exception as error:
            self.warm.append(function)
            # Lambda logs it.
            print(repr(error))
            return type(error).__name__
        self.warm.append(function)
        return ""

    def _give_up(self, queued: Queued, condition: str, trouble: str | None) -> None:
        self.boundary.sometimes.saw(f"destination: {condition}")
        record = {
            "version": "1.0",
            "requestContext": {"condition": condition, "approximateInvokeCount": queued.attempts + 1},
            "requestPayload": queued.event,
            **({"responseContext": {"statusCode": 200, "functionError": "Unhandled"}} if trouble else {}),
        }
        self._hand_to_responder(record, 0)

    def _hand_to_responder(self, record: Event, attempt: int) -> None:
        agenda = self.boundary.agenda
        agenda.after(0.5, lambda: self.boundary.tasks.start(lambda: self._execute_responder(record, attempt)))

    def _execute_responder(self, record: Event, attempt: int) -> None:
        invocation = self._invocation(record["requestPayload"], "responder")
        self.boundary.running[id(self.boundary.tasks.running)] = invocation
        invocation.seconds, invocation.is_last = 60.0, attempt == len(RETRY_AFTER)
        trouble = ""
        try:
            self.respond(record, Context(self.boundary, invocation, self.invocations, self.version))
        except Killed:
            trouble = "Killed"
        except Exception as error:
            trouble = type(error).__name__
        self.tell(invocation, f"ends {trouble}")
        self.ended(invocation, trouble)
        if trouble and attempt < len(RETRY_AFTER):
            agenda = self.boundary.agenda
            agenda.after(RETRY_AFTER[attempt], lambda: self._hand_to_responder(record, attempt + 1))

    def _invocation(self, event: Event, who: str) -> Invocation:
        self.invocations += 1
        request = self.request_of(event)
        subject = request.name if request else "?"
        status = request.stack.status if request else ""
        return Invocation(who, subject, event, status, self.boundary.agenda.now, TIMEOUT, request)

    def tell(self, invocation: Invocation, what: str) -> None:
        """Shows in the timeline what becomes of an invocation, where that is wanted."""
        if self.boundary.tells_calls:
            self.boundary.timeline.note(invocation.subject, invocation.who, f". {what}")

    def _hurt(self, event: Event, until: float) -> None:
        request = self.request_of(event)
        if request:
            request.fault_at = max(request.fault_at, until)
