"""Without a terminal: one line for each change, and a heartbeat each minute."""

from collections.abc import Iterable

from cloudhsm_settings_cli.output import Output
from cloudhsm_settings_cli.watch import words
from cloudhsm_settings_cli.watch.observed import StackEvent
from cloudhsm_settings_cli.watch.view import View

HEARTBEAT = 60
"""Seconds after which a line comes though nothing has changed: silence would end a CI job."""


class Lines:
    """Writes what is new since the last line; with --json each line is the whole state."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._shown: dict[str, object] = {}
        self._told: set[StackEvent] = set()
        self._said: set[str] = set()
        self._at: dict[str, float] = {}

    def show(self, views: Iterable[View]) -> None:
        """Takes the present state of each resource."""
        for view in views:
            self._remarks(view)
            is_new = self._shown.get(view.subject) != view.changing
            is_due = view.now - self._at.get(view.subject, view.now) >= HEARTBEAT
            if is_new or is_due:
                self._events(view)
                self._out.lines([line_of(view)])
                self._shown[view.subject], self._at[view.subject] = view.changing, view.now
                self._out.event(view.to_json())

    def tick(self, views: Iterable[View]) -> None:
        """Nothing: time alone is no line."""

    def _remarks(self, view: View) -> None:
        for each in view.unknown:
            if each not in self._said:
                self._said.add(each)
                self._out.note(f"not known: {each}")

    def _events(self, view: View) -> None:
        for each in view.events:
            if each not in self._told:
                self._told.add(each)
                reason = f"   {each.reason}" if each.reason else ""
                self._out.lines([f"{words.clock(each.at)}   {each.logical_id} {each.status}{reason}"])


def line_of(view: View) -> str:
    """The whole state as one line."""
    bars = " ".join(f"[{words.bar(each)}]" for each in view.hsms.bars)
    parts = (
        words.clock(view.now),
        words.what_runs(view),
        words.state_of_cluster(view),
        bars,
        words.how_far(view),
        words.last_poll(view),
        words.ending(view),
    )
    return "   ".join(each for each in parts if each)
