"""What crhelper's subclass makes of each exception: silence, a poll, Lambda's next try, or FAILED."""

from collections.abc import Callable
from typing import Any

import pytest

from cloudhsm_settings.custom_resource.errors import AccessDenied, InternalFailure, Superseded, Transient
from cloudhsm_settings.custom_resource.event import poll_event
from cloudhsm_settings.custom_resource.observability import metrics
from cloudhsm_settings.custom_resource.order import FIRST_ATTEMPT
from cloudhsm_settings.custom_resource.resource import LOGGED, ScheduledResource
from tests.unit.cases import ID, NOW
from tests.unit.life import Context
from tests.unit.requests import STACK, Around, event, url

Step = Callable[..., Any]
DENIED = AccessDenied("AWS denied dynamodb:UpdateItem.")
THROTTLED = Transient("dynamodb:UpdateItem", "Throttling")


class Tried:
    """The resource, around it everything in memory, and what a test lets its functions do."""

    def __init__(self) -> None:
        self.around = Around()
        self.contexts: list[Any] = []
        self.does: Step = lambda operation, _: None
        self.resource = ScheduledResource(ports=self._ports, traits=self.around.traits)
        for kind in ("create", "update", "delete", "poll_create", "poll_update", "poll_delete"):
            getattr(self.resource, kind)(self._function)

    def _function(self, operation: Any, context: Any) -> Any:
        return self.does(operation, context)

    def _ports(self, context: Any) -> Any:
        self.contexts.append(context)
        return self.around.ports

    def invoke(self, sent: dict[str, Any] | None = None) -> None:
        self.context = Context()
        self.resource(event() if sent is None else sent, self.context)

    def poll(self) -> None:
        self.invoke(poll_event(self.around.delivery(event()).key, "r1"))

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body in self.around.delivered]


@pytest.fixture
def tried() -> Tried:
    metrics.clear_metrics()
    return Tried()


def raising(error: Exception) -> Step:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def counted() -> list[str]:
    return sorted(metrics.metric_set)


def said(caplog: pytest.LogCaptureFixture, level: str = "") -> list[tuple[str, str]]:
    """Message and cause of each line of a level."""
    found = [each for each in caplog.records if level in ("", each.levelname)]
    return [(each.message, getattr(each, "because", "")) for each in found]


class TestAnInvocation:
    @pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
    def test_hands_its_function_the_operation_and_the_context(self, tried, kind):
        seen = []
        tried.does = lambda *arguments: seen.append(arguments)
        tried.invoke(event(kind=kind))
        ((operation, context),) = seen
        assert operation.record.request_type == kind
        assert [context, *tried.contexts] == [tried.context] * 2

    def test_that_did_not_end_polls(self, tried):
        tried.invoke()
        assert (tried.around.record.scheduled, tried.bodies) == (True, [])

    def test_that_has_ended_does_not(self, tried):
        tried.does = lambda operation, _: operation.succeed({}, "", "Succeeded") or True
        tried.invoke()
        assert (tried.around.schedules.polls, tried.around.statuses()) == ({}, ["SUCCESS"])

    def test_of_what_has_ended_calls_nobody(self, tried):
        tried.does = lambda operation, _: operation.succeed({}, "", "Succeeded") or True
        tried.invoke()
        called = []
        tried.does = lambda operation, _: called.append(operation)
        tried.invoke()
        assert (called, set(tried.around.statuses())) == ([], {"SUCCESS"})

    def test_of_a_poll_goes_on(self, tried):
        tried.invoke()
        polled = []
        tried.does = lambda operation, _: polled.append(operation.record.request_id)
        tried.poll()
        assert polled == ["r1"]

    def test_names_its_request_in_every_line(self, tried, caplog):
        tried.does = raising(Superseded("a newer one"))
        tried.invoke(event(kind="Update"))
        for sent in (poll_event(tried.around.delivery(event()).key, "r1"), event(kind="Update")):
            caplog.clear()
            tried.invoke(sent)
            (line,) = caplog.records
            expected = dict(zip(LOGGED, ("Update", STACK, "Settings", ID, "r1"), strict=True))
            formatted = line.__dict__ | _keys()
            assert {name: formatted[name] for name in LOGGED} == expected

    def test_makes_the_ids_that_it_was_told_to(self, tried):
        assert tried.resource.generate_physical_id(event()) == ID


def _keys() -> dict[str, Any]:
    from cloudhsm_settings.custom_resource.observability import logger

    return logger.get_current_keys()


class TestSilence:
    @pytest.mark.parametrize("sent", [{"any": "thing"}, {"CrHelperPoll": True}])
    def test_is_an_error_for_what_is_no_request(self, tried, caplog, sent):
        tried.invoke(sent)
        ((message, because),) = said(caplog, "ERROR")
        assert message == "standing down"
        assert because
        assert tried.bodies == []

    def test_is_no_matter_for_the_superseded(self, tried, caplog):
        tried.does = raising(Superseded("a newer one"))
        tried.invoke()
        assert said(caplog) == [("standing down", "a newer one")]
        assert said(caplog, "INFO") == said(caplog)
        assert tried.around.record.ended is False


class TestAnotherTry:
    def test_is_lambdas_where_nobody_polls(self, tried, caplog):
        tried.does = raising(THROTTLED)
        with pytest.raises(Transient) as raised:
            tried.invoke()
        assert raised.value is THROTTLED
        assert said(caplog, "WARNING") == [("polling again", "dynamodb:UpdateItem: Throttling")]

    def test_is_the_next_polls_where_somebody_does(self, tried):
        tried.invoke()
        tried.does = raising(THROTTLED)
        tried.poll()
        tried.invoke()
        assert tried.bodies == []

    def test_forgets_what_the_request_before_left(self, tried):
        tried.does = raising(THROTTLED)
        with pytest.raises(Transient):
            tried.invoke()
        tried.invoke({"any": "thing"})
        assert tried.bodies == []

    def test_is_lambdas_without_a_table(self, tried):
        tried.around.store.claim = raising(THROTTLED)
        with pytest.raises(Transient, match="Throttling"):
            tried.invoke()
        assert tried.bodies == []

    def test_a_delete_is_answered_before_it(self, tried, caplog):
        tried.around.store.claim = raising(THROTTLED)
        with pytest.raises(Transient, match="Throttling"):
            tried.invoke(event(kind="Delete"))
        assert [body["Status"] for body in tried.bodies] == ["SUCCESS"]
        lines = [("polling again", "dynamodb:UpdateItem: Throttling")]
        assert said(caplog, "WARNING") == [*lines, ("operations in flight not ended", lines[0][1])]

    def test_a_delete_that_cannot_be_answered_is_tried_for_that(self, tried):
        tried.around.store.claim, tried.around.down = raising(THROTTLED), True
        with pytest.raises(Transient, match="PUT to the ResponseURL"):
            tried.invoke(event(kind="Delete"))


class TestFailed:
    def test_is_what_a_failure_says_about_its_subject(self, tried):
        tried.does = raising(AccessDenied("AWS denied cloudhsm:DescribeClusters."))
        tried.invoke()
        (body,) = tried.bodies
        assert body["Status"] == "FAILED"
        assert body["Reason"].startswith(f"{ID}: AWS denied cloudhsm:DescribeClusters.")
        assert (counted(), tried.around.record.outcome) == (["AccessDenied"], "AccessDenied")

    def test_is_a_defect_for_what_nobody_expected(self, tried, caplog):
        tried.does = raising(ZeroDivisionError("secret"))
        tried.invoke()
        (body,) = tried.bodies
        expected = (
            f"{ID}: the provider failed unexpectedly (ZeroDivisionError). "
            "Look at its log, and at the cluster with DescribeClusters, before you try again."
        )
        assert body["Reason"].startswith(expected)
        (line,) = caplog.records
        assert (line.message, line.error, counted()) == ("unexpected", "ZeroDivisionError", ["InternalFailure"])

    def test_is_one_for_what_crhelper_itself_fails_at(self, tried, caplog):
        tried.invoke()
        tried.resource._send("FAILED", "why")
        (body,) = tried.bodies
        assert f"{ID}: the provider failed unexpectedly (crhelper)." in body["Reason"]
        (line,) = caplog.records
        assert (line.message, line.status, line.error) == ("crhelper failed", "FAILED", "why")

    def test_stays_silent_where_a_newer_one_came(self, tried, caplog):
        def superseded(operation, _):
            tried.around.open(event("r2", NOW + 100))
            raise AccessDenied("denied")

        tried.does = superseded
        tried.invoke()
        assert tried.bodies == []
        assert [message for message, _ in said(caplog)] == ["standing down"]

    def test_is_tried_again_where_it_cannot_be_written(self, tried):
        def unwritable(operation, _):
            tried.around.store.write = raising(THROTTLED)
            raise AccessDenied("denied")

        tried.does = unwritable
        with pytest.raises(Transient, match="Throttling"):
            tried.invoke()
        assert tried.bodies == []


class TestWithoutRecord:
    def test_a_first_attempt_is_failed(self, tried):
        tried.around.store.claim = raising(DENIED)
        tried.around.now += FIRST_ATTEMPT - 1
        tried.invoke()
        (body,) = tried.bodies
        assert body["Status"] == "FAILED"
        assert body["Reason"].startswith(f"{ID}: AWS denied dynamodb:UpdateItem. Nothing was changed.")
        assert counted() == ["AccessDenied"]

    def test_one_that_cannot_be_answered_is_tried_again(self, tried):
        tried.around.store.claim, tried.around.down = raising(DENIED), True
        with pytest.raises(Transient, match="PUT to the ResponseURL"):
            tried.invoke()

    def test_a_retry_is_left_to_lambda(self, tried):
        tried.around.store.claim = raising(DENIED)
        tried.around.now += FIRST_ATTEMPT
        with pytest.raises(Transient, match=r"^dynamodb:UpdateItem: AccessDenied$"):
            tried.invoke()
        assert tried.bodies == []

    @pytest.mark.parametrize("age", [0, FIRST_ATTEMPT])
    def test_a_delete_succeeds(self, tried, caplog, age):
        tried.around.store.claim = raising(DENIED)
        tried.around.now += age
        tried.invoke(event(kind="Delete"))
        (body,) = tried.bodies
        assert (body["Status"], body["PhysicalResourceId"], counted()) == ("SUCCESS", ID, ["AccessDenied"])
        assert said(caplog) == [("operations in flight not ended", DENIED.reason)]

    def test_an_end_that_is_denied_is_left_to_lambda(self, tried, caplog):
        def denied(operation, _):
            tried.around.store.write = raising(DENIED)
            raise InternalFailure("why")

        tried.does = denied
        with pytest.raises(Transient, match=r"^dynamodb:UpdateItem: AccessDenied$"):
            tried.invoke()
        assert tried.bodies == []
        assert said(caplog, "ERROR") == [("the end cannot be written", DENIED.reason)]

    def test_or_to_the_next_poll(self, tried, caplog):
        tried.invoke()
        tried.around.store.write = raising(DENIED)
        tried.does = raising(InternalFailure("why"))
        tried.poll()
        assert said(caplog, "ERROR") == [("the end cannot be written", DENIED.reason)]

    def test_a_poll_that_is_denied_says_so(self, tried, caplog):
        tried.invoke()
        tried.around.store.read = raising(DENIED)
        tried.poll()
        assert tried.bodies == []
        assert said(caplog, "ERROR") == [("the end cannot be written", DENIED.reason)]


def test_a_record_of_another_version_ends_failed_and_a_delete_of_it_succeeds(tried):
    tried.invoke()
    (key,) = tried.around.store.items
    tried.around.store.items[key]["Progress"] = {"B": b"x"}
    tried.invoke()
    (body,) = tried.bodies
    expected = (
        f"{ID}: the operation's record is of another version of the provider and cannot be read. "
        "Look at the cluster with DescribeClusters, then update the stack again."
    )
    assert body["Reason"].startswith(expected)
    tried.around.store.items[key]["Progress"] = {"B": b"x"}
    tried.does = lambda operation, _: operation.succeed({}, "", "Deleted") or True
    tried.invoke(event("d", NOW + 100, "Delete", ResponseURL=url("d", NOW + 100)))
    assert tried.around.statuses()[-1] == "SUCCESS"
