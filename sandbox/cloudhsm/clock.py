"""A clock that can run fast and jump."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Seconds since the epoch, `speed` times as fast as the clock it is made from."""

    speed: float = 1.0
    source: Callable[[], float] = time.time
    _origin: float = field(init=False)
    _jumped: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._origin = self.source()

    def now(self) -> float:
        """The present moment of this clock."""
        return self._origin + (self.source() - self._origin) * self.speed + self._jumped

    def advance(self, seconds: float) -> None:
        """Jumps `seconds` ahead."""
        self._jumped += seconds
