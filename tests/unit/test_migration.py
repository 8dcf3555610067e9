"""What becomes of the type when a user asks for it: begun, waited for, refused, or left alone."""

from dataclasses import replace

import pytest

from cloudhsm_settings.cluster import Hsm, generation
from cloudhsm_settings.decisions import Accepted, Done, Fail, Follow, Leave, ModifyHsmType, ModifyRetention, ReadStack
from cloudhsm_settings.decisions import Wait as Waits
from cloudhsm_settings.errors import Conflicting, HandleUsed, NotReady, TurnBackRefused, WontFit
from cloudhsm_settings.migration import type_change
from cloudhsm_settings.reconcile import decide
from cloudhsm_settings.request import Progress, StackPhase
from tests.unit.cases import (
    DAY,
    FRESH,
    HANDLE,
    ID,
    IN_TRANSITION,
    NEW,
    NOW,
    OLD,
    OTHER_ID,
    SAME_GENERATION,
    THIRD,
    asked,
    cluster,
    failure,
    former,
    ours,
    request,
    update,
)


class TestBegun:
    def test_an_active_cluster_is_migrated(self):
        decision = decide(request(), cluster(), FRESH, NOW)
        progress = Progress(hsm_type_asked_at=NOW, previous_hsm_type=OLD)
        assert decision == ModifyHsmType(NEW, progress, f"the type of {ID} is {OLD}, declared is {NEW}")

    def test_an_update_that_changes_the_type_is_one(self):
        assert isinstance(decide(update(), cluster(), FRESH, NOW), ModifyHsmType)

    def test_so_is_one_that_declares_a_type_for_the_first_time(self):
        assert isinstance(decide(update(None), cluster(), FRESH, NOW), ModifyHsmType)

    def test_the_stack_is_read_first(self):
        for wanted in (request(phase=StackPhase.UNREAD), update(phase=StackPhase.UNREAD)):
            assert isinstance(decide(wanted, cluster(), FRESH, NOW), ReadStack)

    def test_a_stack_that_cannot_be_read_does_not_hinder_a_first_migration(self):
        assert isinstance(decide(update(phase=StackPhase.UNKNOWN), cluster(), FRESH, NOW), ModifyHsmType)
        assert isinstance(decide(request(phase=StackPhase.UNKNOWN), cluster(), FRESH, NOW), ModifyHsmType)

    @pytest.mark.parametrize("phase", [StackPhase.ROLLING_BACK, StackPhase.ENDED, StackPhase.COMPLETE])
    def test_nothing_is_begun_for_a_stack_that_has_gone_another_way(self, phase):
        assert isinstance(failure(decide(request(phase=phase), cluster(), FRESH, NOW)), Conflicting)
        turned = update(phase=phase, direction=StackPhase.FORWARD)
        assert isinstance(failure(decide(turned, cluster(), FRESH, NOW)), Conflicting)

    def test_it_is_untouched_when_not_declared(self):
        assert isinstance(decide(request(None, 90), cluster(hsm_type=THIRD), FRESH, NOW), Done)

    @pytest.mark.parametrize("state", [*IN_TRANSITION])
    def test_others_changes_are_waited_out(self, state):
        decision = decide(request(), cluster(state), FRESH, NOW)
        assert isinstance(decision, Waits)
        assert (decision.progress.hsm_type_asked_at, decision.progress.previous_hsm_type) == (None, "")

    def test_a_change_of_cluster_asks_for_the_type_anew(self):
        moved = update(former=former(NEW, cluster_id=OTHER_ID))
        assert isinstance(decide(moved, cluster(), FRESH, NOW), ModifyHsmType)

    def test_a_type_that_no_hsm_shows_any_more_is_not_asked_for_in_vain(self):
        mixed = cluster(hsm_type=NEW, hsm_types=[NEW, OLD])
        decision = decide(request(), mixed, FRESH, NOW)
        assert isinstance(decision, Waits)
        assert decision.progress.hsm_type_answered


class TestRefused:
    @pytest.mark.parametrize(
        ("state", "advice"), [("UNINITIALIZED", "Initialize"), ("INITIALIZED", "Initialize"), ("DEGRADED", "Repair")]
    )
    @pytest.mark.parametrize("phase", [StackPhase.FORWARD, StackPhase.UNREAD])
    def test_a_cluster_that_waits_for_a_person(self, state, advice, phase):
        refused = failure(decide(request(phase=phase), cluster(state), FRESH, NOW))
        assert isinstance(refused, NotReady)
        assert advice in refused.reason

    def test_one_hsm_fits_into_an_hour(self):
        assert isinstance(decide(request(), cluster(hsms=1), FRESH, NOW), ModifyHsmType)

    @pytest.mark.parametrize("phase", [StackPhase.FORWARD, StackPhase.UNREAD])
    def test_two_do_not_and_the_reason_has_the_yaml_that_mends_it(self, phase):
        refused = failure(decide(request(NEW, 30, phase=phase), cluster(hsms=2), FRESH, NOW))
        assert isinstance(refused, WontFit)
        for each in ("60 minutes", "59 minutes", "Nothing was changed", "WaitConditionHandle: !Ref SettingsHandle1"):
            assert each in refused.reason

    def test_a_handle_gives_twelve_hours(self):
        assert isinstance(decide(request(handle=HANDLE), cluster(hsms=23), FRESH, NOW), ModifyHsmType)
        refused = failure(decide(request(handle=HANDLE), cluster(hsms=24), FRESH, NOW))
        assert isinstance(refused, WontFit)
        assert "Remove HSMs" in refused.reason

    @pytest.mark.parametrize("hsms", [0, 1])
    def test_a_migration_takes_half_an_hour_and_a_poll_at_least(self, hsms):
        assert isinstance(decide(request(left=1920), cluster(hsms=hsms), FRESH, NOW), ModifyHsmType)
        assert isinstance(failure(decide(request(left=1919), cluster(hsms=hsms), FRESH, NOW)), WontFit)

    def test_hsms_without_a_type_take_as_long(self):
        assert isinstance(failure(decide(request(), cluster(hsm_types=["", ""]), FRESH, NOW)), WontFit)

    def test_a_wait_condition_that_has_waited_already(self):
        used = update(handle=HANDLE, former=former(OLD, wait_condition_handle=HANDLE))
        refused = failure(decide(used, cluster(), FRESH, NOW))
        assert isinstance(refused, HandleUsed)
        assert "...Handle2, ...Migrated2" in refused.reason

    def test_a_new_one_has_not(self):
        renewed = update(handle=HANDLE, former=former(OLD, wait_condition_handle="https://handle/zero"))
        assert isinstance(decide(renewed, cluster(), FRESH, NOW), ModifyHsmType)

    def test_nor_is_one_used_up_by_an_update_that_migrates_nothing(self):
        used = update(handle=HANDLE, former=former(OLD, wait_condition_handle=HANDLE))
        assert isinstance(decide(used, cluster(hsm_type=NEW), FRESH, NOW), Done)
        only_retention = update(
            NEW, hsm_type=NEW, retention=30, handle=HANDLE, former=former(NEW, wait_condition_handle=HANDLE)
        )
        assert isinstance(decide(only_retention, cluster(hsm_type=NEW), FRESH, NOW), ModifyRetention)


class TestBeingChangedAlready:
    """Anybody's migration to the wanted type is waited for as one's own."""

    @pytest.mark.parametrize("wanted", [request(), update(), request(phase=StackPhase.UNREAD)])
    def test_it_is_waited_for_and_not_asked_for(self, wanted):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[OLD])
        assert isinstance(type_change(wanted, migrating, FRESH, NOW), Follow)
        decision = decide(wanted, migrating, FRESH, NOW)
        assert isinstance(decision, Waits)
        assert (decision.progress.hsm_type_asked_at, decision.progress.hsm_type_answered) == (NOW, True)
        assert decision.progress.previous_hsm_type == ""

    def test_with_all_hsms_changed_it_is_waited_for_all_the_same(self):
        assert isinstance(decide(request(), cluster("MODIFY_IN_PROGRESS", NEW), FRESH, NOW), Waits)

    def test_with_a_handle_the_stack_has_its_response_at_once(self):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[OLD, OLD, OLD])
        assert isinstance(decide(request(handle=HANDLE), migrating, FRESH, NOW), Accepted)
        renewed = update(handle=HANDLE, former=former(OLD, wait_condition_handle=HANDLE))
        assert isinstance(decide(renewed, migrating, FRESH, NOW), Accepted)

    def test_without_one_it_has_to_fit(self):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[OLD, OLD, OLD])
        assert isinstance(failure(decide(request(), migrating, FRESH, NOW)), WontFit)

    def test_an_update_reads_first_whether_it_is_a_rollback(self):
        unread = update(phase=StackPhase.UNREAD)
        assert isinstance(
            type_change(unread, cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[OLD]), FRESH, NOW), ReadStack
        )

    def test_the_retention_waits_for_its_end_where_the_cluster_takes_none(self):
        decision = decide(request(NEW, 30), cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[OLD]), FRESH, NOW)
        assert isinstance(decision, Waits)


class TestDrift:
    def test_a_type_changes_only_when_the_template_changes_it(self):
        decision = decide(update(NEW, hsm_type=NEW), cluster(), FRESH, NOW)
        assert decision == Done(decision.because, drifted=True)
        assert "left alone" in decision.because

    @pytest.mark.parametrize("state", ["DEGRADED", "UNINITIALIZED", *IN_TRANSITION])
    def test_in_every_state(self, state):
        assert decide(update(NEW, hsm_type=NEW), cluster(state), FRESH, NOW).drifted

    def test_retention_converges_all_the_same(self):
        assert isinstance(decide(update(NEW, hsm_type=NEW, retention=30), cluster(), FRESH, NOW), ModifyRetention)

    def test_one_hsm_that_lags_is_no_drift(self):
        lagging = cluster(hsm_type=NEW, hsm_types=[NEW, OLD])
        assert decide(update(NEW, hsm_type=NEW), lagging, FRESH, NOW) == Done("all as declared")


class TestAskedAnew:
    """Revert added in an update is the way back after a rollback under Keep."""

    def test_adding_revert_asks_for_the_declared_type(self):
        anew = update(OLD, hsm_type=OLD, rollback="Revert")
        decision = decide(anew, cluster(hsm_type=NEW, window=3600), FRESH, NOW)
        assert isinstance(decision, ModifyHsmType)
        assert decision.progress.turns_back

    def test_also_while_the_migration_still_runs(self):
        anew = update(OLD, hsm_type=OLD, rollback="Revert")
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, window=DAY - 300, hsm_types=[OLD])
        assert isinstance(decide(anew, migrating, FRESH, NOW), ModifyHsmType)

    def test_revert_that_has_been_there_before_does_not(self):
        unchanged = update(OLD, "Revert", hsm_type=OLD, rollback="Revert")
        assert decide(unchanged, cluster(hsm_type=NEW, window=3600), FRESH, NOW).drifted

    def test_taking_it_away_does_not_either(self):
        withdrawn = update(OLD, "Revert", hsm_type=OLD)
        assert decide(withdrawn, cluster(hsm_type=NEW, window=3600), FRESH, NOW).drifted

    def test_nothing_is_asked_for_where_the_type_is_as_declared(self):
        assert isinstance(decide(update(NEW, hsm_type=NEW, rollback="Revert"), cluster(hsm_type=NEW), FRESH, NOW), Done)


class TestTurnedBackByTheUser:
    """Consent is needed whether or not CloudHSM shows that the window is open."""

    @pytest.mark.parametrize("window", [3600, -3600, None])
    def test_an_earlier_generation_needs_consent(self, window):
        back = update(NEW, hsm_type=OLD)
        refused = failure(decide(back, cluster(hsm_type=NEW, window=window), FRESH, NOW))
        assert isinstance(refused, TurnBackRefused)
        assert "HsmTypeOnRollback: Revert in the same update" in refused.reason

    def test_the_price_is_told_only_where_it_is_known(self):
        back = update(NEW, hsm_type=OLD)
        told = [
            failure(decide(back, cluster(hsm_type=NEW, window=window), FRESH, NOW)).reason
            for window in (3600, -3600, None)
        ]
        assert "it loses every key and user made since the cluster became ACTIVE" in told[0]
        assert "which CloudHSM allowed until 2027-01-15T07:00:00Z" in told[1]
        assert "loses" not in told[1]
        assert "would be a rollback" in told[2]

    def test_with_it_the_way_back_is_begun(self):
        back = update(NEW, hsm_type=OLD, rollback="Revert")
        for window in (3600, None):
            decision = decide(back, cluster(hsm_type=NEW, window=window), FRESH, NOW)
            assert isinstance(decision, ModifyHsmType)
            assert decision.progress.turns_back

    def test_a_closed_window_is_told(self):
        back = update(NEW, hsm_type=OLD, rollback="Revert")
        refused = failure(decide(back, cluster(hsm_type=NEW, window=-1), FRESH, NOW))
        assert isinstance(refused, TurnBackRefused)
        assert "CloudHSM allowed the way back" in refused.reason
        assert isinstance(failure(decide(back, cluster(hsm_type=NEW, window=0), FRESH, NOW)), TurnBackRefused)

    def test_back_with_two_hsms_advises_what_can_be_followed(self):
        back = update(NEW, hsm_type=OLD, rollback="Revert")
        refused = failure(decide(back, cluster(hsm_type=NEW, hsms=2, window=-1), FRESH, NOW))
        assert "WaitCondition" not in refused.reason

    def test_it_takes_the_time_of_the_hsms_that_have_changed(self):
        back = update(NEW, hsm_type=OLD, rollback="Revert")
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, window=3600, hsm_types=[NEW, OLD, OLD])
        assert isinstance(decide(back, migrating, FRESH, NOW), ModifyHsmType)
        late = cluster("MODIFY_IN_PROGRESS", NEW, window=3600, hsm_types=[NEW, NEW, OLD])
        assert isinstance(failure(decide(back, late, FRESH, NOW)), WontFit)

    def test_another_type_of_the_same_generation_needs_consent_while_a_window_is_open(self):
        other = update(NEW, hsm_type=SAME_GENERATION)
        assert isinstance(failure(decide(other, cluster(hsm_type=NEW, window=3600), FRESH, NOW)), TurnBackRefused)
        assert isinstance(decide(other, cluster(hsm_type=NEW, window=-1), FRESH, NOW), ModifyHsmType)

    def test_also_where_cloudhsm_does_not_show_whether_one_is(self):
        other = update(NEW, hsm_type=SAME_GENERATION)
        assert isinstance(failure(decide(other, cluster(hsm_type=NEW), FRESH, NOW)), TurnBackRefused)
        consented = update(NEW, hsm_type=SAME_GENERATION, rollback="Revert")
        assert isinstance(decide(consented, cluster(hsm_type=NEW), FRESH, NOW), ModifyHsmType)

    def test_a_later_generation_needs_none(self):
        onward = update(NEW, hsm_type=THIRD)
        decision = decide(onward, cluster(hsm_type=NEW, window=3600), FRESH, NOW)
        assert isinstance(decision, ModifyHsmType)
        assert not decision.progress.turns_back

    def test_while_the_migration_runs_only_the_way_back_is_called(self):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, window=3600)
        assert isinstance(decide(update(NEW, hsm_type=THIRD), migrating, FRESH, NOW), Waits)
        rolling = replace(migrating, state="ROLLBACK_IN_PROGRESS")
        assert isinstance(decide(update(NEW, hsm_type=OLD, rollback="Revert"), rolling, FRESH, NOW), Waits)


class TestUnreadableStack:
    """A stack that cannot be read may be rolling back: nothing is turned, whatever is declared."""

    @pytest.mark.parametrize("rollback", ["Keep", "Revert"])
    @pytest.mark.parametrize("window", [3600, None])
    def test_it_never_turns_back(self, rollback, window):
        back = update(NEW, "Revert", hsm_type=OLD, rollback=rollback, phase=StackPhase.UNKNOWN, change=ours())
        decision = decide(back, cluster(hsm_type=NEW, window=window), FRESH, NOW)
        assert decision == Done(decision.because, drifted=True)
        assert "the stack cannot be read" in decision.because

    def test_nor_to_a_type_of_the_same_generation(self):
        other = update(NEW, hsm_type=SAME_GENERATION, rollback="Revert", phase=StackPhase.UNKNOWN)
        assert decide(other, cluster(hsm_type=NEW), FRESH, NOW).drifted

    def test_nor_what_it_changed_itself_where_a_later_type_is_the_former_one(self):
        change = ours(previous=NEW, hsm_type=OLD)
        onward = update(OLD, phase=StackPhase.UNKNOWN, change=change)
        assert decide(onward, cluster(), FRESH, NOW).drifted


@pytest.mark.parametrize(("hsm_type", "number"), [(OLD, 1), (NEW, 2), ("phsm3.large", 3), ("hsm", 0)])
def test_generation_of_a_type(hsm_type, number):
    assert generation(hsm_type) == number


def test_what_is_wholly_the_wanted_type_is_left_alone():
    assert type_change(request(), cluster(hsm_type=NEW), FRESH, NOW) == Leave()


def test_an_hsm_that_is_going_takes_no_time():
    going = replace(cluster(), hsms=(Hsm("hsm-1", OLD), Hsm("hsm-2", OLD, "DELETE_IN_PROGRESS")))
    assert isinstance(decide(request(), going, FRESH, NOW), ModifyHsmType)


def test_an_operation_that_has_asked_does_not_decide_anew():
    assert not isinstance(decide(request(), cluster(), asked(), NOW), ModifyHsmType | Fail)
