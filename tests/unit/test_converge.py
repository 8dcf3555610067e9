"""What is decided is carried out: on record before it is asked for, and what was not done was not asked for."""

from dataclasses import dataclass, field, replace

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from cloudhsm_settings.cluster import CloudHsm
from cloudhsm_settings.converge import Asked, converge
from cloudhsm_settings.custom_resource.errors import InvalidRequest, Superseded, Transient
from cloudhsm_settings.decisions import Done, Fail, Wait
from cloudhsm_settings.declared import digest_of
from cloudhsm_settings.history import Memory, RetentionChange
from cloudhsm_settings.request import StackPhase
from tests.unit.cases import DAY, FRESH, ID, NEW, NOW, OLD, ours, request, rolling_back, update

REFUSED = "CloudHsmInvalidRequestException"


@dataclass
class World:
    """CloudHSM, the stack and the record, each with what was done in order."""

    hsm_type: str = OLD
    phases: list = field(default_factory=lambda: [StackPhase.FORWARD])
    errors: list = field(default_factory=list)
    """What the next calls of ModifyCluster come to; None for success."""
    done: list = field(default_factory=list)
    fails_to_record: bool = False
    denies: bool = False
    """Whether DescribeClusters is denied."""
    unreachable: bool = False
    recorded: list = field(default_factory=list)
    """The memory of each checkpoint."""
    checkpoints: list = field(default_factory=list)
    """Progress and memory of each."""
    answers_nothing: bool = False
    lists_nothing: bool = False
    asked_for: list = field(default_factory=list)
    """The members of each call of ModifyCluster."""
    seen: list = field(default_factory=list)
    """The cluster with each decision."""

    def describe_clusters(self, **_):
        if self.unreachable:
            raise error("ThrottlingException")
        if self.denies:
            raise error("AccessDeniedException")
        if self.lists_nothing:
            return {"Clusters": []}
        hsms = [{"HsmId": "hsm-1", "HsmType": self.hsm_type, "State": "ACTIVE"}]
        policy = {"Type": "DAYS", "Value": "90"}
        shown = {"ClusterId": ID, "State": "ACTIVE", "HsmType": self.hsm_type, "Hsms": hsms}
        return {"Clusters": [{**shown, "BackupRetentionPolicy": policy}]}

    def modify_cluster(self, **members):
        self.done.append("modify")
        self.asked_for.append(members)
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        if self.answers_nothing:
            return {}
        (cluster,) = self.describe_clusters()["Clusters"]
        return {"Cluster": {**cluster, **members, "State": "MODIFY_IN_PROGRESS"}}

    def now(self):
        return NOW

    def stack_phase(self):
        phase = self.phases.pop(0) if len(self.phases) > 1 else self.phases[0]
        if isinstance(phase, Exception):
            raise phase
        return phase

    def checkpoint(self, progress, memory):
        if self.fails_to_record:
            raise Superseded("x")
        self.done.append("record")
        self.recorded.append(memory)
        self.checkpoints.append((progress, memory))

    def accept(self, cluster, progress):
        self.done.append("accept")
        self.accepted = (cluster, progress)

    def decided(self, decision, cluster):
        assert decision.because
        self.seen.append(cluster and cluster.cluster_id)

    def step(self, wanted, progress=FRESH, memory=None):
        asked = Asked({"HsmType": NEW}, {"HsmType": OLD}, "r1")
        unread = replace(wanted, phase=StackPhase.UNREAD, direction=progress.direction)
        memory = memory or Memory(wanted.change)
        return converge(unread, progress, memory, asked=asked, cloudhsm=CloudHsm(self), around=self)


def error(code):
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "ModifyCluster")


class TestMemory:
    def test_each_kind_of_change_is_seen_by_the_request(self):
        me = Asked({"HsmType": NEW}, {"HsmType": OLD}, "r1")
        memory = Memory(ours(request_id="r0"), RetentionChange(ID, 90, NOW, request_id="r1"))
        seen = me.seen(memory)
        assert seen.type_change == replace(memory.type_change, is_last=False)
        assert seen.retention_change == memory.retention_change
        assert me.seen(Memory()) == Memory()

    def test_of_a_type_is_who_changed_what_of_which_cluster(self):
        step = World().step(request())
        change = step.memory.type_change
        assert (change.cluster_id, change.previous, change.hsm_type, change.at) == (ID, OLD, NEW, NOW)
        assert (change.request_id, change.answered, change.undoes) == ("r1", True, False)

    def test_tells_what_undoes_the_change_before_it(self):
        former = ours(request_id="r0", previous=NEW, hsm_type=OLD)
        world = World()
        world.step(request(), memory=Memory(former))
        world.step(request(change=former), memory=Memory(replace(former, is_last=False)))
        assert [memory.type_change.undoes for memory in world.recorded] == [True, False]

    def test_goes_on_record_with_the_progress(self):
        world = World()
        step = world.step(request())
        ((progress, memory),) = world.checkpoints
        assert (progress.hsm_type_asked_at, progress.previous_hsm_type) == (NOW, OLD)
        assert memory.type_change == replace(step.memory.type_change, answered=False)

    def test_tells_a_change_by_both_templates(self):
        change = World().step(request()).memory.type_change
        assert (change.before, change.after) == (digest_of({"HsmType": OLD}), digest_of({"HsmType": NEW}))

    def test_of_a_retention_is_who_changed_what_of_which_cluster(self):
        world = World()
        step = world.step(request(None, 30))
        change = step.memory.retention_change
        assert change == RetentionChange(
            ID,
            30,
            NOW,
            90,
            request_id="r1",
            before=digest_of({"HsmType": OLD}),
            after=digest_of({"HsmType": NEW}),
            answered=True,
        )
        ((progress, memory),) = world.checkpoints
        assert (progress.retention_asked_at, progress.retention_answered) == (NOW, False)
        assert memory.retention_change == replace(change, answered=False)
        assert world.asked_for[-1]["BackupRetentionPolicy"] == {"Type": "DAYS", "Value": "30"}
        assert step.cluster.retention_days == 30

    def test_of_a_retention_whose_answer_is_empty_is_that_it_was_answered(self):
        step = World(answers_nothing=True).step(request(None, 30))
        assert step.progress.retention_answered is True
        assert (step.cluster.cluster_id, step.cluster.retention_days) == (ID, 90)

    def test_of_what_was_refused_is_what_it_was(self):
        step = World(errors=[error(REFUSED)]).step(request())
        assert step.memory == Memory()
        assert (step.progress.hsm_type_asked_at, step.progress.turns_back) == (None, False)
        assert (step.progress.previous_hsm_type, step.progress.refusals) == ("", 1)

    def test_of_a_call_whose_answer_is_empty_is_that_it_was_answered(self):
        step = World(answers_nothing=True).step(request())
        assert step.progress.hsm_type_answered is True
        assert (step.cluster.cluster_id, step.cluster.hsm_type) == (ID, OLD)

    def test_the_cluster_is_what_the_answer_says(self):
        assert World().step(request()).cluster.state == "MODIFY_IN_PROGRESS"


class TestWhatIsRead:
    """For two minutes CloudHSM may show what was before a change of this resource."""

    def test_lags_behind_the_type_that_an_earlier_request_changed(self):
        world = World()
        step = world.step(request(), memory=Memory(ours(10, request_id="r0")))
        assert (world.done, step.cluster.hsm_type, step.cluster.state) == ([], NEW, "MODIFY_IN_PROGRESS")

    def test_lags_behind_the_retention_that_an_earlier_request_set(self):
        world = World()
        earlier = RetentionChange(ID, 30, NOW - 10, 90, request_id="r0", answered=True)
        step = world.step(request(None, 30), memory=Memory(retention_change=earlier))
        assert (world.done, step.cluster.retention_days) == ([], 30)

    def test_is_the_proof_of_a_change_of_ones_own(self):
        mine = Memory(ours(10, request_id="r1"), RetentionChange(ID, 30, NOW - 10, 90, request_id="r1", answered=True))
        asked_for = replace(FRESH, hsm_type_asked_at=NOW - 10, hsm_type_answered=True, previous_hsm_type=OLD)
        step = World().step(request(), asked_for, memory=mine)
        assert step.decision.because == f"{ID} reads {OLD} and not {NEW}"
        asked_for = replace(FRESH, retention_asked_at=NOW - 10, retention_answered=True)
        step = World().step(request(None, 30), asked_for, memory=mine)
        assert "reads 90, although 30 days were set" in step.decision.because

    def test_may_be_nothing(self):
        step = World(lists_nothing=True).step(request(), memory=Memory(ours(10)))
        assert (step.cluster, step.decision.because) == (None, f"DescribeClusters does not list {ID}")


class TestStep:
    """What a poll leaves behind, whatever it came to."""

    def test_of_an_end(self):
        done = World(hsm_type=NEW).step(request())
        assert (type(done.decision), done.cluster.cluster_id, done.progress) == (Done, ID, FRESH)
        failed = World().step(request(left=60))
        assert (type(failed.decision), failed.cluster.cluster_id, failed.progress) == (Fail, ID, FRESH)

    def test_of_an_acceptance_is_what_was_known_then(self):
        world = World()
        step = world.step(request(handle="https://handle"))
        cluster, progress = world.accepted
        assert world.done == ["record", "modify", "accept"]
        assert (cluster.hsm_type, progress.hsm_type_answered) == (NEW, True)
        assert isinstance(step.decision, Wait)


class TestTrouble:
    def test_is_what_a_migration_then_waits_for(self):
        step = World(errors=[error("ThrottlingException")]).step(request())
        assert step.progress.waits_for == "cloudhsm:ModifyCluster fails with ThrottlingException"
        assert step.decision.because == step.progress.waits_for

    def test_is_a_refusal_for_the_first_time(self):
        step = World(errors=[error(REFUSED)]).step(request())
        assert step.decision.because == "cloudhsm:ModifyCluster fails with refused for now"

    def test_and_every_decision_are_told_with_the_cluster(self):
        world = World(errors=[error("ThrottlingException")])
        step = world.step(request())
        assert set(world.seen) == {ID}
        assert step.cluster.cluster_id == ID

    def test_of_a_hidden_stack_does_not_end_the_poll_of_a_throttled_cluster(self):
        world = World(unreachable=True, phases=[Transient("cloudformation:DescribeStacks", "Throttling")])
        assert isinstance(world.step(update()).decision, Wait)

    @pytest.mark.parametrize(
        ("direction", "done"), [(StackPhase.FORWARD, []), (StackPhase.UNREAD, ["record", "modify"])]
    )
    def test_a_stack_that_rolls_back_stops_only_what_went_forward(self, direction, done):
        world = World(phases=[StackPhase.ROLLING_BACK])
        wanted = rolling_back(change=ours(3600), retention=None)
        world.hsm_type = NEW
        world.step(wanted, replace(FRESH, direction=direction))
        assert world.done == done


class TestOrder:
    def test_a_call_is_on_record_before_it_is_made(self):
        world = World()
        step = world.step(request())
        assert world.done == ["record", "modify"]
        assert (step.progress.hsm_type_answered, step.memory.type_change.answered) == (True, True)

    def test_who_is_not_the_owner_makes_none(self):
        world = World(fails_to_record=True)
        with pytest.raises(Superseded):
            world.step(request())
        assert world.done == []

    def test_the_stack_is_asked_once_more_right_before_it(self):
        world = World(phases=[StackPhase.FORWARD, StackPhase.ROLLING_BACK])
        step = world.step(update())
        assert world.done == ["record"]
        assert step.memory.type_change is None
        assert isinstance(step.decision, Fail | Done)

    @pytest.mark.parametrize("phase", [StackPhase.ENDED, StackPhase.COMPLETE])
    @pytest.mark.parametrize(("accepted", "done"), [(False, []), (True, ["record", "modify"])])
    def test_a_rollback_that_nobody_waits_for_any_more_makes_none(self, phase, accepted, done):
        world = World(hsm_type=NEW, phases=[phase])
        back = replace(rolling_back(change=ours()), accepted=accepted)
        world.step(back, replace(FRESH, direction=StackPhase.ROLLING_BACK))
        assert world.done == done

    def test_a_retention_is_remembered_before_it_is_set(self):
        world = World()
        step = world.step(request(hsm_type=None, retention=30))
        (recorded,) = world.recorded
        assert (recorded.retention_change.days, recorded.retention_change.answered) == (30, False)
        assert recorded.retention_change.request_id == "r1"
        assert step.memory.retention_change.answered

    @pytest.mark.parametrize("is_last", [True, False])
    def test_with_whether_it_undoes_the_one_before(self, is_last):
        world, before = World(), RetentionChange(ID, 30, NOW - DAY, answered=True, is_last=is_last)
        world.step(request(hsm_type=None, retention=30), memory=Memory(retention_change=before))
        assert [each.retention_change.undoes for each in world.recorded] == [is_last]

    def test_one_that_was_refused_is_not_remembered(self):
        step = World(errors=[error(REFUSED)]).step(request(hsm_type=None, retention=30))
        assert (step.memory.retention_change, step.progress.retention_asked_at) == (None, None)


class TestWhomAFailureIsTold:
    def test_is_known_first(self):
        world = World(denies=True, phases=[Transient("cloudformation:DescribeStacks", "Throttling")])
        assert isinstance(world.step(update()).decision, Wait)

    @pytest.mark.parametrize("what", [{"denies": True}, {"errors": [error("AccessDeniedException")]}])
    def test_as_long_as_only_trouble_hides_it_nobody_is(self, what):
        world = World(phases=[Transient("cloudformation:DescribeStacks", "Throttling")], **what)
        assert isinstance(world.step(update(), replace(FRESH, unreadable=3)).decision, Wait)

    def test_the_stack_is_read_while_cloudhsm_is_out_of_reach(self):
        world = World(unreachable=True, phases=[StackPhase.ROLLING_BACK])
        step = world.step(update())
        assert isinstance(step.decision, Wait)
        assert step.progress.direction is StackPhase.ROLLING_BACK

    def test_a_user_is_told_where_the_stack_may_not_be_read(self):
        assert isinstance(World(denies=True, phases=[StackPhase.UNKNOWN]).step(update()).decision, Fail)

    def test_a_create_is_told_at_once(self):
        read = Transient("cloudformation:DescribeStacks", "Throttling")
        world = World(errors=[error("AccessDeniedException")], phases=[read])
        assert isinstance(world.step(request(), replace(FRESH, unreadable=3)).decision, Fail)

    def test_a_user_is_told(self):
        assert isinstance(World(denies=True).step(update()).decision, Fail)

    def test_a_rollback_is_not(self):
        world = World(denies=True, phases=[StackPhase.ROLLING_BACK])
        assert isinstance(world.step(rolling_back()).decision, Done)


class TestRefusals:
    def test_the_first_one_is_waited_out(self):
        step = World(errors=[error(REFUSED)]).step(request())
        assert isinstance(step.decision, Wait)
        assert (step.progress.refusals, step.progress.hsm_type_asked_at) == (1, None)
        assert step.memory.type_change is None

    def test_the_second_one_is_final(self):
        step = World(errors=[error(REFUSED)]).step(request(), replace(FRESH, refusals=1))
        assert isinstance(step.decision, Fail)
        assert isinstance(step.decision.failure, InvalidRequest)
        assert REFUSED in step.decision.because

    def test_in_a_rollback_it_is_left_alone(self):
        world = World(NEW, [StackPhase.ROLLING_BACK], [error(REFUSED)])
        step = world.step(rolling_back(change=ours()), replace(FRESH, refusals=1))
        assert isinstance(step.decision, Done)
        assert step.decision.drifted

    def test_a_throttled_call_was_not_made(self):
        step = World(errors=[error("ThrottlingException")]).step(request())
        assert isinstance(step.decision, Wait)
        assert (step.progress.hsm_type_asked_at, step.memory.type_change) == (None, None)

    def test_one_whose_answer_was_lost_may_have_been(self):
        step = World(errors=[ReadTimeoutError(endpoint_url="x")]).step(request())
        assert isinstance(step.decision, Wait)
        assert (step.progress.hsm_type_asked_at, step.progress.hsm_type_answered) == (NOW, False)
        assert not step.memory.type_change.answered


class TestUnreadableStack:
    TROUBLE = Transient("cloudformation:DescribeStacks", "ConnectTimeoutError")

    def test_it_is_tried_again_for_a_few_polls(self):
        step = World(phases=[self.TROUBLE]).step(update())
        assert isinstance(step.decision, Wait)
        assert step.progress.unreadable == 1

    def test_then_a_first_migration_is_begun_without_it(self):
        world = World(phases=[self.TROUBLE])
        world.step(update(), replace(FRESH, unreadable=3))
        assert world.done == ["record", "modify"]

    def test_and_nothing_is_turned_back(self):
        world = World(NEW, [self.TROUBLE])
        back = update(NEW, "Revert", hsm_type=OLD, rollback="Revert", change=ours())
        step = world.step(back, replace(FRESH, unreadable=3))
        assert isinstance(step.decision, Done)
        assert world.done == []


def test_a_way_back_is_remembered_as_a_change():
    world = World(NEW, [StackPhase.ROLLING_BACK])
    step = world.step(rolling_back(change=ours(DAY - 600)))
    assert (step.memory.type_change.previous, step.memory.type_change.hsm_type) == (NEW, OLD)
    assert step.progress.turns_back
