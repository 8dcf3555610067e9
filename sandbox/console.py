"""Lines for a person who waits: when, what, and how far the HSMs are."""

import sys
import threading
import time
from types import TracebackType
from typing import Self

from sandbox.cloudhsm import Fleet
from sandbox.stacks import StackEvent

_BOLD, _DIM, _GREEN, _RED, _OFF = "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"


class Console:
    """Prints progress, each line with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._colours = sys.stdout.isatty()

    def chapter(self, title: str) -> None:
        """A step of the story."""
        print(f"\n{self._paint(_BOLD, title)}", flush=True)

    def line(self, text: str) -> None:
        """Something that has happened."""
        print(f"{self._paint(_DIM, f'{time.monotonic() - self._began:6.1f} s')}  {text}", flush=True)

    def event(self, event: StackEvent) -> None:
        """A stack event."""
        colour = _RED if "FAILED" in event.status or "ROLLBACK" in event.status else _GREEN
        self.line(f"stack    {str(event).replace(event.status, self._paint(colour, event.status))}")

    def _paint(self, code: str, text: str) -> str:
        return f"{code}{text}{_OFF}" if self._colours else text


class HsmWatch:
    """Prints a cluster's state and each HSM's type whenever one of them changes."""

    def __init__(self, console: Console, fleet: Fleet, cluster_id: str) -> None:
        self._console, self._fleet, self._cluster_id = console, fleet, cluster_id
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        shown = ""
        while not self._stop.wait(0.2):
            if (now := self._picture()) != shown:
                shown = now
                self._console.line(now)

    def _picture(self) -> str:
        cluster = self._fleet.cluster(self._cluster_id)
        hsms = "  ".join(f"[{hsm.hsm_type}]" for hsm in cluster.hsms)
        return f"cluster  {cluster.state:<20} {hsms}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
