"""The whole log of an invocation, of which MiniStack takes what its reader has read by then; it runs inside MiniStack.

Metrics stand in the last line of an invocation, so a line that came too late was an alarm that nobody was told of.
"""

import time
from queue import Empty
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-not-found]

from sandbox.cancelling import Require

END = "-- the end of the log of an invocation --"
SECONDS_AT_MOST = 5
"""For a function that has put another file in the place of its standard error."""
_HANDLER = "getattr(mod, handler_name)"
_WORKER = f"""
def _ending_its_log(handler):
    def handle(event, context):
        try:
            return handler(event, context)
        finally:
            print({END!r}, file=sys.stderr, flush=True)
    return handle
"""


def let_logs_be_whole(require: Require) -> None:
    """Adds it; `require` ends the process where MiniStack is another one."""
    require(lambda_runtime, "_PYTHON_WORKER_SCRIPT")
    require(lambda_runtime, "Worker")
    script, worker_class = lambda_runtime._PYTHON_WORKER_SCRIPT, lambda_runtime.Worker  # noqa: SLF001
    if script.count(_HANDLER) != 1:
        raise NotImplementedError(f"MiniStack has changed: its worker does not say {_HANDLER}")
    ending = script.replace(_HANDLER, f"_ending_its_log({_HANDLER})")
    lambda_runtime._PYTHON_WORKER_SCRIPT = _WORKER + ending  # noqa: SLF001
    bounded = worker_class._drain_stderr_bounded  # noqa: SLF001

    def drained(worker: Any, **options: float) -> str:
        python = worker.config.get("Runtime", "python").startswith("python")
        return "\n".join(_lines(worker)) if python else str(bounded(worker, **options))

    worker_class._drain_stderr_bounded = drained  # noqa: SLF001


def _lines(worker: Any) -> list[str]:
    """All that was written up to `END`, or by a process that has died."""
    written, reader = worker._stderr_queue, worker._stderr_thread  # noqa: SLF001
    lines: list[str] = []
    deadline = time.monotonic() + SECONDS_AT_MOST
    while (reader.is_alive() and time.monotonic() < deadline) or not written.empty():
        try:
            line = written.get(timeout=0.05)
        except Empty:
            continue
        if line == END:
            break
        lines.append(line)
    return lines
