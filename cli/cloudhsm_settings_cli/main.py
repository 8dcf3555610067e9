"""The entry point: the list of commands, and nothing of what they do."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from cloudhsm_settings_cli.command import World
from cloudhsm_settings_cli.exits import Exit

COMMANDS: Mapping[str, str] = {
    "plan": "cloudhsm_settings_cli.plan.command",
    "watch": "cloudhsm_settings_cli.watch.command",
    "report": "cloudhsm_settings_cli.report.command",
}
"""Each command, and the module that has it under the same name."""


class _Late(click.Group):
    """Imports a command when it is used: none waits for the libraries of another."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click calls it so
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        return command


@click.group(cls=_Late, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cloudhsm-settings-cli")
def cli() -> None:
    """What a change of a CloudHSM cluster will do, how far it is, and what became of it. Changes nothing."""


def main(arguments: Sequence[str] | None = None, world: World | None = None) -> None:
    """Runs a command and exits as `Exit` says; `arguments` and `world` are the process's own by default."""
    try:
        sys.exit(cli.main(args=arguments, obj=world, standalone_mode=False) or 0)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.USAGE)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(Exit.INTERRUPTED)
