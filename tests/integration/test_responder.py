"""The second function: it responds when every invocation of the first one failed, and after it nobody goes on."""

import json
from typing import Any

import boto3
import pytest

from cloudhsm_settings.custom_resource.errors import Transient
from cloudhsm_settings.responder import respond
from events.situations import BY_EVENT
from sandbox.table import TABLE
from tests.failing import failing
from tests.harness import Context, Harness


def told(harness: Harness, payload: Any, **record: Any) -> None:
    invocation = {"requestPayload": payload, "requestContext": {"condition": "RetriesExhausted"}, **record}
    hosts = frozenset({harness.receiver.host})
    respond(
        invocation,
        Context(),
        table=TABLE,
        dynamodb=lambda: boto3.client("dynamodb"),
        clock=harness.clock,
        hosts=hosts,
    )


@pytest.mark.parametrize("record", [None, [], "x", {}, {"requestPayload": None}, {"requestPayload": ["\ud800"]}])
def test_a_malformed_invocation_record_is_refused_cleanly(harness: Harness, record):
    respond(record, Context(), table=TABLE, hosts=frozenset({harness.receiver.host}))
    assert harness.receiver.received == []


@pytest.mark.parametrize("context", [None, "x", {"condition": ["x" * 1_000_000]}])
def test_contexts_of_any_kind_get_a_response(harness: Harness, context):
    told(harness, harness.meet(BY_EVENT["create-retention"]), requestContext=context, responseContext=context)
    assert [each["Status"] for each in harness.responses] == ["FAILED"]


def test_after_its_response_nobody_goes_on(harness: Harness):
    event = harness.meet(BY_EVENT["create-migration"])
    told(harness, event)
    assert harness.record(event).ended
    harness.invoke(event)
    assert {each["Status"] for each in harness.responses} == {"FAILED"}
    assert (harness.modifies, harness.schedules()) == ((), [])


def test_what_it_has_claimed_and_could_not_end_is_handled_by_a_late_attempt(harness: Harness, server, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    event = harness.meet(BY_EVENT["create-retention"])
    with failing(server, "UpdateItem", spared=1), pytest.raises(Transient):
        told(harness, event)
    assert (harness.record(event).properties, harness.responses) == ({}, [])
    harness.run(event)
    assert [each["Status"] for each in harness.responses] == ["SUCCESS"]
    assert harness.modifies == ("BackupRetentionPolicy",)


def test_a_delete_succeeds(harness: Harness):
    told(harness, harness.meet(BY_EVENT["delete"]))
    assert [each["Status"] for each in harness.responses] == ["SUCCESS"]


def test_it_says_when_its_own_response_is_refused(harness: Harness, capsys):
    harness.receiver.statuses = [403]
    told(harness, harness.meet(BY_EVENT["create-retention"]))
    (line,) = (json.loads(each) for each in capsys.readouterr().out.splitlines())
    assert (line["level"], line["message"]) == ("ERROR", "response refused")
