"""One owner: what is newer takes over, what is older does nothing, and a Delete always succeeds."""

from contextlib import suppress

import boto3
import pytest

from cloudhsm_settings.custom_resource.errors import Transient
from events.situations import BY_EVENT
from sandbox.table import TABLE
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

    def fail(name: str) -> None:
        raise RuntimeError(name)

    server.before = fail
    try:
        # Lambda may be asked to try again, so that what is in flight is ended too.
        with suppress(Transient):
            harness.invoke(delete)
    finally:
        server.before = None
    assert [each["Status"] for each in harness.responses] == ["SUCCESS"]


@pytest.mark.parametrize("member", ["Progress", "Signals", "Response"])
def test_a_record_that_cannot_be_read_ends_with_failed(harness: Harness, member):
    event = harness.meet(BY_EVENT["create-migration"])
    harness.invoke(event)
    boto3.client("dynamodb").update_item(
        TableName=TABLE,
        Key={name: {"S": event[name]} for name in ("StackId", "LogicalResourceId")},
        UpdateExpression="SET #member = :junk",
        ExpressionAttributeNames={"#member": member},
        ExpressionAttributeValues={":junk": {"S": "of the version after the next"}},
    )
    harness.pass_time()
    assert [each["Status"] for each in harness.responses] == ["FAILED"]
    assert "another version" in harness.responses[0]["Reason"]
    assert harness.schedules() == []
