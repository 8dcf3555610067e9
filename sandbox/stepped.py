"""A clock that stands until it is moved on, shared by processes: eight bytes in a file.

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
        return float(_FORM.unpack(self.path.read_bytes())[0]) or time.time()

    @property
    def stands(self) -> bool:
        """Whether it has been set."""
        return bool(_FORM.unpack(self.path.read_bytes())[0])

    def set(self, moment: float) -> None:
        """Moves it; a reader sees the moment before or the moment after."""
        file = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(file, _FORM.pack(moment), 0)
        finally:
            os.close(file)
