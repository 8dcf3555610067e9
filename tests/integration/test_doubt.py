"""What cannot be known at once: which of two is newer, whether a stack rolls back, whether a write took effect."""

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from cloudhsm_settings.custom_resource.errors import Transient
from events.situations import BY_EVENT, CLUSTER_ID
from sandbox.cloudhsm import Fault
from tests.failing import failing, unreachable
from tests.harness import MINUTE, Harness

Event = dict[str, Any]
ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr("cloudhsm_settings.custom_resource.delivery.SOCKET_TIMEOUT", 100)


class TestWhatLooksLikeARollback:
    def test_an_update_that_was_cancelled_at_once_leaves_the_retention_alone(self, harness):
        update = harness.meet(BY_EVENT["update-retention"])
        harness.set_stack_status(update, ROLLING_BACK)
        harness.clock.moment += MINUTE
        harness.run(update)
        assert (harness.modifies, [each["Status"] for each in harness.responses]) == ((), ["SUCCESS"])

    def test_not_even_where_it_was_about_to_set_it(self, harness, server):
        update = harness.meet(BY_EVENT["update-retention"])
        harness.fleet.faults.append(Fault("ModifyCluster", "CloudHsmInternalFailureException"))
        # Its claim and its wish are on record; that the call failed cannot be put there.
        with failing(server, "UpdateItem", spared=2), suppress(Transient):
            harness.invoke(update)
        assert harness.record(update).progress["retention_asked_at"]
        harness.set_stack_status(update, ROLLING_BACK)
        harness.clock.moment += 3 * MINUTE
        harness.run(update)
        assert harness.fleet.cluster(CLUSTER_ID).retention["Value"] == "90"
        assert {each["Status"] for each in harness.responses} == {"SUCCESS"}

    def test_a_rollback_sets_a_retention_back_that_its_update_has_set(self, harness):
        update = harness.meet(BY_EVENT["update-retention"], "/response/update")
        harness.invoke(update)
        back = harness.undoing(update)
        harness.set_stack_status(back, ROLLING_BACK)
        harness.clock.moment += MINUTE
        harness.run(back)
        assert harness.modifies == ("BackupRetentionPolicy",) * 2
        assert harness.fleet.cluster(CLUSTER_ID).retention["Value"] == "90"

    def test_an_update_that_comes_after_its_own_rollback_sets_nothing(self, harness):
        before = harness.meet(BY_EVENT["update-retention"], "/response/before")
        harness.invoke(before)
        # The retention that the rollback finds is not the one it declares: another one's was not set back.
        cancelled = harness.deliverable(BY_EVENT["update-retention"].load() | {"RequestId": "late"}, "/response/late")
        harness.clock.moment += 10
        back = harness.undoing(cancelled)
        harness.set_stack_status(back, ROLLING_BACK)
        harness.run(back)
        set_back = harness.modifies
        assert harness.fleet.cluster(CLUSTER_ID).retention["Value"] == "90"
        harness.clock.moment += 10
        harness.set_stack_status(cancelled, ROLLING_BACK, ROLLING_BACK, "UPDATE_ROLLBACK_COMPLETE")
        harness.run(cancelled)
        assert harness.modifies == set_back
        assert harness.statuses("/response/late") == ["SUCCESS"]

    def test_also_where_the_process_died_in_the_call(self, harness, server):
        update = harness.meet(BY_EVENT["update-retention"], "/response/update")
        harness.fleet.faults.append(Fault("ModifyCluster", carried_out=True))
        harness.invoke(update)
        back = harness.undoing(update)
        harness.set_stack_status(back, ROLLING_BACK)
        harness.clock.moment += MINUTE
        harness.run(back)
        assert harness.fleet.cluster(CLUSTER_ID).retention["Value"] == "90"

    def test_no_type_is_turned_back_before_the_second_look(self, harness):
        update = harness.meet(BY_EVENT["update-stack-rollback-revert"], "/response/update")
        harness.invoke(update)
        assert (harness.modifies, harness.responses) == ((), [])
        # The rollback's own request comes: what looked like it was an update, cancelled at once.
        back = harness.undoing(update)
        harness.run(back)
        assert harness.modifies == ()
        assert harness.statuses("/response/back") == ["SUCCESS"]
        assert harness.fleet.cluster(CLUSTER_ID).hsm_type == "hsm2m.medium"

    def test_a_stack_that_could_not_be_read_for_long_still_tells_a_rollback(self, harness, server):
        back = harness.meet(BY_EVENT["update-stack-rollback-retention"])
        harness.fleet.cluster(CLUSTER_ID).state = "UPDATE_IN_PROGRESS"
        with failing(server, "DescribeStacks"):
            harness.invoke(back)
            for _ in range(6):
                harness.pass_time()
            assert harness.responses == []
        harness.pass_time()
        assert [each["Status"] for each in harness.responses] == ["SUCCESS"]

    def test_what_is_denied_is_told_once_it_is_known_whom(self, harness, server):
        back = harness.meet(BY_EVENT["update-stack-rollback-keep"])
        harness.fleet.faults.append(Fault("DescribeClusters", "CloudHsmAccessDeniedException", 100))
        with failing(server, "DescribeStacks"):
            harness.invoke(back)
        assert harness.responses == []
        harness.pass_time()
        assert [each["Status"] for each in harness.responses] == ["SUCCESS"]

    def test_the_way_back_is_asked_for_again_while_the_migration_goes_on(self, harness):
        back = harness.meet(replace(BY_EVENT["update-stack-rollback-revert"], migrated=60))
        cluster = harness.fleet.cluster(CLUSTER_ID)
        harness.fleet.faults.append(Fault("ModifyCluster"))
        harness.run(back)
        assert harness.modifies == ("HsmType",) * 2
        assert (cluster.hsm_type, [each["Status"] for each in harness.responses]) == ("hsm1.medium", ["SUCCESS"])


class TestWhetherAWriteTookEffect:
    def test_one_whose_answer_was_lost_is_tried_again_where_nobody_polls(self, harness, server):
        event = harness.meet(BY_EVENT["create-retention"])
        with failing(server, "UpdateItem", after=True), pytest.raises(Transient):
            harness.invoke(event)
        assert not harness.schedules()
        harness.clock.moment += MINUTE
        harness.invoke(event)
        assert (harness.modifies, [each["Status"] for each in harness.responses]) == (
            ("BackupRetentionPolicy",),
            ["SUCCESS"],
        )

    def test_polls_that_did_not_get_on_record_end_with_the_operation(self, harness, server):
        event = harness.meet(BY_EVENT["create-migration"])
        with failing(server, "UpdateItem", spared=2), suppress(Transient):
            harness.invoke(event)
        assert (harness.record(event).scheduled, len(harness.schedules())) == (False, 1)
        for _ in range(60):
            harness.pass_time()
        assert ([each["Status"] for each in harness.responses], harness.schedules()) == (["SUCCESS"], [])

    def test_and_answer_once_more_at_most_where_a_retry_of_lambda_has_ended_it(self, harness, server):
        event = harness.meet(BY_EVENT["create-retention"])
        harness.fleet.faults.append(Fault("DescribeClusters"))
        with failing(server, "UpdateItem", spared=1), suppress(Transient):
            harness.invoke(event)
        assert (harness.record(event).scheduled, len(harness.schedules())) == (False, 1)
        harness.invoke(event)
        for _ in range(10):
            harness.pass_time()
        assert [each["Status"] for each in harness.responses] == ["SUCCESS"] * 2
        assert harness.schedules() == []

    def test_a_twin_that_was_quicker_is_tried_again_too(self, harness):
        event = harness.meet(BY_EVENT["create-retention"])
        twin = Harness(harness.server, harness.receiver, harness.clock)

        def overtaken(name: str) -> None:
            harness.server.before = None
            twin.invoke(event)

        harness.server.before = lambda name: overtaken(name) if name == "DescribeClusters" else None
        with pytest.raises(Transient, match="WrittenSince"):
            harness.invoke(event)
        assert [each["Status"] for each in harness.responses] == ["SUCCESS"]

    def test_a_retry_whose_table_is_denied_says_nothing_while_polls_go_on(self, harness, monkeypatch):
        event = harness.meet(BY_EVENT["create-migration"])
        harness.invoke(event)
        harness.clock.moment += MINUTE
        with _denied(monkeypatch), pytest.raises(Transient):
            Harness(harness.server, harness.receiver, harness.clock).invoke(event)
        assert harness.responses == []
        harness.run(event)
        assert [each["Status"] for each in harness.responses] == ["SUCCESS"]

    def test_the_first_attempt_of_all_is_answered(self, harness, monkeypatch):
        event = harness.meet(BY_EVENT["create-migration"])
        with _denied(monkeypatch):
            harness.invoke(event)
        assert [each["Status"] for each in harness.responses] == ["FAILED"]
        assert "dynamodb:UpdateItem" in harness.responses[0]["Reason"]

    def test_what_the_superseded_is_owed_is_paid_by_its_own_polls_where_its_successor_died(self, harness, server):
        older = harness.meet(BY_EVENT["create-long-migration"], "/response/older")
        harness.invoke(older)
        delete = harness.deliverable(BY_EVENT["delete-id-never-issued"].load(), "/response/delete")
        harness.set_stack_status(delete, "DELETE_IN_PROGRESS")
        # It has claimed the record, and with it the debt, and dies before it pays.
        with unreachable(harness.receiver), failing(server, "CreateSchedule"), suppress(Transient):
            harness.invoke(delete)
        for _ in range(12):
            harness.pass_time()
        paid = [each for each in harness.receiver.received if each.path.startswith("/handle") and each.status == 200]
        assert [each.answer["Status"] for each in paid] == ["FAILURE"]
        assert harness.schedules() == []


@contextmanager
def _denied(monkeypatch: pytest.MonkeyPatch):
    """The function may not write to the table."""
    from botocore.exceptions import ClientError

    from cloudhsm_settings import clients

    real = clients.dynamodb()

    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "UpdateItem")

    with monkeypatch.context() as patched:
        patched.setattr(real, "update_item", deny)
        yield
