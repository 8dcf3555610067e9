"""Execution environments: the runtime emulator around a read-only directory, with its measurements."""

import json
import os
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.contenders import BENCH, Contender
from sandbox.emulator import Emulator

MB_OF_ONE_CPU = 1769
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""
_PERIOD = 20_000
"""Microseconds. Lambda's own is of this order; a longer one would make short work look faster than it is."""
_SECONDS_TO_WRITE = 10


@dataclass(frozen=True)
class Phase:
    """One start or one invocation."""

    cpu_seconds: float
    wall_seconds: float
    peak_memory_bytes: int
    """Of the process, from its start to the end of this phase."""


class Measured:
    """An emulator, whose phases are noted: first the start, then each invocation."""

    def __init__(self, contender: Contender, variables: Mapping[str, str], *, group: Path | None = None) -> None:
        """`group` is a control group that says how much of a CPU there is."""
        file, self._notes = tempfile.mkstemp(prefix="measurements-")
        os.close(file)
        self._emulator = Emulator(
            contender.directory,
            (contender.python, str(BENCH / "measured.py"), contender.handler),
            {**variables, "MEASUREMENTS": self._notes},
            wrapped=("sh", "-c", _script(contender.directory, group), "sh"),
        )
        self._invoked = 0

    def invoke(self, event: Mapping[str, Any]) -> Phase:
        """Invokes once; raises RuntimeError with what the function raised."""
        answer = self._emulator.invoke(event)
        if "errorType" in answer:
            raise RuntimeError(json.dumps(answer, indent=2))
        self._invoked += 1
        return self._phases(self._invoked + 1)[-1]

    @property
    def start(self) -> Phase:
        """The import of the handler. The first invocation brings it about."""
        return self._phases(1)[0]

    def _phases(self, count: int) -> list[Phase]:
        deadline = time.monotonic() + _SECONDS_TO_WRITE
        while True:
            lines = Path(self._notes).read_text().splitlines()
            if len(lines) >= count:
                return [Phase(**json.loads(line)) for line in lines[:count]]
            if time.monotonic() > deadline:
                raise RuntimeError("the function wrote no measurements: did it start?")
            time.sleep(0.005)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._emulator.__exit__()
        Path(self._notes).unlink()


def _script(directory: Path, group: Path | None) -> str:
    """Shell that makes `directory` read-only for the command that follows, and puts it into the group."""
    join = f"echo $$ > {shlex.quote(str(group / 'cgroup.procs'))} && " if group else ""
    if os.geteuid() == 0:
        # Nothing but a mount keeps root from writing.
        code = shlex.quote(str(directory))
        inner = f'mount --bind -o ro {code} {code} && cd {code} && exec "$@"'
        return f'{join}exec unshare --mount sh -c {shlex.quote(inner)} sh "$@"'
    for each in (directory, *directory.rglob("*")):
        each.chmod(each.stat().st_mode & ~0o222)
    return f'{join}exec "$@"'


@contextmanager
def share_of_cpu(memory_size: int) -> Iterator[Path | None]:
    """A control group with the share of a CPU of `memory_size` MB in Lambda; None where groups cannot be made."""
    share = memory_size / MB_OF_ONE_CPU
    version_1, version_2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
    group = (version_1 if version_1.exists() else version_2) / f"bench-{os.getpid()}-{memory_size}"
    try:
        group.mkdir()
        if version_1.exists():
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(int(share * _PERIOD)))
        else:
            (group / "cpu.max").write_text(f"{int(share * _PERIOD)} {_PERIOD}")
    except OSError:
        with suppress(OSError):
            group.rmdir()
        yield None
        return
    try:
        yield group
    finally:
        _remove(group)


def _remove(group: Path) -> None:
    """A group is busy until the last process in it is gone."""
    for _ in range(100):
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.05)
        else:
            return
