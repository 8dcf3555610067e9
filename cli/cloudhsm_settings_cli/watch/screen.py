"""With a terminal: one screen, which goes on by itself."""

from collections.abc import Iterable
from typing import Self

from rich.console import Group
from rich.live import Live
from rich.text import Text

from cloudhsm_settings_cli.output import Output
from cloudhsm_settings_cli.watch import words
from cloudhsm_settings_cli.watch.view import View


class Screen:
    """Writes the present state over the one before, and leaves the last one."""

    def __init__(self, out: Output) -> None:
        # It is drawn when it is told to: no thread of its own, so that nothing is drawn half.
        self._live = Live(console=out.console, auto_refresh=False, vertical_overflow="visible")

    def show(self, views: Iterable[View]) -> None:
        """Takes the present state of each resource."""
        self._live.update(Group(*(line for view in views for line in drawn(view))), refresh=True)

    tick = show

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def drawn(view: View) -> list[Text]:
    """The state as coloured lines; all of it is red, and says so, where the polls have stopped."""
    alarm = "red" if view.is_alarming else ""
    lines = [
        Text(words.what_runs(view), style=alarm or "bold"),
        Text("   ".join(filter(None, (words.state_of_cluster(view), words.how_far(view)))), style=alarm),
        _bars(view, alarm),
        Text(words.last_poll(view), style=alarm and "bold red"),
        Text(f"   {view.poll.because}" if view.poll and view.poll.because else "", style=alarm or "dim"),
        Text(words.going_back(view), style=alarm),
        _labelled("cancel now: ", view.cancelling, alarm),
        _labelled("without loss: ", view.way_back.command if view.way_back else "", alarm),
        *_events(view),
        *(Text(f"not known: {each}", style="yellow") for each in view.unknown),
        Text(words.ending(view), style="bold green" if view.ended and not view.ended.code else "bold red"),
    ]
    return [line for line in lines if line.plain]


def _bars(view: View, alarm: str) -> Text:
    line = Text()
    for each in view.hsms.bars:
        started = not each.done and each.seconds is not None
        line.append(f"[{words.bar(each)}]", style=alarm or ("green" if each.done else "cyan" if started else "dim"))
        line.append(" ")
    return line


def _labelled(label: str, text: str, alarm: str) -> Text:
    return Text(label + text, style=alarm) if text else Text()


def _events(view: View) -> list[Text]:
    return [
        Text(
            f"   {words.clock(each.at)}  {each.logical_id} {each.status}{f'  {each.reason}' if each.reason else ''}",
            style="red" if "FAILED" in each.status else "dim",
        )
        for each in view.events
    ]
