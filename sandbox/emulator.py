"""Lambda's runtime interface emulator, which runs a function on this machine without containers."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen

from sandbox.ministack import ROOT, clean_environment, free_port

INVOCATION_TIMEOUT = 90
"""Seconds, as in template.yaml."""
MEMORY_SIZE = 512
"""MB, as in template.yaml."""
_SECONDS_TO_START = 20


class Emulator:
    """One execution environment; it is cold until its first invocation."""

    name = "the Lambda runtime emulator on the bare host"

    def __init__(
        self, code: Path, command: Sequence[str], environment: Mapping[str, str], *, wrapped: Sequence[str] = ()
    ) -> None:
        """`command` starts Lambda's runtime interface client in `code`; `wrapped` is put before everything."""
        port, runtime_port = free_port(), free_port()
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._process = subprocess.Popen(
            [
                *wrapped,
                _emulator(),
                "--runtime-interface-emulator-address", f"127.0.0.1:{port}",
                "--runtime-api-address", f"127.0.0.1:{runtime_port}",
                "--log-level", "error",
                *command,
            ],
            cwd=code,
            env={
                **clean_environment(),
                **environment,
                "AWS_LAMBDA_FUNCTION_NAME": "Function",
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(INVOCATION_TIMEOUT),
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_SIZE),
                "LAMBDA_TASK_ROOT": str(code),
                "PYTHONPATH": str(code),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What the function returns, or the error that it raised as Lambda tells it; empty when it returns nothing."""
        request = Request(self._url, json.dumps(event).encode(), method="POST")
        deadline = time.monotonic() + _SECONDS_TO_START
        while True:
            try:
                with urlopen(request, timeout=INVOCATION_TIMEOUT + 10) as answer:
                    return dict(json.load(answer) or {})
            except ConnectionError:
                raise
            except OSError:
                # Not listening yet.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _emulator() -> Path:
    machine = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"
    found = sorted((ROOT / ".venv-sam").rglob(f"aws-lambda-rie-{machine}"))
    if not found:
        raise RuntimeError("aws-sam-cli brings no runtime emulator for this machine: run `make .venv-sam/ready`")
    found[0].chmod(0o755)
    return found[0]
