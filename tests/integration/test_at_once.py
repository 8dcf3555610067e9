"""The same delivery many times at the same moment, each in a process of its own."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from cloudhsm_settings.custom_resource.errors import Transient
from events.situations import BY_EVENT
from tests.harness import MINUTE, Harness
from tests.killing import fresh_clients

TWINS = 5
RETRY = 75
"""Exit code of a process whose event Lambda tries again."""


def at_once(harness: Harness, event: dict[str, Any]) -> int:
    """Invokes the function in processes that all start together; returns how many ask Lambda to try again."""
    fresh_clients()
    read, write = os.pipe()
    twins = [_forked(read, write, lambda: harness.invoke(event)) for _ in range(TWINS)]
    os.close(read)
    os.close(write)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in twins]
    assert set(codes) <= {0, RETRY}
    return codes.count(RETRY)


def _forked(read: int, write: int, run: Callable[[], None]) -> int:
    pid = os.fork()
    if pid:
        return pid
    # The pipe ends for all of them at the same moment.
    os.close(write)
    os.read(read, 1)
    try:
        run()
    except Transient:
        os._exit(RETRY)
    except BaseException:
        os._exit(1)
    os._exit(0)


@pytest.mark.weekly
@pytest.mark.parametrize(
    ("name", "status", "modifies"),
    [
        ("create-retention", "SUCCESS", ("BackupRetentionPolicy",)),
        ("create-migration", "SUCCESS", ("BackupRetentionPolicy", "HsmType")),
        ("create-reverted", "FAILED", ("HsmType",)),
        ("create-long-migration", "SUCCESS", ("HsmType",)),
    ],
)
def test_five_at_once_and_again_an_hour_later_have_the_effect_of_one(harness: Harness, name, status, modifies):
    event = harness.meet(BY_EVENT[name])
    retries = at_once(harness, event)
    while retries:
        harness.clock.moment += MINUTE
        retries = min(retries - 1, at_once(harness, event))
    for _ in range(120):
        harness.pass_time()
    at_once(harness, event)
    for _ in range(5):
        harness.pass_time()
    answers = {(each["Status"], each["Reason"]) for each in harness.responses}
    assert [each[0] for each in answers] == [status]
    assert harness.modifies == modifies
    assert harness.schedules() == []
    assert len({each["UniqueId"] for each in harness.signals}) <= 1
