"""The one place through which every call of the function goes: here it waits, fails, is denied, or kills its process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from tests.simulation.agenda import Agenda
from tests.simulation.requests import SECRET
from tests.simulation.sometimes import Sometimes
from tests.simulation.swarm import Swarm
from tests.simulation.tasks import Tasks
from tests.simulation.timeline import Timeline

CODES = {
    "table": {"throttled": "ProvisionedThroughputExceededException", "failed": "InternalServerError"},
    "scheduler": {"throttled": "ThrottlingException", "failed": "InternalServerException"},
    "cloudformation": {"throttled": "Throttling"},
    "cloudhsm": {"throttled": "ThrottlingException", "failed": "CloudHsmInternalFailureException"},
}
"""What each service answers when a fault strikes, by fault."""


PERMISSIONS = {
    "table": "dynamodb",
    "scheduler": "scheduler",
    "cloudformation": "cloudformation",
    "cloudhsm": "cloudhsm",
}
"""The prefix of each service's permissions."""
LOQUACIOUS = f"told to fail, by https://host/?{SECRET}, with Pr3CoPassw0rd"


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Invocation:
    """One run of the function or of the responder."""

    who: str
    subject: str
    event: dict[str, Any]
    stack_was: str
    """StackStatus when it began."""
    started_at: float
    seconds: float
    request: Any = None
    """The request that it serves, as CloudFormation knows it."""
    environment: Any = None
    dead: bool = False
    struck: list[str] = field(default_factory=list)
    """The faults that hit it."""
    done: list[str] = field(default_factory=list)
    """The calls of it that took effect and the faults that hit it, in their order."""
    is_last: bool = False
    """Nobody tries its event again."""
    responded: bool = False
    """A response that it sent arrived."""
    wrote_at: float = 0.0
    """When its last write to the table took effect."""
    seen: dict[str, Any] = field(default_factory=dict)
    """What it has read: clusters by id, the stack's status."""

    @property
    def faults(self) -> int:
        """How many faults hit it."""
        return len(self.struck)

    def was_struck_at(self, *services: str) -> bool:
        """Whether a fault of one of `services` hit it."""
        return was_struck_at(self.struck, *services)


@dataclass
class Boundary:
    """Calls of all services."""

    agenda: Agenda
    tasks: Tasks
    swarm: Swarm
    sometimes: Sometimes
    timeline: Timeline
    running: dict[int, Invocation] = field(default_factory=dict)
    faults: int = 0
    calls: int = 0
    tells_calls: bool = False
    """Whether the timeline shows every single call."""

    @property
    def invocation(self) -> Invocation:
        """The invocation that calls."""
        return self.running[id(self.tasks.running)]

    def call(
        self, service: str, permission: str, carry_out: Callable[[], Any], *, odd: Callable[[], Any] | None = None
    ) -> Any:
        """One call of AWS; `odd` may raise or return something else in the service's own way."""
        self.calls += 1
        action = permission.partition(":")[2]
        caller = self.invocation
        self.wait(caller)
        self.may_kill(caller, "before", action)
        now = self.agenda.now
        if self.swarm.is_denied(permission, now):
            self.struck(caller, f"{permission} denied")
            raise client_error("AccessDeniedException", action)
        if self.swarm.is_down(service, now):
            self.struck(caller, f"{service} down", at=action)
            raise ConnectTimeoutError(endpoint_url=service)
        for fault, code in CODES[service].items():
            if self.swarm.strikes(f"{service} {fault}", now):
                self.struck(caller, f"{service} {fault}", at=action)
                raise client_error(code, action)
        if self.swarm.strikes(f"{service} timed out", now):
            self.struck(caller, f"{service} timed out", at=action)
            self.wait(caller, 15)
            raise ReadTimeoutError(endpoint_url=service)
        if odd is not None:
            answer = odd()
            if answer is not None:
                return answer
        self.tell(action)
        answer = self._carried_out(caller, service, action, carry_out)
        self.may_kill(caller, "after", action)
        if self.swarm.strikes(f"{service} lost", now):
            self.struck(caller, f"{service} lost", at=action)
            self.wait(caller, 15)
            raise ReadTimeoutError(endpoint_url=service)
        return answer

    def _carried_out(self, caller: Invocation, service: str, action: str, carry_out: Callable[[], Any]) -> Any:
        """What the service answers in the end: a client that has lost an answer calls again by itself."""
        is_repeated = self.swarm.strikes(f"{service} repeated", self.agenda.now)
        if is_repeated:
            self.struck(caller, f"{service} repeated", at=action)
        answer = carry_out()
        caller.done.append(action)
        if is_repeated:
            self.wait(caller)
            answer = carry_out()
        return answer

    def tell(self, what: str) -> None:
        """Shows a call in the timeline, where that is wanted."""
        if self.tells_calls:
            caller = self.invocation
            self.timeline.note(caller.subject, caller.who, f". {what}")

    def wait(self, caller: Invocation, seconds: float | None = None) -> None:
        """Lets a call take its time; a process whose invocation is over dies of it."""
        if caller.dead:
            raise Killed("a dead process calls")
        random = self.swarm.random
        if seconds is None:
            seconds = random.random() * 0.2
            if self.swarm.strikes("slow calls", self.agenda.now):
                self.sometimes.saw("fault: slow calls")
                seconds = random.random() * 20
        left = caller.started_at + caller.seconds - self.agenda.now
        self.tasks.pause(max(0.0, min(seconds, left)))
        if seconds >= left:
            self.kill(caller, "timed out")

    def may_kill(self, caller: Invocation, when: str, action: str) -> None:
        """Kills the process, if it is to die here."""
        if self.swarm.strikes(f"kill {when}", self.agenda.now):
            self.sometimes.saw(f"killed {when} {action}")
            self.kill(caller, f"killed {when} {action}")

    def kill(self, caller: Invocation, how: str) -> None:
        """Ends the process."""
        self.struck(caller, how if how == "timed out" else f"kill {how.split()[1]}", how)
        caller.dead = True
        raise Killed(how)

    def struck(self, caller: Invocation | None, fault: str, text: str = "", *, at: str = "") -> None:
        """Takes note of a fault, `at` a call that has a name."""
        self.faults += 1
        self.sometimes.saw(f"fault: {fault}")
        if at:
            self.sometimes.saw(f"{fault} at {at}")
        if caller is not None:
            caller.struck.append(fault)
            caller.done.append(f"! {fault}")
            if caller.request is not None:
                caller.request.fault_at = max(caller.request.fault_at, self.agenda.now)
                caller.request.struck[fault] += 1
            self.timeline.note(caller.subject, caller.who, f"! {text or fault}")


def was_struck_at(faults: Iterable[str], *services: str) -> bool:
    """Whether one of `faults` is of one of `services` ("table", "cloudformation"), a denied permission included."""
    prefixes = tuple(prefix for service in services for prefix in (f"{service} ", f"{PERMISSIONS[service]}:"))
    return any(fault.startswith(prefixes) for fault in faults)


def client_error(code: str, operation: str, message: str = LOQUACIOUS, **members: Any) -> ClientError:
    """An error as botocore raises it; its text quotes what no Reason and no log line may repeat."""
    return ClientError({"Error": {"Code": code, "Message": message}, **members}, operation)
