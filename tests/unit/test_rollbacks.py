"""A stack rollback never fails because of the cluster, never waits for what it leaves alone, and costs no key."""

import pytest

from cloudhsm_settings.decisions import Accepted, Done, Fail, ModifyHsmType, ModifyRetention, ReadStack, Wait
from cloudhsm_settings.errors import Reverted
from cloudhsm_settings.reconcile import decide
from cloudhsm_settings.request import StackPhase
from tests.unit.cases import (
    DAY,
    FRESH,
    HANDLE,
    IN_TRANSITION,
    NEW,
    NOW,
    OLD,
    OTHER_ID,
    SETTLED,
    THIRD,
    asked,
    cluster,
    failure,
    former,
    long_back,
    ours,
    rolling_back,
    set_by_us,
)


def left_alone(decision):
    return isinstance(decision, Done) and decision.drifted


class TestConsent:
    """It follows the update that is being rolled back: what the template declares now is the update before."""

    @pytest.mark.parametrize("window", [3600, -3600, None])
    @pytest.mark.parametrize("state", [*SETTLED, *IN_TRANSITION])
    @pytest.mark.parametrize("present", ["Keep", "Revert"])
    def test_under_keep_the_type_is_left_alone(self, window, state, present):
        back = rolling_back("Keep", ours(), rollback=present)
        assert left_alone(decide(back, cluster(state, NEW, window=window), FRESH, NOW))

    @pytest.mark.parametrize("present", ["Keep", "Revert"])
    def test_revert_that_the_update_added_is_honoured(self, present):
        decision = decide(
            rolling_back("Revert", ours(), rollback=present), cluster("ACTIVE", NEW, window=3600), FRESH, NOW
        )
        assert isinstance(decision, ModifyHsmType)
        assert (decision.hsm_type, decision.progress.turns_back) == (OLD, True)

    def test_also_while_the_migration_still_runs(self):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, window=DAY - 300, hsm_types=[OLD, OLD, OLD])
        assert isinstance(decide(rolling_back(change=ours(300)), migrating, FRESH, NOW), ModifyHsmType)


class TestAWayBackThatNeverArrived:
    MIGRATING = cluster("MODIFY_IN_PROGRESS", NEW, window=DAY - 300, hsm_types=[OLD, OLD, OLD])
    MINE = ours(200, previous=NEW, hsm_type=OLD, answered=False)

    def test_is_asked_for_again_after_two_minutes_in_which_the_migration_goes_on(self):
        progress = asked(200, answered=False, previous_hsm_type=NEW, turns_back=True)
        decision = decide(rolling_back(change=self.MINE), self.MIGRATING, progress, NOW)
        assert isinstance(decision, ModifyHsmType)
        assert decision.hsm_type == OLD

    def test_before_that_reads_may_lag(self):
        progress = asked(60, answered=False, previous_hsm_type=NEW, turns_back=True)
        decision = decide(rolling_back(change=self.MINE), self.MIGRATING, progress, NOW)
        assert not isinstance(decision, ModifyHsmType)

    def test_what_turns_back_elsewhere_meanwhile_is_not_waited_for(self):
        progress = asked(200, answered=False, previous_hsm_type=NEW, turns_back=True)
        elsewhere = cluster("ROLLBACK_IN_PROGRESS", THIRD, window=DAY - 300, hsm_types=[NEW])
        assert left_alone(decide(rolling_back(change=self.MINE), elsewhere, progress, NOW))

    def test_one_that_cloudhsm_took_is_not_asked_for_again(self):
        taken = rolling_back(change=ours(200, previous=NEW, hsm_type=OLD))
        assert left_alone(decide(taken, cluster("ACTIVE", NEW, window=3600), FRESH, NOW))


class TestAnUnreadableStack:
    @pytest.mark.parametrize("phase", [StackPhase.UNREAD, StackPhase.UNKNOWN])
    def test_is_asked_once_in_each_poll_before_a_failure(self, phase):
        lost = rolling_back(direction=StackPhase.UNKNOWN, phase=phase)
        decision = decide(lost, cluster("DELETED", NEW), FRESH, NOW)
        assert isinstance(decision, ReadStack if phase is StackPhase.UNREAD else Fail)


class TestOnlyItsOwnChange:
    @pytest.mark.parametrize(
        "change",
        [
            None,
            ours(is_last=False),
            ours(cluster_id=OTHER_ID),
            ours(hsm_type=THIRD),
            ours(previous=THIRD),
        ],
        ids=["nobody's", "an earlier update's", "of another cluster", "to another type", "from another type"],
    )
    def test_what_this_update_did_not_change_is_left_alone(self, change):
        assert left_alone(decide(rolling_back(change=change), cluster("ACTIVE", NEW, window=3600), FRESH, NOW))

    def test_the_rollback_of_a_change_of_cluster_leaves_the_former_one_alone(self):
        moved = rolling_back(change=ours(), former=former(NEW, "Revert", cluster_id=OTHER_ID))
        assert left_alone(decide(moved, cluster("ACTIVE", NEW, hsms=3), FRESH, NOW))

    def test_a_cluster_that_shows_no_type_is_left_alone(self):
        decision = decide(rolling_back(change=ours()), cluster(hsm_type="", hsm_types=["", ""]), FRESH, NOW)
        assert left_alone(decision)


class TestWindow:
    @pytest.mark.parametrize("window", [0, -1])
    def test_what_cloudhsm_no_longer_allows_is_left_alone(self, window):
        decision = decide(rolling_back(change=ours()), cluster("ACTIVE", NEW, window=window), FRESH, NOW)
        assert left_alone(decision)
        assert "the time for going back ended" in decision.because

    def test_without_an_expiration_a_day_from_its_own_call_counts(self):
        inside = decide(rolling_back(change=ours(DAY - 1)), cluster("ACTIVE", NEW), FRESH, NOW)
        assert isinstance(inside, ModifyHsmType)
        assert left_alone(decide(rolling_back(change=ours(DAY)), cluster("ACTIVE", NEW), FRESH, NOW))

    def test_what_cloudhsm_shows_comes_first(self):
        decision = decide(rolling_back(change=ours(DAY)), cluster("ACTIVE", NEW, window=60), FRESH, NOW)
        assert isinstance(decision, ModifyHsmType)


class TestNeverFails:
    @pytest.mark.parametrize("state", ["DELETED", "DELETE_IN_PROGRESS"])
    def test_a_cluster_that_is_gone_is_success(self, state):
        assert left_alone(decide(rolling_back(change=ours()), cluster(state, NEW), FRESH, NOW))

    def test_so_is_one_that_is_not_listed_after_a_second_read(self):
        first = decide(rolling_back(), None, FRESH, NOW)
        assert isinstance(first, Accepted)
        assert left_alone(decide(rolling_back(), None, asked(hsm_type_asked_at=None, missing_at=NOW - 60), NOW))

    @pytest.mark.parametrize("state", ["UNINITIALIZED", "INITIALIZED", "DEGRADED"])
    def test_a_cluster_that_waits_for_a_person_is_left_alone(self, state):
        decision = decide(rolling_back(change=ours()), cluster(state, NEW, window=3600), FRESH, NOW)
        assert left_alone(decision)
        assert state in decision.because

    def test_when_cloudhsm_reverts_the_way_back_it_is_success_and_drifted(self):
        progress = long_back(asked(previous_hsm_type=NEW, turns_back=True))
        decision = decide(rolling_back(change=ours()), cluster("ACTIVE", NEW), progress, NOW)
        assert left_alone(decision)

    def test_a_way_back_that_nobody_waits_for_may_fail_in_the_log(self):
        progress = long_back(asked(previous_hsm_type=NEW, turns_back=True))
        accepted = rolling_back(change=ours(), accepted=True, left=-3600)
        assert isinstance(failure(decide(accepted, cluster("ACTIVE", NEW), progress, NOW)), Reverted)

    def test_a_deadline_is_success_too(self):
        late = rolling_back(change=ours(), left=100, retention=30)
        assert isinstance(decide(late, cluster("UPDATE_IN_PROGRESS", OLD), FRESH, NOW), Done)

    def test_without_a_declared_type_nothing_has_drifted(self):
        late = rolling_back(hsm_type=None, retention=30)
        assert decide(late, cluster("DELETED", NEW), FRESH, NOW) == Done(
            decide(late, cluster("DELETED", NEW), FRESH, NOW).because, drifted=False
        )


class TestNeverWaits:
    def test_keep_still_puts_the_retention_back(self):
        back = rolling_back("Keep", retention=30, retention_change=set_by_us())
        decision = decide(back, cluster("ACTIVE", NEW, window=3600), FRESH, NOW)
        assert isinstance(decision, ModifyRetention)

    def test_where_the_cluster_cannot_take_it_yet_success_comes_at_once(self):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[OLD, OLD, OLD])
        back = rolling_back("Keep", retention=30, retention_change=set_by_us())
        assert isinstance(decide(back, migrating, FRESH, NOW), Accepted)

    def test_and_the_polls_set_it_as_soon_as_it_can(self):
        later = rolling_back("Keep", retention=30, retention_change=set_by_us(), accepted=True, left=-3600)
        assert isinstance(decide(later, cluster("MODIFY_IN_PROGRESS", NEW), FRESH, NOW), Wait)
        assert isinstance(decide(later, cluster("ACTIVE", NEW), FRESH, NOW), ModifyRetention)

    @pytest.mark.parametrize("change", [None, set_by_us(is_last=False), set_by_us(cluster_id=OTHER_ID)])
    def test_a_retention_that_the_update_did_not_set_is_left_alone(self, change):
        back = rolling_back("Keep", retention=30, retention_change=change)
        assert left_alone(decide(back, cluster("ACTIVE", NEW), FRESH, NOW))

    def test_but_it_looks_twice_before_it_turns_back(self):
        at_first = rolling_back(change=ours(), may_be_overtaken=True)
        decision = decide(at_first, cluster("ACTIVE", NEW, window=3600), FRESH, NOW)
        assert isinstance(decision, Wait)
        assert decision.progress.hsm_type_asked_at is None

    def test_or_sets_a_retention_back(self):
        hasty = {"retention": 30, "retention_change": set_by_us(), "may_be_overtaken": True}
        decision = decide(rolling_back("Keep", **hasty), cluster("ACTIVE", NEW), FRESH, NOW)
        assert isinstance(decision, Wait)
        assert decision.progress.retention_asked_at is None
        in_a_hurry = rolling_back("Keep", **hasty, left=239)
        assert isinstance(decide(in_a_hurry, cluster("ACTIVE", NEW), FRESH, NOW), Accepted)
        heard = rolling_back("Keep", **hasty, left=239, accepted=True)
        assert isinstance(decide(heard, cluster("ACTIVE", NEW), FRESH, NOW), Wait)

    @pytest.mark.parametrize("left", [60, 0])
    def test_what_there_is_no_time_to_look_at_twice_is_turned_back_after_the_response(self, left):
        hasty = {"change": ours(), "may_be_overtaken": True}
        shown = cluster("ACTIVE", NEW, window=3600)
        assert isinstance(decide(rolling_back(**hasty, left=left), shown, FRESH, NOW), Accepted)
        accepted = rolling_back(**hasty, left=left, accepted=True)
        assert isinstance(decide(accepted, shown, FRESH, NOW), Wait)
        surely = rolling_back(change=ours(), left=left, accepted=True)
        assert isinstance(decide(surely, shown, FRESH, NOW), ModifyHsmType)

    def test_unless_nobody_can_be_told_any_more(self):
        too_late = rolling_back(change=ours(), may_be_overtaken=True, left=-1)
        assert left_alone(decide(too_late, cluster("ACTIVE", NEW, window=3600), FRESH, NOW))

    @pytest.mark.parametrize("retention", [None, 30])
    def test_nor_does_it_change_anything_for_a_stack_that_has_come_to_rest(self, retention):
        rolled_back = {"phase": StackPhase.ENDED, "direction": StackPhase.ROLLING_BACK}
        late = rolling_back(change=ours(), retention=retention, retention_change=set_by_us(), **rolled_back)
        assert left_alone(decide(late, cluster("ACTIVE", NEW, window=3600), FRESH, NOW))

    def test_somebody_elses_change_is_not_waited_for_with_the_way_back(self):
        decision = decide(rolling_back(change=ours()), cluster("UPDATE_IN_PROGRESS", NEW, window=3600), FRESH, NOW)
        assert isinstance(decision, Accepted)

    def test_nor_is_a_change_to_the_declared_type(self):
        back = rolling_back(change=ours())
        for types in ([NEW, NEW], [NEW]):
            going = cluster("ROLLBACK_IN_PROGRESS", OLD, hsm_types=types)
            assert isinstance(decide(back, going, FRESH, NOW), Done)


class TestTheWayBack:
    def test_one_that_fits_is_awaited(self):
        going = cluster("ROLLBACK_IN_PROGRESS", OLD, hsm_types=[NEW])
        assert isinstance(decide(rolling_back(change=ours()), going, asked(60, turns_back=True), NOW), Wait)

    def test_it_is_awaited_to_its_last_minute(self):
        going = cluster("ROLLBACK_IN_PROGRESS", OLD, hsm_types=[NEW])
        back = rolling_back(change=ours(), left=3585 - 29 * 60)
        assert isinstance(decide(back, going, asked(29 * 60, turns_back=True), NOW), Wait)

    def test_one_that_takes_longer_is_success_before_the_time_is_up(self):
        going = cluster("ROLLBACK_IN_PROGRESS", OLD, hsm_types=[NEW])
        back = rolling_back(change=ours(), left=230)
        assert isinstance(decide(back, going, asked(3585 - 230, turns_back=True), NOW), Accepted)

    def test_one_that_does_not_is_success_once_it_is_accepted(self):
        going = cluster("ROLLBACK_IN_PROGRESS", OLD, hsm_types=[NEW, NEW])
        assert isinstance(decide(rolling_back(change=ours()), going, asked(60, turns_back=True), NOW), Accepted)

    def test_several_hsms_need_no_wait_condition(self):
        decision = decide(rolling_back(change=ours()), cluster("ACTIVE", NEW, hsms=3, window=3600), FRESH, NOW)
        assert isinstance(decision, ModifyHsmType)

    def test_the_handle_of_an_earlier_update_is_none_of_a_rollbacks(self):
        back = rolling_back(change=ours(), handle=HANDLE, former=former(NEW, "Revert", wait_condition_handle=HANDLE))
        assert back.handle is None
        assert isinstance(decide(back, cluster("ACTIVE", NEW, hsms=3, window=3600), FRESH, NOW), ModifyHsmType)

    def test_its_end_is_that_of_every_change(self):
        assert isinstance(decide(rolling_back(change=ours()), cluster(), asked(turns_back=True), NOW), Done)


def test_a_rollback_is_known_by_the_stack_and_not_by_the_request():
    unread = rolling_back(change=ours(), phase=StackPhase.UNREAD)
    assert isinstance(decide(unread, cluster("ACTIVE", NEW, window=3600), FRESH, NOW), ReadStack)
    assert not unread.rolls_back
