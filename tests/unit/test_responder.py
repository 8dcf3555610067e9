"""The responder answers for a function that crashed; its end is on record first, where the table can be reached."""

import json
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from cloudhsm_settings.custom_resource.errors import Transient
from cloudhsm_settings.custom_resource.event import Delivery, poll_event
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.custom_resource.store import DynamoDbStore
from cloudhsm_settings.responder import respond
from sandbox.table import make_table
from tests.unit.cases import ID, NOW
from tests.unit.life import Context
from tests.unit.requests import HANDLE, Around, event, url, with_handle


@pytest.fixture
def around():
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        yield Around(store=DynamoDbStore(lambda: client, make_table(client)))


def answer(around, sent, **record):
    invocation = {
        "requestContext": {"condition": "RetriesExhausted"},
        "responseContext": {"functionError": "Unhandled"},
        "requestPayload": sent,
    }
    table = around.store
    known = {"table": table.table, "dynamodb": table.client, "deliver": around.deliver, "clock": lambda: around.now}
    respond({**invocation, **record}, Context(), **known)


def test_it_answers_for_a_request_that_crashed(around):
    answer(around, event())
    ((to, body),) = around.delivered
    assert to == url("r1")
    assert (body["Status"], body["PhysicalResourceId"]) == ("FAILED", ID)
    assert "('RetriesExhausted', 'Unhandled')" in body["Reason"]
    assert around.record.ended


def test_its_end_is_on_record_before_it_is_sent(around):
    answer(around, event())
    assert around.seen_at_delivery[0].ended


def test_after_it_nobody_goes_on(around):
    operation = around.open(event())
    answer(around, event())
    with pytest.raises(Exception, match="WrittenSince"):
        operation.checkpoint({})


def test_a_delete_succeeds(around):
    answer(around, event(kind="Delete"))
    assert around.statuses() == ["SUCCESS"]


def test_an_operation_whose_polls_go_on_responds_by_itself(around):
    around.open(event()).wait()
    answer(around, event())
    assert around.delivered == []


def test_an_operation_that_has_ended_is_paid(around):
    around.down = True
    with pytest.raises(Transient):
        around.open(event()).succeed({}, "", "Succeeded")
    around.down = False
    answer(around, event())
    assert around.statuses() == ["SUCCESS"]


def test_a_superseded_request_is_answered_by_nobody(around):
    older = event()
    around.now += 100
    around.open(event("r2", around.now, "Update"))
    answer(around, older)
    assert around.delivered == []


def test_the_table_may_be_out_of_reach(around):
    around.store = DynamoDbStore(lambda: None, "t")
    known = {"table": "t", "dynamodb": lambda: None, "deliver": lambda *given, **_: sent.append(given) or True}
    sent = []
    with pytest.raises(Transient):
        respond({"requestPayload": event()}, Context(), clock=lambda: NOW, **known)
    assert json.loads(sent[0][1])["Status"] == "FAILED"
    assert "empty, 'no answer'" in json.loads(sent[0][1])["Reason"]


def test_a_table_that_is_denied_after_the_claim_costs_an_attempt_and_no_response(around):
    client, calls = around.store.client(), []

    def update_item(**members):
        calls.append(members)
        if len(calls) > 1:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "UpdateItem")
        return client.update_item(**members)

    around.store = DynamoDbStore(
        lambda: SimpleNamespace(update_item=update_item, get_item=client.get_item), around.store.table
    )
    with pytest.raises(Transient):
        answer(around, event())
    assert around.delivered == []
    with pytest.raises(Transient):
        answer(around, event())
    assert around.statuses() == ["FAILED"]


@pytest.mark.parametrize(
    "record",
    [
        {"requestPayload": poll_event(Delivery.read(event(), NOW).key, "r1")},
        {"requestPayload": None},
        {"requestPayload": {"RequestType": "Create"}},
        {"requestPayload": event(ResponseURL="https://evil.example/")},
    ],
)
def test_who_waits_for_nothing_gets_nothing(around, record):
    answer(around, None, **record)
    assert around.delivered == []


@pytest.mark.parametrize("record", [None, [], "x", {}])
def test_junk_is_no_record(record):
    respond(record, Context(), table="t", dynamodb=lambda: None, deliver=lambda *_, **__: pytest.fail("sent"))


def test_no_secret_is_printed(around, capsys):
    answer(around, with_handle())
    printed = capsys.readouterr().out
    assert HANDLE not in printed
    assert url("r1") not in printed


def test_trouble_is_lambdas_to_try_again(around):
    around.down = True
    with pytest.raises(Transient):
        answer(around, event())
    assert isinstance(around.record, Record)
