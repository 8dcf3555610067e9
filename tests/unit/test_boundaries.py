"""What mutants of the core slip through between two rules: the last second of each, and the words of each decision."""

from dataclasses import replace

import pytest

from cloudhsm_settings import reasons
from cloudhsm_settings.decisions import Accepted, Decision, Fail, Follow, Leave, ModifyHsmType, ReadStack, Wait
from cloudhsm_settings.errors import InvalidProperties, NotFound, NotStabilized, Reverted, WontFit
from cloudhsm_settings.history import LAG, ROLLBACK_WINDOW
from cloudhsm_settings.migration import LONGEST_POLL_INTERVAL, SECONDS_PER_HSM, fits, type_change
from cloudhsm_settings.properties import parse
from cloudhsm_settings.reconcile import decide
from cloudhsm_settings.request import StackPhase
from tests.unit.cases import (
    FRESH,
    ID,
    NEW,
    NOW,
    OLD,
    SAME_GENERATION,
    THIRD,
    asked,
    cluster,
    failure,
    long_back,
    ours,
    request,
    rolling_back,
    set_by_us,
    update,
)

ONE_HSM = SECONDS_PER_HSM + LONGEST_POLL_INTERVAL


class TestWords:
    def test_a_rollback_that_does_not_wait_says_for_what(self):
        busy = cluster("UPDATE_IN_PROGRESS", NEW, window=3600)
        decision = decide(rolling_back(change=ours()), busy, FRESH, NOW)
        assert decision == Accepted(f"{ID} is UPDATE_IN_PROGRESS, which takes no other change")

    @pytest.mark.parametrize(
        ("change", "undone", "why"),
        [(None, "Revert", "this update did not change it"), (ours(), "Keep", "the update did not declare Revert")],
    )
    def test_what_is_left_alone_says_why(self, change, undone, why):
        back = rolling_back(undone, change=change)
        assert type_change(back, cluster(hsm_type=NEW), FRESH, NOW) == Leave(
            f"type of {ID} stays {NEW}: {why}", drifted=True
        )

    def test_a_change_that_runs_already_asks_for_the_stack(self):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[OLD])
        unread = update(phase=StackPhase.UNREAD)
        assert type_change(unread, migrating, FRESH, NOW) == ReadStack(reasons.read_stack(unread, migrating))

    def test_and_says_where_it_does_not_fit(self):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[OLD, OLD])
        refused = failure(type_change(request(), migrating, FRESH, NOW))
        assert isinstance(refused, WontFit)
        assert refused.reason.startswith(f"{ID} has 2 HSMs to change, about 30 minutes each")

    def test_a_second_look_says_so(self):
        hasty = rolling_back(change=ours(), may_be_overtaken=True)
        decision = decide(hasty, cluster(hsm_type=NEW, window=3600), FRESH, NOW)
        expected = f"{ID} is set back at the next poll, unless another request comes before it"
        assert decision == Wait(replace(FRESH, previous_hsm_type=""), expected, is_brief=True)

    def test_what_is_empty_is_told_how_to_leave_it_out(self):
        with pytest.raises(InvalidProperties) as refused:
            parse({"ClusterId": ID, "HsmType": ""})
        assert refused.value.reason.endswith(' such as "hsm2m.medium". To leave it out, use !If with AWS::NoValue.')
        with pytest.raises(InvalidProperties) as refused:
            parse({"ClusterId": ID, "HsmType": "x"})
        assert refused.value.reason.endswith(' such as "hsm2m.medium".')

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("ClusterId", "x", "ClusterId is 'x': expected"),
            ("ClusterId", "", "ClusterId is missing: expected"),
            ("HsmType", "x", "HsmType is 'x': expected a type such as"),
            ("HsmTypeOnRollback", "x", "HsmTypeOnRollback is 'x': expected Keep or Revert."),
            ("BackupRetentionPolicy", "x", "BackupRetentionPolicy is 'x': expected {Type: DAYS, Value: 7 to 379}."),
            (
                "BackupRetentionPolicy",
                "",
                "BackupRetentionPolicy is empty: expected {Type: DAYS, Value: 7 to 379}. To leave it out, use !If",
            ),
            ("BackupRetentionPolicy", {"Type": "x"}, "BackupRetentionPolicy.Type is 'x': expected DAYS."),
            (
                "BackupRetentionPolicy",
                {"Type": "DAYS", "Value": "x"},
                "BackupRetentionPolicy.Value is 'x': expected a whole number of days, 7 to 379.",
            ),
            ("WaitConditionHandle", "https://example.org/x", "WaitConditionHandle points to 'example.org': expected"),
            ("WaitConditionHandle", "x", "WaitConditionHandle points to empty: expected"),
            ("WaitConditionHandle", "", "of this region. To leave it out, use !If with AWS::NoValue."),
        ],
    )
    def test_a_fault_says_what_was_found(self, name, value, said):
        with pytest.raises(InvalidProperties) as refused:
            parse({"ClusterId": ID, "HsmType": NEW, name: value})
        assert said in refused.value.reason

    def test_no_properties_at_all_are_a_fault(self):
        with pytest.raises(InvalidProperties, match="ResourceProperties is 'x': expected a mapping"):
            parse("x")

    def test_what_could_not_begin_in_time_says_why(self):
        hindered = replace(FRESH, waits_for="cloudhsm:ModifyCluster fails with ThrottlingException")
        late = failure(decide(request(left=ONE_HSM - 1), cluster(), hindered, NOW))
        assert isinstance(late, NotStabilized)
        assert late.reason.startswith(
            f"{ID}: the change of {OLD} to {NEW} could not begin in time, because {hindered.waits_for}."
        )

    def test_what_cannot_be_called_in_time_says_so(self):
        late = failure(decide(request(None, 30, left=9), cluster(), FRESH, NOW))
        assert isinstance(late, NotStabilized)
        expected = (
            f"{ID}: the time is up, and still the retention of {ID} is 90, declared are 30 days. Nothing is undone"
        )
        assert late.reason.startswith(expected)

    @pytest.mark.parametrize(("state", "drifted"), [("ACTIVE", False), ("MODIFY_IN_PROGRESS", True)])
    def test_a_type_that_is_not_shown_is_drift_only_while_it_changes(self, state, drifted):
        hidden = cluster(state, "", hsm_types=[""])
        decision = type_change(update(NEW), hidden, FRESH, NOW)
        assert isinstance(decision, Leave)
        assert decision.drifted is drifted

    def test_a_type_that_is_not_shown_is_waited_for(self):
        known = replace(FRESH, refusals=1)
        assert type_change(request(), cluster(hsm_type="", hsm_types=[""]), known, NOW).progress == known

    def test_what_waits_for_the_cluster_has_asked_for_nothing(self):
        before = replace(FRESH, turns_back=True, hsm_type_answered=True, former_seen_at=1.0, refusals=1)
        busy = f"{ID} is UPDATE_IN_PROGRESS, which takes no other change"
        decision = type_change(request(), cluster("UPDATE_IN_PROGRESS"), before, NOW)
        assert decision == Wait(replace(FRESH, refusals=1, waits_for=busy), busy)

    def test_what_is_asked_for_begins_anew(self):
        before = replace(FRESH, turns_back=True, hsm_type_answered=True, former_seen_at=1.0, refusals=1)
        decision = type_change(request(), cluster(), before, NOW)
        assert decision.progress == replace(FRESH, refusals=1, hsm_type_asked_at=NOW, previous_hsm_type=OLD)

    def test_what_a_hidden_stack_may_roll_back_is_kept(self):
        hidden = update(NEW, hsm_type=OLD, phase=StackPhase.UNKNOWN)
        assert type_change(hidden, cluster(hsm_type=NEW), FRESH, NOW).because.endswith(": the stack cannot be read")

    def test_what_fails_in_an_update_asks_for_the_stack(self):
        unread = update(phase=StackPhase.UNREAD, direction=StackPhase.UNREAD, hsm_type=None, retention=30, left=9)
        assert decide(unread, cluster(), FRESH, NOW) == ReadStack("is the stack rolling back?")

    def test_the_longest_type_is_one(self):
        longest = "hsm2" + "m" * 21 + ".medium"
        assert len(longest) == 32
        assert parse({"ClusterId": ID, "HsmType": longest}).hsm_type == longest

    def test_a_retention_that_is_not_shown_is_asked_for_its_stack(self):
        late = request(None, 30, phase=StackPhase.UNREAD, is_fresh=False)
        expected = f"the retention of {ID} is 90, declared are 30 days: which way does the stack go?"
        assert decide(late, cluster(), FRESH, NOW) == ReadStack(expected)

    def test_a_retention_looks_twice_and_says_so(self):
        hasty = rolling_back("Keep", retention=30, retention_change=set_by_us(), may_be_overtaken=True, left=240)
        expected = f"{ID} is set back at the next poll, unless another request comes before it"
        assert decide(hasty, cluster("ACTIVE", NEW), FRESH, NOW) == Wait(FRESH, expected, is_brief=True)

    @pytest.mark.parametrize(
        ("progress", "left"), [(replace(FRESH, retention_asked_at=NOW - 1), 119), (FRESH, 119), (FRESH, 9)]
    )
    def test_a_retention_whose_time_is_up_while_the_cluster_changes_is_said_to_go_on(self, progress, left):
        busy = cluster("UPDATE_IN_PROGRESS")
        late = failure(decide(request(None, 30, left=left), busy, progress, NOW))
        assert isinstance(late, NotStabilized)
        assert "CloudHSM goes on by itself" in late.reason

    @pytest.mark.parametrize("answered", [True, False])
    def test_a_change_that_runs_on_is_said_to_run_on(self, answered):
        progress = asked(60, answered=answered, previous_hsm_type=NEW, turns_back=not answered)
        wanted = request(OLD, rollback="Revert", left=119) if not answered else request(left=119)
        running = cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[OLD])
        late = failure(decide(wanted, running, progress, NOW))
        assert isinstance(late, NotStabilized)
        assert "CloudHSM goes on by itself" in late.reason


class TestTheLastSecond:
    @pytest.mark.parametrize(("left", "kind"), [(240, Wait), (239, Accepted)])
    def test_of_waiting_for_a_way_back(self, left, kind):
        going = cluster("ROLLBACK_IN_PROGRESS", OLD, hsm_types=[NEW])
        back = rolling_back(change=ours(), left=left)
        assert isinstance(decide(back, going, asked(3600, turns_back=True), NOW), kind)

    @pytest.mark.parametrize(("seconds", "gone"), [(0, False), (1, True)])
    def test_of_an_empty_list(self, seconds, gone):
        decision = decide(request(), None, replace(FRESH, missing_at=NOW - seconds), NOW)
        assert isinstance(failure(decision), NotFound) if gone else isinstance(decision, Wait)

    @pytest.mark.parametrize(("seconds", "kind"), [(LAG - 1, Wait), (LAG, ModifyHsmType)])
    def test_of_a_way_back_that_may_lag(self, seconds, kind):
        mine = ours(seconds, previous=NEW, hsm_type=OLD, answered=False)
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, window=3600, hsm_types=[OLD])
        progress = asked(seconds, answered=False, previous_hsm_type=NEW, turns_back=True)
        assert isinstance(decide(rolling_back(change=mine), migrating, progress, NOW), kind)

    @pytest.mark.parametrize(("seconds", "reverted"), [(LAG - 1, False), (LAG, True)])
    def test_of_a_revert_that_may_lag(self, seconds, reverted):
        decision = decide(request(), cluster(), long_back(asked(seconds)), NOW)
        assert isinstance(failure(decision), Reverted) if reverted else isinstance(decision, Wait)

    @pytest.mark.parametrize(("early", "began"), [(60, True), (60.5, False)])
    def test_of_a_window_that_tells_when_a_migration_began(self, early, began):
        shown = cluster(window=ROLLBACK_WINDOW - 300 - early)
        decision = decide(request(), shown, long_back(asked(300, answered=False)), NOW)
        assert isinstance(failure(decision), Reverted) if began else isinstance(decision, ModifyHsmType)

    @pytest.mark.parametrize(("left", "enough"), [(ONE_HSM, True), (ONE_HSM - 1, False)])
    def test_of_the_time_for_one_hsm(self, left, enough):
        half = cluster("MODIFY_IN_PROGRESS", NEW, hsm_types=[NEW, OLD])
        assert fits(request(left=left), half, NOW) is enough
        assert isinstance(type_change(request(left=left), half, FRESH, NOW), Follow if enough else Fail)

    @pytest.mark.parametrize(("window", "consents"), [(1, False), (0, True)])
    def test_of_a_window_for_which_consent_is_needed(self, window, consents):
        wanted = update(NEW, hsm_type=SAME_GENERATION)
        decision = decide(wanted, cluster(hsm_type=NEW, window=window), FRESH, NOW)
        assert isinstance(decision, ModifyHsmType) is consents


class TestWhatIsAnAnswer:
    """Of a change of type that was asked for, and of which no answer got on record."""

    def answered(self, shown: Decision) -> bool:
        assert isinstance(shown, Wait)
        return shown.progress.hsm_type_answered

    @pytest.mark.parametrize("state", ["MODIFY_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])
    def test_a_change_of_type_that_runs(self, state):
        running = cluster(state, OLD, hsm_types=[OLD])
        assert self.answered(decide(request(), running, asked(answered=False), NOW))

    def test_the_wanted_type(self):
        lagging = cluster(hsm_type=NEW, hsm_types=[NEW, OLD])
        assert self.answered(decide(request(), lagging, asked(answered=False), NOW))

    def test_nothing_else(self):
        assert not self.answered(decide(request(), cluster("UPDATE_IN_PROGRESS", OLD), asked(answered=False), NOW))

    def test_a_way_back_that_was_answered_is_not_asked_for_again(self):
        migrating = cluster("MODIFY_IN_PROGRESS", NEW, window=3600, hsm_types=[OLD])
        progress = asked(LAG, previous_hsm_type=NEW, turns_back=True)
        mine = ours(LAG, previous=NEW, hsm_type=OLD, answered=False)
        assert isinstance(decide(rolling_back(change=mine), migrating, progress, NOW), Wait)

    def test_nor_one_that_shows_no_type(self):
        hidden = cluster("MODIFY_IN_PROGRESS", "", window=3600, hsm_types=[OLD])
        progress = asked(LAG, answered=False, previous_hsm_type=NEW, turns_back=True)
        mine = ours(LAG, previous=NEW, hsm_type=OLD, answered=False)
        assert not isinstance(decide(rolling_back(change=mine), hidden, progress, NOW), ModifyHsmType)

    def test_nor_a_way_forward(self):
        elsewhere = cluster("MODIFY_IN_PROGRESS", THIRD, hsm_types=[OLD])
        assert isinstance(decide(request(), elsewhere, asked(LAG, answered=False), NOW), Wait)
