"""Runs MiniStack inside its own environment, with a Scheduler that keeps up with fast time.

Started by `sandbox.ministack` with that environment's Python. It ends when its standard input closes, so that no
server outlives the process that started it. SECONDS_BETWEEN_LOOKS shortens `rate(1 minute)`.
"""

import json
import os
import sys
import threading
from types import ModuleType
from typing import Any

from ministack import app  # type: ignore[import-not-found]
from ministack.core import iam_actions  # type: ignore[import-not-found]
from ministack.services import eventbridge, scheduler  # type: ignore[import-not-found]


def end_with_parent() -> None:
    """Leaves at once when nobody holds the other end of standard input any more."""
    sys.stdin.buffer.read()
    os._exit(0)


def listen_on_one_port_only() -> None:
    """Keeps MiniStack off port 443, which it takes as well where it can."""
    require(app, "_port_is_bindable")
    app._port_is_bindable = lambda *_: False  # noqa: SLF001  # there is no setting for it


def authorize_schedules_in_their_group() -> None:
    """Lets IAM see the group of a schedule, which MiniStack takes for "default" always."""
    require(iam_actions, "extract_resource_arn")
    blind = iam_actions.extract_resource_arn

    def seeing(service: str, *request: Any) -> str:
        _method, _path, _headers, body, query, *_ = request
        arn: str = blind(service, *request)
        if service != "scheduler":
            return arn
        asked = json.loads(body).get("GroupName") if body else query.get("groupName")
        group = asked[0] if isinstance(asked, list) else asked
        return arn.replace(":schedule/default/", f":schedule/{group or 'default'}/")

    iam_actions.extract_resource_arn = seeing


def require(module: ModuleType, name: str) -> None:
    """Ends with a clear word where another version of MiniStack has no such name."""
    if not hasattr(module, name):
        sys.exit(f"MiniStack has changed: {module.__name__}.{name} is gone")


def run_scheduler_fast(seconds: float) -> None:
    """Lets a schedule of `rate(1 minute)` fire every `seconds`."""
    require(scheduler, "_SCHEDULE_TICK_INTERVAL")
    require(eventbridge, "_parse_rate_seconds")
    slow = eventbridge._parse_rate_seconds  # noqa: SLF001  # there is no setting for it

    def fast(expression: str) -> float | None:
        rate = slow(expression)
        return None if rate is None else rate * seconds / 60

    eventbridge._parse_rate_seconds = fast  # noqa: SLF001
    scheduler._SCHEDULE_TICK_INTERVAL = min(1.0, seconds)  # noqa: SLF001


threading.Thread(target=end_with_parent, daemon=True).start()
run_scheduler_fast(float(os.environ.get("SECONDS_BETWEEN_LOOKS", "60")))
listen_on_one_port_only()
authorize_schedules_in_their_group()
sys.argv = ["ministack"]
app.main()
