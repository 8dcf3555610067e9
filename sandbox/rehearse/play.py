"""Plays scenarios, each with a stack and clusters of its own, all on one local cloud whose time goes by in steps."""

import itertools
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from sandbox.cloud import Cloud
from sandbox.cloudhsm import Clock, Fault, Fleet
from sandbox.cloudhsm.fleet import Call
from sandbox.rehearse.outcome import Moment, Outcome, cluster_outcome
from sandbox.rehearse.scenarios import Scenario
from sandbox.rehearse.template import (
    Shape,
    Staged,
    before,
    clusters_of,
    staged,
    with_failing_neighbour,
    with_properties,
)
from sandbox.stepped import VARIABLE, SteppedClock

AT_ONCE = 6
"""Scenarios that are played side by side."""
_PAUSE = 0.2
_LONGEST_AFTERMATH = 3 * 3600
_SECONDS_AT_MOST = 900
_THROTTLED = 12
"""Calls that are throttled at first: more than botocore repeats by itself in one invocation."""
_numbers = itertools.count(1)


class WentWrong(Exception):
    """The rehearsal itself did not work; it says nothing about the template."""


@dataclass(frozen=True)
class Rehearsed:
    """What is rehearsed."""

    text: str
    """The template."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    shape: Shape = field(default_factory=Shape)
    before: str = ""
    """The template of before; derived from `text` where it is empty."""

    def stage(self, text: str, token: str, clusters: Mapping[str, str]) -> Staged:
        """A template for the local cloud."""
        names = clusters_of(text)
        given = self.parameters if text == self.text else {}
        return staged(text, given, token, {name: clusters.get(name, next(iter(clusters.values()))) for name in names})


class Stage:
    """The local cloud, and who listens to what its CloudHSM is asked."""

    def __init__(self, cloud: Cloud, clock: SteppedClock, token: str) -> None:
        self.cloud, self.clock, self.token = cloud, clock, token
        self.fleet = cloud.fleet
        self.listeners: dict[str, Callable[[Call], None]] = {}
        self.fleet.after_call = self._heard

    def _heard(self, call: Call) -> None:
        about = [call.members.get("ClusterId"), *(call.members.get("Filters") or {}).get("clusterIds", [])]
        for cluster_id in about:
            if listener := self.listeners.get(str(cluster_id)):
                listener(call)


@contextmanager
def stage() -> Iterator[Stage]:
    """A local cloud with the provider, in stepped time."""
    with tempfile.TemporaryDirectory(prefix="cloudhsm-rehearse-") as directory:
        clock = SteppedClock(Path(directory) / "clock")
        clock.set(0)
        clock.hold_at(0)
        fleet = Fleet(Clock(source=clock.now))
        with Cloud(fleet, variables={VARIABLE: str(clock.path)}) as cloud:
            token = cloud.deploy_provider()
            clock.set(float(int(time.time())))
            yield Stage(cloud, clock, token)


def play_all(stage: Stage, rehearsed: Rehearsed, chosen: Sequence[Scenario]) -> Iterator[Outcome]:
    """Outcomes in the order of the scenarios."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(lambda each: _Played(stage, rehearsed, each).outcome(), chosen)


class _Played:
    """One scenario."""

    def __init__(self, stage: Stage, rehearsed: Rehearsed, scenario: Scenario) -> None:
        self._stage, self._rehearsed, self._scenario = stage, rehearsed, scenario
        self._client = stage.cloud.client("cloudformation")
        self._name = f"rehearsal-{next(_numbers)}"
        shape = rehearsed.shape
        retention = {"Type": "DAYS", "Value": str(shape.retention_days)}
        self._clusters = {
            name: stage.fleet.seed(shape.hsms, hsm_type=shape.hsm_type, retention=retention, **scenario.cluster)
            for name in clusters_of(rehearsed.text)
        }
        self._began = 0.0
        self._former: set[str] = set()
        self._moments: list[Moment] = []
        self._shown: dict[str, str] = {}
        self._interrupted = threading.Event()

    def outcome(self) -> Outcome:
        """Plays it; raises WentWrong when the stack of before cannot be made."""
        ids = {name: each.cluster_id for name, each in self._clusters.items()}
        target = self._rehearsed.stage(self._rehearsed.text, self._stage.token, ids)
        if self._scenario.on_rollback:
            target = with_properties(target, HsmTypeOnRollback=self._scenario.on_rollback)
        if not self._scenario.creates:
            self._make_stack_of_before(target, ids)
        self._misbehave(ids.values())
        stack_id = self._change(with_failing_neighbour(target) if self._scenario.neighbour_fails else target)
        status = self._followed(stack_id)
        states = {name: self._stage.fleet.cluster(each.cluster_id).state for name, each in self._clusters.items()}
        self._let_polls_end(stack_id)
        return self._told(stack_id, status, states)

    def _make_stack_of_before(self, target: Staged, ids: Mapping[str, str]) -> None:
        text = self._rehearsed.before
        former = self._rehearsed.stage(text, self._stage.token, ids) if text else before(target, self._rehearsed.shape)
        if text and self._scenario.on_rollback:
            former = with_properties(former, HsmTypeOnRollback=self._scenario.on_rollback)
        stack_id = self._client.create_stack(StackName=self._name, **_body(former))["StackId"]
        if (status := self._followed(stack_id)) != "CREATE_COMPLETE":
            raise WentWrong(f"The stack of before ended {status}: {self._because(self._events(stack_id))}")
        self._former = {each["EventId"] for each in self._events(stack_id)}

    def _misbehave(self, ids: Any) -> None:
        for cluster_id in ids:
            self._stage.listeners[cluster_id] = self._heard
            if self._scenario.throttles:
                self._stage.fleet.faults += [
                    Fault(operation, "ThrottlingException", _THROTTLED, cluster_id=cluster_id)
                    for operation in ("DescribeClusters", "ModifyCluster")
                ]

    def _change(self, target: Staged) -> str:
        self._began = self._stage.clock.now()
        if self._scenario.creates:
            return str(self._client.create_stack(StackName=self._name, **_body(target))["StackId"])
        try:
            return str(self._client.update_stack(StackName=self._name, **_body(target))["StackId"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                raise WentWrong(f"CloudFormation refuses the update: {error.response['Error']['Message']}") from None
            raise

    def _heard(self, call: Call) -> None:
        """Notes what is to be seen of the clusters, and interrupts when it is time; the clock stands meanwhile."""
        for name, cluster in self._clusters.items():
            done = sum(hsm.hsm_type != self._rehearsed.shape.hsm_type for hsm in cluster.hsms)
            seen = f"{name}: {cluster.state}, {done} of {len(cluster.hsms)} HSMs changed"
            if self._shown.get(name) != seen:
                self._shown[name] = seen
                self._note(seen)
            halfway = cluster.state == "MODIFY_IN_PROGRESS" and done >= len(cluster.hsms) // 2
            if halfway and call.operation == "DescribeClusters" and self._scenario.interrupted_by:
                self._interrupt()
        if call.operation == "ModifyCluster":
            setting = next(iter(set(call.members) - {"ClusterId"}))
            self._note(f"ModifyCluster {setting} {call.members[setting]}")

    def _interrupt(self) -> None:
        if self._interrupted.is_set():
            return
        self._interrupted.set()
        self._note(f"aws cloudformation {self._scenario.interrupted_by}")
        if self._scenario.interrupted_by == "cancel-update-stack":
            self._client.cancel_update_stack(StackName=self._name)
        else:
            self._client.delete_stack(StackName=self._name)

    def _note(self, what: str) -> None:
        self._moments.append(Moment((self._stage.clock.now() - self._began) / 60, what))

    def _followed(self, stack_id: str) -> str:
        deadline = time.monotonic() + _SECONDS_AT_MOST
        while time.monotonic() < deadline:
            status = str(self._client.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"])
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(_PAUSE)
        raise WentWrong(f"The stack is still {status} after {_SECONDS_AT_MOST} seconds of this machine's time.")

    def _let_polls_end(self, stack_id: str) -> None:
        """What a rollback could not have at once, its polls bring about; they go on without the stack."""
        scheduler, until = self._stage.cloud.client("scheduler"), self._stage.clock.now() + _LONGEST_AFTERMATH
        while self._stage.clock.now() < until and self._polls(scheduler, stack_id):
            time.sleep(_PAUSE)

    @staticmethod
    def _polls(scheduler: Any, stack_id: str) -> bool:
        for each in scheduler.list_schedules()["Schedules"]:
            with suppress(ClientError):
                found = scheduler.get_schedule(GroupName=each["GroupName"], Name=each["Name"])
                if json.loads(found["Target"]["Input"])["StackId"] == stack_id:
                    return True
        return False

    def _events(self, stack_id: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        events = [each for page in pages for each in page["StackEvents"]][::-1]
        return [each for each in events if each["EventId"] not in self._former]

    def _told(self, stack_id: str, status: str, states: Mapping[str, str]) -> Outcome:
        events = self._events(stack_id)
        ended = max(each["Timestamp"].timestamp() for each in events)
        moments = [Moment((each["Timestamp"].timestamp() - self._began) / 60, _line(each)) for each in events]
        calls = [each.members.get("ClusterId") for each in self._stage.fleet.calls if each.operation == "ModifyCluster"]
        return Outcome(
            scenario=self._scenario.name,
            stack_status=status,
            clusters={
                name: cluster_outcome(
                    self._stage.fleet.cluster(each.cluster_id),
                    states[name],
                    self._stage.clock.now(),
                    calls.count(each.cluster_id),
                )
                for name, each in self._clusters.items()
            },
            minutes=(ended - self._began) / 60,
            because=self._because(events),
            timeline=tuple(sorted([*moments, *self._moments], key=lambda each: each.minutes)),
        )

    @staticmethod
    def _because(events: Sequence[Mapping[str, Any]]) -> str:
        failed = [each for each in events if each["ResourceStatus"].endswith("FAILED")]
        return f"{failed[0]['LogicalResourceId']}: {failed[0].get('ResourceStatusReason', '')}" if failed else ""


def _line(event: Mapping[str, Any]) -> str:
    return f"{event['LogicalResourceId']} {event['ResourceStatus']}  {event.get('ResourceStatusReason') or ''}".rstrip()


def _body(stage: Staged) -> dict[str, Any]:
    parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in stage.parameters.items()]
    return {"TemplateBody": stage.body, "Parameters": parameters}
