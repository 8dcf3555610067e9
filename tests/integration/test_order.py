"""Which of two requests for a resource is the newer one, and what becomes of the other."""

from contextlib import suppress
from typing import Any

import pytest

from cloudhsm_settings.custom_resource.errors import Transient
from events.situations import BY_EVENT, CLUSTER_ID, ROLLING_BACK
from tests.failing import failing, unreachable
from tests.harness import MINUTE, Harness

Event = dict[str, Any]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("cloudhsm_settings.custom_resource.delivery.SOCKET_TIMEOUT", 100)


def without_predecessor(harness: Harness, path: str) -> Event:
    """An update of the retention that follows upon nothing on record: the request before it never came."""
    harness.invoke(harness.meet(BY_EVENT["update-as-declared"], "/response/before"))
    harness.fleet.cluster(CLUSTER_ID).state = "ACTIVE"
    return harness.deliverable(BY_EVENT["update-retention"].load(), path)


class TestWhichIsNewer:
    @pytest.mark.parametrize("ahead", [-30, 30])
    def test_a_request_that_is_sent_again_is_answered_under_both_urls_while_clocks_differ(self, harness, ahead):
        event = harness.meet(BY_EVENT["create-migration"], "/response/first")
        harness.invoke(event)
        harness.clock.moment += ahead
        again = harness.deliverable(event, "/response/second")
        harness.clock.moment += 2 - ahead
        harness.run(again)
        assert harness.statuses("/response/first") == harness.statuses("/response/second") == ["SUCCESS"]

    @pytest.mark.parametrize(("late", "answered"), [(2, ["SUCCESS"]), (70, [])])
    def test_a_rollback_that_seems_older_than_its_update_is_answered_unless_it_is_a_retry(
        self, harness, late, answered
    ):
        update = without_predecessor(harness, "/response/update")
        harness.invoke(update)
        assert (harness.record(update).follows_on, harness.record(update).ended) == (False, True)
        harness.clock.moment -= 30
        back = harness.undoing(update)
        harness.clock.moment += 30 + late
        harness.set_stack_status(back, ROLLING_BACK)
        harness.run(back)
        assert harness.statuses("/response/back") == answered

    def test_an_update_that_crashed_beside_a_clean_up_is_answered_when_it_is_tried_again(self, harness, server):
        harness.invoke(harness.meet(BY_EVENT["delete"], "/response/clean-up"))
        harness.clock.moment += 30
        update = harness.deliverable(BY_EVENT["update-retention"].load(), "/response/update")
        harness.set_stack_status(update, "UPDATE_IN_PROGRESS")
        with failing(server, "UpdateItem"), pytest.raises(Transient):
            harness.invoke(update)
        harness.clock.moment += MINUTE
        harness.invoke(update)
        assert harness.statuses("/response/update") == ["SUCCESS"]

    @pytest.mark.parametrize("before", ["create-as-declared", "update-as-declared"])
    def test_an_update_that_seems_older_than_what_was_told_is_answered(self, harness, before):
        harness.invoke(harness.meet(BY_EVENT[before], "/response/before"))
        harness.fleet.cluster(CLUSTER_ID).state = "ACTIVE"
        harness.clock.moment -= 20
        update = harness.deliverable(BY_EVENT["update-retention"].load(), "/response/update")
        harness.clock.moment += 22
        harness.set_stack_status(update, "UPDATE_IN_PROGRESS")
        harness.invoke(update)
        assert harness.statuses("/response/update") == ["SUCCESS"]

    def test_a_delete_that_is_tried_again_ends_what_a_create_left_though_its_stack_is_at_rest(self, harness, server):
        create = harness.meet(BY_EVENT["create-long-migration"], "/response/create")
        harness.invoke(create)
        delete = harness.deliverable(BY_EVENT["delete-id-never-issued"].load(), "/response/delete")
        with failing(server, "UpdateItem"), pytest.raises(Transient):
            harness.invoke(delete)
        assert harness.statuses("/response/delete") == ["SUCCESS"]
        harness.set_stack_status(delete, "ROLLBACK_COMPLETE")
        harness.clock.moment += MINUTE
        harness.invoke(delete)
        assert (harness.record(delete).request_id, harness.record(delete).ended) == (delete["RequestId"], True)
        assert [each["Status"] for each in harness.signals] == ["FAILURE"]


class TestUnderEveryUrl:
    def test_three_within_seconds(self, harness):
        event = harness.meet(BY_EVENT["create-migration"], "/response/1")
        harness.invoke(event)
        for number in (2, 3):
            harness.clock.moment += 2
            again = harness.deliverable(event, f"/response/{number}")
            harness.invoke(again)
        harness.run(again)
        assert [harness.statuses(f"/response/{number}") for number in (1, 2, 3)] == [["SUCCESS"]] * 3

    def test_also_by_who_takes_over_where_its_owner_could_not(self, harness):
        update = without_predecessor(harness, "/response/1")
        with unreachable(harness.receiver):
            harness.invoke(update)
            harness.clock.moment += 2
            harness.invoke(harness.deliverable(update, "/response/2"))
        assert len(harness.record(update).response_urls) == 2
        # Another update that follows upon it, by its properties; but its signature is the older one.
        harness.clock.moment -= 30
        following = harness.deliverable(
            {
                **update,
                "ResourceProperties": update["ResourceProperties"] | {"HsmTypeOnRollback": "Keep"},
                "OldResourceProperties": update["ResourceProperties"],
                "RequestId": "the-one-after",
            },
            "/response/after",
        )
        harness.clock.moment += 32
        harness.receiver.received.clear()
        harness.invoke(following)
        assert [harness.statuses(f"/response/{each}") for each in (1, 2, "after")] == [["SUCCESS"]] * 3

    def test_polls_last_for_a_request_that_is_sent_again_near_its_deadline(self, harness):
        event = harness.meet(BY_EVENT["create-retention"], "/response/first")
        harness.fleet.cluster(CLUSTER_ID).state = "UPDATE_IN_PROGRESS"
        harness.invoke(event)
        for _ in range(55):
            harness.pass_time()
        harness.invoke(harness.deliverable(event, "/response/second"))
        for _ in range(30):
            harness.pass_time()
        assert harness.responses == []
        harness.fleet.cluster(CLUSTER_ID).state = "ACTIVE"
        harness.pass_time()
        assert harness.statuses("/response/second") == ["SUCCESS"]
        assert harness.schedules() == []


class TestWhatGivesWay:
    def test_a_rollback_that_seems_older_does_not_replace_what_was_not_told(self, harness):
        update = without_predecessor(harness, "/response/update")
        with unreachable(harness.receiver):
            harness.invoke(update)
        assert (harness.record(update).ended, harness.record(update).response_paid) == (True, False)
        harness.clock.moment -= 30
        back = harness.undoing(update)
        harness.clock.moment += 32
        harness.set_stack_status(back, ROLLING_BACK)
        harness.receiver.received.clear()
        harness.invoke(back)
        assert harness.responses == []
        harness.pass_time()
        assert harness.statuses("/response/update") == ["SUCCESS"]

    def test_a_stack_that_is_being_deleted_takes_only_deletes(self, harness):
        create = harness.meet(BY_EVENT["create-long-migration"], "/response/create")
        harness.invoke(create)
        harness.clock.moment += 2 * MINUTE
        update = harness.deliverable(BY_EVENT["update-retention"].load(), "/response/update")
        delete = harness.deliverable(BY_EVENT["delete"].load(), "/response/delete")
        harness.set_stack_status(update, "DELETE_IN_PROGRESS")
        harness.invoke(update)
        assert (harness.modifies, harness.statuses("/response/update")) == (("HsmType",), [])
        harness.run(delete)
        assert harness.statuses("/response/delete") == ["SUCCESS"]
        assert [each["Status"] for each in harness.signals] == ["FAILURE"]

    def test_a_delete_that_is_tried_again_does_not_end_the_newer_one(self, harness, server):
        clean_up = harness.meet(BY_EVENT["delete"], "/response/clean-up")
        harness.receiver.statuses = [503]
        with failing(server, "UpdateItem"), pytest.raises(Transient):
            harness.invoke(clean_up)
        harness.clock.moment += 30
        delete = harness.deliverable(BY_EVENT["delete"].load() | {"RequestId": "of-the-stack"}, "/response/delete")
        harness.receiver.statuses = []
        with failing(server, "UpdateItem", spared=1), suppress(Transient):
            harness.invoke(delete)
        assert harness.statuses("/response/delete") == []
        harness.clock.moment += 30
        harness.invoke(clean_up)
        harness.clock.moment += 30
        harness.run(delete)
        assert harness.statuses("/response/delete") == ["SUCCESS"]
        assert harness.statuses("/response/clean-up")[-1] == "SUCCESS"
        assert harness.record(delete).request_id == "of-the-stack"

    def test_no_delete_ends_another_one(self, harness):
        one = harness.meet(BY_EVENT["delete"], "/response/one")
        with unreachable(harness.receiver):
            harness.invoke(one)
        harness.clock.moment += 2
        other = harness.deliverable(BY_EVENT["delete-replaced-cluster"].load(), "/response/other")
        harness.receiver.received.clear()
        harness.invoke(other)
        assert harness.statuses("/response/other") == ["SUCCESS"]
        harness.pass_time()
        assert harness.statuses("/response/one") == ["SUCCESS"]
        assert harness.schedules() == []
