"""Arbitrary lives of a resource: requests, rollbacks, duplicates, other people, stale reads and faults in any order.

The function is the real one, from the event to the record. What it does and says is held against rules that are
written down here a second time, without the code that they are about.
"""

import os
from contextlib import suppress

import hypothesis.strategies as st
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sandbox.cloudhsm import Fault, MigrationOutcome
from tests.unit.cases import ID, NEW, OLD, SAME_GENERATION
from tests.unit.life import HOUR, Life, Sent

TYPES = st.sampled_from([None, OLD, NEW, NEW, SAME_GENERATION])
DAYS = st.sampled_from([None, 30, 200])
KEEP_OR_REVERT = st.sampled_from(["Keep", "Keep", "Revert"])


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.life.judge_modify = self.judge_modify
        self.declared: dict | None = None
        self.before: dict | None = None
        self.deleted = self.undisturbed = False

    @initialize(hsms=st.integers(0, 3), hsm_type=st.sampled_from([OLD, NEW]), days=st.sampled_from(["90", "455", None]))
    def seed(self, hsms, hsm_type, days):
        policy = {"Type": "DAYS", "Value": days} if days else None
        self.cluster = self.life.fleet.seed(hsms, cluster_id=ID, hsm_type=hsm_type, retention=policy)

    @property
    def last(self) -> Sent | None:
        return self.life.requests[-1] if self.life.requests else None

    # The rules, written down a second time -----------------------------------------------------

    def judge_modify(self, setting, value):
        last, truth = self.last, self.life.fleet.cluster(ID)
        stale = self.life.fleet.is_stale(ID)
        assert last.event["RequestType"] != "Delete", "a Delete changed the cluster"
        assert last.properties[setting] == value, "not what the newest request declares"
        assert not (last.responses and last.responses[0]["Status"] == "FAILED"), "a call after FAILED"
        assert self.life.now - last.at <= last.limit, "nobody was waiting any more"
        record = next(iter(self.life.store.items.values()))
        assert "retention_asked_at" in record["Progress"]["S"], "called before it was on record"
        last.modifies.append(setting)
        if self.undisturbed:
            assert last.modifies.count(setting) == 1, "asked for twice"
        if setting == "BackupRetentionPolicy":
            assert stale or truth.retention != value, "nothing differed"
            return
        assert stale or truth.hsm_type != value, "nothing differed"
        old = last.event.get("OldResourceProperties")
        asks = old is None or old.get("HsmType") != value or old.get("HsmTypeOnRollback") != "Revert"
        assert asks, "drift was turned into a migration"
        if last.rolls_back:
            assert last.consents, "a stack rollback turned the type without consent"
        if truth.state == "ACTIVE" and truth.rollback_expires_at and self.life.now < truth.rollback_expires_at:
            going_back = value == truth.original_type
            assert not going_back or last.consents, "keys were lost without consent"

    @invariant()
    def each_request_has_one_answer(self):
        for sent in self.life.requests:
            statuses = {each["Status"] for each in sent.responses}
            assert len(statuses) <= 1, "two answers that differ"
            assert len({each["Status"] for each in sent.signals}) <= 1, "two signals that differ"
            assert not (sent.rolls_back and "FAILED" in statuses), "a rollback failed because of the cluster"
            if "FAILED" in statuses:
                assert sent.responses[0]["Reason"].startswith(ID), "a Reason that names no cluster"

    @invariant()
    def nothing_is_in_flight_for_ever(self):
        del self.life.fleet.calls[:]
        if self.last and self.life.now - self.last.at > 13 * HOUR:
            assert not self.life.in_flight, "it never ended"

    def judge_success(self):
        """What a SUCCESS of the newest request says is true, where nobody else was about."""
        last, truth = self.last, self.life.fleet.cluster(ID)
        if not (self.undisturbed and last.responses and last.responses[0]["Status"] == "SUCCESS"):
            return
        if last.rolls_back or last.event["RequestType"] == "Delete":
            return
        if last.handle and not any(each["Status"] == "SUCCESS" for each in last.signals):
            return
        data = last.responses[0]["Data"]
        wanted = last.properties
        if "BackupRetentionPolicy" in wanted:
            assert truth.retention == wanted["BackupRetentionPolicy"], "success without the retention"
        if "HsmType" in wanted and data["HsmTypeDrifted"] == "false" and "HsmType" in last.modifies:
            assert {truth.hsm_type, *(hsm.hsm_type for hsm in truth.hsms)} == {wanted["HsmType"]}, "success without it"

    # What can happen ---------------------------------------------------------------------------

    def properties_of(self, hsm_type, days, on_rollback, handle) -> dict:
        days = 30 if hsm_type is None and days is None else days
        members = {"HsmType": hsm_type, "WaitConditionHandle": self.life.new_handle() if handle else None}
        if days:
            members["BackupRetentionPolicy"] = {"Type": "DAYS", "Value": str(days)}
        if on_rollback == "Revert":
            members["HsmTypeOnRollback"] = "Revert"
        return {name: value for name, value in members.items() if value is not None}

    idle = precondition(lambda self: not self.life.in_flight)
    busy = precondition(lambda self: self.life.in_flight)
    known = precondition(lambda self: self.declared is not None)

    @idle
    @rule(hsm_type=TYPES, days=DAYS, on_rollback=KEEP_OR_REVERT, handle=st.booleans())
    def create_or_update(self, hsm_type, days, on_rollback, handle):
        self.life.now += 120
        wanted = self.properties_of(hsm_type, days, on_rollback, handle)
        kind = "Create" if self.declared is None else "Update"
        self.life.status = f"{kind.upper()}_IN_PROGRESS"
        self.undisturbed = not self.life.fleet.faults and not self.life.stack_fails
        consents = on_rollback == "Revert"
        self.before, former = self.declared, self.declared
        self.declared = wanted
        self.life.send(kind, wanted, former, rolls_back=False, undone={}, consents=consents)
        self.judge_success()

    @precondition(lambda self: self.before is not None)
    @rule()
    def stack_rolls_back(self):
        """Also while the update is still running, which a time-out of the stack brings about."""
        self.life.now += 120
        self.life.status = "UPDATE_ROLLBACK_IN_PROGRESS"
        self.undisturbed = False
        undone, wanted = self.declared, self.before
        consents = undone.get("HsmTypeOnRollback") == "Revert"
        self.before, self.declared = None, wanted
        self.life.send("Update", wanted, undone, rolls_back=True, undone=undone, consents=consents)

    @known
    @rule()
    def stack_is_deleted(self):
        self.life.now += 120
        self.life.status, arrives = "DELETE_IN_PROGRESS", not self.life.deliveries_fail
        self.life.send("Delete", self.declared, None, rolls_back=False, undone={}, consents=False)
        self.before = self.declared = None
        if arrives:
            assert self.last.responses[0]["Status"] == "SUCCESS"

    @precondition(lambda self: self.life.requests)
    @rule(number=st.integers(1, 3))
    def lambda_delivers_again(self, number):
        """A duplicate of this request, or of an older one."""
        sent = self.life.requests[-min(number, len(self.life.requests))]
        self.life.invoke(sent.event)

    @busy
    @rule(minutes=st.sampled_from([1, 2, 5, 35]))
    def polls(self, minutes):
        self.life.pass_minutes(minutes)
        self.judge_success()

    @busy
    @rule()
    def polls_to_the_end(self):
        self.life.deliveries_fail = 0
        for _ in range(13 * 60):
            if not self.life.in_flight:
                break
            self.life.pass_minutes(1)
        assert not self.life.in_flight, "it never ended"
        assert self.last.responses, "it was never answered"
        assert (
            not self.last.handle
            or self.last.rolls_back
            or self.last.signals
            or (self.last.event["RequestType"] == "Delete")
        ), "the wait condition was never signalled"
        self.judge_success()

    @idle
    @rule(hours=st.sampled_from([1, 12, 25]))
    def time_passes(self, hours):
        self.life.now += hours * HOUR

    @rule(outcome=st.sampled_from(MigrationOutcome))
    def cloudhsm_will(self, outcome):
        self.cluster.outcome = outcome

    @rule(seconds=st.sampled_from([0.0, 60.0, 100.0]))
    def reads_lag(self, seconds):
        self.life.fleet.lag_seconds = seconds

    @rule(
        operation=st.sampled_from(["DescribeClusters", "ModifyCluster"]),
        code=st.sampled_from(["ThrottlingException", "CloudHsmInternalFailureException"]),
    )
    def cloudhsm_errs(self, operation, code):
        self.undisturbed = False
        self.life.fleet.faults.append(Fault(operation, code))

    @rule()
    def an_answer_is_lost(self):
        self.undisturbed = False
        self.life.fleet.faults.append(Fault("ModifyCluster", carried_out=True))

    @rule(times=st.integers(1, 3))
    def nothing_can_be_delivered(self, times):
        self.life.deliveries_fail = times

    @rule(fails=st.booleans())
    def the_stack_cannot_be_read(self, fails):
        self.undisturbed = False
        self.life.stack_fails = fails

    @rule(days=st.sampled_from(["30", "90", "200"]))
    def somebody_changes_the_retention(self, days):
        self.undisturbed = False
        self.life.fleet.cluster(ID).retention = {"Type": "DAYS", "Value": days}

    @rule(hsm_type=st.sampled_from([OLD, NEW]))
    def somebody_migrates(self, hsm_type):
        """Or turns back, losing keys on purpose; CloudHSM's rules hold for them too."""
        self.undisturbed = False
        with suppress(ClientError):
            self.life.client.modify_cluster(ClusterId=ID, HsmType=hsm_type)

    @rule()
    def somebody_adds_an_hsm(self):
        self.undisturbed = False
        cluster = self.life.fleet.cluster(ID)
        if cluster.state == "ACTIVE":
            cluster.state, cluster.busy_until = "UPDATE_IN_PROGRESS", self.life.now + 600


Lives.TestCase.settings = settings(
    max_examples=int(os.environ.get("LIVES", "60")),
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate] if os.environ.get("LIVES_AS_FOUND") else list(Phase),
    suppress_health_check=list(HealthCheck),
)
TestLives = Lives.TestCase
