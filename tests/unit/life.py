"""One resource on one cluster, around the real function: requests, polls, people and faults, in virtual time."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from cloudhsm_settings.custom_resource.errors import Transient
from cloudhsm_settings.custom_resource.memory import MemorySchedules, MemoryStore
from cloudhsm_settings.environment import Environment
from cloudhsm_settings.handler import wire
from sandbox.cloudhsm import Clock, Fleet
from sandbox.cloudhsm.client import FleetClient
from tests.unit.cases import ID
from tests.unit.requests import HANDLE, event

HOUR = 3600.0


class Context:
    """The context of an invocation."""

    function_name, memory_limit_in_mb, aws_request_id = "f", 512, "r"
    log_group_name, log_stream_name = "g", "s"
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:f"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@dataclass
class Sent:
    """One request, and what has come of it."""

    event: dict[str, Any]
    at: float
    rolls_back: bool
    undone: dict[str, Any]
    """What the update declared that is being rolled back."""
    consents: bool
    """Whether this request may cost keys."""
    superseded: bool = False
    responses: list[dict[str, Any]] = field(default_factory=list)
    signals: list[dict[str, Any]] = field(default_factory=list)
    modifies: list[str] = field(default_factory=list)

    @property
    def properties(self) -> dict[str, Any]:
        return dict(self.event["ResourceProperties"])

    @property
    def handle(self) -> str:
        return str(self.properties.get("WaitConditionHandle", ""))

    @property
    def limit(self) -> float:
        """Seconds until CloudFormation gives up."""
        return 43200.0 if self.responses else 3600.0


@dataclass
class Life:
    """The world, and the real resource in it."""

    now: float = 1_800_000_000.0
    status: str = "CREATE_COMPLETE"
    requests: list[Sent] = field(default_factory=list)
    deliveries_fail: int = 0
    stack_fails: bool = False

    def __post_init__(self) -> None:
        self.fleet = Fleet(Clock(source=lambda: self.now))
        self.client = FleetClient(self.fleet)
        self.store, self.schedules = MemoryStore(), MemorySchedules()
        self.names = 0
        environment = Environment.read({"AWS_REGION": "us-east-1"})
        self.resource = wire(
            environment,
            cloudhsm=lambda: self,
            cloudformation=lambda: self,
            deliver=self.deliver,
            clock=lambda: self.now,
            store=self.store,
            schedules=self.schedules,
        )

    # What the function calls --------------------------------------------------------------------

    def describe_clusters(self, **members: Any) -> Any:
        return self.client.describe_clusters(**members)

    def describe_stacks(self, **_: Any) -> Any:
        if self.stack_fails:
            raise ClientError({"Error": {"Code": "Throttling", "Message": ""}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": self.status}]}

    def modify_cluster(self, **members: Any) -> Any:
        (setting,) = set(members) - {"ClusterId"}
        self.judge_modify(setting, members[setting])
        return self.client.modify_cluster(**members)

    def deliver(self, url: str, body: bytes, seconds_left: float, *, what: str) -> bool:
        if self.deliveries_fail:
            self.deliveries_fail -= 1
            raise Transient(f"PUT to {what}", "HTTP 503")
        content = json.loads(body)
        if "UniqueId" in content:
            next(each for each in reversed(self.requests) if each.handle == url).signals.append(content)
        else:
            next(each for each in self.requests if each.event["ResponseURL"] == url).responses.append(content)
        return True

    def judge_modify(self, setting: str, value: Any) -> None:
        """Replaced by the rules."""

    # What happens -------------------------------------------------------------------------------

    def send(self, kind: str, properties: dict[str, Any], old: dict[str, Any] | None, **more: Any) -> Sent:
        """A request is made, and the function invoked with it."""
        self.names += 1
        given = {"ResourceProperties": {"ClusterId": ID, **properties}}
        if old is not None:
            given["OldResourceProperties"] = {"ClusterId": ID, **old}
        for each in self.requests:
            each.superseded = True
        sent = Sent(event(f"r{self.names}", self.now, kind, **given), self.now, **more)
        self.requests.append(sent)
        self.invoke(sent.event)
        return sent

    def new_handle(self) -> str:
        """A handle that nobody has used."""
        return HANDLE.replace("/h?", f"/h{self.names + 1}?")

    def invoke(self, sent: dict[str, Any]) -> None:
        # Lambda would try again; so does the next poll.
        with suppress(Transient):
            self.resource(sent, Context())

    def pass_minutes(self, minutes: int) -> None:
        """Time passes, and Scheduler polls."""
        for _ in range(minutes):
            self.now += 60
            for poll in list(self.schedules.polls.values()):
                self.invoke(poll)

    @property
    def in_flight(self) -> bool:
        return bool(self.schedules.polls)
