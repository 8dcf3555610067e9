"""`sam local invoke`: waits in-process instead of scheduling, and prints instead of answering."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cloudhsm_settings.signals import Signal

SECONDS_BETWEEN_LOOKS = 60


@dataclass
class MemorySchedules:
    """The record of operations in flight, in memory: a twin of `SchedulerSchedules`."""

    looks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Events of the coming looks by the name of their operation, as they would arrive: JSON and back."""

    def names(self, prefix: str) -> list[str]:
        return [name for name in self.looks if name.startswith(prefix)]

    def create(self, name: str, look: dict[str, Any], until: float) -> bool:
        return name not in self.looks and self._keep(name, look)

    def replace(self, name: str, look: dict[str, Any], until: float) -> bool:
        return name in self.looks and self._keep(name, look)

    def read(self, name: str) -> dict[str, Any] | None:
        return self.looks.get(name)

    def delete(self, name: str) -> bool:
        return self.looks.pop(name, None) is not None

    def _keep(self, name: str, look: dict[str, Any]) -> bool:
        self.looks[name] = json.loads(json.dumps(look))
        return True


@dataclass
class LocalRun:
    """Everything that an invocation under `sam local` uses instead of AWS's own."""

    schedules: MemorySchedules = field(default_factory=MemorySchedules)
    show: Callable[[str], None] = print
    sleep: Callable[[float], None] = time.sleep
    answer: dict[str, Any] | None = None

    def schedules_of(self, _: Any) -> MemorySchedules:
        """The record that all requests share."""
        return self.schedules

    def deliver(self, url: str, body: bytes, seconds_left: float, **_: Any) -> bool:
        """Shows the body that CloudFormation would have got."""
        self.answer = json.loads(body)
        self.show("CloudFormation would get: " + json.dumps(self.answer, indent=2))
        return True

    def signal(self, signal: Signal) -> None:
        """Shows the signal that the wait condition would have got."""
        self.show(f"The wait condition would get: {signal.status} {signal.reason} {json.dumps(dict(signal.data))}")

    def finish(self, look: Callable[[dict[str, Any], Any], None], context: Any) -> dict[str, Any] | None:
        """Looks again until nothing is in flight or the invocation's time is up; returns the answer."""
        pause = float(os.environ.get("SECONDS_BETWEEN_LOOKS", SECONDS_BETWEEN_LOOKS))
        while self.schedules.looks:
            if context.get_remaining_time_in_millis() / 1000 < pause + 10:
                self.show("The invocation's time is up before the cluster has settled: invoke it again to go on.")
                self.schedules.looks.clear()
                break
            self.sleep(pause)
            for event in list(self.schedules.looks.values()):
                look(event, context)
        return self.answer
