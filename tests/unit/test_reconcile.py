"""The table "What happens when" of docs/resource.md, row by row, and the corners between the rows."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from cloudhsm_settings import reconcile
from cloudhsm_settings.cluster import Cluster, Hsm
from cloudhsm_settings.errors import (
    Conflicting,
    NotFound,
    NotReady,
    NotStabilized,
    Reverted,
    Transient,
    TurnBackRefused,
    WontFit,
)
from cloudhsm_settings.properties import Settings
from cloudhsm_settings.reconcile import (
    Accepted,
    Done,
    Fail,
    ModifyHsmType,
    ModifyRetention,
    ReadStack,
    Wait,
    decide,
    unreachable,
)
from cloudhsm_settings.request import Progress, Request, StackPhase

NOW = 1_800_000_000.0
OLD, NEW, THIRD = "hsm1.medium", "hsm2m.medium", "hsm3x.large"
ID = "cluster-abcdefghijk"
IN_TRANSITION = [
    "CREATE_IN_PROGRESS",
    "INITIALIZE_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "MODIFY_IN_PROGRESS",
    "ROLLBACK_IN_PROGRESS",
]
SETTLED = ["UNINITIALIZED", "INITIALIZED", "ACTIVE", "DEGRADED"]


def cluster(state="ACTIVE", hsm_type=OLD, hsms=1, retention="90", window=None, hsm_types=None):
    types = hsm_types or [hsm_type] * hsms
    return Cluster(
        ID,
        state,
        hsm_type=hsm_type,
        hsms=tuple(Hsm(f"hsm-{n}", each) for n, each in enumerate(types)),
        retention_type="DAYS" if retention else "",
        retention_value=retention or "",
        rollback_expires_at=None if window is None else NOW + window,
    )


def request(hsm_type=NEW, retention=None, phase=StackPhase.FORWARD, left=3585, handle=None, rollback="Keep", **more):
    return Request(
        settings=Settings(ID, hsm_type, retention, rollback, handle),
        deadline=NOW + left,
        handle_deadline=NOW + 43185,
        phase=phase,
        account="111122223333",
        region="eu-west-1",
        **more,
    )


def update(before=OLD, **more):
    return request(is_update=True, declared_before=before, **more)


def rolling_back(before=NEW, hsm_type=OLD, **more):
    return update(before, hsm_type=hsm_type, phase=StackPhase.ROLLING_BACK, **more)


def asked(seconds_ago=300.0, **more):
    return Progress(hsm_type_asked_at=NOW - seconds_ago, previous_hsm_type=OLD, **more)


def failure(decision):
    assert isinstance(decision, Fail), decision
    return decision.failure


FRESH = Progress()


class TestPurity:
    def test_it_knows_neither_aws_nor_a_clock(self):
        imported = set()
        for node in ast.walk(ast.parse(Path(reconcile.__file__).read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module)
        ours = {f"cloudhsm_settings.{name}" for name in ("cluster", "errors", "reasons", "request")}
        assert imported <= {"dataclasses", "cloudhsm_settings", *ours}


class TestGone:
    @pytest.mark.parametrize("state", ["DELETED", "DELETE_IN_PROGRESS"])
    @pytest.mark.parametrize("progress", [FRESH, asked()])
    def test_a_deleted_cluster_is_not_found(self, state, progress):
        assert isinstance(failure(decide(request(), cluster(state), progress, NOW)), NotFound)

    def test_the_reason_names_cluster_account_and_region(self):
        reason = failure(decide(request(), None, FRESH, NOW)).reason
        assert all(each in reason for each in (ID, "111122223333", "eu-west-1"))


class TestAsDeclared:
    @pytest.mark.parametrize("state", SETTLED)
    def test_nothing_to_do(self, state):
        assert isinstance(decide(request(OLD, 90), cluster(state), FRESH, NOW), Done)

    @pytest.mark.parametrize("state", IN_TRANSITION)
    def test_not_before_the_cluster_has_settled(self, state):
        assert isinstance(decide(request(OLD, 90), cluster(state), FRESH, NOW), Wait)

    def test_an_unknown_state_is_waited_out(self):
        assert isinstance(decide(request(OLD), cluster("REPAIR_IN_PROGRESS"), FRESH, NOW), Wait)

    def test_not_while_one_hsm_has_another_type(self):
        assert isinstance(decide(request(), cluster(hsm_type=NEW, hsm_types=[NEW, OLD]), FRESH, NOW), Wait)

    def test_hsms_being_deleted_do_not_count(self):
        going = replace(cluster(hsm_type=NEW), hsms=(Hsm("hsm-1", NEW), Hsm("hsm-2", OLD, "DELETE_IN_PROGRESS")))
        assert isinstance(decide(request(), going, FRESH, NOW), Done)

    def test_hsms_without_a_type_do_not_contradict(self):
        assert isinstance(decide(request(), cluster(hsm_type=NEW, hsm_types=["", ""]), FRESH, NOW), Done)


class TestRetention:
    @pytest.mark.parametrize("state", SETTLED)
    @pytest.mark.parametrize("shown", ["90", "455", None])
    def test_it_converges_in_every_settled_state(self, state, shown):
        decision = decide(request(None, 30), cluster(state, retention=shown), FRESH, NOW)
        assert isinstance(decision, ModifyRetention)
        assert decision.days == 30

    def test_a_policy_that_is_not_in_days_differs(self):
        other = replace(cluster(), retention_type="YEARS", retention_value="30")
        assert isinstance(decide(request(None, 30), other, FRESH, NOW), ModifyRetention)

    def test_it_comes_before_the_type(self):
        assert isinstance(decide(request(NEW, 30), cluster(), FRESH, NOW), ModifyRetention)

    def test_it_is_asked_for_once(self):
        assert isinstance(decide(request(None, 30), cluster(), Progress(retention_asked=True), NOW), Wait)

    def test_it_is_untouched_when_not_declared(self):
        assert isinstance(decide(request(OLD), cluster(retention="455"), FRESH, NOW), Done)

    def test_nothing_is_touched_when_the_type_cannot_follow(self):
        assert isinstance(failure(decide(request(NEW, 30), cluster("UNINITIALIZED"), FRESH, NOW)), NotReady)

    def test_a_success_is_not_claimed_when_it_changed_during_the_migration(self):
        decision = decide(request(NEW, 30), cluster(hsm_type=NEW), asked(retention_asked=True), NOW)
        assert isinstance(decision, Wait)


class TestType:
    def test_the_stack_is_read_first(self):
        assert isinstance(decide(request(phase=StackPhase.UNREAD), cluster(), FRESH, NOW), ReadStack)

    def test_an_active_cluster_is_migrated(self):
        decision = decide(request(), cluster(), FRESH, NOW)
        assert decision == ModifyHsmType(
            NEW,
            Progress(hsm_type_asked_at=NOW, unsure=True, previous_hsm_type=OLD),
            "type is hsm1.medium, declared is hsm2m.medium",
        )

    @pytest.mark.parametrize(
        ("state", "advice"), [("UNINITIALIZED", "Initialize"), ("INITIALIZED", "Initialize"), ("DEGRADED", "Repair")]
    )
    def test_a_cluster_that_waits_for_a_person_is_not(self, state, advice):
        refused = failure(decide(request(), cluster(state), FRESH, NOW))
        assert isinstance(refused, NotReady)
        assert advice in refused.reason

    @pytest.mark.parametrize("state", IN_TRANSITION)
    def test_others_changes_are_waited_out(self, state):
        assert isinstance(decide(request(), cluster(state), FRESH, NOW), Wait)

    def test_it_is_untouched_when_not_declared(self):
        assert isinstance(decide(request(None, 90), cluster(hsm_type=THIRD), FRESH, NOW), Done)

    @pytest.mark.parametrize("phase", [StackPhase.ROLLING_BACK, StackPhase.ENDED])
    def test_a_create_of_a_stack_on_its_way_out_is_out_of_date(self, phase):
        assert isinstance(failure(decide(request(phase=phase), cluster(), FRESH, NOW)), Conflicting)

    def test_an_update_of_a_stack_being_deleted_is_out_of_date(self):
        assert isinstance(failure(decide(update(phase=StackPhase.ENDED), cluster(), FRESH, NOW)), Conflicting)

    def test_a_stack_that_cannot_be_read_does_not_hinder_a_first_migration(self):
        assert isinstance(decide(update(phase=StackPhase.UNKNOWN), cluster(), FRESH, NOW), ModifyHsmType)


class TestBudget:
    def test_one_hsm_fits_into_an_hour(self):
        assert isinstance(decide(request(), cluster(hsms=1), FRESH, NOW), ModifyHsmType)

    def test_two_do_not(self):
        refused = failure(decide(request(NEW, 30), cluster(hsms=2), FRESH, NOW))
        assert isinstance(refused, WontFit)
        assert "60 minutes" in refused.reason
        assert "59 minutes" in refused.reason

    def test_a_handle_gives_twelve_hours(self):
        assert isinstance(decide(request(handle="https://handle"), cluster(hsms=23), FRESH, NOW), ModifyHsmType)
        refused = failure(decide(request(handle="https://handle"), cluster(hsms=24), FRESH, NOW))
        assert isinstance(refused, WontFit)
        assert "Remove HSMs" in refused.reason

    def test_a_cluster_without_hsms_fits(self):
        assert isinstance(decide(request(), cluster(hsms=0), FRESH, NOW), ModifyHsmType)


class TestFollowing:
    def test_success_is_active_and_wholly_the_wanted_type(self):
        assert isinstance(decide(request(), cluster(hsm_type=NEW), asked(), NOW), Done)

    @pytest.mark.parametrize("state", [*IN_TRANSITION, "DEGRADED"])
    def test_nothing_less(self, state):
        assert isinstance(decide(request(), cluster(state, NEW), asked(), NOW), Wait)

    def test_nor_with_an_hsm_left_behind(self):
        assert isinstance(decide(request(), cluster(hsm_type=NEW, hsm_types=[NEW, OLD]), asked(), NOW), Wait)

    def test_a_fresh_read_of_the_old_type_says_nothing(self):
        assert decide(request(), cluster(), asked(10), NOW) == Wait(
            asked(10), f"{ID} reads hsm1.medium, not yet hsm2m.medium: looking once more"
        )

    def test_a_later_one_is_taken_note_of(self):
        decision = decide(request(), cluster(), asked(60), NOW)
        assert isinstance(decision, Wait)
        assert decision.progress.original_seen_at == NOW

    def test_a_second_one_is_a_revert(self):
        reverted = failure(decide(request(), cluster(), asked(original_seen_at=NOW - 60), NOW))
        assert isinstance(reverted, Reverted)
        assert "hsm1.medium again" in reverted.reason

    def test_a_twin_of_the_same_moment_is_not_a_second_one(self):
        assert isinstance(decide(request(), cluster(), asked(original_seen_at=NOW - 1), NOW), Wait)

    def test_a_stale_read_between_is_forgotten(self):
        decision = decide(request(), cluster("MODIFY_IN_PROGRESS", NEW), asked(original_seen_at=NOW - 60), NOW)
        assert decision.progress.original_seen_at is None

    def test_a_call_that_was_perhaps_never_made_is_made(self):
        decision = decide(request(), cluster(), asked(unsure=True, original_seen_at=NOW - 60), NOW)
        assert isinstance(decision, ModifyHsmType)

    def test_but_not_when_its_rollback_window_shows_that_it_was(self):
        began = cluster(window=24 * 3600 - 300)
        decision = decide(request(), began, asked(unsure=True, original_seen_at=NOW - 60), NOW)
        assert isinstance(failure(decision), Reverted)

    def test_a_third_type_is_somebody_elses(self):
        assert isinstance(failure(decide(request(), cluster(hsm_type=THIRD), asked(), NOW)), Conflicting)

    def test_the_end_of_the_time_tells_how_far_it_got(self):
        late = request(left=100)
        timed_out = failure(decide(late, cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[NEW, OLD, OLD]), asked(), NOW))
        assert isinstance(timed_out, NotStabilized)
        assert "1 of 3 HSMs migrated" in timed_out.reason
        assert "nothing is undone" in timed_out.reason

    def test_with_a_handle_the_stack_is_answered_first(self):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, hsms=3, hsm_types=[OLD] * 3)
        assert isinstance(decide(request(handle="https://h"), migrating, asked(), NOW), Accepted)
        later = decide(request(handle="https://h", left=-7200), migrating, asked(answered=True), NOW)
        assert isinstance(later, Wait)


class TestDrift:
    def test_a_type_changes_only_when_the_template_changes_it(self):
        decision = decide(update(NEW, hsm_type=NEW), cluster(), FRESH, NOW)
        assert decision == Done(decision.because, drifted=True)

    @pytest.mark.parametrize("state", IN_TRANSITION)
    def test_in_transition_it_is_judged_later(self, state):
        assert isinstance(decide(update(NEW, hsm_type=NEW), cluster(state), FRESH, NOW), Wait)

    def test_retention_converges_all_the_same(self):
        assert isinstance(decide(update(NEW, hsm_type=NEW, retention=30), cluster(), FRESH, NOW), ModifyRetention)


class TestStackRollback:
    @pytest.mark.parametrize("window", [3600, -3600, None])
    @pytest.mark.parametrize("state", ["ACTIVE", "MODIFY_IN_PROGRESS"])
    def test_keep_leaves_the_cluster_alone(self, window, state):
        decision = decide(rolling_back(), cluster(state, NEW, window=window), FRESH, NOW)
        assert decision == Done(decision.because, drifted=True)

    def test_keep_still_puts_retention_back(self):
        decision = decide(rolling_back(retention=30), cluster("ACTIVE", NEW, window=3600), FRESH, NOW)
        assert isinstance(decision, ModifyRetention)

    def test_keep_waits_with_retention_for_the_migration(self):
        decision = decide(rolling_back(retention=30), cluster("MODIFY_IN_PROGRESS", NEW, window=3600), FRESH, NOW)
        assert isinstance(decision, Wait)

    @pytest.mark.parametrize("state", ["ACTIVE", "MODIFY_IN_PROGRESS"])
    def test_revert_goes_back_while_the_window_is_open(self, state):
        types = [OLD] if state == "MODIFY_IN_PROGRESS" else [NEW]
        migrating = cluster(state, NEW, window=3600, hsm_types=types)
        decision = decide(rolling_back(rollback="Revert"), migrating, FRESH, NOW)
        assert isinstance(decision, ModifyHsmType)
        assert decision.hsm_type == OLD

    def test_revert_waits_for_the_end_of_a_migration_that_leaves_another_type(self):
        other = cluster("MODIFY_IN_PROGRESS", NEW, window=3600, hsm_types=[THIRD])
        assert isinstance(decide(rolling_back(rollback="Revert"), other, FRESH, NOW), Wait)

    @pytest.mark.parametrize("window", [0, -1, None])
    def test_revert_says_what_is_lost_once_it_is_closed(self, window):
        refused = failure(decide(rolling_back(rollback="Revert"), cluster("ACTIVE", NEW, window=window), FRESH, NOW))
        assert isinstance(refused, TurnBackRefused)
        assert "continue the stack's update rollback" in refused.reason

    def test_revert_undoes_only_what_the_stack_did(self):
        decision = decide(rolling_back(rollback="Revert"), cluster(hsm_type=THIRD, window=3600), FRESH, NOW)
        assert decision == Done(decision.because, drifted=True)

    @pytest.mark.parametrize("rollback", ["Keep", "Revert"])
    def test_nothing_to_do_after_cloudhsm_reverted_by_itself(self, rollback):
        assert isinstance(decide(rolling_back(rollback=rollback), cluster(window=3600), FRESH, NOW), Done)

    @pytest.mark.parametrize("rollback", ["Keep", "Revert"])
    @pytest.mark.parametrize("window", [3600, -3600])
    def test_without_permission_to_read_the_stack_it_keeps(self, rollback, window):
        unreadable = replace(rolling_back(rollback=rollback), phase=StackPhase.UNKNOWN)
        decision = decide(unreadable, cluster(hsm_type=NEW, window=window), FRESH, NOW)
        assert decision == Done(decision.because, drifted=True)


class TestTurningBackByHand:
    @pytest.mark.parametrize("asks", [request, lambda **more: update(NEW, **more)])
    def test_it_needs_consent(self, asks):
        refused = failure(decide(asks(hsm_type=OLD), cluster(hsm_type=NEW, window=3600), FRESH, NOW))
        assert isinstance(refused, TurnBackRefused)
        assert "loses every key" in refused.reason

    def test_with_consent_it_is_done(self):
        decision = decide(update(NEW, hsm_type=OLD, rollback="Revert"), cluster(hsm_type=NEW, window=3600), FRESH, NOW)
        assert isinstance(decision, ModifyHsmType)

    def test_after_the_window_cloudhsm_decides(self):
        decision = decide(update(NEW, hsm_type=OLD), cluster(hsm_type=NEW, window=-1), FRESH, NOW)
        assert isinstance(decision, ModifyHsmType)

    def test_a_second_try_after_a_revert_is_not_turning_back(self):
        assert isinstance(decide(update(), cluster(window=3600), FRESH, NOW), ModifyHsmType)


class TestUnreachable:
    def test_it_looks_again(self):
        assert isinstance(unreachable(request(), Transient("a:B", "X"), FRESH, NOW), Wait)

    def test_until_the_deadline(self):
        given_up = failure(unreachable(request(left=100), Transient("a:B", "Throttling"), FRESH, NOW))
        assert isinstance(given_up, NotStabilized)
        assert "a:B still failed with Throttling" in given_up.reason


def test_every_decision_says_why():
    for decision in (
        decide(request(phase=StackPhase.UNREAD), cluster(), FRESH, NOW),
        decide(request(), cluster(), FRESH, NOW),
        decide(request(None, 30), cluster(), FRESH, NOW),
        decide(request(OLD), cluster(), FRESH, NOW),
        decide(request(), cluster("UPDATE_IN_PROGRESS"), FRESH, NOW),
        decide(request(), None, FRESH, NOW),
        decide(request(handle="https://h"), cluster("MODIFY_IN_PROGRESS", NEW), asked(), NOW),
    ):
        assert decision.because
