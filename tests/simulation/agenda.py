"""The one virtual clock, and everything that is due."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

START = 1_800_000_000.0
"""Seconds since the epoch at which every world begins."""


class Defect(BaseException):
    """The simulation itself is wrong, or is asked what it does not know. No code under test may swallow it."""


@dataclass
class Agenda:
    """Timed events; two of the same moment happen in the order in which they were entered."""

    now: float = START
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _serial: count = field(default_factory=count)  # type: ignore[type-arg]

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.now

    def at(self, moment: float, happen: Callable[[], None]) -> None:
        """Lets `happen` be called at `moment`; at once where that has passed."""
        heapq.heappush(self._due, (max(moment, self.now), next(self._serial), happen))

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        """Lets `happen` be called in `seconds`."""
        self.at(self.now + seconds, happen)

    @property
    def next_at(self) -> float:
        """When the next event is due; infinity without one."""
        return self._due[0][0] if self._due else float("inf")

    def run(self, until: float = float("inf")) -> None:
        """Lets everything happen that is due by `until`."""
        while self._due and self._due[0][0] <= until:
            self.now, _, happen = heapq.heappop(self._due)
            happen()
        if until != float("inf"):
            self.now = max(self.now, until)
