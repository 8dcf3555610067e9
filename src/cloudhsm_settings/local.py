"""`sam local invoke`: waits in-process instead of scheduling, and prints instead of responding."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cloudhsm_settings.custom_resource.memory import MemorySchedules, MemoryStore

SECONDS_BETWEEN_POLLS = 60


@dataclass
class LocalRun:
    """Everything that an invocation under `sam local` uses instead of AWS's own."""

    store: MemoryStore = field(default_factory=MemoryStore)
    schedules: MemorySchedules = field(default_factory=MemorySchedules)
    show: Callable[[str], None] = print
    sleep: Callable[[float], None] = time.sleep
    response: dict[str, Any] | None = None
    began: float = field(default_factory=time.time)

    def clock(self) -> float:
        """Seconds since the epoch, CLOCK_SPEED times as fast: a local CloudHSM may play half an hour in seconds."""
        speed = float(os.environ.get("CLOCK_SPEED", "1"))
        return self.began + (time.time() - self.began) * speed

    def deliver(self, url: str, body: bytes, seconds_left: float, *, what: str) -> bool:
        """Shows the body that CloudFormation, or the wait condition, would have got."""
        shown = json.loads(body)
        if "UniqueId" in shown:
            self.show(f"The wait condition would get: {shown['Status']} {shown['Reason']} {shown['Data']}")
        else:
            self.response = shown
            self.show("CloudFormation would get: " + json.dumps(shown, indent=2))
        return True

    def finish(self, poll: Callable[[dict[str, Any], Any], None], context: Any) -> dict[str, Any] | None:
        """Polls until nothing is in flight or the invocation's time is up; returns the response."""
        pause = float(os.environ.get("SECONDS_BETWEEN_POLLS", SECONDS_BETWEEN_POLLS))
        while self.schedules.polls:
            if context.get_remaining_time_in_millis() / 1000 < pause + 10:
                self.show("The invocation's time is up before the cluster has settled: invoke it again to go on.")
                self.schedules.polls.clear()
                break
            self.sleep(pause)
            for event in list(self.schedules.polls.values()):
                poll(event, context)
        # Each invocation stands alone, as in a container of its own.
        self.store.items.clear()
        return self.response
