"""Lines for a person who waits: when, what, and how far the HSMs are."""

import sys
import threading
import time
from types import TracebackType
from typing import Self

from sandbox.cloudhsm import Fleet, SandboxCluster
from sandbox.stacks import StackEvent

_BOLD, _DIM, _GREEN, _RED, _OFF = "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"
_COLOURS = {"COMPLETE": _GREEN, "FAILED": _RED, "ROLLBACK": _RED, "True": _RED}
"""Endings of words -> what they are shown in."""


class Console:
    """Prints progress, each line with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._colours = sys.stdout.isatty()
        self._lock = threading.Lock()

    def chapter(self, title: str) -> None:
        """A step of the story."""
        self._print(f"\n{self._paint(_BOLD, title)}")

    def line(self, text: str) -> None:
        """Something that has happened."""
        self._print(f"{self._paint(_DIM, f'{time.monotonic() - self._began:5.1f} s')}  {self._coloured(text)}")

    def event(self, event: StackEvent) -> None:
        """A stack event: how something ended, and why where it failed."""
        if not event.status.endswith("IN_PROGRESS"):
            self.line(f"stack    {event.logical_id:<16} {event.status}")
        if event.status.endswith("FAILED"):
            self.line(event.reason)

    def cluster(self, cluster: SandboxCluster, *, after: str = "") -> None:
        """The state of a cluster, the type of each HSM, and `after` how long that is so."""
        hsms = "  ".join(f"{hsm.hsm_type.partition('.')[0]:<5}" for hsm in cluster.hsms)
        self.line(f"cluster  {cluster.state:<20}{hsms} {after:>6}".rstrip())

    def _coloured(self, text: str) -> str:
        for word in text.split():
            for ending, colour in _COLOURS.items():
                if word.endswith(ending):
                    text = text.replace(word, self._paint(colour, word))
        return text

    def _print(self, text: str) -> None:
        with self._lock:
            print(text, flush=True)

    def _paint(self, code: str, text: str) -> str:
        return f"{code}{text}{_OFF}" if self._colours else text


class HsmWatch:
    """Prints a cluster's state and each HSM's type whenever one of them changes, with the minutes that have passed."""

    def __init__(self, console: Console, fleet: Fleet, cluster_id: str) -> None:
        self._console, self._fleet, self._cluster_id = console, fleet, cluster_id
        self._began = fleet.clock.now()
        self._shown: object = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self._look()

    def _look(self) -> None:
        cluster = self._fleet.cluster(self._cluster_id)
        seen = (cluster.state, [hsm.hsm_type for hsm in cluster.hsms])
        if seen != self._shown:
            self._shown = seen
            self._console.cluster(cluster, after=f"{(self._fleet.clock.now() - self._began) / 60:.0f} min")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._look()
