"""Every event of events/, against the situation that it belongs to, over real HTTP."""

import pytest

from events.situations import CLUSTER_ID, EVENTS, SITUATIONS, Situation
from tests.harness import Harness


def test_every_event_has_a_situation():
    assert sorted(path.stem for path in EVENTS.glob("*.json")) == sorted(each.event for each in SITUATIONS)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda each: each.event)
def test_situation(harness: Harness, situation: Situation):
    event = harness.meet(situation)

    harness.run(event)

    assert len(harness.responses) == 1
    answer = harness.responses[0]
    assert (answer["Status"], harness.modifies) == (situation.status, situation.modifies), answer["Reason"]
    assert situation.says in answer["Reason"]
    assert situation.data.items() <= answer["Data"].items()
    assert answer["PhysicalResourceId"]
    assert [each["Status"] for each in harness.signals] == [situation.signal] * bool(situation.signal)
    assert harness.schedules() == []


@pytest.mark.parametrize("situation", [each for each in SITUATIONS if each.says], ids=lambda each: each.event)
def test_a_reason_names_the_cluster_and_the_log(harness: Harness, situation: Situation):
    event = harness.meet(situation)

    harness.run(event)

    reason = harness.responses[0]["Reason"]
    assert CLUSTER_ID in reason or "my-cluster" in reason
    assert reason.endswith(
        "See the details in CloudWatch Log Stream: 2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"
    )
