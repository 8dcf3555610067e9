"""What is owed is paid: responses and signals that do not arrive are sent again, and only a refusal is final."""

import pytest

from events.situations import BY_EVENT
from sandbox.receiver import SLOW
from tests.harness import MINUTE, Harness


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("cloudhsm_settings.custom_resource.delivery.SOCKET_TIMEOUT", 100)


@pytest.mark.parametrize("status", [500, 503, 0, SLOW, 408, 409, 429])
def test_a_response_that_does_not_arrive_is_sent_at_a_later_try(harness: Harness, status):
    event = harness.meet(BY_EVENT["create-retention"])
    harness.receiver.statuses = [status]
    harness.invoke(event)
    assert harness.receiver.accepted == []
    # Whatever the process knew is lost; the record knows, and a poll comes.
    again = Harness(harness.server, harness.receiver, harness.clock)
    again.pass_time()
    assert [each["Status"] for each in harness.receiver.accepted] == ["SUCCESS"]
    assert harness.modifies == ("BackupRetentionPolicy",)


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_final_and_logged(harness: Harness, status, caplog):
    harness.receiver.statuses = [status]
    harness.invoke(harness.meet(BY_EVENT["create-retention"]))
    assert len(harness.receiver.received) == 1
    (refused,) = [each for each in caplog.records if each.message == "response refused"]
    assert refused.levelname == "ERROR"
    assert harness.schedules() == []


@pytest.mark.parametrize("status", [503, 0, SLOW, 429])
def test_a_signal_that_does_not_arrive_is_sent_at_later_polls(harness: Harness, status):
    harness.invoke(harness.meet(BY_EVENT["create-long-migration"]))
    harness.receiver.statuses = [status] * 3
    for _ in range(5):
        harness.pass_time(91 * MINUTE)
    assert [each.status for each in harness.receiver.received] == [200, status, status, status, 200]
    assert {each["Status"] for each in harness.signals} == {"SUCCESS"}
    assert harness.schedules() == []


def test_the_signal_of_the_superseded_is_owed_by_its_successor(harness: Harness):
    harness.invoke(harness.meet(BY_EVENT["create-long-migration"]))
    delete = harness.deliverable(BY_EVENT["delete"].load())
    harness.set_stack_status(delete, "DELETE_IN_PROGRESS")
    harness.receiver.statuses = [200, 503]
    harness.invoke(delete)
    assert harness.record(delete).signals
    harness.pass_time()
    assert [each["Status"] for each in harness.signals] == ["FAILURE", "FAILURE"]
    harness.pass_time()
    assert (harness.schedules(), harness.record(delete).signals) == ([], ())


@pytest.mark.parametrize("minutes", [0, 5, 100])
def test_the_same_request_under_a_new_url_is_answered_there(harness: Harness, minutes):
    event = harness.meet(BY_EVENT["create-long-migration"], "/response/first")
    harness.invoke(event)
    for _ in range(minutes // 5):
        harness.pass_time(5 * MINUTE)
    harness.invoke(harness.deliverable(event, "/response/second"))
    answered = [each.answer["Status"] for each in harness.receiver.received if "/second" in each.path]
    assert answered == ["SUCCESS"]
    assert harness.modifies == ("HsmType",)
