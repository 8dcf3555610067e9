"""Environment, identity, AWS's errors, what a cluster says, and the run under `sam local`, one corner each."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from cloudhsm_settings import handler, local
from cloudhsm_settings.cluster import CloudHsm, Cluster
from cloudhsm_settings.custom_resource.aws_errors import translated
from cloudhsm_settings.custom_resource.errors import AccessDenied, InvalidRequest, NotFound, Transient
from cloudhsm_settings.custom_resource.event import Key
from cloudhsm_settings.custom_resource.schedules import schedule_name
from cloudhsm_settings.environment import Environment
from cloudhsm_settings.identity import physical_id
from cloudhsm_settings.local import LocalRun
from cloudhsm_settings.request import Progress, StackPhase
from events.situations import BY_EVENT
from tests.unit.cases import ID
from tests.unit.life import Context
from tests.unit.requests import event


def refused(code):
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "ModifyCluster")


class TestErrors:
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
            ("503", Transient),
            ("", Transient),
        ],
    )
    def test_every_exception_of_modify_cluster_has_its_place(self, code, kind):
        class Client:
            def modify_cluster(self, **_):
                raise refused(code)

        with pytest.raises(kind) as caught:
            CloudHsm(Client()).modify_retention(ID, 30)
        assert "cloudhsm:ModifyCluster" in str(caught.value)

    @pytest.mark.parametrize("code", ["CloudHsmServiceException", "CloudHsmInvalidRequestException", "503"])
    def test_what_refuses_a_read_heals_by_itself(self, code):
        class Client:
            def describe_clusters(self, **_):
                raise refused(code)

        with pytest.raises(Transient):
            CloudHsm(Client()).describe(ID)

    @pytest.mark.parametrize(
        ("error", "had_no_effect"),
        [
            (EndpointConnectionError(endpoint_url="x"), True),
            (ReadTimeoutError(endpoint_url="x"), False),
            (refused("ThrottlingException"), True),
            (refused("CloudHsmInternalFailureException"), False),
        ],
    )
    def test_it_is_known_whether_a_call_can_have_had_an_effect(self, error, had_no_effect):
        with pytest.raises(Transient) as caught, translated("cloudhsm:ModifyCluster", ID):
            raise error
        assert caught.value.had_no_effect is had_no_effect

    @pytest.mark.parametrize(("code", "named"), [("", "HTTP 503"), ("503", "HTTP 503"), ("Throttling", "Throttling")])
    def test_what_is_no_answer_of_aws_is_named_by_its_status(self, code, named):
        answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 503}}
        with pytest.raises(Transient, match=f": {named}$"), translated("cloudhsm:ModifyCluster", ID):
            raise ClientError(answer, "ModifyCluster")

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


def test_the_environment_is_read_in_one_place():
    variables = {
        "TABLE_NAME": "t",
        "SCHEDULE_GROUP": "g",
        "SCHEDULER_ROLE_ARN": "r",
        "SCHEDULE_KMS_KEY_ARN": "k",
        "WAIT_CONDITION_HOSTS": "a:1 b:2",
        "RESPONSE_HOSTS": "c:3",
        "AWS_REGION": "eu-west-1",
        "AWS_SAM_LOCAL": "true",
    }
    read = Environment.read(variables)
    assert read == Environment("t", "g", "r", "k", frozenset({"a:1", "b:2"}), frozenset({"c:3"}), "eu-west-1", True)
    assert Environment.read({}) == Environment("", "", "", "", frozenset(), frozenset(), "", False)


class TestIdentity:
    def test_ids_are_the_cluster(self):
        assert physical_id(event()) == ID

    def test_a_delete_is_about_the_id_that_it_names(self):
        assert physical_id(event(kind="Delete", PhysicalResourceId="made-up")) == "made-up"

    @pytest.mark.parametrize("properties", [{}, {"ClusterId": "x"}, {"ClusterId": ""}, None])
    def test_no_id_is_ever_empty(self, properties):
        assert physical_id(event(ResourceProperties=properties)) == "Settings-without-cluster"

    def test_names_of_schedules_fit_and_tell_requests_apart(self):
        names = {schedule_name(Key(stack, name), request) for stack in "ab" for name in "cd" for request in "ef"}
        assert len(names) == 8
        assert all(len(name) <= 64 for name in names)


def test_progress_survives_the_record_and_other_versions():
    progress = Progress(1.5, True, 2.5, True, True, "hsm1.medium", 3.5, 4.5, 1, 2, StackPhase.FORWARD, "x")
    assert Progress.from_json({**progress.to_json(), "later": 1}) == progress


class TestLocal:
    KEY = Key("s", "l")

    def test_it_polls_until_nothing_is_in_flight(self, monkeypatch):
        monkeypatch.setenv("SECONDS_BETWEEN_POLLS", "7")
        shown, slept = [], []
        run = LocalRun(show=shown.append, sleep=slept.append)
        run.schedules.create(self.KEY, "r", 0)

        def poll(event, context):
            run.deliver("https://secret", b'{"Status": "SUCCESS"}', 9, what="x")
            run.schedules.delete(self.KEY, "r")

        assert run.finish(poll, Context()) == {"Status": "SUCCESS"}
        assert slept == [7.0]
        assert shown[0].startswith("CloudFormation would get: ")
        assert "secret" not in shown[0]

    def test_it_ends_before_the_invocation_does(self, monkeypatch):
        monkeypatch.setenv("SECONDS_BETWEEN_POLLS", "60")
        shown = []
        run = LocalRun(show=shown.append, sleep=lambda _: pytest.fail("slept"))
        run.schedules.create(self.KEY, "r", 0)
        assert run.finish(lambda *_: None, Context()) is None
        assert "invoke it again" in shown[0]

    def test_a_signal_is_shown_without_its_url(self):
        shown = []
        body = b'{"Status": "SUCCESS", "Reason": "why", "UniqueId": "u", "Data": "{}"}'
        LocalRun(show=shown.append).deliver("https://secret", body, 9, what="x")
        assert shown == ["The wait condition would get: SUCCESS why {}"]

    def test_the_entry_point_returns_the_response(self):
        resource, finish = handler.wire_local(Environment.read({"AWS_SAM_LOCAL": "true"}))
        resource(BY_EVENT["create-invalid-properties"].load(), Context())
        assert finish(Context())["Status"] == "FAILED"
        assert local.SECONDS_BETWEEN_POLLS == 60

    def test_in_aws_it_returns_nothing(self, monkeypatch):
        invoked = []
        monkeypatch.setattr(handler, "resource", lambda *given: invoked.append(given))
        assert handler.lambda_handler(event(), Context()) is None
        assert len(invoked) == 1


def test_a_malformed_event_answers_nobody():
    resource = handler.wire(Environment.read({}), deliver=lambda *_, **__: pytest.fail("answered"))
    resource({"RequestType": "Create"}, Context())
