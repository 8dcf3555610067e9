"""Every defect of crhelper 2.0.12: the stock class has it (strictly expected), ours does not.

Both sides run over real HTTP(S), so each test proves that it can fail.
"""

import inspect
import json
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from crhelper import CfnResource

from cloudhsm_settings.custom_resource import delivery
from cloudhsm_settings.custom_resource.errors import InvalidRequest, Transient
from cloudhsm_settings.custom_resource.operation import LEEWAY, Operation, Ports, Traits
from cloudhsm_settings.custom_resource.order import StackDirection
from cloudhsm_settings.custom_resource.resource import ScheduledResource
from cloudhsm_settings.custom_resource.schedules import SchedulerSchedules
from tests.failing import failing
from tests.harness import GROUP, Context, Harness

Event = dict[str, Any]
Func = Callable[..., Any]
ID = "cluster-abcdefghijk"
STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/key-store/0a1b2c3d-1111-2222-3333-444455556666"


@dataclass
class Side:
    """One of the two classes, in a world of its own."""

    make: Callable[[Harness], CfnResource]
    harness: Harness
    data: dict[str, Any] = field(default_factory=dict)
    """The attributes that ours ends with."""

    def __post_init__(self) -> None:
        self.resource = self.make(self.harness)
        self.events = boto3.client("events")

    @property
    def is_ours(self) -> bool:
        return isinstance(self.resource, ScheduledResource)

    def on(self, kind: str, func: Func) -> None:
        """Registers what crhelper would be given: what it returns is an id once it is done."""
        getattr(self.resource, kind)(self._ending(func) if self.is_ours else func)

    def once_polled(self, poll: Func) -> None:
        """Registers a create that has to be polled for."""
        self.on("create", lambda *_: None if self.is_ours else ID)
        self.on("poll_create", poll)

    def _ending(self, func: Func) -> Func:
        """As ours wants it: handed the operation, it ends the operation."""

        def handle(operation: Operation, context: Any) -> bool:
            is_done = bool(func(operation, context))
            if is_done:
                operation.succeed(self.data, "", "Succeeded")
            return is_done

        return handle

    def request(self, kind: str = "Create", logical_id: str = "Settings", **more: Any) -> Event:
        event = {
            "RequestType": kind,
            "RequestId": "00000001-0000-4000-8000-000000000000",
            "ResponseURL": f"{self.harness.receiver.url}/response?X-Amz-Signature=s3cr3t",
            "StackId": STACK_ID,
            "LogicalResourceId": logical_id,
            "ResourceType": "Custom::CloudHSMClusterSettings",
            "ResourceProperties": {"ClusterId": ID},
            **({} if kind == "Create" else {"PhysicalResourceId": ID}),
            **more,
        }
        return json.loads(json.dumps(event))

    def invoke(self, event: Event, context: Any = None) -> None:
        self.resource(event, context or Context())

    def polls(self) -> list[Event]:
        """Events of the polls that are scheduled."""
        if self.is_ours:
            return [self.harness.poll_event(name) for name in self.harness.schedules()]
        rules = [rule["Name"] for rule in self.events.list_rules()["Rules"]]
        targets = [each for rule in rules for each in self.events.list_targets_by_rule(Rule=rule)["Targets"]]
        return [json.loads(target["Input"]) for target in targets]

    def poll(self) -> None:
        for event in self.polls():
            self.invoke(event)

    def names(self) -> list[str]:
        if self.is_ours:
            return self.harness.schedules()
        return [rule["Name"] for rule in self.events.list_rules()["Rules"]]

    def target_arns(self) -> list[str]:
        if self.is_ours:
            schedule = self.harness.scheduler.get_schedule
            return [schedule(GroupName=GROUP, Name=name)["Target"]["Arn"] for name in self.harness.schedules()]
        rules = [rule["Name"] for rule in self.events.list_rules()["Rules"]]
        return [each["Arn"] for rule in rules for each in self.events.list_targets_by_rule(Rule=rule)["Targets"]]

    @property
    def responses(self) -> list[dict[str, Any]]:
        return self.harness.receiver.accepted

    @property
    def ids(self) -> list[str]:
        return [each.get("PhysicalResourceId", "") for each in self.responses]

    @property
    def statuses(self) -> list[str]:
        return [each["Status"] for each in self.responses]


def stock(_: Harness) -> CfnResource:
    return CfnResource(polling_interval=1, sleep_on_delete=0)


def ours(harness: Harness) -> ScheduledResource:
    def ports(context: Any) -> Ports:
        role = "arn:aws:iam::123456789012:role/scheduler"
        arn = context.invoked_function_arn
        return Ports(
            store=harness.store,
            schedules=SchedulerSchedules(lambda: harness.scheduler, GROUP, role, arn, clock=harness.clock),
            deliver=delivery.put,
            clock=harness.clock,
            seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
            log_location=f"See the details in CloudWatch Log Stream: {context.log_stream_name}",
            stack_direction=lambda _: StackDirection.UNKNOWN,
            warn=lambda message, **_: logging.getLogger("ours").warning(message),
            error=lambda message, **_: logging.getLogger("ours").error(message),
        )

    traits = Traits(physical_id=lambda _: ID, is_issued=lambda _: True, trimmed_first=("Attribute9",))
    return ScheduledResource(ports=ports, traits=traits, hosts=frozenset({harness.receiver.host}))


@pytest.fixture(params=[pytest.param(stock, marks=pytest.mark.xfail(strict=True, raises=AssertionError)), ours])
def side(request, harness, monkeypatch) -> Side:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("time.sleep", lambda _: None)
    iam = boto3.client("iam")
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}],
    }
    role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    boto3.client("lambda").create_function(
        FunctionName=Context.function_name,
        Runtime="python3.13",
        Role=role,
        Handler="a.b",
        Code={"ZipFile": b"PK\x05\x06" + b"\0" * 18},
    )
    return Side(request.param, harness)


def test_an_update_that_returns_true_keeps_the_id(side):
    side.on("update", lambda *_: True)
    side.invoke(side.request("Update"))
    assert side.ids == [ID]


def test_a_poll_that_raises_responds_with_the_id(side):
    side.once_polled(lambda *_: 1 / 0)
    side.invoke(side.request())
    side.poll()
    assert (side.statuses, side.ids) == (["FAILED"], [ID])


def test_a_poll_that_returns_true_keeps_the_id(side):
    side.once_polled(lambda *_: True)
    side.invoke(side.request())
    side.poll()
    assert (side.statuses, side.ids) == (["SUCCESS"], [ID])


def test_time_that_runs_out_does_not_give_two_responses(side):
    answered = threading.Event()
    side.harness.receiver.after = lambda _: answered.set()

    def create(*_: Any) -> str:
        answered.wait(1)
        return ID

    side.on("create", create)
    side.invoke(side.request(), Context(seconds_left=0.6 if not side.is_ours else 60))
    assert (side.statuses, side.ids) == (["SUCCESS"], [ID])


def test_a_failure_at_import_responds_with_an_id(side):
    side.resource.init_failure(ValueError("no region"))
    side.invoke(side.request())
    assert side.statuses == ["FAILED"]
    assert all(side.ids)


def test_a_long_logical_id_can_be_polled_for(side):
    side.once_polled(lambda *_: ID)
    side.invoke(side.request(logical_id="S" * 200))
    assert all(len(name) <= 64 for name in side.names()), "the longest name that Events and Scheduler take"
    side.poll()
    assert side.statuses == ["SUCCESS"]


def test_polling_adds_nothing_to_the_resource_policy(side):
    side.once_polled(lambda *_: ID)
    for number in range(3):
        side.invoke(side.request(logical_id=f"Settings{number}"))
    client = boto3.client("lambda")
    assert len(side.polls()) == 3
    try:
        statements = json.loads(client.get_policy(FunctionName=Context.function_name)["Policy"])["Statement"]
    except client.exceptions.ResourceNotFoundException:
        statements = []
    assert statements == []


def test_nothing_is_left_when_setting_up_fails(side, server):
    side.once_polled(lambda *_: ID)
    with failing(server, "CreateSchedule" if side.is_ours else "PutTargets"):
        try:
            side.invoke(side.request())
        except Transient:
            assert side.is_ours
    assert side.events.list_rules()["Rules"] == []
    assert side.harness.schedules() == []


def test_trouble_with_cleaning_up_is_not_reported_as_a_failure(side, server):
    side.once_polled(lambda *_: ID)
    side.invoke(side.request())
    with failing(server, "DeleteSchedule" if side.is_ours else "RemoveTargets"):
        side.poll()
    assert side.statuses == ["SUCCESS"]


def test_polling_ends_by_itself(side):
    side.once_polled(lambda *_: None)
    side.invoke(side.request())
    for name in side.harness.schedules():
        schedule = side.harness.scheduler.get_schedule(GroupName=GROUP, Name=name)
        assert schedule["ActionAfterCompletion"] == "DELETE"
        assert 0 < schedule["EndDate"].timestamp() - side.harness.clock() <= 43200 + LEEWAY
    assert side.events.list_rules()["Rules"] == []


def test_what_a_poll_learns_is_known_to_the_next(side):
    def poll(given: Any, _: Any) -> str | None:
        if "learned" in (given.record.progress if side.is_ours else side.resource.Data):
            return ID
        if side.is_ours:
            given.keep(progress={"learned": "yes"})
        else:
            side.resource.Data["learned"] = "yes"
        return None

    side.once_polled(poll)
    side.invoke(side.request())
    side.poll()
    side.poll()
    assert side.statuses == ["SUCCESS"]


def test_a_passing_trouble_in_a_poll_is_not_the_end(side):
    tries = []

    def poll(*_: Any) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise Transient("some:Call", "ThrottlingException")
        return ID

    side.once_polled(poll)
    side.invoke(side.request())
    side.poll()
    side.poll()
    assert side.statuses == ["SUCCESS"]


def test_polls_come_back_to_the_version_that_was_invoked(side):
    side.once_polled(lambda *_: None)
    context = Context()
    context.invoked_function_arn += ":live"
    side.invoke(side.request(), context)
    assert side.target_arns() == [context.invoked_function_arn]


@pytest.mark.parametrize("trouble", [500, 503, 0])
def test_a_response_that_did_not_arrive_is_sent_again(side, trouble):
    side.harness.receiver.statuses = [trouble]
    side.on("create", lambda *_: ID)
    side.invoke(side.request())
    assert side.statuses == ["SUCCESS"]
    assert side.is_ours or trouble != 0, "the stock class does repeat after I/O errors"


def test_a_refused_response_is_logged(side, caplog):
    side.harness.receiver.statuses = [403]
    side.on("create", lambda *_: ID)
    side.invoke(side.request())
    assert len(side.harness.receiver.received) == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_silent_receiver_does_not_hold_the_function_for_ever(side, monkeypatch):
    monkeypatch.setattr(delivery, "SOCKET_TIMEOUT", 0.2)
    silence = threading.Event()
    side.harness.receiver.before = lambda _: silence.wait(8)
    side.on("create", lambda *_: ID)
    ended = threading.Event()

    def invoke() -> None:
        with suppress(Transient):
            side.invoke(side.request(), Context(seconds_left=6))
        ended.set()

    threading.Thread(target=invoke, daemon=True).start()
    in_time = ended.wait(5)
    silence.set()
    assert in_time


def test_data_that_cannot_be_sent_fails_with_all_ids(side):
    def create(*_: Any) -> str:
        side.data = side.resource.Data = {"oops": object()}
        return ID

    side.on("create", create)
    side.invoke(side.request())
    assert side.statuses == ["FAILED"]
    assert side.ids == [ID]
    assert side.responses[0]["RequestId"]


def test_a_response_is_never_too_long_for_cloudformation(side):
    def create(*_: Any) -> str:
        side.data = side.resource.Data = {f"Attribute{n}": "x" * 500 for n in range(10)}
        return ID

    side.on("create", create)
    side.invoke(side.request())
    assert side.ids == [ID]
    assert len(side.harness.receiver.received[0].body) <= 4096


def test_a_long_reason_keeps_its_head(side):
    def create(*_: Any) -> str:
        raise (InvalidRequest if side.is_ours else ValueError)("HEAD " + "x" * 5000)

    side.on("create", create)
    side.invoke(side.request())
    assert side.responses[0]["Reason"].removeprefix(f"{ID}: ").startswith("HEAD")
    assert "CloudWatch Log Stream: " in side.responses[0]["Reason"]


def test_no_secret_is_logged_at_any_level(side, caplog):
    logging.getLogger().setLevel(logging.DEBUG)
    if not side.is_ours:
        logging.getLogger("crhelper").setLevel(logging.NOTSET)
    try:
        side.once_polled(lambda *_: ID)
        side.invoke(side.request())
        side.poll()
    finally:
        logging.getLogger().setLevel(logging.WARNING)
        logging.getLogger("crhelper").setLevel(logging.WARNING)
    assert "s3cr3t" not in caplog.text


def test_noecho_does_not_leak_into_the_next_request(side):
    def create(*_: Any) -> str:
        side.resource.NoEcho = True
        return ID

    side.on("create", create)
    side.on("update", lambda *_: ID)
    side.invoke(side.request())
    side.invoke(side.request("Update", RequestId="00000002-0000-4000-8000-000000000000"))
    assert [each["NoEcho"] for each in side.responses][-1] is False


def test_making_one_makes_no_client(side, monkeypatch):
    made = []
    monkeypatch.setattr(boto3, "client", lambda name, **_: made.append(name))
    side.make(side.harness)
    assert made == []


def test_under_sam_local_something_follows(side, monkeypatch):
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")
    local = Side(side.make, side.harness)
    local.once_polled(lambda *_: ID)
    local.invoke(local.request())
    assert local.polls() or local.responses


def test_a_delete_is_answered_without_a_nap(harness):
    naps = inspect.signature(CfnResource.__init__).parameters["sleep_on_delete"].default
    made = ours(harness)
    assert (naps, made._sleep_on_delete) == (120, 0)


def test_nobody_can_have_the_function_delete_what_is_not_its_own(side):
    victim = side.events.put_rule(Name="victim", ScheduleExpression="rate(1 day)")["RuleArn"]
    target = {"Id": "1", "Arn": Context().invoked_function_arn, "Input": json.dumps(side.request())}
    side.events.put_targets(Rule="victim", Targets=[target])
    side.once_polled(lambda *_: ID)
    foreign = {"CrHelperPoll": True, "CrHelperRule": victim, "CrHelperPermission": "sid", "CrHelperData": {}}
    side.invoke(side.request() | foreign)
    assert side.events.list_targets_by_rule(Rule="victim")["Targets"] == [target]


class TestSeams:
    """What is overridden must still be there, as it was: a new crhelper has to be read first."""

    SEAMS = SimpleNamespace(
        __call__="(self, event, context)",
        _crhelper_init="(self, event, context)",
        _cfn_response="(self, event)",
        _log_setup="(self, event, context)",
        _polling_init="(self, event)",
        _send="(self, status=None, reason='', send_response=<",
        _set_timeout="(self)",
        _wrap_function="(self, func)",
        generate_physical_id="(self, event)",
    )

    def test_it_is_the_version_that_was_read(self):
        assert version("crhelper") == "2.0.12"

    def test_only_named_seams_are_overridden(self):
        stock_names = {name for name in dir(CfnResource) if callable(getattr(CfnResource, name))}
        overridden = {name for name in vars(ScheduledResource) if name in stock_names}
        assert overridden - {"__init__", "__doc__"} == set(vars(self.SEAMS))

    def test_no_name_of_ours_hides_one_of_crhelpers(self, harness):
        instance = set(vars(CfnResource()))
        ours_only = set(vars(ScheduledResource)) - set(vars(self.SEAMS)) - {"__init__", "__doc__", "__module__"}
        assert ours_only & (instance | set(vars(CfnResource))) == set()

    def test_the_seams_have_not_moved(self):
        for name, signature in vars(self.SEAMS).items():
            assert str(inspect.signature(getattr(CfnResource, name))).startswith(signature), name

    def test_every_attribute_that_crhelper_sets_is_set(self, harness):
        assert set(vars(CfnResource())) <= set(vars(ours(harness)))
