"""Pictures of `cloudhsm-settings` before and beside a migration, into docs/; `make generate ARGUMENTS=night`.

The migration is real, on a local cloud whose time goes by in steps and stands while one looks.
"""

import io
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout, suppress
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.text import Text

from cloudhsm_settings_cli.command import World
from cloudhsm_settings_cli.main import main as run
from sandbox.rehearse.play import Stage, stage
from sandbox.rehearse.template import Shape, before, staged
from tools.screens import ROOT, picture

TEMPLATE = ROOT / "examples" / "long-migration" / "template.yaml"
STACK = "vault"
WIDTH = 104
"""Columns of the pictures."""
MINUTES = 63
"""After the change began: two HSMs are done, and the third is at work."""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def seen(played: Stage, *arguments: str) -> str:
    """What a terminal shows of a command, colours included."""
    shown = _Terminal()
    size = {"COLUMNS": str(WIDTH), "TERM": "xterm"}
    with ExitStack() as around:
        around.enter_context(patch.dict(os.environ, played.cloud.environment | size))
        around.enter_context(redirect_stdout(shown))
        around.enter_context(redirect_stderr(shown))
        # The exit code is the command's own business: a plan with changes ends with 2.
        around.enter_context(suppress(SystemExit))
        run(arguments, World(clock=played.clock.now))
    return wrapped(shown.getvalue())


def wrapped(shown: str) -> str:
    """The same as a terminal of that width breaks it."""
    console = Console(width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="standard", highlight=False)
    for line in shown.rstrip("\n").split("\n"):
        console.print(Text.from_ansi(line))
    return str(console.file.getvalue()).rstrip("\n")  # type: ignore[attr-defined]


def draw(name: str, shown: str, title: str) -> None:
    """Writes docs/`name`.svg."""
    (ROOT / "docs" / f"{name}.svg").write_text(picture(shown, title, WIDTH))


def wait_until(client: Any, statuses: Sequence[str]) -> None:
    """Until the stack is in one of `statuses`."""
    while client.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] not in statuses:
        time.sleep(0.2)


def main() -> None:
    """Plans, migrates and watches once, and draws what was seen."""
    with stage() as played:
        cluster_id = played.fleet.seed(3, cluster_id="cluster-p2zooz7rtvh").cluster_id
        client, text = played.cloud.client("cloudformation"), TEMPLATE.read_text()
        target = staged(text, {"ClusterId": cluster_id}, played.token, {"Settings": cluster_id})
        parameters = [{"ParameterKey": "ClusterId", "ParameterValue": cluster_id}]
        former = before(target, Shape()).body
        client.create_stack(StackName=STACK, TemplateBody=former, Parameters=parameters)
        wait_until(client, ["CREATE_COMPLETE"])
        planned = ("plan", "--template", str(TEMPLATE.relative_to(ROOT)), "--stack", STACK)
        draw("plan", seen(played, *planned), f"cloudhsm-settings {' '.join(planned)}")
        until = played.clock.now() + MINUTES * 60
        played.clock.hold_at(until)
        client.update_stack(StackName=STACK, TemplateBody=text, Parameters=parameters)
        while played.clock.now() < until:
            time.sleep(0.1)
        draw("watch", seen(played, "watch", STACK, "--once"), f"cloudhsm-settings watch {STACK}")


if __name__ == "__main__":
    main()
