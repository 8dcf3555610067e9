"""One process at a time, for what several commands of one checkout would otherwise do to the same files."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(file: Path, when_taken: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds `file` locked; calls `when_taken` before waiting for another process.

    The kernel lets go when the process ends, however it ends: nothing stale is left to remove.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_taken()
            fcntl.flock(held, fcntl.LOCK_EX)
        yield
