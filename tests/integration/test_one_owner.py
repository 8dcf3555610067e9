"""One owner: what is newer takes over, what is older does nothing, and a Delete always succeeds."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import boto3
import pytest

from cloudhsm_settings.custom_resource.errors import Transient
from events.situations import BY_EVENT
from sandbox.table import TABLE
from tests.failing import failing
from tests.harness import Harness


def test_a_newer_request_that_was_signed_half_a_minute_earlier_is_the_newer_one(harness: Harness):
    harness.invoke(harness.meet(BY_EVENT["create-long-migration"], "/response/older"))
    harness.clock.moment -= 30
    delete = harness.deliverable(BY_EVENT["delete"].load(), "/response/newer")
    harness.clock.moment += 31
    harness.set_stack_status(delete, "DELETE_IN_PROGRESS")
    harness.invoke(delete)
    assert harness.record(delete).request_id == delete["RequestId"]
    assert [each["Status"] for each in harness.signals] == ["FAILURE"]


def test_a_delete_succeeds_without_table_scheduler_and_cloudformation(harness: Harness, server, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    delete = harness.meet(BY_EVENT["delete"])

    # Lambda may be asked to try again, so that what is in flight is ended too.
    with failing(server), suppress(Transient):
        harness.invoke(delete)
    assert [each["Status"] for each in harness.responses] == ["SUCCESS"]


def write_as_another_version(event: Mapping[str, Any], *members: str) -> None:
    boto3.client("dynamodb").update_item(
        TableName=TABLE,
        Key={name: {"S": event[name]} for name in ("StackId", "LogicalResourceId")},
        UpdateExpression=f"SET {', '.join(f'#{each} = :junk' for each in members)} ADD Fence :one",
        ExpressionAttributeNames={f"#{each}": each for each in members},
        ExpressionAttributeValues={":junk": {"N": "2"}, ":one": {"N": "1"}},
    )


@pytest.mark.parametrize("member", ["Progress", "Signals", "Response"])
def test_a_record_that_cannot_be_read_ends_with_failed(harness: Harness, member):
    event = harness.meet(BY_EVENT["create-migration"])
    harness.invoke(event)
    write_as_another_version(event, member)
    harness.pass_time()
    assert [each["Status"] for each in harness.responses] == ["FAILED"]
    assert "another version" in harness.responses[0]["Reason"]
    assert harness.schedules() == []


@pytest.mark.parametrize("member", ["Progress", "Signals", "Response", "ResponseURL"])
def test_deliveries_that_find_a_record_of_another_version_end_it_once(harness: Harness, member):
    event = harness.meet(BY_EVENT["create-long-migration"])
    harness.invoke(event)
    told = len(harness.responses)
    write_as_another_version(event, member)
    for _ in range(3):
        harness.invoke(event)
    harness.pass_time()
    assert len(harness.responses) <= told + 1
    assert [each["Status"] for each in harness.signals] == ["FAILURE"]
    assert harness.schedules() == []


def test_a_delete_succeeds_on_a_record_of_another_version(harness: Harness):
    event = harness.meet(BY_EVENT["delete"])
    harness.invoke(event)
    write_as_another_version(event, "Ended", "Response")
    harness.invoke(event)
    assert {each["Status"] for each in harness.responses} == {"SUCCESS"}
