"""Every event of events/ through the built function, as `sam local invoke` runs it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.request import Request, urlopen

from sandbox.cloud import REGION, sam
from sandbox.cloudhsm import Clock, CloudHsmServer, Fleet
from sandbox.console import Console
from sandbox.containers import SamLocal, container_engine
from sandbox.ministack import ROOT, clean_environment, free_port
from sandbox.situations import SITUATIONS, Situation

SPEED = 900
"""30 minutes of CloudHSM take 2 seconds."""
SECONDS_BETWEEN_LOOKS = 1
INVOCATION_TIMEOUT = 90


class Runner(Protocol):
    """Something that invokes the function with one event and returns what it returns."""

    name: str

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The answer that CloudFormation would have got."""


def variables(server: CloudHsmServer) -> dict[str, str]:
    """What the function finds in its environment."""
    endpoint = server.endpoint
    return {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_SAM_LOCAL": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_CLOUDHSM_V2": endpoint,
        "SECONDS_BETWEEN_LOOKS": str(SECONDS_BETWEEN_LOOKS),
    }


class BareHost:
    """Lambda's runtime interface emulator and client on this machine, without containers."""

    name = "the Lambda runtime emulator on the bare host"

    def __init__(self, code: Path, environment: Mapping[str, str]) -> None:
        emulator, port, runtime_port = _emulator(), free_port(), free_port()
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
        self._process = subprocess.Popen(
            [
                emulator,
                "--runtime-interface-emulator-address", f"127.0.0.1:{port}",
                "--runtime-api-address", f"127.0.0.1:{runtime_port}",
                "--log-level", "error",
                sys.executable, "-m", "awslambdaric", "cloudhsm_settings.handler.lambda_handler",
            ],
            cwd=code,
            env={
                **clean_environment(),
                **environment,
                "AWS_LAMBDA_FUNCTION_NAME": "Function",
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(INVOCATION_TIMEOUT),
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                "LAMBDA_TASK_ROOT": str(code),
                "PYTHONPATH": str(code),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        request = Request(self._url, json.dumps(event).encode(), method="POST")
        deadline = time.monotonic() + 20
        while True:
            try:
                with urlopen(request, timeout=INVOCATION_TIMEOUT + 10) as answer:
                    return dict(json.load(answer))
            except ConnectionError:
                raise
            except OSError:
                # Not listening yet.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def _emulator() -> Path:
    machine = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"
    found = sorted((ROOT / ".venv-sam").rglob(f"aws-lambda-rie-{machine}"))
    if not found:
        raise RuntimeError("aws-sam-cli brings no runtime emulator for this machine: run `make .venv-sam/ready`")
    found[0].chmod(0o755)
    return found[0]


@contextmanager
def built() -> Iterator[Path]:
    """The directory of `sam build`."""
    directory = Path(tempfile.mkdtemp(prefix="cloudhsm-sam-local-"))
    try:
        sam("build", "--build-dir", str(directory), "--cached", "--cache-dir", str(ROOT / ".cache" / "sam"))
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def run_all(console: Console, runner: Runner, server: CloudHsmServer, events: Sequence[str]) -> list[str]:
    """Invokes each situation; returns the names of those that were not answered as they should."""
    if unknown := set(events) - {each.event for each in SITUATIONS}:
        raise SystemExit(f"No such event in events/: {', '.join(sorted(unknown))}")
    console.line(f"Running on {runner.name}")
    wrong = []
    for situation in (each for each in SITUATIONS if not events or each.event in events):
        answer = _run(runner, server, situation)
        good = answer.get("Status") == situation.status and situation.says in answer.get("Reason", "")
        console.chapter(f"{'ok ' if good else 'WRONG '} events/{situation.event}.json")
        print(json.dumps(answer, indent=2), flush=True)
        if not good:
            wrong.append(situation.event)
    return wrong


def sam_local(console: Console, events: Sequence[str] = (), *, bare_host: bool = False) -> list[str]:
    """Runs events (all by default) in containers where there is an engine, else on the bare host, and says which."""
    with ExitStack() as stack:
        engine = None if bare_host else stack.enter_context(container_engine(console))
        server = stack.enter_context(CloudHsmServer(address=engine.host_address if engine else "127.0.0.1"))
        directory = stack.enter_context(built())
        runner: Runner
        if engine:
            runner = SamLocal(engine, directory, variables(server))
        else:
            runner = stack.enter_context(BareHost(directory / "Function", variables(server)))
        return run_all(console, runner, server, events)


def _run(runner: Runner, server: CloudHsmServer, situation: Situation) -> dict[str, Any]:
    server.serve(Fleet(Clock(speed=SPEED)))
    situation.seed(server.fleet)
    event = situation.load()
    server.stack_is(event["StackId"], situation.stack_is)
    return runner.invoke(event)
