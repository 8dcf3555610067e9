"""The rules of docs/resource.md where keys, stacks and nights are lost: through the real handler, over real HTTP."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cloudhsm_settings import clients
from events.situations import BY_EVENT, CLUSTER_ID, HOUR, ROLLING_BACK
from sandbox.cloudhsm import Fault, MigrationOutcome
from tests.failing import unreachable
from tests.harness import Harness

Event = dict[str, Any]
OLD, NEW = "hsm1.medium", "hsm2m.medium"


def update(
    harness: Harness,
    properties: dict[str, Any],
    old: dict[str, Any],
    *,
    number: int = 50,
    status: str = "",
    **more: Any,
) -> Event:
    """An Update of the cluster's resource, in a stack of this status."""
    event = BY_EVENT["update-migration"].load() | more
    event["RequestId"] = f"{number:08d}-0000-4000-8000-000000000000"
    event["ResourceProperties"] = {"ClusterId": CLUSTER_ID, **properties}
    event["OldResourceProperties"] = {"ClusterId": CLUSTER_ID, **old}
    event = harness.deliverable(event, f"/response/{number}")
    harness.set_stack_status(event, status or "UPDATE_IN_PROGRESS")
    return event


def handle(harness: Harness, name: str) -> str:
    return f"{harness.receiver.url}/handle/{name}?X-Amz-Signature=secret"


def response_to(harness: Harness, event: Event) -> Event:
    """The one response to an event."""
    found = [each for each in harness.responses if each["RequestId"] == event["RequestId"]]
    assert len(found) == 1, found
    return found[0]


def rolled_back(harness: Harness, forward: Event, *, number: int = 51) -> Event:
    """What a stack rollback sends after `forward`."""
    names = ("ResourceProperties", "OldResourceProperties")
    old, properties = ({k: v for k, v in forward[name].items() if k != "ClusterId"} for name in names)
    return update(harness, properties, old, number=number, status=ROLLING_BACK)


@pytest.fixture
def trouble(harness):
    """Lets calls of CloudFormation fail."""
    client = clients.cloudformation()

    def begin(error: Exception) -> None:
        def fail(**_: Any) -> None:
            raise error

        client.meta.events.register("before-call.cloudformation.*", fail, unique_id="trouble")

    yield begin
    client.meta.events.unregister("before-call.cloudformation.*", unique_id="trouble")


class TestKeys:
    """Nothing that costs a key happens without consent."""

    @pytest.mark.parametrize(
        ("before", "during", "turned"),
        [
            (None, None, False),
            ("Revert", "Keep", False),
            ("Keep", "Revert", True),
            (None, "Revert", True),
            ("Revert", "Revert", True),
        ],
    )
    def test_a_rollback_does_what_the_update_said_that_it_undoes(self, harness, before, during, turned):
        harness.fleet.seed(cluster_id=CLUSTER_ID)
        declared = [{"HsmType": OLD}, {"HsmType": NEW}]
        for properties, consent in zip(declared, (before, during), strict=True):
            properties.update({"HsmTypeOnRollback": consent} if consent else {})
        forward = update(harness, declared[1], declared[0])
        harness.run(forward)
        assert response_to(harness, forward)["Status"] == "SUCCESS"

        back = rolled_back(harness, forward)
        harness.run(back)
        assert response_to(harness, back)["Status"] == "SUCCESS"
        assert harness.fleet.cluster(CLUSTER_ID).hsm_type == (OLD if turned else NEW)
        assert harness.modifies == ("HsmType",) * (2 if turned else 1)

    @pytest.mark.parametrize("denied", [False, True])
    def test_by_hand_under_keep_nothing_is_called_although_no_window_is_shown(self, harness, trouble, denied):
        cluster = harness.fleet.seed(cluster_id=CLUSTER_ID, hidden={"HsmTypeRollbackExpiration"})
        cluster.migrate(NEW, harness.clock() - HOUR)
        if denied:
            trouble(ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeStacks"))
        event = update(harness, {"HsmType": OLD}, {"HsmType": NEW})
        harness.run(event)
        response = response_to(harness, event)
        assert harness.modifies == ()
        assert response["Status"] == ("SUCCESS" if denied else "FAILED")
        assert denied or "HsmTypeOnRollback: Revert" in response["Reason"]

    @pytest.mark.parametrize("seconds", ["60", "3600"])
    def test_a_rollback_turns_back_what_offered_it_however_little_time_its_stack_has(self, harness, seconds):
        harness.fleet.seed(cluster_id=CLUSTER_ID)
        former = {"HsmType": OLD, "ServiceTimeout": seconds}
        forward = update(harness, {"HsmType": NEW, "HsmTypeOnRollback": "Revert"}, former)
        harness.invoke(forward)
        harness.pass_time(300)
        back = rolled_back(harness, forward)
        harness.run(back)
        assert response_to(harness, back)["Status"] == "SUCCESS"
        assert (harness.fleet.cluster(CLUSTER_ID).hsm_type, harness.modifies) == (OLD, ("HsmType",) * 2)

    def test_a_rollback_of_what_somebody_else_migrated_turns_nothing_back(self, harness):
        harness.fleet.seed(cluster_id=CLUSTER_ID, hsm_type=NEW).rollback_expires_at = harness.clock() + HOUR
        revert = {"HsmTypeOnRollback": "Revert"}
        forward = update(harness, {"HsmType": NEW, **revert}, {"HsmType": OLD, **revert})
        harness.run(forward)
        back = rolled_back(harness, forward)
        harness.run(back)
        assert response_to(harness, back)["Data"]["HsmTypeDrifted"] == "true"
        assert harness.modifies == ()

    def test_a_later_update_closes_the_way_back_of_an_earlier_one(self, harness):
        harness.fleet.seed(cluster_id=CLUSTER_ID)
        revert = {"HsmTypeOnRollback": "Revert"}
        first = update(harness, {"HsmType": NEW, **revert}, {"HsmType": OLD, **revert})
        harness.run(first)
        aside = update(harness, {"HsmType": OLD}, {"HsmType": NEW, **revert}, number=60)
        harness.run(aside)
        aligned = update(harness, {"HsmType": NEW, **revert}, {"HsmType": OLD, **revert}, number=61)
        harness.run(aligned)
        harness.run(rolled_back(harness, aligned, number=62))
        assert harness.modifies == ("HsmType",)
        assert harness.fleet.cluster(CLUSTER_ID).hsm_type == NEW

    def test_a_forward_poll_of_a_stack_that_rolls_back_begins_no_migration(self, harness):
        cluster = harness.fleet.seed(cluster_id=CLUSTER_ID, state="UPDATE_IN_PROGRESS")
        event = update(harness, {"HsmType": NEW}, {"HsmType": OLD})
        harness.invoke(event)
        harness.set_stack_status(event, ROLLING_BACK)
        cluster.state = "ACTIVE"
        harness.pass_time()
        assert harness.modifies == ()
        assert "Nothing needs to be done" in response_to(harness, event)["Reason"]

    def test_a_forward_poll_of_a_stack_that_rolls_back_changes_no_retention(self, harness):
        cluster = harness.fleet.seed(cluster_id=CLUSTER_ID, state="UPDATE_IN_PROGRESS")
        policy = {"Type": "DAYS", "Value": "30"}
        event = update(harness, {"BackupRetentionPolicy": policy}, {"BackupRetentionPolicy": policy | {"Value": "90"}})
        harness.invoke(event)
        harness.set_stack_status(event, ROLLING_BACK)
        cluster.state = "ACTIVE"
        harness.pass_time()
        assert harness.modifies == ()

    @pytest.mark.parametrize("at_minute", [5, 35])
    def test_the_way_back_after_a_rollback_under_keep(self, harness, at_minute):
        harness.fleet.seed(cluster_id=CLUSTER_ID)
        forward = update(harness, {"HsmType": NEW}, {"HsmType": OLD})
        harness.invoke(forward)
        harness.pass_time(at_minute * 60)
        kept = rolled_back(harness, forward)
        harness.run(kept)
        assert response_to(harness, kept)["Status"] == "SUCCESS"
        anew = update(harness, {"HsmType": OLD, "HsmTypeOnRollback": "Revert"}, {"HsmType": OLD}, number=70)
        harness.run(anew)
        assert response_to(harness, anew)["Data"]["HsmType"] == OLD
        assert harness.modifies == ("HsmType", "HsmType")
        assert harness.fleet.cluster(CLUSTER_ID).keys_lost is (at_minute > 30)


class TestStacks:
    """No stack hangs, and none ends in UPDATE_ROLLBACK_FAILED because of the cluster."""

    def test_a_rollback_at_minute_five_is_answered_at_once_and_sets_the_retention_later(self, harness):
        harness.fleet.seed(3, cluster_id=CLUSTER_ID)
        days = [{"BackupRetentionPolicy": {"Type": "DAYS", "Value": value}} for value in ("90", "30")]
        wait = {"WaitConditionHandle": handle(harness, "one")}
        forward = update(harness, {"HsmType": NEW, **days[1], **wait}, {"HsmType": OLD, **days[0]})
        harness.invoke(forward)
        harness.pass_time(300)
        back = rolled_back(harness, forward)
        harness.invoke(back)
        assert response_to(harness, back)["Status"] == "SUCCESS"
        harness.set_stack_status(back, "UPDATE_ROLLBACK_COMPLETE")
        for _ in range(120):
            harness.pass_time()
        assert harness.schedules() == []
        cluster = harness.fleet.cluster(CLUSTER_ID)
        assert (cluster.hsm_type, cluster.retention) == (NEW, {"Type": "DAYS", "Value": "90"})
        assert [each["Status"] for each in harness.signals] == ["FAILURE"], "of the superseded update"

    def test_a_rollback_that_the_stack_was_never_told_of_sets_no_retention_after_its_deadline(
        self, harness, monkeypatch
    ):
        monkeypatch.setattr("cloudhsm_settings.custom_resource.delivery.SOCKET_TIMEOUT", 100)
        cluster = harness.fleet.seed(cluster_id=CLUSTER_ID)
        days = [{"BackupRetentionPolicy": {"Type": "DAYS", "Value": value}} for value in ("90", "30")]
        forward = update(harness, days[1], days[0])
        harness.run(forward)
        cluster.state = "UPDATE_IN_PROGRESS"
        back = rolled_back(harness, forward)
        with unreachable(harness.receiver):
            harness.invoke(back)
            for _ in range(61):
                harness.pass_time()
        harness.set_stack_status(back, "UPDATE_ROLLBACK_FAILED", ROLLING_BACK)
        cluster.state = "ACTIVE"
        for _ in range(5):
            harness.pass_time()
        assert (harness.modifies, harness.schedules()) == (("BackupRetentionPolicy",), [])

    def test_a_rollback_goes_on_when_the_cluster_is_gone(self, harness):
        event = update(harness, {"HsmType": OLD}, {"HsmType": NEW}, status=ROLLING_BACK)
        harness.run(event)
        assert response_to(harness, event)["Status"] == "SUCCESS"

    @pytest.mark.parametrize("state", ["DEGRADED", "UNINITIALIZED", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"])
    def test_a_rollback_goes_on_in_every_state(self, harness, state):
        harness.fleet.seed(2, cluster_id=CLUSTER_ID, hsm_type=NEW, state=state)
        event = update(harness, {"HsmType": OLD}, {"HsmType": NEW}, status=ROLLING_BACK)
        harness.invoke(event)
        assert response_to(harness, event)["Status"] == "SUCCESS"
        assert harness.modifies == ()

    def test_a_rollback_goes_on_when_cloudhsm_refuses_the_way_back(self, harness):
        harness.fleet.seed(cluster_id=CLUSTER_ID)
        revert = {"HsmTypeOnRollback": "Revert"}
        forward = update(harness, {"HsmType": NEW, **revert}, {"HsmType": OLD, **revert})
        harness.run(forward)
        harness.fleet.faults.append(Fault("ModifyCluster", "CloudHsmInvalidRequestException", 9))
        back = rolled_back(harness, forward)
        harness.run(back)
        assert response_to(harness, back)["Data"]["HsmTypeDrifted"] == "true"

    def test_a_redeployment_with_a_new_handle_follows_the_migration_that_is_running(self, harness):
        harness.fleet.seed(3, cluster_id=CLUSTER_ID).migrate(NEW, harness.clock() - 600)
        event = update(harness, {"HsmType": NEW, "WaitConditionHandle": handle(harness, "two")}, {"HsmType": OLD})
        harness.invoke(event)
        assert response_to(harness, event)["Status"] == "SUCCESS"
        for _ in range(100):
            harness.pass_time()
        assert [each["Status"] for each in harness.signals] == ["SUCCESS"]
        assert harness.modifies == ()

    @pytest.mark.parametrize(("wanted", "former"), [(NEW, OLD), (OLD, NEW)])
    def test_without_a_way_to_cloudformation_a_later_type_is_reached_and_none_turned_back(
        self, harness, trouble, wanted, former
    ):
        harness.fleet.seed(cluster_id=CLUSTER_ID, hsm_type=former)
        trouble(EndpointConnectionError(endpoint_url="https://cloudformation.us-east-1.amazonaws.com"))
        event = update(harness, {"HsmType": wanted}, {"HsmType": former})
        harness.run(event)
        assert response_to(harness, event)["Status"] == "SUCCESS"
        assert harness.fleet.cluster(CLUSTER_ID).hsm_type == NEW

    def test_a_migration_that_the_timeout_cannot_hold_is_not_begun(self, harness):
        harness.fleet.seed(0, cluster_id=CLUSTER_ID)
        event = update(harness, {"HsmType": NEW, "ServiceTimeout": "1800"}, {"HsmType": OLD})
        harness.run(event)
        assert "WaitConditionHandle: !Ref" in response_to(harness, event)["Reason"]
        assert harness.modifies == ()


class TestOddAnswers:
    """One odd answer decides nothing."""

    @pytest.mark.parametrize(
        "fault",
        [
            Fault("DescribeClusters", empty=True),
            Fault("DescribeClusters", "CloudHsmServiceException"),
            Fault("DescribeClusters", "CloudHsmInvalidRequestException"),
        ],
        ids=["empty", "service", "invalid"],
    )
    def test_one_odd_read_does_not_end_a_migration(self, harness, fault):
        harness.fleet.seed(cluster_id=CLUSTER_ID)
        event = update(harness, {"HsmType": NEW}, {"HsmType": OLD})
        harness.invoke(event)
        harness.pass_time()
        harness.fleet.faults.append(fault)
        while harness.schedules():
            harness.pass_time()
        assert response_to(harness, event)["Status"] == "SUCCESS"
        assert harness.modifies == ("HsmType",)

    @pytest.mark.parametrize("seconds", [60, 119])
    def test_reads_that_lag_are_not_taken_for_a_revert(self, harness, seconds):
        harness.fleet.seed(cluster_id=CLUSTER_ID)
        harness.fleet.lag_seconds = seconds
        event = update(harness, {"HsmType": NEW}, {"HsmType": OLD})
        harness.run(event)
        assert response_to(harness, event)["Status"] == "SUCCESS"
        assert harness.modifies == ("HsmType",)

    def test_a_rollback_moments_after_a_change_is_not_fooled_by_a_lagging_read(self, harness):
        harness.fleet.seed(cluster_id=CLUSTER_ID)
        harness.fleet.lag_seconds = 100
        days = [{"BackupRetentionPolicy": {"Type": "DAYS", "Value": value}} for value in ("90", "30")]
        forward = update(harness, days[1], days[0])
        harness.invoke(forward)
        harness.clock.moment += 10
        back = rolled_back(harness, forward)
        harness.run(back)
        assert harness.fleet.cluster(CLUSTER_ID).retention == {"Type": "DAYS", "Value": "90"}

    def test_two_resources_that_declare_the_same_type_at_once(self, harness):
        harness.fleet.seed(cluster_id=CLUSTER_ID)
        one = update(harness, {"HsmType": NEW}, {"HsmType": OLD})
        other = update(harness, {"HsmType": NEW}, {"HsmType": OLD}, number=52, LogicalResourceId="Other")

        def overtake(call: Any) -> None:
            if call.operation == "ModifyCluster":
                harness.fleet.before_call = None
                harness.invoke(one)

        harness.fleet.before_call = overtake
        harness.run(other)
        while harness.schedules():
            harness.pass_time()
        assert [response_to(harness, each)["Status"] for each in (one, other)] == ["SUCCESS", "SUCCESS"]

    @pytest.mark.parametrize(
        ("hidden", "declared"),
        [
            ({"HsmType"}, {"HsmType": OLD}),
            ({"HsmType", "Hsms.HsmType"}, {"HsmType": OLD}),
            ({"BackupRetentionPolicy.Type"}, {"BackupRetentionPolicy": {"Type": "DAYS", "Value": "90"}}),
        ],
    )
    def test_a_member_that_is_not_shown_is_no_difference(self, harness, hidden, declared):
        harness.fleet.seed(cluster_id=CLUSTER_ID, hidden=hidden)
        event = update(harness, declared, {"HsmType": NEW})
        harness.run(event)
        assert harness.modifies == ()

    def test_a_cluster_that_shows_no_type_at_all_is_named_at_the_end_of_the_wait(self, harness):
        harness.fleet.seed(cluster_id=CLUSTER_ID, hidden={"HsmType", "Hsms.HsmType"})
        event = update(harness, {"HsmType": OLD}, {"HsmType": NEW})
        harness.run(event)
        assert f"still {CLUSTER_ID} reports no HSM type" in response_to(harness, event)["Reason"]


class TestReasons:
    """A Reason names what was waited for, never something else."""

    def reason(self, harness: Harness, properties: dict[str, Any], old: dict[str, Any]) -> str:
        event = update(harness, properties, old)
        harness.run(event)
        response = response_to(harness, event)
        assert response["Status"] == "FAILED"
        return str(response["Reason"])

    def test_one_hsm_that_lags(self, harness):
        cluster = harness.fleet.seed(2, cluster_id=CLUSTER_ID, hsm_type=NEW)
        cluster.hsms[1].hsm_type = OLD
        reason = self.reason(harness, {"HsmType": NEW}, {"HsmType": OLD})
        assert f"but its HSM {cluster.hsms[1].hsm_id} is {OLD}" in reason
        assert harness.modifies == ()

    def test_throttling_for_the_whole_wait(self, harness):
        harness.fleet.seed(cluster_id=CLUSTER_ID)
        harness.fleet.faults.append(Fault("ModifyCluster", "ThrottlingException", 1000))
        reason = self.reason(harness, {"HsmType": NEW}, {"HsmType": OLD})
        assert "cloudhsm:ModifyCluster fails with ThrottlingException" in reason

    @pytest.mark.parametrize("consent", ["Keep", "Revert"])
    def test_another_type_of_the_same_generation_is_not_said_to_lose_keys(self, harness, consent):
        harness.fleet.seed(cluster_id=CLUSTER_ID, hsm_type=NEW)
        event = update(harness, {"HsmType": "hsm2n.medium", "HsmTypeOnRollback": consent}, {"HsmType": NEW})
        harness.run(event)
        response = response_to(harness, event)
        assert response["Status"] == ("SUCCESS" if consent == "Revert" else "FAILED")
        assert "loses" not in response["Reason"]

    def test_a_hanging_way_back_counts_the_hsms_that_went_back(self, harness):
        cluster = harness.fleet.seed(cluster_id=CLUSTER_ID, outcome=MigrationOutcome.HANG)
        cluster.migrate(NEW, harness.clock() - HOUR)
        reason = self.reason(harness, {"HsmType": NEW}, {"HsmType": OLD})
        assert f"0 of 1 HSMs are {NEW}" in reason

    def test_an_empty_property_names_the_way_to_leave_it_out(self, harness):
        assert "AWS::NoValue" in self.reason(harness, {"HsmType": ""}, {"HsmType": OLD})

    def test_it_names_the_log_group_too(self, harness):
        assert "Log group: /aws/lambda/" in self.reason(harness, {"HsmType": ""}, {"HsmType": OLD})
