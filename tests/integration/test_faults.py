"""AWS throttles, errs, times out, reads stale, denies: the operation still ends as it should."""

import pytest
from botocore.exceptions import ClientError

from cloudhsm_settings import clients
from events.situations import BY_EVENT, CLUSTER_ID
from sandbox.cloudhsm import Fault, MigrationOutcome
from tests.harness import Harness


def run(harness: Harness, name: str, *faults: Fault, stale_reads: int = 0, **cluster) -> dict:
    situation = BY_EVENT[name]
    event = harness.meet(situation)
    for member, value in cluster.items():
        setattr(harness.fleet.clusters[CLUSTER_ID], member, value)
    harness.fleet.faults.extend(faults)
    harness.fleet.stale_reads = stale_reads
    harness.run(event)
    assert len(harness.responses) == 1
    return harness.responses[0]


@pytest.mark.parametrize("code", ["CloudHsmInternalFailureException", "ThrottlingException", "NeverHeardOf"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_read_that_fails_is_repeated_at_the_next_look(harness, code, times):
    answer = run(harness, "update-migration", Fault("DescribeClusters", code, times))
    assert answer["Status"] == "SUCCESS"
    assert harness.modifies == ("HsmType",)


def test_reads_that_fail_to_the_end_end_with_what_to_do(harness):
    answer = run(harness, "create-retention", Fault("DescribeClusters", times=1000))
    assert answer["Status"] == "FAILED"
    assert "cloudhsm:DescribeClusters fails with CloudHsmInternalFailureException" in answer["Reason"]
    assert harness.modifies == ()


def test_a_throttled_change_of_type_is_repeated(harness):
    answer = run(harness, "update-migration", Fault("ModifyCluster", "ThrottlingException", 2))
    assert answer["Status"] == "SUCCESS"
    assert harness.modifies == ("HsmType",) * 3


def test_a_change_of_type_that_took_effect_though_it_erred_is_not_repeated(harness):
    answer = run(harness, "update-migration", Fault("ModifyCluster", carried_out=True))
    assert answer["Status"] == "SUCCESS"
    assert harness.modifies == ("HsmType",)


def test_a_change_of_type_that_erred_without_effect_is_repeated_once_that_is_certain(harness):
    answer = run(harness, "update-migration", Fault("ModifyCluster"))
    assert answer["Status"] == "SUCCESS"
    assert harness.modifies == ("HsmType",) * 2


def test_an_erring_change_that_reverts_at_once_is_not_repeated(harness):
    answer = run(
        harness, "update-migration", Fault("ModifyCluster", carried_out=True), outcome=MigrationOutcome.REVERT_AT_ONCE
    )
    assert answer["Status"] == "FAILED"
    assert "reverted" in answer["Reason"]
    assert harness.modifies == ("HsmType",)


def test_a_stale_read_is_not_taken_for_a_revert(harness):
    answer = run(harness, "update-migration", stale_reads=1)
    assert answer["Status"] == "SUCCESS"
    assert harness.modifies == ("HsmType",)


def test_a_stale_read_of_the_retention_is_not_written_again(harness):
    answer = run(harness, "create-migration", stale_reads=1)
    assert answer["Status"] == "SUCCESS"
    assert harness.modifies == ("BackupRetentionPolicy", "HsmType")


@pytest.mark.parametrize("outcome", [MigrationOutcome.REVERT, MigrationOutcome.REVERT_AT_ONCE])
def test_a_revert_is_told_from_its_result_alone(harness, outcome):
    answer = run(harness, "update-migration", outcome=outcome)
    assert answer["Status"] == "FAILED"
    assert f"{CLUSTER_ID} is ACTIVE" in answer["Reason"]
    assert harness.modifies == ("HsmType",)


def test_a_migration_that_hangs_ends_with_progress_and_is_not_undone(harness):
    answer = run(harness, "update-migration", outcome=MigrationOutcome.HANG)
    assert answer["Status"] == "FAILED"
    assert (
        "the time is up, and still cluster-abcdefghijk is MODIFY_IN_PROGRESS: 0 of 1 HSMs are hsm2m.medium"
        in answer["Reason"]
    )
    assert harness.fleet.cluster(CLUSTER_ID).state == "MODIFY_IN_PROGRESS"
    assert harness.modifies == ("HsmType",)


def test_a_refusal_of_cloudhsm_is_passed_on(harness):
    answer = run(harness, "update-migration", Fault("ModifyCluster", "CloudHsmInvalidRequestException", 2))
    assert answer["Status"] == "FAILED"
    assert "CloudHsmInvalidRequestException: The sandbox was told to fail." in answer["Reason"]
    assert harness.schedules() == []


@pytest.fixture
def deny(harness):
    """Denies one operation of another service, as IAM does."""
    denied: set[str] = set()

    def check(model, **_):
        if model.name in denied:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, model.name)

    everything = [clients.dynamodb(), clients.scheduler(), clients.cloudformation()]
    for client in everything:
        client.meta.events.register("before-call.*", check, unique_id="deny")
    yield denied.add
    for client in everything:
        client.meta.events.unregister("before-call.*", unique_id="deny")


@pytest.mark.parametrize("name", ["update-stack-rollback-keep", "update-stack-rollback-revert"])
def test_without_permission_to_read_the_stack_a_cluster_is_not_turned_back(harness, deny, name):
    deny("DescribeStacks")
    answer = run(harness, name)
    assert answer["Status"] == "SUCCESS"
    assert answer["Data"]["HsmTypeDrifted"] == "true"
    assert harness.modifies == ()


@pytest.mark.parametrize(
    ("action", "named", "modifies"),
    [("UpdateItem", "dynamodb:UpdateItem", ()), ("CreateSchedule", "scheduler:CreateSchedule", ("HsmType",))],
)
def test_a_missing_permission_is_named(harness, deny, action, named, modifies):
    deny(action)
    answer = run(harness, "update-migration")
    assert answer["Status"] == "FAILED"
    assert f"AWS denied {named}" in answer["Reason"]
    assert CLUSTER_ID in answer["Reason"]
    assert harness.modifies == modifies


def test_a_delete_succeeds_whatever_has_become_of_the_provider(harness, deny):
    deny("UpdateItem")
    assert run(harness, "delete")["Status"] == "SUCCESS"


def test_a_permission_that_only_tidies_up_costs_no_response(harness, deny):
    situation = BY_EVENT["update-migration"]
    event = harness.meet(situation)
    harness.invoke(event)
    deny("DeleteSchedule")
    harness.pass_time(3000)
    assert [each["Status"] for each in harness.responses] == ["SUCCESS"]


def test_a_handle_that_refuses_is_no_trouble(harness):
    harness.receiver.statuses = [200, 403]
    run(harness, "create-long-migration")
    assert len(harness.signals) == 1
    assert harness.schedules() == []


def test_a_handle_that_cannot_be_reached_does_not_keep_the_stack_waiting(harness):
    harness.receiver.statuses = [200, *[503] * 6]
    assert run(harness, "create-long-migration")["Status"] == "SUCCESS"
    assert harness.signals[-1]["Status"] == "SUCCESS"
    assert harness.schedules() == []


def test_a_long_migration_that_is_reverted_fails_the_wait_condition(harness):
    answer = run(harness, "create-long-migration", outcome=MigrationOutcome.REVERT)
    assert answer["Status"] == "SUCCESS"
    assert [each["Status"] for each in harness.signals] == ["FAILURE"]
    assert "reverted" in harness.signals[0]["Reason"]


def test_a_long_migration_that_hangs_fails_the_wait_condition_in_time(harness):
    began = harness.clock()
    run(harness, "create-long-migration", outcome=MigrationOutcome.HANG)
    assert [each["Status"] for each in harness.signals] == ["FAILURE"]
    assert "1 of 3 HSMs are hsm2m.medium" in harness.signals[0]["Reason"]
    assert 11.5 * 3600 < harness.clock() - began < 12.1 * 3600


def test_a_refused_long_migration_fails_both_stack_and_wait_condition(harness):
    answer = run(harness, "create-long-migration", state="UNINITIALIZED")
    assert answer["Status"] == "FAILED"
    assert [each["Status"] for each in harness.signals] == ["FAILURE"]
