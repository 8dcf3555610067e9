"""The table "What happens when" of docs/resource.md, for what is decided before and beside the type."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from cloudhsm_settings import migration, reconcile
from cloudhsm_settings.cluster import Hsm
from cloudhsm_settings.decisions import Accepted, Done, Fail, ModifyHsmType, ModifyRetention, ReadStack, Wait
from cloudhsm_settings.errors import Conflicting, NotFound, NotReady, NotStabilized, Transient
from cloudhsm_settings.history import LAG
from cloudhsm_settings.reconcile import decide, unreachable
from cloudhsm_settings.request import Progress, StackPhase
from tests.unit.cases import (
    FRESH,
    HANDLE,
    ID,
    IN_TRANSITION,
    NEW,
    NOW,
    OLD,
    SETTLED,
    asked,
    cluster,
    failure,
    former,
    ours,
    request,
    rolling_back,
    update,
)

TURNED = [StackPhase.ROLLING_BACK, StackPhase.ENDED]
NOBODY_WAITS = [*TURNED, StackPhase.COMPLETE]


@pytest.mark.parametrize("module", [reconcile, migration])
def test_decisions_know_neither_aws_nor_a_clock(module):
    imported = set()
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module)
    names = ("cluster", "decisions", "errors", "history", "migration", "reasons", "request")
    assert imported <= {"dataclasses", "cloudhsm_settings", *(f"cloudhsm_settings.{name}" for name in names)}


class TestGone:
    @pytest.mark.parametrize("state", ["DELETED", "DELETE_IN_PROGRESS"])
    @pytest.mark.parametrize("progress", [FRESH, asked()])
    def test_a_deleted_cluster_is_not_found(self, state, progress):
        gone = failure(decide(request(), cluster(state), progress, NOW))
        assert isinstance(gone, NotFound)
        assert state in gone.reason

    def test_one_empty_read_is_not_believed(self):
        waiting = decide(request(), None, FRESH, NOW)
        assert isinstance(waiting, Wait)
        assert waiting.progress.missing_at == NOW

    def test_a_second_one_at_the_next_poll_is(self):
        missing = failure(decide(request(), None, Progress(missing_at=NOW - 60), NOW))
        assert all(each in missing.reason for each in (ID, "does not exist", "111122223333", "eu-west-1"))

    def test_but_not_in_the_same_moment(self):
        assert isinstance(decide(request(), None, Progress(missing_at=NOW - 0.5), NOW), Wait)

    @pytest.mark.parametrize("progress", [asked(), Progress(retention_asked_at=NOW - 300)])
    def test_a_change_that_runs_is_not_given_up_before_reads_can_be_believed(self, progress):
        waits = replace(progress, missing_at=NOW - 60)
        assert isinstance(decide(request(), None, waits, NOW), Wait)
        assert decide(request(), None, waits, NOW).progress.missing_at == NOW - 60
        assert isinstance(failure(decide(request(), None, replace(progress, missing_at=NOW - LAG), NOW)), NotFound)

    def test_an_empty_read_between_is_forgotten(self):
        decision = decide(request(), cluster("UPDATE_IN_PROGRESS"), Progress(missing_at=NOW - 60), NOW)
        assert decision.progress.missing_at is None


class TestAsDeclared:
    @pytest.mark.parametrize("state", [*SETTLED, *IN_TRANSITION])
    @pytest.mark.parametrize("wanted", [(None, 90), (OLD, 90), (OLD, None)])
    def test_an_update_of_nothing_waits_for_nobody(self, state, wanted):
        assert isinstance(
            decide(update(OLD, hsm_type=wanted[0], retention=wanted[1]), cluster(state), FRESH, NOW), Done
        )

    @pytest.mark.parametrize("state", [*SETTLED, "UPDATE_IN_PROGRESS", "REPAIR_IN_PROGRESS"])
    def test_nor_does_a_create_of_what_is_there(self, state):
        assert isinstance(decide(request(OLD, 90), cluster(state), FRESH, NOW), Done)

    def test_nor_an_update_that_others_migrations_do_not_concern(self):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[NEW, OLD, OLD, OLD, OLD])
        assert decide(update(NEW, hsm_type=NEW), migrating, FRESH, NOW) == Done("all as declared")

    def test_nor_an_alignment_after_somebody_has_migrated(self):
        assert isinstance(decide(update(OLD), cluster(hsm_type=NEW, window=3600), FRESH, NOW), Done)

    def test_hsms_being_deleted_do_not_count(self):
        going = replace(cluster(hsm_type=NEW), hsms=(Hsm("hsm-1", NEW), Hsm("hsm-2", OLD, "DELETE_IN_PROGRESS")))
        assert isinstance(decide(request(), going, FRESH, NOW), Done)

    def test_hsms_without_a_type_do_not_contradict(self):
        assert isinstance(decide(request(), cluster(hsm_type=NEW, hsm_types=["", ""]), FRESH, NOW), Done)

    def test_a_cluster_without_a_type_is_of_the_type_of_its_hsms(self):
        assert isinstance(decide(request(), cluster(hsm_type="", hsm_types=[NEW, NEW]), FRESH, NOW), Done)

    @pytest.mark.parametrize("types", [["", ""], [NEW, OLD], [NEW, ""]])
    def test_a_type_that_nothing_shows_is_waited_for_and_not_asked_for(self, types):
        decision = decide(request(), cluster(hsm_type="", hsm_types=types), FRESH, NOW)
        assert isinstance(decision, Wait)
        assert "reports no HSM type" in decision.because


class TestRetention:
    @pytest.mark.parametrize("state", SETTLED)
    @pytest.mark.parametrize("shown", ["90", "455", None])
    def test_it_converges_in_every_settled_state(self, state, shown):
        decision = decide(request(None, 30), cluster(state, retention=shown), FRESH, NOW)
        assert isinstance(decision, ModifyRetention)
        assert (decision.days, decision.progress) == (30, Progress(retention_asked_at=NOW))

    @pytest.mark.parametrize("state", IN_TRANSITION)
    def test_a_cluster_in_transition_is_waited_for(self, state):
        decision = decide(request(None, 30), cluster(state), FRESH, NOW)
        assert isinstance(decision, Wait)
        assert "takes no other change" in decision.because

    def test_a_policy_that_is_not_in_days_differs(self):
        other = replace(cluster(), retention_type="YEARS", retention_value="30")
        assert isinstance(decide(request(None, 30), other, FRESH, NOW), ModifyRetention)

    def test_a_policy_without_a_type_is_one_in_days(self):
        assert isinstance(decide(request(None, 30), replace(cluster(), retention_value="30"), FRESH, NOW), Done)
        typeless = replace(cluster(), retention_type="", retention_value="30")
        assert isinstance(decide(request(None, 30), typeless, FRESH, NOW), Done)

    def test_it_comes_before_the_type(self):
        assert isinstance(decide(request(NEW, 30), cluster(), FRESH, NOW), ModifyRetention)

    def test_it_is_untouched_when_not_declared(self):
        assert isinstance(decide(request(OLD), cluster(retention="455"), FRESH, NOW), Done)

    def test_nothing_is_touched_when_the_type_cannot_follow(self):
        assert isinstance(failure(decide(request(NEW, 30), cluster("UNINITIALIZED"), FRESH, NOW)), NotReady)

    def test_what_was_answered_is_never_asked_for_again(self):
        progress = Progress(retention_asked_at=NOW - 1000, retention_answered=True)
        decision = decide(request(None, 30), cluster(), progress, NOW)
        assert isinstance(decision, Wait)
        assert decision.because == f"the retention of {ID} reads 90, although 30 days were set (by this operation)"

    @pytest.mark.parametrize(("ago", "kind"), [(1, Wait), (LAG - 1, Wait), (LAG, ModifyRetention)])
    def test_what_was_perhaps_never_asked_for_is_after_two_minutes(self, ago, kind):
        assert isinstance(decide(request(None, 30), cluster(), Progress(retention_asked_at=NOW - ago), NOW), kind)

    def test_no_success_is_claimed_when_somebody_changed_it_during_the_migration(self):
        progress = asked(retention_asked_at=NOW - 3000, retention_answered=True)
        assert isinstance(decide(request(NEW, 30), cluster(hsm_type=NEW), progress, NOW), Wait)

    def test_it_is_set_after_a_migration_that_others_had_begun(self):
        assert isinstance(decide(request(NEW, 30), cluster(hsm_type=NEW), asked(), NOW), ModifyRetention)

    @pytest.mark.parametrize("more", [{}, {"former": former(OLD)}])
    def test_an_old_request_reads_the_stack_first(self, more):
        late = request(OLD, 30, phase=StackPhase.UNREAD, is_fresh=False, **more)
        assert isinstance(decide(late, cluster(), FRESH, NOW), ReadStack)

    def test_one_signed_seconds_ago_does_not(self):
        assert isinstance(decide(request(OLD, 30, phase=StackPhase.UNREAD), cluster(), FRESH, NOW), ModifyRetention)

    @pytest.mark.parametrize("phase", NOBODY_WAITS)
    def test_nothing_is_set_for_a_stack_that_has_gone_another_way(self, phase):
        late = failure(decide(request(OLD, 30, phase=phase), cluster(), FRESH, NOW))
        assert isinstance(late, Conflicting)
        assert "out of date" in late.reason

    @pytest.mark.parametrize("phase", TURNED)
    def test_nor_after_the_stack_has_accepted(self, phase):
        accepted = request(NEW, 30, handle=HANDLE, accepted=True, phase=phase)
        assert isinstance(failure(decide(accepted, cluster(hsm_type=NEW), asked(), NOW)), Conflicting)

    def test_an_accepted_one_reads_the_stack_too(self):
        accepted = request(NEW, 30, handle=HANDLE, accepted=True, phase=StackPhase.UNREAD, is_fresh=False)
        assert isinstance(decide(accepted, cluster(hsm_type=NEW), asked(), NOW), ReadStack)

    def test_and_goes_on_while_its_stack_rests_as_it_was_declared(self):
        accepted = request(NEW, 30, handle=HANDLE, accepted=True, phase=StackPhase.COMPLETE)
        assert isinstance(decide(accepted, cluster(hsm_type=NEW), asked(), NOW), ModifyRetention)

    @pytest.mark.parametrize("phase", [StackPhase.COMPLETE, StackPhase.FORWARD, StackPhase.UNKNOWN])
    def test_but_not_where_its_response_did_not_arrive_in_time(self, phase):
        unheard = request(NEW, 30, handle=HANDLE, accepted=True, is_unheard=True, phase=phase)
        assert isinstance(failure(decide(unheard, cluster(hsm_type=NEW), asked(), NOW)), Conflicting)

    def test_an_update_whose_stack_is_at_rest_sets_nothing_either(self):
        at_rest = update(OLD, hsm_type=OLD, retention=30, phase=StackPhase.ENDED)
        assert isinstance(failure(decide(at_rest, cluster(), FRESH, NOW)), Conflicting)


class TestTime:
    @pytest.mark.parametrize(("left", "kind"), [(10, ModifyRetention), (9, Fail)])
    def test_nothing_is_called_in_the_last_ten_seconds(self, left, kind):
        assert isinstance(decide(request(None, 30, left=left), cluster(), FRESH, NOW), kind)

    @pytest.mark.parametrize(("left", "kind"), [(120, Wait), (119, Fail)])
    def test_a_poll_that_might_come_too_late_is_not_waited_for(self, left, kind):
        assert isinstance(decide(request(None, 30, left=left), cluster("UPDATE_IN_PROGRESS"), FRESH, NOW), kind)

    def test_the_deadline_of_an_accepted_operation_is_its_wait_conditions(self):
        accepted = request(handle=HANDLE, left=-7200, accepted=True)
        assert isinstance(decide(accepted, cluster("MODIFY_IN_PROGRESS", NEW), asked(), NOW), Wait)
        over = replace(accepted, handle_deadline=NOW + 119)
        assert isinstance(failure(decide(over, cluster("MODIFY_IN_PROGRESS", NEW), asked(), NOW)), NotStabilized)

    def test_the_stack_is_not_made_to_wait_as_long_as_a_wait_condition(self):
        late = request(handle=HANDLE, left=100)
        assert isinstance(failure(decide(late, cluster("UPDATE_IN_PROGRESS"), FRESH, NOW)), NotStabilized)

    def test_the_end_of_the_time_tells_how_far_it_got(self):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[NEW, OLD, OLD])
        late = failure(decide(request(left=100), migrating, asked(), NOW))
        assert isinstance(late, NotStabilized)
        assert "1 of 3 HSMs are hsm2m.medium" in late.reason
        assert "nothing is undone: wait until DescribeClusters shows ACTIVE" in late.reason

    def test_a_service_timeout_of_half_an_hour_is_too_short_for_a_migration_without_hsms(self):
        refused = failure(decide(request(left=1785), cluster(hsms=0), FRESH, NOW))
        assert refused.outcome == "WontFit"


class TestWhatIsToldOfTheTime:
    """The Reason names what was waited for, and never something else."""

    def reason(self, wanted, seen, progress=FRESH):
        return failure(decide(replace(wanted, deadline=NOW + 100), seen, progress, NOW)).reason

    def test_a_foreign_change(self):
        seen = replace(cluster("UPDATE_IN_PROGRESS"), state_message="adding an HSM")
        assert 'UPDATE_IN_PROGRESS ("adding an HSM"), which takes no other change' in self.reason(
            request(None, 30), seen
        )

    def test_a_retention_that_never_shows(self):
        progress = Progress(retention_asked_at=NOW - 1000, retention_answered=True)
        reason = self.reason(request(None, 30), cluster(retention="200"), progress)
        assert "the retention of cluster-abcdefghijk reads 200, although 30 days were set" in reason
        assert "ACTIVE" not in reason

    def test_one_hsm_that_lags(self):
        reason = self.reason(request(), cluster(hsm_type=NEW, hsm_types=[NEW, OLD, NEW]), asked())
        assert f"its HSM hsm-1 is {OLD}" in reason
        assert "wait until" not in reason

    def test_reads_that_show_the_former_type(self):
        assert f"reads {OLD} and not {NEW}" in self.reason(request(), cluster(), asked())

    def test_throttling(self):
        late = replace(request(), deadline=NOW + 100)
        reason = failure(unreachable(late, Transient("cloudhsm:ModifyCluster", "Throttling"), FRESH, NOW)).reason
        assert "still cloudhsm:ModifyCluster fails with Throttling" in reason
        assert ID in reason

    def test_a_cluster_that_is_not_listed(self):
        assert f"DescribeClusters does not list {ID}" in self.reason(request(), None)

    def test_a_stack_whose_direction_is_not_known(self):
        transient = Transient("cloudformation:DescribeStacks", "ConnectTimeoutError")
        reason = failure(unreachable(replace(request(), deadline=NOW + 100), transient, FRESH, NOW)).reason
        assert "cloudformation:DescribeStacks fails with ConnectTimeoutError" in reason

    def test_a_way_back_counts_the_hsms_that_went_back(self):
        seen = cluster("ROLLBACK_IN_PROGRESS", OLD, hsm_types=[OLD, NEW, NEW])
        assert f"1 of 3 HSMs are {OLD}" in self.reason(request(OLD, rollback="Revert"), seen, asked(turns_back=True))


def test_aws_that_does_not_answer_is_asked_again():
    progress = asked()
    assert unreachable(request(), Transient("a:B", "X"), progress, NOW) == Wait(progress, "a:B fails with X")


def test_a_failing_or_waiting_update_asks_first_whether_the_stack_rolls_back():
    for seen in (None, cluster("DELETED"), cluster("UPDATE_IN_PROGRESS")):
        assert isinstance(decide(update(OLD, retention=30, phase=StackPhase.UNREAD), seen, FRESH, NOW), ReadStack), seen


def test_a_create_does_not():
    assert isinstance(decide(request(phase=StackPhase.UNREAD), cluster("DELETED"), FRESH, NOW), Fail)


def test_every_decision_says_why():
    for decision in (
        decide(request(phase=StackPhase.UNREAD), cluster(), FRESH, NOW),
        decide(request(), cluster(), FRESH, NOW),
        decide(request(None, 30), cluster(), FRESH, NOW),
        decide(request(OLD), cluster(), FRESH, NOW),
        decide(request(), cluster("UPDATE_IN_PROGRESS"), FRESH, NOW),
        decide(request(), None, FRESH, NOW),
        decide(request(handle=HANDLE), cluster("MODIFY_IN_PROGRESS", NEW), asked(), NOW),
        decide(rolling_back(change=ours()), cluster("MODIFY_IN_PROGRESS", NEW), FRESH, NOW),
    ):
        assert decision.because
        assert isinstance(decision, ReadStack | ModifyRetention | ModifyHsmType | Accepted | Wait | Done | Fail)
