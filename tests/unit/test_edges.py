"""Operation, delivery, stack, environment, identity, local run and responder, one corner each."""

import io
import json
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from cloudhsm_settings import delivery, handler, local, responder
from cloudhsm_settings.aws_errors import translated
from cloudhsm_settings.cluster import CloudHsm, Cluster
from cloudhsm_settings.environment import Environment
from cloudhsm_settings.errors import AccessDenied, InvalidRequest, NotFound, Transient
from cloudhsm_settings.identity import failed_id, physical_id
from cloudhsm_settings.local import LocalRun, MemorySchedules
from cloudhsm_settings.operation import Operation, signed_at
from cloudhsm_settings.reasons import iso8601
from cloudhsm_settings.request import Progress, StackPhase
from cloudhsm_settings.signals import Signal, signal_superseded
from cloudhsm_settings.stack import phase_of
from events.situations import BY_EVENT

ID = "cluster-abcdefghijk"
URL = "https://example.amazonaws.com/x?X-Amz-Date=20261123T090000Z&X-Amz-Signature="
REQUEST = {
    "RequestType": "Create",
    "RequestId": "r1",
    "ResponseURL": URL,
    "StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/s/1",
    "LogicalResourceId": "Settings",
    "ResourceProperties": {"ClusterId": ID},
}


class TestOperation:
    def test_its_time_begins_when_the_url_was_signed(self):
        operation = Operation.of(REQUEST, ID, 5.0)
        assert iso8601(operation.issued_at) == "2026-11-23T09:00:00Z"
        assert iso8601(operation.deadline) == "2026-11-23T09:59:45Z"
        assert iso8601(operation.handle_deadline) == "2026-11-23T20:59:45Z"

    @pytest.mark.parametrize("url", ["https://x/", "https://x/?X-Amz-Date=", "https://x/?X-Amz-Date=yesterday"])
    def test_or_now_where_it_has_no_date(self, url):
        assert signed_at(url) is None
        assert Operation.of({**REQUEST, "ResponseURL": url}, ID, 5.0).issued_at == 5.0

    def test_the_service_timeout_is_the_requests_own(self):
        properties = {"ResourceProperties": {"ServiceTimeout": "600"}}
        assert Operation.of({**REQUEST, **properties}, ID, 5.0).service_timeout == 600

    def test_names_fit_and_tell_resource_cluster_request_and_delivery_apart(self):
        of = Operation.of
        plain = of(REQUEST, ID, 0)
        assert len(plain.name(9)) <= 64
        assert plain.name(0) == of(REQUEST, ID, 9).name(0)
        assert of({**REQUEST, "LogicalResourceId": "X"}, ID, 0).resource_prefix != plain.resource_prefix
        assert of(REQUEST, "cluster-zyxwvutsrqp", 0).resource_prefix == plain.resource_prefix
        assert of(REQUEST, "cluster-zyxwvutsrqp", 0).subject_prefix != plain.subject_prefix
        assert of({**REQUEST, "RequestId": "r2"}, ID, 0).request_prefix != plain.request_prefix
        again = of({**REQUEST, "ResponseURL": URL + "2"}, ID, 0)
        assert again.request_prefix == plain.request_prefix
        assert again.delivery_prefix != plain.delivery_prefix

    def test_its_url_is_not_shown(self):
        assert "example.amazonaws.com" not in repr(Operation.of(REQUEST, ID, 0))


class TestDelivery:
    class Clock:
        def __init__(self):
            self.now = 0.0

        def __call__(self):
            return self.now

        def sleep(self, seconds):
            self.now += seconds

    def put(self, *outcomes, left=60.0, url=URL):
        left_over, clock = list(outcomes), self.Clock()

        def opener(request, timeout):
            self.request = request
            outcome = left_over.pop(0) if left_over else outcomes[-1]
            if isinstance(outcome, Exception):
                raise outcome
            return io.BytesIO()

        return delivery.put(url, b"{}", left, what="x", opener=opener, clock=clock, sleep=clock.sleep)

    @staticmethod
    def http(status):
        return HTTPError(URL, status, "", {}, io.BytesIO())

    def test_the_content_type_is_empty(self):
        assert self.put(200)
        assert self.request.get_header("Content-type") == ""
        assert self.request.method == "PUT"

    @pytest.mark.parametrize("status", [301, 307, 400, 403, 404])
    def test_a_refusal_is_final(self, status):
        assert not self.put(self.http(status))

    @pytest.mark.parametrize("trouble", [TimeoutError(), OSError(), ValueError(URL), None])
    def test_trouble_is_tried_again(self, trouble):
        assert self.put(trouble or self.http(503), trouble or self.http(500), 200)

    @pytest.mark.parametrize("trouble", [OSError(URL), ValueError(URL), None])
    def test_until_the_time_is_up_and_without_showing_the_url(self, trouble):
        with pytest.raises(Transient) as caught:
            self.put(trouble or self.http(503))
        assert "amazonaws" not in str(caught.value)
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize("url", ["http://example.amazonaws.com/", "file:///etc/passwd", ""])
    def test_only_https_is_spoken(self, url):
        assert not self.put(200, url=url)


class TestErrors:
    def error(self, code):
        return ClientError({"Error": {"Code": code, "Message": "m"}}, "ModifyCluster")

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("CloudHsmAccessDeniedException", AccessDenied),
            ("AccessDeniedException", AccessDenied),
            ("CloudHsmInvalidRequestException", InvalidRequest),
            ("CloudHsmServiceException", InvalidRequest),
            ("CloudHsmResourceNotFoundException", NotFound),
            ("CloudHsmInternalFailureException", Transient),
            ("ThrottlingException", Transient),
            ("NeverHeardOf", Transient),
        ],
    )
    def test_every_exception_of_modify_cluster_has_its_place(self, code, kind):
        with pytest.raises(kind) as caught, translated("cloudhsm:ModifyCluster", ID):
            raise self.error(code)
        assert "cloudhsm:ModifyCluster" in str(caught.value)

    @pytest.mark.parametrize(
        ("error", "had_no_effect"),
        [
            (EndpointConnectionError(endpoint_url="x"), True),
            (ReadTimeoutError(endpoint_url="x"), False),
        ],
    )
    def test_it_is_known_whether_a_call_can_have_had_an_effect(self, error, had_no_effect):
        with pytest.raises(Transient) as caught, translated("cloudhsm:ModifyCluster", ID):
            raise error
        assert caught.value.had_no_effect is had_no_effect

    def test_a_throttled_call_had_none(self):
        with pytest.raises(Transient) as caught, translated("cloudhsm:ModifyCluster", ID):
            raise self.error("ThrottlingException")
        assert caught.value.had_no_effect

    def test_missing_credentials_are_not_waited_for(self):
        with pytest.raises(NoCredentialsError), translated("cloudhsm:ModifyCluster", ID):
            raise NoCredentialsError


class TestCluster:
    def test_an_answer_without_members_is_read(self):
        assert Cluster.from_api({}) == Cluster("", "")

    def test_another_cluster_is_not_taken_for_the_one_asked_for(self):
        class Client:
            def describe_clusters(self, **_):
                return {"Clusters": [{"ClusterId": "cluster-zyxwvutsrqp"}]}

        assert CloudHsm(Client()).describe(ID) is None


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("CREATE_IN_PROGRESS", StackPhase.FORWARD),
        ("UPDATE_IN_PROGRESS", StackPhase.FORWARD),
        ("UPDATE_COMPLETE", StackPhase.FORWARD),
        ("ROLLBACK_IN_PROGRESS", StackPhase.ROLLING_BACK),
        ("UPDATE_ROLLBACK_IN_PROGRESS", StackPhase.ROLLING_BACK),
        ("DELETE_IN_PROGRESS", StackPhase.ENDED),
        ("DELETE_COMPLETE", StackPhase.ENDED),
    ],
)
def test_phase_of_a_stack(status, phase):
    assert phase_of(status) is phase


def test_environment_is_read_in_one_place():
    variables = {
        "SCHEDULE_GROUP": "g",
        "SCHEDULER_ROLE_ARN": "r",
        "WAIT_CONDITION_HOSTS": "a:1 b:2",
        "AWS_SAM_LOCAL": "true",
    }
    assert Environment.read(variables) == Environment("g", "r", frozenset({"a:1", "b:2"}), True)
    assert Environment.read({}) == Environment("", "", frozenset(), False)


class TestIdentity:
    def test_ids_are_the_cluster(self):
        assert physical_id(REQUEST) == ID

    def test_a_delete_is_about_the_id_that_it_names(self):
        assert physical_id({**REQUEST, "RequestType": "Delete", "PhysicalResourceId": "made-up"}) == "made-up"

    def test_a_failed_update_keeps_the_old_id(self):
        assert failed_id({**REQUEST, "RequestType": "Update", "PhysicalResourceId": "cluster-zyxwvutsrqp"}) == (
            "cluster-zyxwvutsrqp"
        )

    @pytest.mark.parametrize("properties", [{}, {"ClusterId": "x"}, {"ClusterId": ""}, None])
    def test_no_id_is_ever_empty(self, properties):
        assert physical_id({**REQUEST, "ResourceProperties": properties}) == "Settings-without-cluster"


def test_progress_survives_json_and_other_versions():
    progress = Progress(True, 1.5, True, "hsm1.medium", 2.5, True)
    assert Progress.from_json(json.loads(json.dumps({**progress.to_json(), "later": 1}))) == progress


def test_a_superseded_operation_without_handle_needs_no_signal():
    signal_superseded({"ResourceProperties": {}}, lambda _: pytest.fail("signalled"))


def test_trouble_with_the_signal_of_a_superseded_operation_is_survived():
    def send(signal: Signal) -> None:
        raise Transient("PUT", "HTTP 503")

    signal_superseded({"ResourceProperties": {"WaitConditionHandle": "https://h"}, "LogicalResourceId": "S"}, send)


class Context:
    log_stream_name = "stream"
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:f"
    function_name, memory_limit_in_mb, aws_request_id = "f", 128, "r"

    def __init__(self, seconds_left=60.0):
        self.seconds_left = seconds_left

    def get_remaining_time_in_millis(self):
        return self.seconds_left * 1000


class TestResponder:
    @pytest.fixture
    def sent(self, monkeypatch):
        sent = []
        monkeypatch.setattr(responder, "put", lambda url, body, left, what: sent.append((url, json.loads(body))))
        return sent

    def record(self, **request):
        return {
            "requestContext": {"condition": "RetriesExhausted"},
            "responseContext": {"functionError": "Unhandled"},
            "requestPayload": {**REQUEST, **request},
        }

    def test_it_answers_for_a_request_that_crashed(self, sent):
        responder.lambda_handler(self.record(), Context())
        ((url, body),) = sent
        assert url == URL
        assert body["Status"] == "FAILED"
        assert body["PhysicalResourceId"] == ID
        assert "(RetriesExhausted, Unhandled)" in body["Reason"]
        assert body["Reason"].endswith("See the details in CloudWatch Log Stream: stream")

    def test_a_delete_succeeds(self, sent):
        responder.lambda_handler(self.record(RequestType="Delete", PhysicalResourceId=ID), Context())
        assert sent[0][1]["Status"] == "SUCCESS"

    def test_an_event_that_was_too_old_is_answered_too(self, sent):
        responder.lambda_handler({**self.record(), "responseContext": None}, Context())
        assert "no answer" in sent[0][1]["Reason"]

    def test_a_look_needs_no_answer(self, sent):
        responder.lambda_handler(self.record(CrHelperPoll=True), Context())
        assert sent == []


class TestLocal:
    def test_the_record_is_a_twin_of_schedulers(self):
        schedules = MemorySchedules()
        assert schedules.create("a-0", {"x": 1}, 0)
        assert not schedules.create("a-0", {"x": 2}, 0)
        assert schedules.replace("a-0", {"x": 3}, 0)
        assert not schedules.replace("b-0", {}, 0)
        assert (schedules.read("a-0"), schedules.read("b-0")) == ({"x": 3}, None)
        assert (schedules.names("a-"), schedules.names("b-")) == (["a-0"], [])
        assert schedules.delete("a-0")
        assert not schedules.delete("a-0")

    def test_it_looks_until_nothing_is_in_flight(self, monkeypatch):
        monkeypatch.setenv("SECONDS_BETWEEN_LOOKS", "7")
        shown, slept = [], []
        run = LocalRun(show=shown.append, sleep=slept.append)
        run.schedules.create("a-0", {}, 0)

        def look(event, context):
            run.deliver("https://secret", b'{"Status": "SUCCESS"}', 9)
            run.schedules.delete("a-0")

        assert run.finish(look, Context()) == {"Status": "SUCCESS"}
        assert slept == [7.0]
        assert shown[0].startswith("CloudFormation would get: ")
        assert "secret" not in shown[0]

    def test_it_ends_before_the_invocation_does(self):
        shown = []
        run = LocalRun(show=shown.append, sleep=lambda _: pytest.fail("slept"))
        run.schedules.create("a-0", {}, 0)
        assert run.finish(lambda *_: None, Context(seconds_left=30)) is None
        assert "invoke it again" in shown[0]

    def test_a_signal_is_shown_without_its_url(self):
        shown = []
        LocalRun(show=shown.append).signal(Signal("https://secret", "SUCCESS", "why", ID, {"a": "b"}))
        assert shown == ['The wait condition would get: SUCCESS why {"a": "b"}']

    def test_the_entry_point_returns_the_answer(self, capsys):
        resource, finish = handler.wire_local(Environment.read({"AWS_SAM_LOCAL": "true"}))
        event = BY_EVENT["create-invalid-properties"].load()
        resource(event, Context())
        assert finish(Context())["Status"] == "FAILED"
        assert local.SECONDS_BETWEEN_LOOKS == 60

    def test_in_aws_it_returns_nothing(self, monkeypatch):
        invoked = []
        monkeypatch.setattr(handler, "resource", lambda *given: invoked.append(given))
        assert handler.lambda_handler(REQUEST, Context()) is None
        assert len(invoked) == 1


def test_a_malformed_event_answers_nobody():
    resource = handler.wire(Environment.read({}), deliver=lambda *_, **__: pytest.fail("answered"))
    resource({"RequestType": "Create"}, Context())
