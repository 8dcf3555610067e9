"""The command: its options, and the loop of reading and showing."""

from collections.abc import Sequence
from contextlib import ExitStack
from shlex import join

import click

from cloudhsm_settings_cli.command import Tools, shared
from cloudhsm_settings_cli.exits import Exit
from cloudhsm_settings_cli.watch.lines import Lines
from cloudhsm_settings_cli.watch.observed import Observed
from cloudhsm_settings_cli.watch.read import Asked, Reader
from cloudhsm_settings_cli.watch.screen import Screen, drawn
from cloudhsm_settings_cli.watch.view import View, view

_WORST_FIRST = (Exit.FAILED, Exit.REVERTED)


@click.command()
@click.argument("stack", required=False, default="")
@click.option("--cluster", "cluster_id", metavar="ID", default="", help="A cluster instead of a stack.")
@click.option("--resource", "logical_id", metavar="ID", default="", help="One of several resources of the stack.")
@click.option("--interval", metavar="SECONDS", default=10.0, show_default=True, help="How often AWS is read.")
@click.option("--once", is_flag=True, help="Show one state and end.")
@shared
def watch(tools: Tools, *, stack: str, cluster_id: str, logical_id: str, interval: float, once: bool) -> Exit:
    """How far the change of STACK is, when it ends, and what turning back would cost now.

    Ends with the operation: 0 for SUCCESS, 1 for FAILED, 3 when the cluster has its former type again. With --once an
    operation that goes on ends with 2. Ctrl-C ends watching and nothing else.
    """
    if bool(stack) is bool(cluster_id):
        raise click.UsageError("Name a stack, or a cluster with --cluster.")
    reader = Reader(tools.aws, Asked(stack, cluster_id, logical_id))
    try:
        return _watch(tools, reader, interval, once=once)
    except KeyboardInterrupt:
        again = ["cloudhsm-settings", "watch", *([stack] if stack else ["--cluster", cluster_id])]
        tools.out.note(f"The change goes on without this. Watch it again with: {join(again)}")
        return Exit.INTERRUPTED


def _watch(tools: Tools, reader: Reader, interval: float, *, once: bool) -> Exit:
    if once and tools.out.is_terminal:
        views = _views(reader.observe(tools.clock()), tools)
        tools.out.lines(line for each in views for line in drawn(each))
        return _code(views)
    with ExitStack() as stack:
        shown = stack.enter_context(Screen(tools.out)) if tools.out.is_terminal else Lines(tools.out)
        while True:
            observed = reader.observe(tools.clock())
            views = _views(observed, tools)
            shown.show(views)
            if once or all(each.ended for each in views):
                return _code(views)
            _wait(tools, shown, observed, interval)


def _wait(tools: Tools, shown: Screen | Lines, observed: Sequence[Observed], interval: float) -> None:
    """Until the next read; on the screen the time goes on meanwhile."""
    left = interval
    while left > 0:
        step = min(left, 1.0)
        tools.sleep(step)
        left -= step
        shown.tick(_views(observed, tools))


def _views(observed: Sequence[Observed], tools: Tools) -> list[View]:
    now = tools.clock()
    return [view(each, now) for each in observed]


def _code(views: Sequence[View]) -> Exit:
    codes = {each.ended.code if each.ended else Exit.CHANGES for each in views}
    return next((each for each in (*_WORST_FIRST, Exit.CHANGES) if each in codes), Exit.DONE)
