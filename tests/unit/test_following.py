"""After the type was asked for: which end it came to, and when reads can be believed."""

from dataclasses import replace

import pytest

from cloudhsm_settings.decisions import Accepted, Done, ModifyHsmType, ModifyRetention, Wait
from cloudhsm_settings.errors import Conflicting, Reverted
from cloudhsm_settings.history import LAG
from cloudhsm_settings.reconcile import decide
from tests.unit.cases import (
    DAY,
    HANDLE,
    ID,
    NEW,
    NOW,
    OLD,
    THIRD,
    asked,
    cluster,
    failure,
    long_back,
    request,
)

UNDER_WAY = ["UPDATE_IN_PROGRESS", "MODIFY_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DEGRADED"]


class TestSuccess:
    def test_is_active_and_wholly_the_wanted_type(self):
        assert decide(request(), cluster(hsm_type=NEW), asked(), NOW) == Done(f"{ID} is ACTIVE and wholly {NEW}")

    @pytest.mark.parametrize("state", UNDER_WAY)
    def test_is_nothing_less(self, state):
        assert isinstance(decide(request(), cluster(state, NEW), asked(), NOW), Wait)

    def test_is_not_reached_with_an_hsm_left_behind(self):
        assert isinstance(decide(request(), cluster(hsm_type=NEW, hsm_types=[NEW, OLD]), asked(), NOW), Wait)

    def test_is_not_reached_while_the_retention_differs(self):
        assert isinstance(decide(request(NEW, 30), cluster(hsm_type=NEW), asked(), NOW), ModifyRetention)


class TestOddReads:
    """One odd read decides nothing: the former type has to last longer than any known lag."""

    def test_the_first_read_of_the_former_type_is_taken_note_of(self):
        decision = decide(request(), cluster(), asked(10), NOW)
        assert isinstance(decision, Wait)
        assert decision.progress.former_seen_at == NOW
        assert decision.because == f"{ID} reads {OLD} and not {NEW}"

    @pytest.mark.parametrize("seconds", [1, 60, LAG - 1])
    def test_two_stale_reads_a_minute_apart_are_no_revert(self, seconds):
        decision = decide(request(), cluster(), long_back(asked(), seconds), NOW)
        assert isinstance(decision, Wait)
        assert decision.progress.former_seen_at == NOW - seconds

    def test_what_lasts_two_minutes_is(self):
        reverted = failure(decide(request(), cluster(), long_back(asked()), NOW))
        assert isinstance(reverted, Reverted)
        assert f"{OLD} again, not {NEW}" in reverted.reason

    def test_but_not_within_two_minutes_of_the_call(self):
        assert isinstance(decide(request(), cluster(), long_back(asked(LAG - 1)), NOW), Wait)

    @pytest.mark.parametrize("seen", [cluster("MODIFY_IN_PROGRESS", NEW), cluster("ROLLBACK_IN_PROGRESS")])
    def test_a_stale_read_between_is_forgotten(self, seen):
        decision = decide(request(), seen, long_back(asked(), 60), NOW)
        assert decision.progress.former_seen_at is None

    def test_a_cluster_that_shows_no_type_is_waited_for(self):
        assert isinstance(decide(request(), cluster(hsm_type="", hsm_types=["", ""]), long_back(asked()), NOW), Wait)

    def test_a_degraded_cluster_with_the_former_type_went_back_too(self):
        assert isinstance(failure(decide(request(), cluster("DEGRADED"), long_back(asked()), NOW)), Reverted)


class TestCallsThatWerePerhapsNeverMade:
    def test_are_made(self):
        decision = decide(request(), cluster(), long_back(asked(answered=False)), NOW)
        assert isinstance(decision, ModifyHsmType)
        assert decision.progress.hsm_type_asked_at == NOW

    @pytest.mark.parametrize("seconds", [LAG, 299])
    def test_not_before_reads_can_be_believed(self, seconds):
        progress = asked(seconds, answered=False)
        assert isinstance(decide(request(), cluster(), progress, NOW), Wait)

    def test_not_when_a_rollback_window_shows_that_they_were(self):
        began = cluster(window=DAY - 300)
        assert isinstance(failure(decide(request(), began, long_back(asked(answered=False)), NOW)), Reverted)

    def test_the_window_of_an_earlier_migration_shows_nothing(self):
        earlier = cluster(window=DAY - 3600)
        assert isinstance(decide(request(), earlier, long_back(asked(answered=False)), NOW), ModifyHsmType)

    @pytest.mark.parametrize("state", ["MODIFY_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])
    def test_are_known_to_have_been_made_once_their_effect_is_seen(self, state):
        assert decide(request(), cluster(state, NEW), asked(answered=False), NOW).progress.hsm_type_answered

    def test_what_others_do_meanwhile_is_no_effect(self):
        decision = decide(request(), cluster("UPDATE_IN_PROGRESS"), asked(answered=False), NOW)
        assert not decision.progress.hsm_type_answered

    def test_what_was_answered_is_never_made_again(self):
        assert isinstance(failure(decide(request(), cluster(), long_back(asked(), 9000), NOW)), Reverted)


class TestOthers:
    def test_a_third_type_is_somebody_elses(self):
        conflict = failure(decide(request(), cluster(hsm_type=THIRD), long_back(asked()), NOW))
        assert isinstance(conflict, Conflicting)
        assert f"became {THIRD} while it was being changed to {NEW}" in conflict.reason

    def test_after_following_anothers_migration_every_other_type_is_its_end(self):
        followed = asked(previous_hsm_type="")
        reverted = failure(decide(request(), cluster(hsm_type=OLD), long_back(followed), NOW))
        assert isinstance(reverted, Reverted)
        assert "or somebody turned it back" in reverted.reason

    def test_the_message_of_cloudhsm_is_in_the_reason(self):
        back = replace(cluster(), state_message="The cluster was restored.")
        assert '"The cluster was restored."' in failure(decide(request(), back, long_back(asked()), NOW)).reason


class TestAcceptance:
    MIGRATING = cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[OLD, OLD, OLD])

    def test_with_a_handle_the_stack_has_its_response_first(self):
        assert isinstance(decide(request(handle=HANDLE), self.MIGRATING, asked(), NOW), Accepted)

    def test_once(self):
        accepted = request(handle=HANDLE, left=-7200, accepted=True)
        assert isinstance(decide(accepted, self.MIGRATING, asked(), NOW), Wait)

    def test_not_before_the_change_is_seen(self):
        for state in ("ACTIVE", "UPDATE_IN_PROGRESS"):
            assert isinstance(decide(request(handle=HANDLE), cluster(state), asked(10), NOW), Wait)

    def test_without_a_handle_never(self):
        assert isinstance(decide(request(), self.MIGRATING, asked(), NOW), Wait)

    def test_a_revert_afterwards_is_told_to_the_handle(self):
        accepted = request(handle=HANDLE, left=-7200, accepted=True)
        assert isinstance(failure(decide(accepted, cluster(hsms=3), long_back(asked(9000)), NOW)), Reverted)
