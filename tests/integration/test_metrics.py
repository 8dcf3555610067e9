"""What an alarm can be set on: each end of an operation is counted, once."""

import pytest
from botocore.exceptions import ClientError

from cloudhsm_settings import clients
from cloudhsm_settings.custom_resource.observability import metrics
from events.situations import BY_EVENT, CLUSTER_ID
from tests.harness import Harness

ENDS = {
    "create-as-declared": "Succeeded",
    "create-invalid-properties": "InvalidProperties",
    "create-wont-fit": "WontFit",
    "create-access-denied": "AccessDenied",
    "update-drifted": "Drifted",
    "delete": "Deleted",
}


@pytest.fixture
def counted(harness: Harness):
    """Counts one request, by metric."""

    def count(name, **members):
        situation = BY_EVENT[name]
        if situation.cluster is None or CLUSTER_ID not in harness.fleet.clusters:
            situation.seed(harness.fleet)
        event = harness.deliverable(situation.load() | members)
        harness.set_stack_status(event, *situation.stack_statuses)
        metrics.clear_metrics()
        harness.invoke(event)
        return {name: sum(metric["Value"]) for name, metric in metrics.provider.metric_set.items()}

    yield count
    metrics.clear_metrics()


@pytest.mark.parametrize("name", ENDS)
def test_an_end_is_counted_once(counted, name):
    ends = {metric: times for metric, times in counted(name).items() if metric not in ("Polls", "ModifyCluster")}
    assert ends == {ENDS[name]: 1}


def deny_the_table(*_, **__):
    raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "UpdateItem")


def break_down(*_, **__):
    raise ZeroDivisionError


@pytest.mark.parametrize(("trouble", "metric"), [(break_down, "InternalFailure"), (deny_the_table, "AccessDenied")])
def test_what_fails_before_the_decision_is_counted(counted, harness, trouble, metric):
    client = clients.dynamodb()
    client.meta.events.register("before-call.dynamodb.UpdateItem", trouble, unique_id="trouble")
    try:
        assert counted("create-as-declared") == {metric: 1}
    finally:
        client.meta.events.unregister("before-call.dynamodb.UpdateItem", unique_id="trouble")
    assert harness.responses[0]["Status"] == "FAILED"


def test_a_contested_cluster_is_counted_and_named(counted, harness, caplog):
    counted("create-retention")
    other = {"LogicalResourceId": "OtherSettings", "RequestId": "00000099-0000-4000-8000-000000000000"}
    properties = {
        "ClusterId": CLUSTER_ID,
        "BackupRetentionPolicy": {"Type": "DAYS", "Value": "60"},
    }
    assert counted("create-retention", **other, ResourceProperties=properties)["Contested"] == 1
    (warning,) = [each for each in caplog.records if each.message == "contested"]
    assert (warning.OtherLogicalResourceId, warning.OtherDeclared) == ("Settings", "30")
