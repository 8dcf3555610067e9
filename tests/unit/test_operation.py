"""One owner, one end, and what is owed is paid."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest

from cloudhsm_settings.custom_resource.errors import Failure, InternalFailure, Superseded, Transient
from cloudhsm_settings.custom_resource.operation import KEPT_AFTER_DELETE, LEEWAY, Operation, Traits
from cloudhsm_settings.custom_resource.order import CLOCK_SKEW, StackDirection
from tests.unit.cases import ID, NOW, OTHER_ID
from tests.unit.requests import HANDLE, Around, event, url, with_handle


@pytest.fixture
def around():
    return Around()


class TestTime:
    def test_begins_when_the_url_was_signed(self, around):
        record = around.open(event(at=NOW - 20)).record
        assert record.deadline == NOW - 20 + 3600 - 15
        assert record.handle_deadline == NOW - 20 + 43200 - 15

    def test_is_the_requests_own(self, around):
        sent = event()
        sent["ResourceProperties"]["ServiceTimeout"] = "600"
        assert around.open(sent).record.deadline == NOW + 585


class TestOwner:
    def test_the_fence_rises_with_every_write(self, around):
        operation = around.open(event())
        first = operation.record.fence
        operation.checkpoint({"a": 1})
        assert operation.record.fence == around.record.fence == first + 1

    def test_a_twin_that_comes_late_writes_nothing(self, around):
        operation, twin = around.open(event()), around.open(event())
        twin.checkpoint({"a": 1})
        with pytest.raises(Transient, match="WrittenSince"):
            operation.checkpoint({"b": 1})
        assert around.record.progress == {"a": 1}

    def test_a_twin_cannot_end_what_another_has_ended(self, around):
        operation, twin = around.open(event()), around.open(event())
        twin.succeed({}, "", "Succeeded")
        with pytest.raises(Transient, match="WrittenSince"):
            operation.fail(Failure("no"))
        assert around.statuses() == ["SUCCESS"]

    def test_a_poll_that_comes_late_writes_nothing_and_is_not_repeated(self, around):
        around.open(event()).wait()
        operation, twin = around.open(event()), around.open(event())
        twin.checkpoint({"a": 1})
        with pytest.raises(Superseded):
            operation.checkpoint({"b": 1})

    def test_a_newer_request_takes_over(self, around):
        older = around.open(event())
        around.now += 100
        around.open(event("r2", around.now, "Update"))
        with pytest.raises(Superseded):
            older.checkpoint({})
        assert around.record.request_id == "r2"

    def test_its_poll_ends_with_it(self, around):
        around.open(event()).wait()
        around.now += 100
        around.open(event("r2", around.now, "Update"))
        with pytest.raises(Superseded):
            around.poll()
        assert around.schedules.polls == {}

    def test_polls_that_did_not_get_on_record_end_too(self, around):
        operation = around.open(event())
        around.schedules.create(operation.record.key, "r1", NOW + 3600)
        operation.succeed({}, "", "Succeeded")
        around.poll().pay()
        assert around.schedules.polls == {}

    def test_an_older_one_that_lambda_tries_again_does_nothing(self, around):
        older = event()
        around.now += 100
        around.open(event("r2", around.now, "Update")).succeed({}, "", "Succeeded")
        with pytest.raises(Superseded):
            around.open(older)

    def test_a_duplicate_of_a_former_request_is_known_by_its_id(self, around):
        around.open(event()).succeed({}, "", "Succeeded")
        around.open(event("r2", NOW, "Update")).succeed({}, "", "Succeeded")
        with pytest.raises(Superseded):
            around.open(event())
        assert around.record.recent == ("r1", "r2")

    def test_a_stack_at_rest_sends_no_newer_request(self, around):
        around.open(event())
        around.direction = StackDirection.AT_REST
        around.now += 100
        with pytest.raises(Superseded):
            around.open(event("r2", around.now, "Update"))
        around.direction = StackDirection.UNKNOWN
        assert around.open(event("r2", around.now, "Update")).record.request_id == "r2"

    def test_one_that_is_being_deleted_sends_only_deletes(self, around):
        around.open(event("d", kind="Delete"))
        around.direction = StackDirection.DELETING
        around.now += 1
        with pytest.raises(Superseded):
            around.open(event("r2", around.now, "Update"))
        assert around.open(event("d2", around.now, "Delete")).record.request_id == "d2"

    def test_what_the_resource_remembers_survives(self, around):
        around.open(event()).checkpoint({}, {"type_change": {"x": 1}})
        around.now += 100
        assert around.open(event("r2", around.now, "Update")).record.memory == {"type_change": {"x": 1}}
        around.poll("r2").succeed({}, "", "Succeeded")
        around.now += 100
        assert around.open(event("r3", around.now, "Update")).record.memory == {"type_change": {"x": 1}}


class TestEnd:
    def test_is_on_record_before_it_is_sent(self, around):
        around.open(event()).fail(Failure("no"))
        seen = around.seen_at_delivery[0]
        assert (seen.ended, seen.response.status, seen.response_paid) == (True, "FAILED", False)

    def test_after_it_the_same_request_only_pays(self, around):
        around.open(event()).succeed({"A": "1"}, "", "Succeeded")
        again = around.open(event())
        again.fail(InternalFailure("late"))
        assert again.record.ended
        assert set(around.statuses()) == {"SUCCESS"}
        assert around.record.outcome == "Succeeded"

    def test_is_signalled_once(self, around):
        around.open(with_handle()).succeed({}, "", "Succeeded")
        around.open(with_handle()).fail(InternalFailure("late"))
        assert [to for to, _ in around.delivered].count(HANDLE) == 1
        assert around.record.signals == ()

    def test_a_failed_request_keeps_the_former_id(self, around):
        around.open(event(kind="Update", PhysicalResourceId=OTHER_ID)).fail(Failure("no"))
        assert around.delivered[0][1]["PhysicalResourceId"] == OTHER_ID

    def test_an_end_that_could_not_be_written_is_none(self, around):
        operation, twin = around.open(event()), around.open(event())
        twin.wait()
        with pytest.raises(Transient, match="WrittenSince"):
            operation.succeed({}, "", "Succeeded")
        assert around.delivered == []

    def test_of_a_delete_lets_the_table_forget_after_a_day(self, around):
        around.open(event(kind="Delete")).succeed({}, "", "Deleted")
        assert around.record.expires_at == int(NOW) + KEPT_AFTER_DELETE
        around.now += 100
        assert around.open(event("r2", around.now)).record.expires_at is None

    def test_takes_the_polls_with_it(self, around):
        operation = around.open(event())
        operation.wait()
        assert around.schedules.polls
        operation.succeed({}, "", "Succeeded")
        assert around.schedules.polls == {}

    def test_with_all_paid_lets_a_newer_request_claim_at_once(self, around):
        around.open(event()).succeed({}, "", "Succeeded")
        assert around.record.settled


class TestOwed:
    def test_what_cannot_be_delivered_is_tried_again_at_the_next_poll(self, around):
        around.down = True
        with pytest.raises(Transient):
            around.open(event()).succeed({}, "", "Succeeded")
        assert around.schedules.polls
        around.down = False
        around.poll().pay()
        assert around.statuses() == ["SUCCESS"]
        assert around.schedules.polls == {}
        around.poll().pay()
        assert around.statuses() == ["SUCCESS"]

    def test_a_refusal_is_final(self, around):
        around.refuses = True
        around.open(event()).succeed({}, "", "Succeeded")
        assert around.record.response_paid or not around.schedules.polls
        assert around.errors == ["response refused"]

    def test_an_accepted_operation_goes_on_and_signals_its_end(self, around):
        operation = around.open(with_handle())
        operation.accept({"A": "1"}, {})
        operation.wait()
        assert around.statuses() == ["SUCCESS"]
        around.poll().fail(Failure(f"{ID} reverted"))
        assert around.statuses() == ["SUCCESS", "FAILURE"]
        assert around.delivered[1][0] == HANDLE

    def test_acceptance_is_on_record_before_it_is_sent(self, around):
        operation = around.open(with_handle())
        operation.accept({}, {})
        operation.wait()
        assert around.seen_at_delivery[0].response is not None

    def test_the_handle_of_the_superseded_gets_its_failure(self, around):
        around.open(with_handle()).wait()
        around.now += 100
        around.open(event("r2", around.now, "Update")).wait()
        (handle, signal) = around.delivered[0]
        assert (handle, signal["Status"]) == (HANDLE, "FAILURE")
        assert "took over" in signal["Reason"]

    def test_also_when_the_newer_one_dies_in_between(self, around):
        around.open(with_handle()).wait()
        around.now += 100
        around.open(event("r2", around.now, "Update"))
        around.open(event("r2", around.now, "Update")).succeed({}, "", "Succeeded")
        assert around.statuses() == ["SUCCESS", "FAILURE"]

    def test_and_when_a_third_one_takes_over_first(self, around):
        around.open(with_handle()).wait()
        for name in ("r2", "r3"):
            around.now += 100
            around.open(event(name, around.now, "Update"))
        around.poll("r3").succeed({}, "", "Succeeded")
        assert sorted(around.statuses()) == ["FAILURE", "SUCCESS"]

    def test_an_operation_that_has_ended_signals_no_second_time(self, around):
        around.open(with_handle()).succeed({}, "", "Succeeded")
        around.now += 100
        around.open(event("r2", around.now, "Update")).succeed({}, "", "Succeeded")
        assert around.statuses().count("FAILURE") == 0

    def test_a_signal_that_did_not_arrive_is_tried_again(self, around):
        around.down = True
        with pytest.raises(Transient):
            around.open(with_handle()).succeed({}, "", "Succeeded")
        around.down = False
        around.poll().pay()
        assert around.statuses() == ["SUCCESS", "SUCCESS"]
        assert around.record.settled

    def test_nor_does_one_that_could_not_say_so_yet(self, around):
        around.down = True
        with pytest.raises(Transient):
            around.open(with_handle()).succeed({}, "", "Succeeded")
        around.down = False
        around.now += 100
        around.open(event("r2", around.now, "Update")).succeed({}, "", "Succeeded")
        assert around.statuses() == ["SUCCESS", "SUCCESS"]

    def test_a_delete_has_no_handle_of_its_own(self, around):
        around.open(with_handle(kind="Delete")).succeed({}, "", "Deleted")
        assert around.statuses() == ["SUCCESS"]

    def test_what_somebody_tried_before_is_preceded_by_a_write(self, around):
        around.down = True
        with pytest.raises(Transient):
            around.open(event()).succeed({}, "", "Succeeded")
        poll, twin = around.poll(), around.poll()
        around.down = False
        twin.pay()
        with pytest.raises(Superseded):
            poll.pay()
        assert around.statuses() == ["SUCCESS"]

    def test_a_record_with_a_signal_left_is_not_claimed_unread(self, around):
        around.down = True
        with pytest.raises(Transient):
            around.open(with_handle()).succeed({}, "", "Succeeded")
        assert not around.record.settled


class TestDoubt:
    """Two requests that undo each other, signed in the wrong order, the first of them without its predecessor."""

    def undone(self, around):
        around.open(event("r0", kind="Update")).succeed({}, "", "Succeeded")
        properties, old = {"ClusterId": ID, "HsmType": "a"}, {"ClusterId": ID, "HsmType": "b"}
        sent = event("r1", kind="Update", ResourceProperties=properties, OldResourceProperties=old)
        around.open(sent).succeed({}, "", "Succeeded")
        return event("r2", NOW - 30, "Update", ResourceProperties=old, OldResourceProperties=properties)

    def test_a_first_attempt_is_the_newer_one(self, around):
        assert around.open(self.undone(around)).record.request_id == "r2"

    def test_and_what_has_ended_is_told_before_it_is_replaced(self, around):
        back = self.undone(around)
        told = [to for to, _ in around.delivered]
        around.down = True
        with pytest.raises(Transient):
            around.open(back)
        around.down = False
        around.open(back)
        assert [to for to, _ in around.delivered][len(told) :] == [url("r1")]

    def test_under_each_of_its_urls_and_as_its_owner_would(self, around):
        back = self.undone(around)
        (key,) = around.store.items
        former = {"L": [{"S": url("r1-first")}]}
        failed = '{"status": "FAILED", "reason": "why", "physical_resource_id": "id", "data": {}}'
        around.store.items[key] |= {"FormerURLs": former, "Response": {"S": failed}}
        told = len(around.delivered)
        around.open(back)
        assert [to for to, _ in around.delivered[told:]] == [url("r1"), url("r1-first")]
        assert {body["Reason"] for _, body in around.delivered[told:]} == {"why Log."}
        assert around.given[-1] == ("the ResponseURL", 55.0)

    def test_and_a_refusal_of_it_is_an_error(self, around):
        back = self.undone(around)
        around.refuses = True
        around.open(back)
        assert around.errors == ["response refused"]

    def test_but_not_what_was_told_to_its_end(self, around):
        back = self.undone(around)
        (key,) = around.store.items
        around.store.items[key]["ResponsePaid"] = {"BOOL": True}
        told = len(around.delivered)
        around.open(back)
        assert len(around.delivered) == told

    def test_a_create_that_comes_after_the_delete_of_what_nobody_issued_is_the_older_one(self, around):
        around.open(event("d", kind="Delete", PhysicalResourceId="made-up")).succeed({}, "", "Deleted")
        with pytest.raises(Superseded):
            around.open(event("late", NOW + 30, "Create"))

    @pytest.mark.parametrize("direction", [StackDirection.AT_REST, StackDirection.DELETING])
    def test_what_only_the_chain_puts_after_an_end_asks_for_its_stack(self, around, direction):
        # What the rollback of a later update leaves behind is what an earlier one followed upon.
        around.open(event("r2", kind="Update")).succeed({}, "", "Succeeded")
        properties = {**event()["ResourceProperties"], "HsmType": "b"}
        old = event()["ResourceProperties"]
        late = event("r1", NOW - 30, "Update", ResourceProperties=properties, OldResourceProperties=old)
        around.direction = direction
        with pytest.raises(Superseded):
            around.open(late)
        around.direction = StackDirection.IN_PROGRESS
        assert around.open(late).record.request_id == "r1"

    @pytest.mark.parametrize("seconds", [0, CLOCK_SKEW])
    def test_nor_does_a_signature_within_the_difference_of_clocks(self, around, seconds):
        around.open(event("d", kind="Delete")).succeed({}, "", "Deleted")
        around.direction = StackDirection.DELETING
        with pytest.raises(Superseded):
            around.open(event("r1", NOW + seconds, "Update"))

    def test_what_has_ended_and_is_not_told_yet_gives_way_to_no_older_signature(self, around):
        around.open(event("r0", kind="Update")).succeed({}, "", "Succeeded")
        properties, old = {"ClusterId": ID, "HsmType": "a"}, {"ClusterId": ID, "HsmType": "b"}
        back = event("back", kind="Update", ResourceProperties=properties, OldResourceProperties=old)
        around.down = True
        with pytest.raises(Transient):
            around.open(back).succeed({}, "", "Succeeded")
        with pytest.raises(Superseded):
            around.open(event("late", NOW - 4, "Update", ResourceProperties=old, OldResourceProperties=properties))

    def test_a_retry_is_the_older_one(self, around):
        back = self.undone(around)
        around.now += 40
        with pytest.raises(Superseded):
            around.open(back)

    def test_at_rest_a_stack_waits_for_nobody(self, around):
        back = self.undone(around)
        around.direction = StackDirection.AT_REST
        with pytest.raises(Superseded):
            around.open(back)


class TestSentAgain:
    def test_a_new_url_gets_the_answer_before_the_end(self, around):
        around.open(event()).wait()
        again = url("again", NOW + CLOCK_SKEW + 1)
        around.open(event(ResponseURL=again)).succeed({}, "", "Succeeded")
        assert [to for to, _ in around.delivered] == [again]

    @pytest.mark.parametrize("later", [-CLOCK_SKEW, -1, 0, CLOCK_SKEW])
    def test_while_clocks_may_differ_both_urls_get_it(self, around, later):
        around.open(event()).wait()
        again = url("again", NOW + later)
        around.open(event(ResponseURL=again)).wait()
        around.open(event()).succeed({}, "", "Succeeded")
        assert [to for to, _ in around.delivered] == [again, url("r1")]
        assert around.record.signed_at == max(NOW, NOW + later)

    def test_and_all_of_three(self, around):
        around.open(event()).wait()
        for name in ("again", "once-more"):
            around.open(event(ResponseURL=url(name, NOW + 1))).wait()
        around.open(event()).succeed({}, "", "Succeeded")
        assert [to for to, _ in around.delivered] == [url("once-more", NOW + 1), url("again", NOW + 1), url("r1")]

    def test_the_retry_of_a_first_delivery_changes_nothing(self, around):
        again = url("again", NOW + CLOCK_SKEW + 1)
        around.open(event(ResponseURL=again)).wait()
        around.open(event()).succeed({}, "", "Succeeded")
        assert [to for to, _ in around.delivered] == [again]

    def test_after_the_end_polls_are_scheduled_anew_for_it(self, around):
        around.open(event()).wait()
        around.poll().succeed({}, "", "Succeeded")
        assert around.schedules.polls == {}
        around.down = True
        with pytest.raises(Transient):
            around.open(event(ResponseURL=url("again"))).pay()
        assert len(around.schedules.polls) == 1
        around.down = False
        around.poll().pay()
        assert [to for to, _ in around.delivered] == [url("r1"), url("again")]

    def test_both_stay_owed_until_both_have_it(self, around):
        around.open(event()).wait()
        around.open(event(ResponseURL=url("again"))).wait()
        around.unreachable = url("r1")
        operation = around.open(event())
        with pytest.raises(Transient):
            operation.succeed({}, "", "Succeeded")
        around.unreachable = ""
        around.open(event()).pay()
        assert [to for to, _ in around.delivered] == [url("again"), url("again"), url("r1")]
        assert around.record.response_paid

    def test_and_after_it(self, around):
        around.open(event()).succeed({}, "", "Succeeded")
        again = url("again", NOW + CLOCK_SKEW + 1)
        around.open(event(ResponseURL=again)).pay()
        assert [to for to, _ in around.delivered] == [url("r1"), again]

    def test_and_after_acceptance(self, around):
        operation = around.open(with_handle())
        operation.accept({}, {})
        operation.wait()
        around.open({**with_handle(), "ResponseURL": url("again", NOW + 5)}).wait()
        assert around.statuses() == ["SUCCESS", "SUCCESS"]

    def test_the_settings_stay_those_that_were_first_sent(self, around):
        around.open(event())
        forged = event(ResourceProperties={"ClusterId": OTHER_ID}, ResponseURL=url("again"))
        assert around.open(forged).record.properties["ClusterId"] == ID

    def test_progress_stays(self, around):
        around.open(event()).checkpoint({"asked": 1})
        assert around.open(event()).record.progress == {"asked": 1}


class TestDelete:
    def test_it_ends_what_is_in_flight(self, around):
        older = around.open(with_handle())
        older.wait()
        around.now += 100
        around.open(event("d", around.now, "Delete")).succeed({}, "", "Deleted")
        with pytest.raises(Superseded):
            older.checkpoint({})
        assert sorted(around.statuses()) == ["FAILURE", "SUCCESS"]

    def test_of_what_a_create_began_is_taken_though_the_stack_is_at_rest(self, around):
        around.open(with_handle()).wait()
        around.now += 100
        around.direction = StackDirection.AT_REST
        around.open(event("d", around.now, "Delete", PhysicalResourceId="made-up")).succeed({}, "", "Deleted")
        assert sorted(around.statuses()) == ["FAILURE", "SUCCESS"]

    def test_does_not_end_the_delete_of_what_came_after_it(self, around):
        around.open(event("d", kind="Delete"))
        around.direction = StackDirection.DELETING
        operation = around.open(event("clean-up", kind="Delete", PhysicalResourceId=OTHER_ID))
        operation.succeed({}, "", "Deleted")
        assert around.record.request_id == "d"

    @pytest.mark.parametrize(("age", "owner"), [(10, "d"), (0, "other"), (-10, "other")])
    def test_does_not_end_a_newer_one_of_the_same_id(self, around, age, owner):
        around.open(event("d", NOW, "Delete"))
        around.open(event("other", NOW - age, "Delete")).succeed({}, "", "Deleted")
        assert (around.statuses(), around.record.request_id) == (["SUCCESS"], owner)

    def test_goes_on_with_itself_though_it_was_sent_again_since(self, around):
        around.open(event("d", NOW, "Delete"))
        around.open(event("d", NOW + 10, "Delete", ResponseURL=url("again", NOW + 10)))
        around.open(event("d", NOW, "Delete")).succeed({}, "", "Deleted")
        assert (around.statuses(), around.record.ended) == (["SUCCESS"] * 2, True)

    @pytest.mark.parametrize(("since", "age", "owner"), [(-10, 30, "u"), (-10, 36, "d"), (-61, 36, "u"), (10, 30, "d")])
    def test_gives_way_to_no_update_that_is_tried_again_where_the_stack_is_hidden(self, around, since, age, owner):
        around.open(event("d", NOW + since, "Delete")).succeed({}, "", "Deleted")
        around.now = NOW + age
        around.direction = StackDirection.UNKNOWN
        with suppress(Superseded):
            around.open(event("u", NOW, "Update"))
        assert around.record.request_id == owner

    def test_that_dies_leaves_the_debt_to_the_polls_of_what_it_ended(self, around):
        around.open(with_handle()).wait()
        around.now += 100
        around.open(event("d", around.now, "Delete"))
        around.now += 500
        with pytest.raises(Superseded):
            around.poll()
        assert (around.statuses(), len(around.schedules.polls)) == ([], 1)
        around.now += 200
        with pytest.raises(Superseded):
            around.poll()
        assert (around.statuses(), around.schedules.polls) == (["FAILURE"], {})

    def test_its_record_goes_though_it_dies_after_its_claim(self, around):
        around.open(event())
        around.now += 100
        around.open(event("d", around.now, "Delete"))
        assert around.record.expires_at == around.now + KEPT_AFTER_DELETE

    def test_of_a_replaced_cluster_leaves_the_present_operation_alone(self, around):
        around.open(event(kind="Update"))
        around.now += 100
        clean_up = event("d", around.now, "Delete", PhysicalResourceId=OTHER_ID)
        around.direction = StackDirection.UNKNOWN
        around.open(clean_up).succeed({}, "", "Deleted")
        assert around.statuses() == ["SUCCESS"]
        assert around.record.request_id == "r1"

    def test_with_an_id_that_was_never_issued_ends_it(self, around):
        around.open(event())
        around.now += 100
        around.open(event("d", around.now, "Delete", PhysicalResourceId="made-up")).succeed({}, "", "Deleted")
        assert around.record.request_id == "d"

    def test_without_a_table_it_is_answered(self, around):
        operation = Operation.unrecorded(around.delivery(event(kind="Delete")), around.ports, around.traits)
        operation.succeed({}, "", "Deleted")
        assert around.statuses() == ["SUCCESS"]
        assert around.record is None


class TestPolls:
    @pytest.mark.parametrize("sent", [event(), with_handle(), event(kind="Update"), event(kind="Delete")])
    def test_are_scheduled_once_and_as_long_as_anything_may_last(self, around, sent):
        until = []
        around.schedules.create = lambda key, request_id, end: until.append(end)
        operation = around.open(sent)
        operation.wait()
        operation.wait()
        assert until == [NOW + 43200 - 15 + LEEWAY]

    def test_of_nobody_end(self, around):
        with pytest.raises(Superseded):
            around.poll("unknown")

    def test_a_schedule_that_cannot_be_deleted_is_no_failure(self, around):
        def denied(key, request_id):
            raise Transient("scheduler:DeleteSchedule", "Throttling")

        operation = around.open(event())
        operation.wait()
        around.schedules.delete = denied
        operation.succeed({}, "", "Succeeded")
        assert around.statuses() == ["SUCCESS"]
        assert around.warnings == ["schedule not deleted"]


def test_a_record_of_another_version_is_not_resumed(around):
    around.open(event())
    (key,) = around.store.items
    around.store.items[key]["Progress"] = {"B": b"x"}
    before = dict(around.store.items[key])
    operation = around.open(event(ResponseURL=url("another")))
    assert not operation.record.readable
    assert (operation.record.response_url, operation.record.former_urls) == (url("another"), (url("r1"),))
    assert around.store.items[key] == before


def test_what_it_has_paid_is_paid_again_under_another_url(around):
    around.open(event()).succeed({}, "", "Succeeded")
    (key,) = around.store.items
    around.store.items[key] |= {"Progress": {"B": b"x"}, "Scheduled": {"BOOL": True}, "ResponsePaid": {"BOOL": True}}
    assert around.open(event()).record.response_paid
    operation = around.open(event(ResponseURL=url("another")))
    assert (operation.record.response_paid, operation.record.scheduled) == (False, False)
    operation.pay()
    assert around.statuses() == ["SUCCESS"] * 3


def test_what_is_kept_is_written_with_the_next_write(around):
    operation = around.open(event())
    operation.keep(progress={"a": 1}, memory={"m": 1})
    operation.wait()
    assert (around.record.progress, around.record.memory) == ({"a": 1}, {"m": 1})


def test_what_is_sent_again_has_the_later_deadline_and_the_polls_that_go_on(around):
    around.open(event()).wait()
    first = around.record
    around.now += 100
    again = around.open(event(ResponseURL=url("again", NOW + 100))).record
    assert (again.deadline, again.scheduled, again.response_paid) == (first.deadline + 100, True, False)
    around.open(event(ResponseURL=url("again", NOW + 100))).succeed({}, "", "Succeeded")
    late = around.open(event(ResponseURL=url("late", NOW + 200))).record
    assert (late.scheduled, late.response_paid) == (False, False)


class TestWhatIsLeft:
    @pytest.mark.parametrize(
        ("kind", "fails", "accepts", "expires"),
        [
            ("Create", True, False, True),
            ("Create", True, True, False),
            ("Create", False, False, False),
            ("Update", True, False, False),
            ("Update", False, False, False),
            ("Delete", False, False, True),
        ],
    )
    def test_of_what_made_no_resource_goes_after_a_day(self, around, kind, fails, accepts, expires):
        operation = around.open(event(kind=kind))
        if accepts:
            operation.accept({}, {})
        around.now += 7
        if fails:
            operation.fail(Failure("why"))
        else:
            operation.succeed({}, "", "Succeeded")
        assert around.record.expires_at == (int(NOW + 7) + KEPT_AFTER_DELETE if expires else None)
        assert around.record.ended_at == NOW + 7


class TestDeliveries:
    def test_say_the_reason_and_where_the_log_is(self, around):
        around.open(with_handle()).fail(Failure("why"))
        (_, response), (_, signal) = around.delivered
        assert (response["Reason"], response["Data"]) == ("why Log.", {})
        assert (signal["Status"], signal["Reason"], signal["UniqueId"]) == ("FAILURE", "why", ID)

    def test_say_the_data_of_a_success(self, around):
        around.open(with_handle()).succeed({"A": "1"}, "because", "Succeeded")
        (_, response), (_, signal) = around.delivered
        assert (response["Reason"], response["Data"]) == ("", {"A": "1"})
        assert (signal["Reason"], signal["Data"], signal["UniqueId"]) == ("because", '{"A": "1"}', ID)

    def test_that_are_too_long_lose_first_what_the_resource_says(self, around):
        traits = replace(around.traits, trimmed_first=("A",))
        operation = Operation.open(around.delivery(with_handle()), around.ports, traits)
        operation.succeed({"A": "a" * 3000, "B": "b" * 3000}, "", "Succeeded")
        (_, response), (_, signal) = around.delivered
        assert response["Data"] == json.loads(signal["Data"]) == {"A": "", "B": "b" * 3000}

    def test_leave_time_to_write_down_that_they_arrived(self, around):
        around.open(with_handle()).succeed({}, "", "Succeeded")
        assert around.given == [("the ResponseURL", 55.0), ("the wait condition handle", 15.0)]

    def test_that_are_refused_are_errors(self, around):
        around.refuses = True
        around.open(with_handle()).fail(Failure("why"))
        assert (around.errors, around.causes) == (["response refused", "signal refused"], ["FAILED", "FAILURE"])

    def test_that_cannot_be_struck_off_are_warnings(self, around):
        def throttled(*_, **__):
            raise Transient("dynamodb:UpdateItem", "Throttling")

        operation = around.open(event())
        operation.wait()
        write = around.store.write

        def once(before, after):
            around.store.write = throttled
            return write(before, after)

        around.store.write = once
        operation.succeed({}, "", "Succeeded")
        assert (around.warnings, around.causes) == (["payment not struck off"], ["dynamodb:UpdateItem: Throttling"])

    def test_a_signal_that_does_not_arrive_is_owed(self, around):
        around.unreachable = HANDLE
        with pytest.raises(Transient, match="PUT to the wait condition handle"):
            around.open(with_handle()).fail(Failure("why"))
        assert [signal.url for signal in around.record.signals] == [HANDLE]

    def test_a_debt_of_an_owner_that_died_is_owed_until_it_arrives(self, around):
        around.open(with_handle()).wait()
        around.now += 100
        around.open(event("r2", around.now, "Update"))
        around.now += 700
        around.down = True
        with pytest.raises(Transient, match="PUT to the wait condition handle"):
            around.poll("r1")
        assert around.record.signals

    def test_a_signal_is_tried_though_the_response_does_not_arrive(self, around):
        around.unreachable = url("r1")
        with pytest.raises(Transient, match="PUT to the ResponseURL"):
            around.open(with_handle()).fail(Failure("why"))
        assert around.statuses() == ["FAILURE"]


class TestSilence:
    def older(self, around):
        around.open(event("r2", NOW + 100, "Update"))
        return event("r1", NOW, "Update")

    def retry(self, around):
        around.now += 40
        return TestDoubt().undone(around)

    def at_rest(self, around):
        around.open(event())
        around.direction = StackDirection.AT_REST
        return event("r2", NOW + 100, "Update")

    def deleting(self, around):
        around.open(event())
        around.direction = StackDirection.DELETING
        return event("r2", NOW + 100, "Update")

    def deleted(self, around):
        around.open(event("d", NOW - 10, "Delete")).succeed({}, "", "Deleted")
        around.now += 40
        around.direction = StackDirection.UNKNOWN
        return event("r2", NOW, "Update")

    @pytest.mark.parametrize(
        ("kind", "why"),
        [
            ("older", "a newer request owns the resource"),
            ("retry", "the request on record is the newer one, as far as can be told"),
            ("at_rest", "the stack is not being operated on: no newer request is due"),
            ("deleting", "the stack is being deleted: only a Delete is due"),
            ("deleted", "the resource was deleted: no update is due"),
        ],
    )
    def test_says_why(self, around, kind, why):
        sent = getattr(self, kind)(around)
        with pytest.raises(Superseded, match=f"^{why}$"):
            around.open(sent)

    def test_is_not_for_those_who_lose_every_race(self, around):
        around.open(event())
        around.store.write = lambda before, after: (_ for _ in ()).throw(Superseded("written since"))
        with pytest.raises(Transient, match=r"^dynamodb:UpdateItem: Contended$"):
            around.open(event("r2", NOW + 10, "Update"))

    def test_is_not_for_whom_a_twin_has_overtaken_where_nobody_polls(self, around):
        operation = around.open(event())
        around.open(event()).checkpoint({"a": 1})
        with pytest.raises(Transient, match=r"^dynamodb:UpdateItem: WrittenSince$"):
            operation.checkpoint({"b": 1})


class TestTakingOver:
    def test_owes_every_wait_condition_that_was_before(self, around):
        around.open(with_handle("r1"))
        around.now += 100
        around.open(with_handle("r2", around.now, "Update", handle=HANDLE + "2"))
        around.now += 100
        third = around.open(event("r3", around.now, "Update"))
        assert [signal.url for signal in third.record.signals] == [HANDLE, HANDLE + "2"]
        assert {signal.unique_id for signal in third.record.signals} == {ID}
        assert {signal.reason for signal in third.record.signals} == {
            f"{ID}: a newer request for Settings took over. Look at the outcome of that request in the stack's events."
        }

    @pytest.mark.parametrize(
        ("kind", "old", "follows"), [("Update", True, True), ("Update", False, False), ("Delete", False, True)]
    )
    def test_knows_whether_it_follows_on_what_was_before(self, around, kind, old, follows):
        around.open(event())
        around.now += 10
        former = {"OldResourceProperties": event()["ResourceProperties"]} if old else {}
        around.open(event("r2", around.now, kind, **former))
        assert around.record.follows_on is follows

    @pytest.mark.parametrize(
        ("before", "kind", "direction"),
        [
            ("Update", "Update", StackDirection.UNKNOWN),
            ("Delete", "Create", StackDirection.UNKNOWN),
            ("Delete", "Update", StackDirection.IN_PROGRESS),
        ],
    )
    def test_is_for_a_retry_too_unless_what_was_deleted_may_be_the_stack(self, around, before, kind, direction):
        around.open(event("r1", NOW - 10, before)).succeed({}, "", "Succeeded")
        around.now += 50
        around.direction = direction
        around.open(event("r2", NOW, kind))
        assert around.record.request_id == "r2"

    def test_leaves_a_poll_of_the_one_before_nothing_to_do(self, around):
        def denied(key, request_id):
            raise Transient("scheduler:DeleteSchedule", "Throttling")

        around.open(event())
        around.now += 100
        around.open(event("r2", around.now, "Update"))
        around.schedules.delete = denied
        with pytest.raises(Superseded, match="the poll is not the owner's"):
            around.poll("r1")
        assert (around.warnings, around.causes) == (["schedule not deleted"], ["scheduler:DeleteSchedule: Throttling"])


def test_what_the_responder_has_claimed_and_not_ended_is_known_again(around):
    responder = Traits(physical_id=around.traits.physical_id, is_issued=around.traits.is_issued, kept=lambda _: {})
    sent = with_handle(kind="Update") | {"OldResourceProperties": {"ClusterId": OTHER_ID}}
    Operation.open(around.delivery(sent), around.ports, responder)
    assert (around.record.properties, around.record.handle_url) == ({}, "")
    around.open(sent)
    expected = (sent["ResourceProperties"], sent["OldResourceProperties"], HANDLE)
    assert (around.record.properties, around.record.old_properties, around.record.handle_url) == expected


def test_what_is_accepted_is_on_record_with_its_progress(around):
    around.open(event()).accept({"A": "1"}, {"asked": 1})
    assert (around.record.progress, around.record.response.reason) == ({"asked": 1}, "")


def test_what_cannot_be_delivered_yet_is_a_warning(around):
    operation = around.open(event())
    operation.accept({}, {})
    around.down = True
    operation.wait()
    assert (around.warnings, around.causes) == (["not delivered yet"], ["PUT to the ResponseURL: HTTP 503"])


def test_others_are_those_of_its_own_cluster(around):
    sent = event(LogicalResourceId="Other")
    around.open(sent)
    operation = around.open(event())
    assert [each["LogicalResourceId"] for each in operation.others()] == ["Other"]


def test_nothing_is_accepted_twice(around):
    operation = around.open(event())
    operation.accept({"A": "1"}, {})
    fence = operation.record.fence
    operation.accept({"A": "2"}, {})
    assert operation.record.fence == fence
    assert operation.record.response.data == {"A": "1"}
