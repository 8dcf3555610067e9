"""Lambda's runtime interface client, noting what each phase took.

Run by the runtime's own Python, `python bench/measured.py MODULE.FUNCTION`; every line that it appends to the file
MEASUREMENTS is one phase: first the start, then each invocation.
"""

import json
import os
import sys
import time
from typing import Any

from awslambdaric import __main__ as runtime  # type: ignore[import-not-found,import-untyped,unused-ignore]
from awslambdaric.lambda_runtime_client import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
    LambdaRuntimeClient,
)

_wait = LambdaRuntimeClient.wait_next_invocation


def _peak_memory() -> int:
    """Bytes; not `ru_maxrss`, which a process inherits from the one that started it."""
    with open("/proc/self/status", encoding="utf-8") as status:
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


class Phase:
    """From one waiting for work to the next; the first is the import of the handler."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Starts the clocks."""
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def end(self) -> None:
        """Writes down what they show."""
        measured = {
            "cpu_seconds": time.process_time() - self._cpu,
            "wall_seconds": time.perf_counter() - self._wall,
            "peak_memory_bytes": _peak_memory(),
        }
        with open(os.environ["MEASUREMENTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(measured) + "\n")


phase = Phase()


def _measured_wait(client: Any) -> Any:
    phase.end()
    event = _wait(client)
    phase.begin()
    return event


LambdaRuntimeClient.wait_next_invocation = _measured_wait
sys.argv[0] = "awslambdaric"
# What this file itself needed is no part of the handler's start.
phase.begin()
runtime.main(sys.argv)
