"""Time in MiniStack that goes on by the minute, whenever everybody waits; it runs inside MiniStack.

Functions, schedules, ServiceTimeout, wait conditions and stack events go by one clock, which stands while anything is
done. So hours take seconds, a slow machine changes nothing, and a deadline comes exactly when it is due.
"""

import threading
import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-not-found]
from ministack.services import eventbridge, lambda_svc, scheduler  # type: ignore[import-not-found]
from ministack.services.cloudformation import (  # type: ignore[import-not-found]
    custom_resource,
    handlers,
    stacks,
    wait_conditions,
)

from sandbox import cancelling
from sandbox.cancelling import Require
from sandbox.stepped import VARIABLE, SteppedClock

STEP = 60
"""Seconds of a step: Scheduler's own precision."""
_PAUSE = 0.01
_QUIET = 3
"""Pauses in which everybody has to wait before time goes on."""
_WORKER = f"""
import os as _os, struct as _struct, time as _time
def _stepped(path=_os.environ["{VARIABLE}"], real=_time.time):
    with open(path, "rb") as file:
        return _struct.unpack("d", file.read(8))[0] or real()
_time.time = _stepped
"""
_lock = threading.Lock()
_busy = 0


class _Work:
    """Something that is being done: time stands."""

    def __enter__(self) -> None:
        global _busy  # noqa: PLW0603  # MiniStack has one
        with _lock:
            _busy += 1

    def __exit__(self, *_: object) -> None:
        global _busy  # noqa: PLW0603
        with _lock:
            _busy -= 1


class _Stepped:
    """The module `time` for who writes logs: by the stepped clock, all else as it is."""

    def __init__(self, clock: SteppedClock) -> None:
        self.time = clock.now

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def let_time_pass_in_steps(require: Require, clock: SteppedClock) -> None:
    """Adds it; `require` ends the process where MiniStack is another one."""
    for module, name in (
        (custom_resource, "register_token"),
        (eventbridge, "_dispatch_to_lambda"),
        (handlers, "now_iso"),
        (lambda_runtime, "_PYTHON_WORKER_SCRIPT"),
        (lambda_svc, "_execute_function_dispatch"),
        (scheduler, "_ticker_loop"),
        (stacks, "now_iso"),
        (wait_conditions, "time"),
    ):
        require(module, name)
    lambda_runtime._PYTHON_WORKER_SCRIPT = _WORKER + lambda_runtime._PYTHON_WORKER_SCRIPT  # noqa: SLF001
    scheduler.time = SimpleNamespace(time=clock.now, sleep=time.sleep)
    wait_conditions.time = SimpleNamespace(monotonic=clock.now)
    lambda_svc.time = _Stepped(clock)
    stacks.now_iso = handlers.now_iso = lambda: _iso(clock.now())
    _hold_the_clock_during_invocations()
    _let_requests_time_out_by(clock)
    scheduler._ticker_loop = lambda: _go_on(clock)  # noqa: SLF001


def _hold_the_clock_during_invocations() -> None:
    execute = lambda_svc._execute_function_dispatch  # noqa: SLF001

    def executing(*arguments: Any) -> Any:
        with _Work():
            return execute(*arguments)

    def dispatch(arn: str, payload: str) -> None:
        function, config, _ = lambda_svc._get_func_record_for_ref(arn)  # noqa: SLF001
        record = lambda_svc._execution_record_for_config(function, config)  # noqa: SLF001
        event = lambda_runtime.json.loads(payload)
        work = _Work()
        # Before the thread begins, or time might go on before its function does.
        work.__enter__()

        def run() -> None:
            try:
                lambda_svc._execute_function_with_config_scope(record, event)  # noqa: SLF001
            finally:
                work.__exit__()

        threading.Thread(target=run, daemon=True).start()

    lambda_svc._execute_function_dispatch = executing  # noqa: SLF001
    eventbridge._dispatch_to_lambda = dispatch  # noqa: SLF001


def _let_requests_time_out_by(clock: SteppedClock) -> None:
    register = custom_resource.register_token

    def register_stepped(token: str) -> threading.Event:
        event = register(token)
        wait = event.wait

        def stepped(timeout: float) -> bool:
            until = clock.now() + timeout
            while not wait(_PAUSE) and clock.now() < until:
                _requests.add(token)
            _requests.discard(token)
            return bool(event.is_set())

        event.wait = stepped
        return event  # type: ignore[no-any-return]

    custom_resource.register_token = register_stepped


_requests: set[str] = set()
"""Tokens of the responses that CloudFormation waits for."""


def _go_on(clock: SteppedClock) -> None:
    """One step after the other, while somebody waits for something and nobody does anything."""
    quiet = 0
    while True:
        time.sleep(_PAUSE)
        may_go_on = clock.stands and clock.may_reach(clock.now() + STEP)
        quiet = quiet + 1 if may_go_on and _everybody_waits() else 0
        if quiet >= _QUIET:
            quiet = 0
            clock.set(clock.now() + STEP)
            scheduler._tick_schedules()  # noqa: SLF001


def _everybody_waits() -> bool:
    waiting = len(_requests) + len(wait_conditions._waiting)  # noqa: SLF001
    if _busy or sum(cancelling._deploying.values()) > waiting:  # noqa: SLF001
        return False
    return bool(waiting or scheduler._schedules._data)  # noqa: SLF001


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
