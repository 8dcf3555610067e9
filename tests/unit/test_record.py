"""A record in the table: it comes back as it was, and another version's is read as far as it can be."""

import pytest

from cloudhsm_settings.custom_resource.record import Record, Response, Signal
from tests.unit.cases import ID, NOW

FULL = Record(
    "stack",
    "Settings",
    "r1",
    request_type="Update",
    response_url="https://secret",
    physical_resource_id=ID,
    existing_id=ID,
    properties={"ClusterId": ID},
    old_properties={"HsmType": "x"},
    declared={"HsmType": "y"},
    handle_url="https://handle-secret",
    signed_at=NOW,
    deadline=NOW + 1.5,
    handle_deadline=NOW + 2,
    fence=7,
    progress={"a": None},
    scheduled=True,
    response=Response("SUCCESS", "", ID, {"A": "ü\U0001f511"}),
    response_paid=True,
    signals=(Signal("https://h", "FAILURE", "why", ID, {"a": "b"}),),
    ended=True,
    settled=False,
    outcome="Succeeded",
    ended_at=NOW,
    memory={"type_change": {}},
    recent=("r0", "r1"),
    expires_at=5,
)


@pytest.mark.parametrize("record", [FULL, Record("stack", "Settings", "r1")])
def test_it_comes_back_as_it_was(record):
    assert Record.from_item(record.to_item()) == record


def test_members_of_a_later_version_are_ignored():
    item = {**FULL.to_item(), "Version": {"N": "2"}, "Later": {"S": "x"}}
    assert Record.from_item(item) == FULL


def test_an_earlier_version_may_lack_members():
    item = FULL.to_item()
    del item["Memory"], item["Recent"]
    read = Record.from_item(item)
    assert (read.readable, read.memory, read.recent) == (True, {}, ())


@pytest.mark.parametrize(
    ("name", "value"),
    [("Progress", {"B": b"x"}), ("Memory", {"S": "[]"}), ("Deadline", {"N": "x"}), ("Response", {"S": '{"x": 1}'})],
)
def test_what_cannot_be_read_is_told(name, value):
    assert not Record.from_item({**FULL.to_item(), name: value}).readable


def test_no_secret_is_shown():
    assert "secret" not in repr(FULL)


def test_an_operation_is_accepted_between_its_response_and_its_end():
    assert not FULL.accepted
    assert not Record("s", "l", "r").accepted
    assert Record("s", "l", "r", response=FULL.response).accepted


def test_the_event_is_the_request():
    event = FULL.event
    assert (event["RequestType"], event["PhysicalResourceId"], event["ResponseURL"]) == ("Update", ID, "https://secret")
    assert "PhysicalResourceId" not in Record("s", "l", "r").event
