"""A second request that arrives at every single moment of the first one, on another execution environment."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple, Self

import pytest

from cloudhsm_settings import clients
from cloudhsm_settings.custom_resource.errors import Transient
from events.situations import BY_EVENT, CLUSTER_ID
from tests.harness import Harness

Event = dict[str, Any]


class Moment(NamedTuple):
    """When the second request came."""

    before: str
    modifies: int
    """Calls of ModifyCluster that had been made, or were on their way."""


class Interrupter:
    """Runs something else just before one AWS call of what goes on in this process."""

    def __init__(self, at: int, interrupt: Callable[[], None]) -> None:
        self.at, self.interrupt = at, interrupt
        self.calls: list[str] = []
        self.running = False

    def __call__(self, event_name: str, **_: object) -> None:
        if self.running:
            return
        self.calls.append(event_name.rpartition(".")[2])
        if len(self.calls) == self.at:
            self.running = True
            self.interrupt()
            self.running = False

    def __enter__(self) -> Self:
        for client in everything():
            client.meta.events.register("before-call.*", self, unique_id="interrupter")
        return self

    def __exit__(self, *_: object) -> None:
        for client in everything():
            client.meta.events.unregister("before-call.*", unique_id="interrupter")


def everything() -> list[Any]:
    return [clients.cloudhsm(), clients.dynamodb(), clients.scheduler(), clients.cloudformation()]


def twin_of(harness: Harness) -> Harness:
    """Another execution environment of the same function."""
    return Harness(harness.server, harness.receiver, harness.clock)


def at_every_moment(
    harness: Harness,
    first: Event,
    second: Callable[[Harness], None],
    *,
    before: Callable[[], object] = lambda: None,
    status: str = "",
    fewest: int = 4,
) -> Iterator[Moment]:
    """Yields after each run, with the moment at which the second request came; `before` has come to its end by then."""
    at = 1
    while True:
        harness.start_anew()
        BY_EVENT["create-migration"].seed(harness.fleet)
        before()
        harness.set_stack_status(first, status or f"{first['RequestType'].upper()}_IN_PROGRESS")
        with Interrupter(at, lambda: second(twin_of(harness))) as interrupter, suppress(Transient):
            harness.invoke(first)
        if len(interrupter.calls) < at:
            assert at > fewest, "the first request made hardly any call"
            return
        yield Moment(interrupter.calls[at - 1], interrupter.calls[:at].count("ModifyCluster"))
        at += 1


def finish(harness: Harness) -> None:
    for _ in range(200):
        if not harness.schedules():
            return
        harness.pass_time()
    raise AssertionError("never ends")


def test_the_same_delivery_twice_has_the_effect_of_one(harness):
    event = harness.deliverable(BY_EVENT["create-migration"].load())
    for moment in at_every_moment(harness, event, lambda twin: twin.invoke(event)):
        finish(harness)
        assert {each["Status"] for each in harness.responses} == {"SUCCESS"}, moment
        assert harness.modifies.count("HsmType") == 1, moment
        assert harness.fleet.cluster(CLUSTER_ID).hsm_type == "hsm2m.medium"


def test_the_same_poll_twice_has_the_effect_of_one(harness):
    event = harness.deliverable(BY_EVENT["create-migration"].load())
    poll: Event = {}

    def begun() -> None:
        cluster = harness.fleet.cluster(CLUSTER_ID)
        cluster.state = "UPDATE_IN_PROGRESS"
        harness.set_stack_status(event, "CREATE_IN_PROGRESS")
        harness.invoke(event)
        cluster.state = "ACTIVE"
        poll.update(harness.poll_event(harness.schedules()[0]) | {"RequestType": "Create"})
        del poll["RequestType"]

    for moment in at_every_moment(
        harness, poll, lambda twin: twin.invoke(dict(poll)), before=begun, status="CREATE_IN_PROGRESS"
    ):
        finish(harness)
        assert {each["Status"] for each in harness.responses} == {"SUCCESS"}, moment
        assert harness.modifies.count("HsmType") == 1, moment


def test_a_delete_with_an_id_made_up_by_cloudformation_ends_both_cleanly(harness):
    create = harness.deliverable(BY_EVENT["create-migration"].load(), "/response/create")
    delete = harness.deliverable(BY_EVENT["delete-id-never-issued"].load(), "/response/delete")

    def stack_is_deleted(twin: Harness) -> None:
        twin.set_stack_status(create, "DELETE_IN_PROGRESS")
        twin.invoke(delete)

    for moment in at_every_moment(harness, create, stack_is_deleted):
        finish(harness)
        deleted = [each for each in harness.responses if each["RequestId"] == delete["RequestId"]]
        assert [each["Status"] for each in deleted] == ["SUCCESS"], moment
        created = [each for each in harness.responses if each["RequestId"] == create["RequestId"]]
        assert all(each["Status"] == "FAILED" for each in created), moment
        # A call that is on its way cannot be called back; a later one is not made.
        assert len(harness.modifies) == moment.modifies, moment


def test_a_newer_update_takes_over(harness):
    older = harness.deliverable(BY_EVENT["update-migration"].load(), "/response/older")
    newer = harness.deliverable(BY_EVENT["update-stack-rollback-keep"].load(), "/response/newer")

    def stack_rolls_back(twin: Harness) -> None:
        twin.clock.moment += 1
        twin.set_stack_status(older, "UPDATE_ROLLBACK_IN_PROGRESS")
        twin.invoke(newer)

    for moment in at_every_moment(harness, older, stack_rolls_back):
        finish(harness)
        responses = [each for each in harness.responses if each["RequestId"] == newer["RequestId"]]
        assert [each["Status"] for each in responses] == ["SUCCESS"], moment
        assert len(harness.modifies) == moment.modifies, moment


def test_the_older_update_that_is_tried_again_while_a_newer_one_is_handled_does_nothing(harness):
    older = harness.deliverable(BY_EVENT["update-migration"].load(), "/response/older")
    harness.clock.moment += 90
    newer = harness.deliverable(BY_EVENT["update-stack-rollback-keep"].load(), "/response/newer")

    def later() -> None:
        harness.clock.moment += 90

    rolls_back = "UPDATE_ROLLBACK_IN_PROGRESS"
    for moment in at_every_moment(
        harness, newer, lambda twin: twin.invoke(older), before=later, status=rolls_back, fewest=3
    ):
        finish(harness)
        of_newer = [each for each in harness.responses if each["RequestId"] == newer["RequestId"]]
        assert {each["Status"] for each in of_newer} == {"SUCCESS"}, moment
        # Before the newer one has claimed, the older one is the owner: it finds its stack rolling back.
        assert harness.modifies == (), moment


def test_a_create_that_is_tried_again_while_its_delete_is_handled_does_nothing(harness):
    create = harness.deliverable(BY_EVENT["create-migration"].load(), "/response/create")
    harness.clock.moment += 90
    delete = harness.deliverable(BY_EVENT["delete-id-never-issued"].load(), "/response/delete")

    def later() -> None:
        harness.clock.moment += 90

    for moment in at_every_moment(harness, delete, lambda twin: twin.invoke(create), before=later, fewest=0):
        finish(harness)
        deleted = [each["Status"] for each in harness.responses if each["RequestId"] == delete["RequestId"]]
        assert set(deleted) == {"SUCCESS"}, moment
        assert harness.modifies == (), moment
        assert harness.record(delete).expires_at, moment


def test_the_same_delete_twice_has_the_effect_of_one(harness):
    delete = harness.deliverable(BY_EVENT["delete"].load())
    for moment in at_every_moment(harness, delete, lambda twin: twin.invoke(delete), fewest=0):
        finish(harness)
        assert {each["Status"] for each in harness.responses} == {"SUCCESS"}, moment
        assert harness.modifies == (), moment


def begin(harness: Harness, name: str, path: str = "/response") -> Event:
    BY_EVENT[name].seed(harness.fleet)
    event = harness.deliverable(BY_EVENT[name].load(), path)
    harness.set_stack_status(event, *BY_EVENT[name].stack_statuses)
    harness.invoke(event)
    return event


def test_a_delivery_that_comes_again_minutes_later_changes_nothing(harness):
    event = begin(harness, "create-migration")
    for _ in range(3):
        harness.pass_time()
        twin_of(harness).invoke(event)
    finish(harness)
    assert [each["Status"] for each in harness.responses] == ["SUCCESS"]
    assert harness.modifies == ("BackupRetentionPolicy", "HsmType")


def test_a_request_sent_again_with_a_new_url_is_answered_there_and_changes_nothing_twice(harness):
    event = begin(harness, "create-migration", "/response/first")
    harness.pass_time()
    again = harness.deliverable(event, "/response/second")
    twin_of(harness).invoke(again)
    assert len(harness.schedules()) == 1
    finish(harness)
    # Signed within a minute of each other, so that either may be the one that counts.
    paths = [each.path.partition("?")[0] for each in harness.receiver.received]
    assert paths == ["/response/second", "/response/first"]
    assert harness.responses[0]["Status"] == "SUCCESS"
    assert harness.responses[0]["Data"]["PreviousHsmType"] == "hsm1.medium"
    assert harness.modifies == ("BackupRetentionPolicy", "HsmType")


def test_a_poll_that_was_superseded_says_and_does_nothing(harness):
    begin(harness, "create-migration", "/response/older")
    stale = harness.poll_event(harness.schedules()[0])
    harness.pass_time()
    delete = harness.deliverable(BY_EVENT["delete-id-never-issued"].load(), "/response/delete")
    twin_of(harness).invoke(delete)
    harness.fleet.clock.advance(3600)
    harness.fleet.calls.clear()
    harness.invoke(stale)
    assert [each["RequestId"] for each in harness.responses] == [delete["RequestId"]]
    assert harness.modifies == ()
    assert harness.schedules() == []


def test_a_poll_that_was_superseded_does_not_change_the_retention(harness):
    BY_EVENT["create-retention"].seed(harness.fleet).state = "UPDATE_IN_PROGRESS"
    event = harness.deliverable(BY_EVENT["create-retention"].load(), "/response/older")
    harness.set_stack_status(event, "CREATE_IN_PROGRESS")
    harness.invoke(event)
    stale = harness.poll_event(harness.schedules()[0])
    twin_of(harness).invoke(harness.deliverable(BY_EVENT["delete-id-never-issued"].load(), "/response/delete"))
    harness.fleet.cluster(CLUSTER_ID).state = "ACTIVE"
    harness.invoke(stale)
    assert harness.modifies == ()
    assert harness.schedules() == []


def test_an_older_request_that_comes_late_does_not_take_over_from_a_newer_one(harness):
    late = harness.deliverable(BY_EVENT["update-migration"].load(), "/response/late")
    harness.clock.moment += 90
    begin(harness, "create-migration", "/response/newer")
    twin_of(harness).invoke(late)
    finish(harness)
    assert [each.path.partition("?")[0] for each in harness.receiver.received] == ["/response/newer"]


def test_deleting_a_replaced_cluster_leaves_the_operation_on_its_successor_alone(harness):
    begin(harness, "create-long-migration")
    replaced = harness.deliverable(BY_EVENT["delete-replaced-cluster"].load(), "/response/delete")
    twin_of(harness).invoke(replaced)
    assert len(harness.schedules()) == 1
    finish(harness)
    assert [each["Status"] for each in harness.signals] == ["SUCCESS"]


@pytest.mark.parametrize("name", ["delete", "delete-id-never-issued"])
def test_deleting_the_resource_tells_the_wait_condition(harness, name):
    begin(harness, "create-long-migration")
    twin_of(harness).invoke(harness.deliverable(BY_EVENT[name].load(), "/response/delete"))
    harness.pass_time()
    assert harness.schedules() == []
    assert [each["Status"] for each in harness.signals] == ["FAILURE"]
    assert "took over" in harness.signals[0]["Reason"]
