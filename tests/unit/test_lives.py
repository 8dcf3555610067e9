"""Arbitrary lives of a cluster: requests, rollbacks, reverts, other people, stale reads and faults in any order.

Whatever happens, what the provider does and says is held against rules that are written down here a second time,
without the code that they are about. `make mutants` shows that they catch what they should.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, field, replace

import hypothesis.strategies as st
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cloudhsm_settings.cluster import CloudHsm, Cluster
from cloudhsm_settings.converge import Step, converge
from cloudhsm_settings.errors import Reverted
from cloudhsm_settings.properties import Settings
from cloudhsm_settings.reconcile import Accepted, Done, Fail, ModifyHsmType, ModifyRetention, Wait
from cloudhsm_settings.request import Progress, Request, StackPhase
from sandbox.cloudhsm import Clock, Fault, Fleet, MigrationOutcome
from sandbox.cloudhsm.client import FleetClient, as_botocore_parses

OLD, NEW, OTHER = "hsm1.medium", "hsm2m.medium", "hsm2x.large"
ID = "cluster-abcdefghijk"
TYPES = st.sampled_from([None, OLD, NEW, NEW, OTHER])
DAYS = st.sampled_from([None, 30, 200])
HOUR = 3600
TRANSITIONS = {"UPDATE_IN_PROGRESS", "MODIFY_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "CREATE_IN_PROGRESS"}


@dataclass
class Now:
    moment: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.moment


@dataclass
class Operation:
    request: Request
    phase: StackPhase
    began: float
    progress: Progress = field(default_factory=Progress)
    modifies: int = 0
    faulty: bool = False
    ended: bool = False


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = Now()
        self.fleet = Fleet(Clock(source=self.clock))
        self.cloudhsm = CloudHsm(self)
        self.client = FleetClient(self.fleet)
        self.operation: Operation | None = None
        self.declared: Settings | None = None
        self.before: Settings | None = None
        self.read: Cluster | None = None
        self.others = self.stale = False

    @initialize(
        hsms=st.integers(0, 3), hsm_type=st.sampled_from([OLD, NEW]), retention=st.sampled_from(["90", "455", None])
    )
    def seed(self, hsms, hsm_type, retention):
        policy = {"Type": "DAYS", "Value": retention} if retention else None
        self.cluster = self.fleet.seed(hsms, cluster_id=ID, hsm_type=hsm_type, retention=policy)

    # The client that the provider talks to, and the surroundings of its looks ------------------

    def describe_clusters(self, **members):
        self.stale = self.fleet.is_stale(ID)
        answer = self.client.describe_clusters(**members)
        self.read = Cluster.from_api(answer["Clusters"][0])
        return answer

    def modify_cluster(self, **members):
        self.judge_modify(members)
        keys_were_lost = self.cluster.keys_lost
        try:
            answer = self.client.modify_cluster(**members)
        except ClientError:
            self.operation.faulty = True
            raise
        if self.cluster.keys_lost and not keys_were_lost:
            assert self.operation.request.settings.on_rollback == "Revert", "keys were lost without consent"
            assert self.operation.request.changes_type, "keys were lost though no template changed the type"
        self.read = Cluster.from_api(answer["Cluster"])
        return answer

    def now(self) -> float:
        return self.clock()

    def stack_phase(self) -> StackPhase:
        return self.operation.phase

    def record(self, progress: Progress) -> None:
        self.operation.progress = progress

    def fence(self) -> None:
        pass

    def decided(self, decision, cluster) -> None:
        assert decision.because
        if isinstance(decision, ModifyHsmType | ModifyRetention):
            assert cluster is not None

    # The rules, written down a second time -----------------------------------------------------

    def judge_modify(self, members):
        operation, wanted = self.operation, self.operation.request.settings
        assert not operation.ended, "a call after the answer"
        assert set(members) - {"ClusterId"} in ({"HsmType"}, {"BackupRetentionPolicy"}), "one setting for each call"
        assert self.read is not None, "changed without having looked"
        if "BackupRetentionPolicy" in members:
            policy = members["BackupRetentionPolicy"]
            assert policy == {"Type": "DAYS", "Value": str(wanted.retention_days)}
            assert policy["Value"] != self.read.retention_value, "nothing differed"
            assert self.read.state not in TRANSITIONS
            return
        operation.modifies += 1
        assert operation.modifies == 1 or operation.faulty, "the type was asked for twice"
        assert members["HsmType"] == wanted.hsm_type != self.read.hsm_type, "nothing differed"
        assert operation.request.changes_type, "drift was turned into a migration"
        in_order = wanted.retention_days in (None, self.read.retention_days)
        assert in_order or self.read.state == "MODIFY_IN_PROGRESS", "the type came before the retention"
        if operation.phase is StackPhase.ROLLING_BACK:
            assert wanted.on_rollback == "Revert", "a stack rollback turned the type back"
        assert self.read.state == "ACTIVE" or (
            wanted.on_rollback == "Revert" and self.read.state == "MODIFY_IN_PROGRESS"
        )
        left = operation.began + (43185 if wanted.wait_condition_handle else 3585) - self.clock()
        to_migrate = [hsm for hsm in self.read.live_hsms if hsm.hsm_type != wanted.hsm_type]
        assert len(to_migrate) * 1800 <= left, "it could not fit"

    def judge_end(self, step: Step) -> None:
        operation, wanted = self.operation, self.operation.request.settings
        operation.ended = True
        limit = 43200 if operation.progress.answered else 3600
        assert self.clock() - operation.began <= limit, "nobody was waiting any more"
        if isinstance(step.decision, Done):
            self.judge_success(self.read, wanted, step.decision.drifted)
            if not self.others and (not self.stale or operation.request.follows_a_change):
                truth = Cluster.from_api(as_botocore_parses(self.fleet.cluster(ID).to_api()))
                self.judge_success(truth, wanted, step.decision.drifted)
            if wanted.hsm_type and operation.request.changes_type and operation.phase is StackPhase.FORWARD:
                assert self.read.hsm_type == wanted.hsm_type, "success without the type"
        else:
            assert ID in step.decision.because
            if isinstance(step.decision.failure, Reverted) and not self.others:
                assert self.fleet.cluster(ID).hsm_type != wanted.hsm_type, (
                    "a migration that goes on was called reverted"
                )

    def judge_success(self, seen: Cluster, wanted: Settings, drifted: bool) -> None:
        assert wanted.retention_days in (None, seen.retention_days), "success without the retention"
        if drifted:
            assert seen.hsm_type != wanted.hsm_type
        elif wanted.hsm_type:
            assert {seen.hsm_type, *(hsm.hsm_type for hsm in seen.live_hsms)} == {wanted.hsm_type}, (
                "success without the type"
            )
            assert seen.state not in TRANSITIONS, "success before the cluster had settled"

    # What can happen ---------------------------------------------------------------------------

    def begin(self, wanted: Settings, phase: StackPhase, *, is_update: bool) -> None:
        declared = self.declared or Settings(ID)
        request = Request(
            wanted,
            deadline=self.clock() + 3585,
            handle_deadline=self.clock() + 43185,
            is_update=is_update,
            declared_before=declared.hsm_type if is_update else None,
            retention_before=declared.retention_days if is_update else None,
            account="111122223333",
            region="us-east-1",
        )
        self.before, self.declared, self.others = self.declared, wanted, False
        self.operation = Operation(request, phase, self.clock())
        self.look_once()

    def look_once(self) -> None:
        operation = self.operation
        self.read = None
        step = converge(operation.request, operation.progress, self.cloudhsm, self)
        operation.progress = step.progress
        match step.decision:
            case Accepted():
                assert self.read.hsm_type == operation.request.settings.hsm_type
                assert operation.request.settings.wait_condition_handle
                operation.progress = replace(step.progress, answered=True)
            case Done() | Fail():
                self.judge_end(step)
            case Wait():
                # The next look comes within two minutes, and must still be able to answer.
                limit = 43200 if operation.progress.answered else 3600
                assert self.clock() + 120 <= operation.began + limit, "it would have answered too late"

    def settings_of(self, hsm_type, days, on_rollback, handle) -> Settings:
        days = 30 if hsm_type is None and days is None else days
        return Settings(ID, hsm_type, days, on_rollback, "https://handle" if handle else None)

    idle = precondition(lambda self: self.operation is None or self.operation.ended)
    busy = precondition(lambda self: self.operation is not None and not self.operation.ended)

    @idle
    @rule(hsm_type=TYPES, days=DAYS, on_rollback=st.sampled_from(["Keep", "Keep", "Revert"]), handle=st.booleans())
    def create_or_update(self, hsm_type, days, on_rollback, handle):
        wanted = self.settings_of(hsm_type, days, on_rollback, handle)
        self.begin(wanted, StackPhase.FORWARD, is_update=self.declared is not None)

    @precondition(lambda self: self.before is not None)
    @rule()
    def stack_rolls_back(self):
        """Also while the update is still running, which a time-out of the stack brings about."""
        self.begin(self.before, StackPhase.ROLLING_BACK, is_update=True)

    @idle
    @precondition(lambda self: self.declared is not None)
    @rule(days=DAYS)
    def update_of_something_else(self, days):
        wanted = replace(self.declared, retention_days=days or self.declared.retention_days or 30)
        self.begin(wanted, StackPhase.FORWARD, is_update=True)

    @busy
    @rule(minutes=st.integers(1, 2))
    def look(self, minutes):
        self.clock.moment += 60 * min(minutes, 2)
        self.look_once()

    @busy
    @rule()
    def looks_for_an_hour(self):
        for _ in range(60):
            if self.operation.ended:
                return
            self.look(1)

    @busy
    @rule()
    def looks_to_the_end(self):
        for _ in range(13 * 60):
            if self.operation.ended:
                return
            self.look(1)
        raise AssertionError("it never ended")

    @idle
    @rule(hours=st.sampled_from([1, 12, 25]))
    def time_passes(self, hours):
        self.clock.moment += hours * HOUR

    @rule(outcome=st.sampled_from(MigrationOutcome))
    def cloudhsm_will(self, outcome):
        self.cluster.outcome = outcome

    @rule(stale=st.integers(0, 1))
    def reads_are_stale(self, stale):
        self.fleet.stale_reads = stale

    @rule(
        operation=st.sampled_from(["DescribeClusters", "ModifyCluster"]),
        code=st.sampled_from(["ThrottlingException", "CloudHsmInternalFailureException"]),
    )
    def cloudhsm_errs(self, operation, code):
        self.fleet.faults.append(Fault(operation, code))

    @precondition(lambda self: not self.fleet.faults)
    @rule()
    def an_answer_is_lost(self):
        self.fleet.faults.append(Fault("ModifyCluster", carried_out=True))

    @rule(days=st.sampled_from(["30", "90", "200"]))
    def somebody_changes_the_retention(self, days):
        self.others = True
        self.fleet.cluster(ID).retention = {"Type": "DAYS", "Value": days}

    @rule(hsm_type=st.sampled_from([OLD, NEW]))
    def somebody_migrates(self, hsm_type):
        """Or turns back, losing keys on purpose; CloudHSM's rules hold for them too."""
        self.others = True
        with suppress(ClientError):
            self.client.modify_cluster(ClusterId=ID, HsmType=hsm_type)

    @busy
    @rule()
    def somebody_gives_it_a_third_type(self):
        """Behind our back, between two looks."""
        self.others = True
        cluster = self.fleet.cluster(ID)
        cluster.state, cluster.migration, cluster.hsm_type = "ACTIVE", None, OTHER
        for hsm in cluster.hsms:
            hsm.hsm_type = OTHER

    @rule()
    def an_hsm_lags_behind_or_catches_up(self):
        """CloudHSM says ACTIVE, and one HSM still says its former type."""
        cluster = self.fleet.cluster(ID)
        if cluster.state == "ACTIVE" and cluster.hsms:
            lags = cluster.hsms[0].hsm_type != cluster.hsm_type
            cluster.hsms[0].hsm_type = cluster.hsm_type if lags else "hsm0.former"

    @rule()
    def somebody_adds_and_removes_hsms(self):
        self.others = True
        cluster = self.fleet.cluster(ID)
        if cluster.state in ("ACTIVE", "UPDATE_IN_PROGRESS"):
            cluster.state = "ACTIVE" if cluster.state == "UPDATE_IN_PROGRESS" else "UPDATE_IN_PROGRESS"

    @invariant()
    def the_log_of_calls_stays_short(self):
        del self.fleet.calls[:]


Lives.TestCase.settings = settings(
    max_examples=int(os.environ.get("LIVES", "150")),
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate] if os.environ.get("LIVES_AS_FOUND") else list(Phase),
    suppress_health_check=list(HealthCheck),
)
TestLives = Lives.TestCase
