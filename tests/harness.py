"""Lambda and Scheduler around the real function: it is invoked with requests, and polls when time passes."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import boto3

from cloudhsm_settings.custom_resource.errors import Transient
from cloudhsm_settings.custom_resource.event import Key
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.custom_resource.resource import ScheduledResource
from cloudhsm_settings.custom_resource.store import KEY, DynamoDbStore
from cloudhsm_settings.declared import digest_of, kept, retention_of
from cloudhsm_settings.environment import Environment
from cloudhsm_settings.handler import wire
from cloudhsm_settings.history import Memory, RetentionChange, TypeChange
from events.situations import Situation
from sandbox.cloudhsm import CloudHsmServer
from sandbox.receiver import Receiver
from sandbox.table import TABLE

MINUTE = 60.0
GROUP = "operations"


@dataclass
class VirtualClock:
    """A clock that only moves when it is told to."""

    moment: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.moment


class Context:
    """The context of one invocation."""

    function_name = "cloudhsm-cluster-settings-Function"
    memory_limit_in_mb = 512
    aws_request_id = "5b1c1e6a-0000-4000-8000-000000000000"
    log_group_name = "/aws/lambda/cloudhsm-cluster-settings-Function"
    log_stream_name = "2026/11/23/[$LATEST]0123456789abcdef0123456789abcdef"

    def __init__(self, seconds_left: float = 60.0) -> None:
        region = os.environ["AWS_REGION"]
        self.invoked_function_arn = f"arn:aws:lambda:{region}:111122223333:function:{self.function_name}"
        self._seconds_left = seconds_left

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds_left * 1000)


@dataclass
class Harness:
    server: CloudHsmServer
    receiver: Receiver
    clock: VirtualClock
    resource: ScheduledResource = field(init=False)

    def __post_init__(self) -> None:
        environment = Environment(
            table=TABLE,
            schedule_group=GROUP,
            scheduler_role_arn="arn:aws:iam::111122223333:role/scheduler",
            schedule_kms_key_arn="",
            wait_condition_hosts=frozenset({self.receiver.host}),
            response_hosts=frozenset({self.receiver.host}),
            region=os.environ["AWS_REGION"],
            local=False,
        )
        self.resource = wire(environment, clock=self.clock)
        self.fleet = self.server.fleet
        self.scheduler = boto3.client("scheduler")
        self.store = DynamoDbStore(lambda: boto3.client("dynamodb"), TABLE)

    def deliverable(self, event: dict[str, Any], path: str = "/response") -> dict[str, Any]:
        """The event with a ResponseURL, and a handle if it has one, that lead to the receiver."""
        event = json.loads(json.dumps(event))
        signed = datetime.fromtimestamp(self.clock(), UTC).strftime("%Y%m%dT%H%M%SZ")
        secret = f"X-Amz-Date={signed}&X-Amz-Signature=secret{event['RequestId'][:8]}"
        event["ResponseURL"] = f"{self.receiver.url}{path}?{secret}"
        present = event["ResourceProperties"].get("WaitConditionHandle")
        for properties in (event["ResourceProperties"], event.get("OldResourceProperties", {})):
            if handle := properties.get("WaitConditionHandle"):
                name = "handle" if handle == present else "former-handle"
                properties["WaitConditionHandle"] = f"{self.receiver.url}/{name}?X-Amz-Signature=secret"
        return event

    def meet(self, situation: Situation, path: str = "/response") -> dict[str, Any]:
        """Puts a situation before the function; returns its event, ready to be sent."""
        situation.seed(self.fleet)
        event = self.deliverable(situation.load(), path)
        self.set_stack_status(event, *situation.stack_statuses)
        if situation.by_this_resource:
            self.remember(event, self.clock() - (situation.migrated or 0))
        return event

    def remember(self, event: dict[str, Any], at: float) -> None:
        """Lets the resource know of the changes that the update before `event`, which it undoes, has made."""
        properties, old, cluster_id = (
            event[name] for name in ("ResourceProperties", "OldResourceProperties", "PhysicalResourceId")
        )
        digests = {"before": digest_of(properties), "after": digest_of(old)}
        made: Any = {"request_id": "the-update-before", "answered": True, **digests}
        memory = Memory(
            TypeChange(cluster_id, "hsm1.medium", "hsm2m.medium", at, **made),
            RetentionChange(cluster_id, retention_of(old) or 0, at, retention_of(properties), **made),
        )
        record = Record(
            stack_id=event["StackId"],
            logical_resource_id=event["LogicalResourceId"],
            request_id="the-update-before",
            request_type="Update",
            physical_resource_id=event["PhysicalResourceId"],
            properties=kept(old),
            old_properties=kept(properties),
            signed_at=at,
            ended=True,
            settled=True,
            memory=memory.to_json(),
        )
        self.store.claim(record, at, only_same_id=False)
        before = self.store.read(record.key)
        assert before is not None
        self.store.write(before, replace(before, memory=record.memory))

    def start_anew(self) -> None:
        """Forgets everything that has happened: clusters, records, schedules, and what was received."""
        self.clock.moment = VirtualClock().moment
        self.fleet.clusters.clear()
        self.fleet.faults.clear()
        self.fleet.calls.clear()
        self.receiver.received.clear()
        for name in self.schedules():
            self.scheduler.delete_schedule(GroupName=GROUP, Name=name)
        dynamodb = boto3.client("dynamodb")
        for item in dynamodb.scan(TableName=TABLE)["Items"]:
            key = {name: item[name] for name in KEY}
            dynamodb.delete_item(TableName=TABLE, Key=key)

    def set_stack_status(self, event: dict[str, Any], *statuses: str) -> None:
        self.server.set_stack_status(event["StackId"], *statuses)

    def invoke(self, event: dict[str, Any]) -> None:
        self.resource(event, Context())

    def schedules(self) -> list[str]:
        pages = self.scheduler.get_paginator("list_schedules").paginate(GroupName=GROUP)
        return [each["Name"] for page in pages for each in page["Schedules"]]

    def poll_event(self, name: str) -> dict[str, Any]:
        answer = self.scheduler.get_schedule(GroupName=GROUP, Name=name)
        poll: dict[str, Any] = json.loads(answer["Target"]["Input"])
        return poll

    def record(self, event: dict[str, Any]) -> Record:
        """What the table knows of the event's resource."""
        record = self.store.read(Key(event["StackId"], event["LogicalResourceId"]))
        assert record is not None
        return record

    def pass_time(self, seconds: float = MINUTE) -> None:
        """Lets time pass, and Scheduler invoke what is due."""
        self.clock.moment += seconds
        for name in self.schedules():
            answer = self.scheduler.get_schedule(GroupName=GROUP, Name=name)
            if answer["EndDate"].timestamp() < self.clock():
                self.scheduler.delete_schedule(GroupName=GROUP, Name=name)
            else:
                # Lambda would try again; so does the next poll.
                with suppress(Transient):
                    self.invoke(json.loads(answer["Target"]["Input"]))

    def run(self, event: dict[str, Any], minutes: int = 800) -> None:
        """The request and all polls that follow it."""
        self.invoke(event)
        for _ in range(minutes):
            if not self.schedules():
                return
            self.pass_time()
        raise AssertionError(f"still in flight after {minutes} minutes")

    def undoing(
        self, event: dict[str, Any], name: str = "the-rollback", path: str = "/response/back"
    ) -> dict[str, Any]:
        """The request of the rollback of an update."""
        swapped = {
            "ResourceProperties": event["OldResourceProperties"],
            "OldResourceProperties": event["ResourceProperties"],
        }
        return self.deliverable({**event, **swapped, "RequestId": name}, path)

    def statuses(self, path: str) -> list[str]:
        """What was received under a path, as CloudFormation's Status."""
        return [each.answer["Status"] for each in self.receiver.received if each.path.startswith(path)]

    @property
    def responses(self) -> list[dict[str, Any]]:
        return [each.answer for each in self.receiver.received if each.path.startswith("/response")]

    @property
    def signals(self) -> list[dict[str, Any]]:
        return [each.answer for each in self.receiver.received if each.path.startswith("/handle")]

    @property
    def modifies(self) -> tuple[str, ...]:
        """The member of each call of ModifyCluster."""
        members = [set(call.members) - {"ClusterId"} for call in self.fleet.calls if call.operation == "ModifyCluster"]
        return tuple(name for each in members for name in sorted(each))
