"""A second request that arrives at every single moment of the first one, on another execution environment."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from cloudhsm_settings import clients
from events.situations import BY_EVENT, CLUSTER_ID
from tests.harness import Harness

Event = dict[str, Any]


class Moment(NamedTuple):
    """When the second request came."""

    before: str
    modifies: int
    """Calls of ModifyCluster that had been made, or were on their way."""


class Interrupter:
    """Runs something else just before one AWS call, or one answer, of what goes on in this process."""

    def __init__(self, at: int, interrupt: Callable[[], None]) -> None:
        self.at, self.interrupt = at, interrupt
        self.calls: list[str] = []
        self.running = False

    def __call__(self, event_name: str = "PUT", **_: object) -> None:
        if self.running:
            return
        self.calls.append(event_name.rpartition(".")[2])
        if len(self.calls) == self.at:
            self.running = True
            self.interrupt()
            self.running = False

    def install(self) -> None:
        for client in (clients.cloudhsm(), clients.scheduler(), clients.cloudformation()):
            client.meta.events.register("before-call.*", self, unique_id="interrupter")

    def remove(self) -> None:
        for client in (clients.cloudhsm(), clients.scheduler(), clients.cloudformation()):
            client.meta.events.unregister("before-call.*", unique_id="interrupter")


def twin_of(harness: Harness) -> Harness:
    """Another execution environment of the same function."""
    return Harness(harness.server, harness.receiver, harness.clock)


def at_every_moment(harness: Harness, first: Event, second: Callable[[Harness], None]):
    """Yields after each run, with the moment at which the second request came."""
    at = 1
    while True:
        harness.fleet.clusters.clear()
        harness.fleet.calls.clear()
        harness.receiver.received.clear()
        BY_EVENT["create-migration"].seed(harness.fleet)
        harness.set_stack_status(
            first, "CREATE_IN_PROGRESS" if first["RequestType"] == "Create" else "UPDATE_IN_PROGRESS"
        )
        interrupter = Interrupter(at, lambda: second(twin_of(harness)))
        interrupter.install()
        try:
            harness.invoke(first)
        finally:
            interrupter.remove()
        if len(interrupter.calls) < at:
            assert at > 4, "the first request made hardly any call"
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


def test_the_same_look_twice_has_the_effect_of_one(harness):
    event = harness.deliverable(BY_EVENT["create-migration"].load())
    situation = BY_EVENT["create-migration"]
    at = 1
    while True:
        harness.fleet.clusters.clear()
        harness.fleet.calls.clear()
        harness.receiver.received.clear()
        cluster = situation.seed(harness.fleet)
        cluster.state = "UPDATE_IN_PROGRESS"
        harness.set_stack_status(event, "CREATE_IN_PROGRESS")
        harness.invoke(event)
        cluster.state = "ACTIVE"
        poll = harness.poll_event(harness.schedules()[0])
        interrupter = Interrupter(at, lambda poll=poll: twin_of(harness).invoke(poll))
        interrupter.install()
        harness.invoke(poll)
        interrupter.remove()
        finish(harness)
        moment = interrupter.calls[min(at, len(interrupter.calls)) - 1]
        assert {each["Status"] for each in harness.responses} == {"SUCCESS"}, moment
        assert harness.modifies.count("HsmType") == 1, moment
        if len(interrupter.calls) < at:
            return
        at += 1


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


def begin(harness: Harness, name: str, path: str = "/response") -> Event:
    BY_EVENT[name].seed(harness.fleet)
    event = harness.deliverable(BY_EVENT[name].load(), path)
    harness.set_stack_status(event, BY_EVENT[name].stack_status)
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
    assert [each.path.partition("?")[0] for each in harness.receiver.received] == ["/response/second"]
    assert harness.responses[0]["Status"] == "SUCCESS"
    assert harness.responses[0]["Data"]["PreviousHsmType"] == "hsm1.medium"
    assert harness.modifies == ("BackupRetentionPolicy", "HsmType")


def test_a_look_that_was_superseded_says_and_does_nothing(harness):
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


def test_a_look_that_was_superseded_does_not_change_the_retention(harness):
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
    late["ResponseURL"] += "&X-Amz-Date=20260101T000000Z"
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
    assert harness.schedules() == []
    assert [each["Status"] for each in harness.signals] == ["FAILURE"]
    assert "took over" in harness.signals[0]["Reason"]
