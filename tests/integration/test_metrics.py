"""What an alarm can be set on: each end of an operation is counted, once."""

import pytest

from cloudhsm_settings.errors import AccessDenied
from cloudhsm_settings.observability import metrics
from events.situations import BY_EVENT
from tests.harness import Harness

ENDS = {
    "create-as-declared": "Succeeded",
    "create-invalid-properties": "InvalidProperties",
    "create-unknown-cluster": "NotFound",
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
        situation.seed(harness.fleet)
        event = harness.deliverable(situation.load()) | members
        harness.set_stack_status(event, situation.stack_status)
        metrics.clear_metrics()
        harness.invoke(event)
        return {name: sum(metric["Value"]) for name, metric in metrics.provider.metric_set.items()}

    yield count
    metrics.clear_metrics()


@pytest.mark.parametrize("name", ENDS)
def test_an_end_is_counted_once(counted, name):
    ends = {metric: times for metric, times in counted(name).items() if metric not in ("Polls", "ModifyCluster")}
    assert ends == {ENDS[name]: 1}


class Broken:
    """A record of operations that raises."""

    def __init__(self, error):
        self._error = error

    def names(self, prefix):
        raise self._error


@pytest.mark.parametrize(
    ("error", "metric"),
    [(ZeroDivisionError(), "InternalFailure"), (AccessDenied("scheduler:ListSchedules is denied"), "AccessDenied")],
)
def test_what_fails_before_the_decision_is_counted(counted, harness, error, metric):
    harness.resource._schedules_for = lambda _: Broken(error)
    assert counted("create-as-declared") == {"Polls": 1, metric: 1}
    assert harness.responses[0]["Status"] == "FAILED"
