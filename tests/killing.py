"""Kills (SIGKILL) the process of an invocation at one call of its operation, before or after that is carried out."""

import os
import signal
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cloudhsm_settings import clients
from tests.failing import readable
from tests.harness import GROUP, MINUTE, Harness

RETRIES = 2
"""How often Lambda tries an event again."""


@dataclass
class Killer:
    """Strikes at the `at`th call of all; never where `at` is 0."""

    when: str = "before"
    at: int = 0
    victim: int = 0
    seen: list[str] = field(default_factory=list)
    struck: str = ""

    def before(self, name: str) -> None:
        if self.victim:
            self.seen.append(readable(name))
            self._strike("before")

    def after(self, _: str) -> None:
        self._strike("after")

    def _strike(self, when: str) -> None:
        if not self.victim or when != self.when or len(self.seen) != self.at or self.struck:
            return
        self.struck = f"{when} {self.seen[-1]}"
        os.kill(self.victim, signal.SIGKILL)
        if when == "before":
            raise ConnectionAbortedError("killed before the call was carried out")


def fresh_clients() -> None:
    """No fork inherits a connection."""
    for client in (clients.cloudhsm, clients.dynamodb, clients.scheduler, clients.cloudformation):
        client.cache_clear()
        client()


def in_a_process_of_its_own(harness: Harness, killer: Killer, event: dict[str, Any]) -> bool:
    """Invokes the function in a fork; False when that did not live to its end."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.read(read, 1)
            harness.invoke(event)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    killer.victim = pid
    os.write(write, b"!")
    _, status = os.waitpid(pid, 0)
    killer.victim = 0
    os.close(read)
    os.close(write)
    return status == 0


def polls_due(harness: Harness) -> Iterator[dict[str, Any]]:
    """What Scheduler sends now; schedules whose end has come are gone."""
    for name in harness.schedules():
        ends = harness.scheduler.get_schedule(Name=name, GroupName=GROUP)["EndDate"].timestamp()
        if ends > harness.clock():
            yield harness.poll_event(name)
        else:
            harness.scheduler.delete_schedule(Name=name, GroupName=GROUP)


def as_lambda_would(harness: Harness, killer: Killer, event: dict[str, Any], pause: float, polls: int = 80) -> None:
    """The request with Lambda's retries, and Scheduler's polls every `pause` seconds between and after them."""
    retries, pending = RETRIES, [event]
    for _ in range(polls):
        retry = []
        for each in pending:
            if not in_a_process_of_its_own(harness, killer, each) and retries:
                retries -= 1
                retry.append(each)
        harness.clock.moment += MINUTE if retry else pause
        pending = retry + list(polls_due(harness))
        if not pending:
            return
    raise AssertionError(f"never ends: {killer.struck}")
