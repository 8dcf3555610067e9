"""A clock that stands until it is moved on, shared by processes: sixteen bytes in a file.

Until it is set for the first time it goes as the machine's own: who deploys waits for events with later times.
"""

import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "SANDBOX_CLOCK"
"""Environment variable with the path of the file."""
_FORM = struct.Struct("d")


@dataclass(frozen=True)
class SteppedClock:
    """Seconds since the epoch."""

    path: Path

    def now(self) -> float:
        """The present moment of this clock."""
        return self._read()[0] or time.time()

    @property
    def stands(self) -> bool:
        """Whether it has been set."""
        return bool(self._read()[0])

    def may_reach(self, moment: float) -> bool:
        """Whether it may go on so far."""
        limit = self._read()[1]
        return not limit or moment <= limit

    def set(self, moment: float) -> None:
        """Moves it; a reader sees the moment before or the moment after."""
        self._write(moment, 0)

    def hold_at(self, limit: float) -> None:
        """Lets it go on to `limit` and no further; 0 lets it go on."""
        self._write(limit, _FORM.size)

    def _read(self) -> tuple[float, float]:
        file = self.path.read_bytes()
        return float(_FORM.unpack(file[: _FORM.size])[0]), float(_FORM.unpack(file[_FORM.size :])[0])

    def _write(self, value: float, at: int) -> None:
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(file, _FORM.pack(value), at)
        finally:
            os.close(file)
