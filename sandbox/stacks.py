"""Stacks as a person sees them: one call to bring one about, its events while it happens."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.cloud import REGION, Cloud

SECONDS_BETWEEN_POLLS = 0.5
SECONDS_AT_MOST = 600


@dataclass(frozen=True)
class StackEvent:
    """One line of DescribeStackEvents."""

    logical_id: str
    status: str
    reason: str

    def __str__(self) -> str:
        reason = f"  {self.reason}" if self.reason else ""
        return f"{self.logical_id:<16} {self.status}{reason}"


@dataclass(frozen=True)
class Change:
    """One resource of a change set."""

    logical_id: str
    action: str
    replacement: str
    """True, False or Conditional."""


class Stacks:
    """Creates, updates and deletes stacks of the local cloud and waits for the outcome."""

    def __init__(
        self, cloud: Cloud, heed: Callable[[StackEvent], None] = lambda _: None, *, region: str = REGION
    ) -> None:
        """`heed` is given each event as it comes."""
        self._client = cloud.client("cloudformation", region)
        self._heed = heed

    def create(self, name: str, template: str | Path, **parameters: str) -> str:
        """The status in which the creation ended."""
        self._client.create_stack(StackName=name, **_body(template, parameters))
        return self._follow(name, set())

    def update(self, name: str, template: str | Path, **parameters: str) -> str:
        """The status in which the update ended."""
        known = self._event_ids(name)
        self._client.update_stack(StackName=name, **_body(template, parameters))
        return self._follow(name, known)

    def delete(self, name: str) -> str:
        """The status in which the deletion ended."""
        known, stack_id = self._event_ids(name), self.describe(name)["StackId"]
        self._client.delete_stack(StackName=name)
        return self._follow(stack_id, known)

    def changes(self, name: str, template: str) -> list[Change]:
        """What an update to `template` would do, by a change set that is not executed."""
        names = {"StackName": name, "ChangeSetName": "preview"}
        self._client.create_change_set(**names, **_body(template, {}))
        self._client.get_waiter("change_set_create_complete").wait(**names, WaiterConfig={"Delay": 1})
        found = [each["ResourceChange"] for each in self._client.describe_change_set(**names)["Changes"]]
        self._client.delete_change_set(**names)
        return [Change(each["LogicalResourceId"], each["Action"], each["Replacement"]) for each in found]

    def describe(self, name: str) -> dict[str, Any]:
        """DescribeStacks."""
        stack: dict[str, Any] = self._client.describe_stacks(StackName=name)["Stacks"][0]
        return stack

    def outputs(self, name: str) -> dict[str, str]:
        """Outputs by key."""
        return {each["OutputKey"]: each["OutputValue"] for each in self.describe(name).get("Outputs", [])}

    def events(self, name: str) -> list[StackEvent]:
        """All events, oldest first."""
        return [_event(each) for each in self._raw_events(name)]

    def _raw_events(self, name: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=name)
        return [each for page in pages for each in page["StackEvents"]][::-1]

    def _event_ids(self, name: str) -> set[str]:
        return {each["EventId"] for each in self._raw_events(name)}

    def _follow(self, name: str, known: set[str]) -> str:
        deadline = time.monotonic() + SECONDS_AT_MOST
        while time.monotonic() < deadline:
            status: str = self.describe(name)["StackStatus"]
            for each in self._raw_events(name):
                if each["EventId"] not in known:
                    known.add(each["EventId"])
                    self._heed(_event(each))
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(SECONDS_BETWEEN_POLLS)
        raise TimeoutError(f"{name} is still {status} after {SECONDS_AT_MOST} seconds")


def _event(raw: Mapping[str, Any]) -> StackEvent:
    return StackEvent(raw["LogicalResourceId"], raw["ResourceStatus"], raw.get("ResourceStatusReason") or "")


def _body(template: str | Path, parameters: Mapping[str, str]) -> dict[str, Any]:
    return {
        "TemplateBody": template.read_text() if isinstance(template, Path) else template,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }
