"""Every event of events/ through the built function, as `sam local invoke` runs it."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from events.situations import SITUATIONS, Situation
from sandbox.cloud import REGION, build_into
from sandbox.cloudhsm import Clock, CloudHsmServer, Fleet
from sandbox.console import Console
from sandbox.containers import SamLocal, container_engine
from sandbox.emulator import Emulator

SPEED = 900
"""30 minutes of CloudHSM take 2 seconds."""
SECONDS_BETWEEN_POLLS = 1


class Runner(Protocol):
    """Something that invokes the function with one event and returns what it returns."""

    name: str

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The response that CloudFormation would have got."""


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
        "SECONDS_BETWEEN_POLLS": str(SECONDS_BETWEEN_POLLS),
        "CLOCK_SPEED": str(SPEED),
    }


def on_bare_host(code: Path, environment: Mapping[str, str]) -> Emulator:
    """Lambda's runtime interface emulator and client on this machine, without containers."""
    return Emulator(
        code,
        (sys.executable, "-m", "awslambdaric", "cloudhsm_settings.handler.lambda_handler"),
        environment,
    )


@contextmanager
def built() -> Iterator[Path]:
    """The directory of `sam build`."""
    directory = Path(tempfile.mkdtemp(prefix="cloudhsm-sam-local-"))
    try:
        yield build_into(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def run_all(console: Console, runner: Runner, server: CloudHsmServer, events: Sequence[str]) -> list[str]:
    """Invokes each situation; returns the names of those that were not responded to as they should."""
    if unknown := set(events) - {each.event for each in SITUATIONS}:
        raise SystemExit(f"No such event in events/: {', '.join(sorted(unknown))}")
    console.line(f"Running on {runner.name}")
    wrong = []
    for situation in (each for each in SITUATIONS if not events or each.event in events):
        response = _run(runner, server, situation)
        good = response.get("Status") == situation.status and situation.says in response.get("Reason", "")
        console.chapter(f"{'ok ' if good else 'WRONG '} events/{situation.event}.json")
        print(json.dumps(response, indent=2), flush=True)
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
            runner = stack.enter_context(on_bare_host(directory / "Function", variables(server)))
        return run_all(console, runner, server, events)


def _run(runner: Runner, server: CloudHsmServer, situation: Situation) -> dict[str, Any]:
    server.serve(Fleet(Clock(speed=SPEED)))
    situation.seed(server.fleet)
    event = situation.load()
    server.set_stack_status(event["StackId"], *situation.stack_statuses)
    return runner.invoke(event)
