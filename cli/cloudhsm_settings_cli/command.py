"""What all commands share: where AWS is, how to answer, and what ends them."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from cloudhsm_settings_cli.aws import Aws, Unread, Where, connect
from cloudhsm_settings_cli.exits import Exit, Stopped
from cloudhsm_settings_cli.output import Output


@dataclass(frozen=True)
class World:
    """What commands need from outside; tests hand in another one as click's `obj`."""

    connect: Callable[[Where], Aws] = connect
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Tools:
    """What one command has in hand."""

    aws: Aws
    out: Output
    clock: Callable[[], float]
    sleep: Callable[[float], None]


Command = Callable[..., Exit]

_OPTIONS = (
    click.option("--region", metavar="NAME", help="Region, as AWS tools take it."),
    click.option("--profile", metavar="NAME", help="Profile, as AWS tools take it."),
    click.option("--endpoint-url", metavar="URL", help="Another address of AWS, for every service."),
    click.option("--json", "as_json", is_flag=True, help="Answer in JSON."),
)


def shared(command: Command) -> Callable[..., None]:
    """Makes a click callback of a function of Tools and its own options, which returns its exit code."""

    @wraps(command)
    @click.pass_context
    def callback(
        context: click.Context,
        /,
        region: str | None,
        profile: str | None,
        endpoint_url: str | None,
        as_json: bool,
        **own: Any,
    ) -> None:
        world = context.obj or World()
        out = Output(sys.stdout, sys.stderr, as_json=as_json)
        try:
            aws = world.connect(Where(region, profile, endpoint_url))
            code = command(Tools(aws, out, world.clock, world.sleep), **own)
        except (Stopped, Unread) as error:
            code = _stopped(error, out)
        context.exit(code)

    for option in reversed(_OPTIONS):
        callback = option(callback)
    return callback


def _stopped(error: Stopped | Unread, out: Output) -> Exit:
    reason, code = (error.reason, error.code) if isinstance(error, Stopped) else (error.because, Exit.UNKNOWN)
    out.error(reason)
    out.document({"error": reason})
    return code
