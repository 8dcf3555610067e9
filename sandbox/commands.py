"""The commands of `python -m sandbox`: the local cloud for a person."""

import argparse
import shlex
import signal
import threading

from sandbox.cloud import Cloud
from sandbox.cloudhsm import Clock, Fleet, MigrationOutcome
from sandbox.console import Console
from sandbox.demo import tell
from sandbox.examples import EXAMPLES, Rehearsal
from sandbox.rehearse import command as rehearse
from sandbox.rehearse.everything import rehearse_everything
from sandbox.sam_local import sam_local

SPEED = 600
"""How much faster CloudHSM's clock runs for the examples: 30 minutes take 3 seconds."""


def main() -> int:
    """Runs a command; the exit code is 0 when it went as it should."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A local cloud with a CloudHSM in it.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="tell the whole story and stop")
    examples = commands.add_parser("examples", help="deploy every example by the commands of its README")
    examples.add_argument("names", nargs="*", metavar="EXAMPLE", help="only these, such as migration (default: all)")
    local = commands.add_parser("sam-local", help="run every event as `sam local invoke` does")
    local.add_argument("--bare-host", action="store_true", help="without containers even where there is an engine")
    local.add_argument("events", nargs="*", metavar="EVENT", help="only these, such as create-migration (default: all)")
    rehearse.add_arguments(commands.add_parser("rehearse", help="play a template in every way that its change can go"))
    commands.add_parser("rehearsals", help="rehearse every template of examples/, and foreign ones")
    run = commands.add_parser("run", help="start it with clusters in it, and stop at Ctrl-C")
    run.add_argument("--clusters", type=int, default=1, help="how many clusters there are (default 1)")
    run.add_argument("--hsms", type=int, default=1, help="HSMs of each (default 1)")
    run.add_argument("--hsm-type", default="hsm1.medium", help="type of each (default hsm1.medium)")
    run.add_argument(
        "--outcome",
        type=_outcome,
        choices=MigrationOutcome,
        default=MigrationOutcome.SUCCEED,
        help="how their next migration ends (default Succeed)",
    )
    run.add_argument("--speed", type=float, default=60, help="how much faster clusters change than in AWS (default 60)")
    run.add_argument("--wait", type=float, metavar="SECONDS", help="stop after so long, without Ctrl-C")
    arguments = parser.parse_args()
    return _carry_out(Console(), arguments)


def _outcome(text: str) -> MigrationOutcome:
    """By its name, however it is written."""
    return MigrationOutcome({each.lower(): each for each in MigrationOutcome}.get(text.lower(), text))


def _carry_out(console: Console, arguments: argparse.Namespace) -> int:
    if arguments.command == "demo":
        return _demo(console)
    if arguments.command == "examples":
        return _examples(console, arguments.names)
    if arguments.command == "rehearse":
        return rehearse.run(arguments)
    if arguments.command == "rehearsals":
        return rehearse_everything(console)
    if arguments.command == "sam-local":
        return _sam_local(console, arguments.events, bare_host=arguments.bare_host)
    return _run(console, arguments)


def _demo(console: Console) -> int:
    try:
        tell(console)
    except Exception as error:
        console.chapter(f"The demo failed: {error}")
        return 1
    return 0


def _examples(console: Console, names: list[str]) -> int:
    if unknown := set(names) - {each.directory for each in EXAMPLES}:
        raise SystemExit(f"No such directory in examples/: {', '.join(sorted(unknown))}")
    chosen = [each for each in EXAMPLES if not names or each.directory in names]
    console.chapter("A local cloud, with the provider")
    with Cloud(Fleet(Clock(speed=SPEED)), seconds_between_polls=1) as cloud:
        console.line(f"ServiceToken {cloud.deploy_provider()}")
        console.chapter(f"{len(chosen)} examples side by side")
        wrong = []
        for result in Rehearsal(cloud).run_all(chosen):
            console.line(str(result))
            wrong += [result.example.directory] if result.fault else []
    console.chapter(f"Not as they should be: {', '.join(wrong)}" if wrong else "Every example is as it should be")
    return 1 if wrong else 0


def _sam_local(console: Console, events: list[str], *, bare_host: bool) -> int:
    wrong = sam_local(console, events, bare_host=bare_host)
    console.chapter(
        f"Not responded to as they should: {', '.join(wrong)}" if wrong else "Every event was responded to as it should"
    )
    return 1 if wrong else 0


def _run(console: Console, arguments: argparse.Namespace) -> int:
    fleet = Fleet(pace=arguments.speed)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    console.chapter("A local cloud, with the provider")
    with Cloud(fleet, seconds_between_polls=max(1.0, 60 / arguments.speed)) as cloud:
        console.line(f"ServiceToken {cloud.deploy_provider()}")
        for _ in range(arguments.clusters):
            cluster = fleet.seed(hsms=arguments.hsms, hsm_type=arguments.hsm_type, outcome=arguments.outcome)
            console.line(f"{cluster.cluster_id} is ACTIVE, {arguments.hsm_type}, HSMs: {arguments.hsms}")
        console.line(f"Its next migration: {arguments.outcome}, {cluster.seconds_per_hsm:g} s for each HSM")
        console.line(f"The way back is open for {cluster.rollback_window:g} s from the start of a migration")
        console.chapter("In another shell, for aws, sam, cdk and boto3:")
        print(f". {shlex.quote(str(cloud.write_exports()))}", flush=True)
        console.chapter(
            f"Stops by itself after {arguments.wait:g} s." if arguments.wait else "Ctrl-C stops everything."
        )
        stop.wait(arguments.wait)
    return 0
