"""`python -m sandbox`: the local cloud for a person."""

import argparse
import signal
import sys
import threading

from sandbox.cloud import Cloud
from sandbox.cloudhsm import Clock, Fleet
from sandbox.console import Console
from sandbox.demo import tell
from sandbox.examples import EXAMPLES, Rehearsal
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
    run = commands.add_parser("run", help="start it, seed a cluster, print what tools need, stop at Ctrl-C")
    run.add_argument("--hsms", type=int, default=1, help="HSMs of the seeded cluster (default 1)")
    run.add_argument("--speed", type=float, default=60, help="how much faster CloudHSM's clock runs (default 60)")
    arguments = parser.parse_args()
    console = Console()
    if arguments.command == "demo":
        return _demo(console)
    if arguments.command == "examples":
        return _examples(console, arguments.names)
    if arguments.command == "sam-local":
        return _sam_local(console, arguments.events, bare_host=arguments.bare_host)
    return _run(console, arguments.hsms, arguments.speed)


def _demo(console: Console) -> int:
    try:
        tell(console)
    except Exception as error:
        console.chapter(f"The demo failed: {error}")
        return 1
    console.chapter("Done. The function is src/cloudhsm_settings, the reference is docs/resource.md.")
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


def _run(console: Console, hsms: int, speed: float) -> int:
    fleet = Fleet(Clock(speed=speed))
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Cloud(fleet, seconds_between_polls=max(1.0, 60 / speed)) as cloud:
        console.line(f"ServiceToken {cloud.deploy_provider()}")
        console.line(f"{fleet.seed(hsms=hsms).cluster_id} is a cluster of hsm1.medium with {hsms} HSMs")
        console.chapter("For your shell:")
        for name, value in cloud.environment.items():
            if name.startswith(("AWS_", "NODE_EXTRA_CA", "REQUESTS_CA", "SSL_CERT")):
                print(f"export {name}={value}")
        console.chapter("Ctrl-C stops everything.")
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
