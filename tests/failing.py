"""Calls of AWS that fail, by the names that their services have for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SCHEDULES = {"POST": "CreateSchedule", "DELETE": "DeleteSchedule"}
_PUTS = {"/response": "response", "/handle": "signal"}


def readable(name: str) -> str:
    """The call by the name that its service has for it."""
    verb, _, path = name.partition(" ")
    if path.startswith("/schedules/"):
        return _SCHEDULES.get(verb, name)
    for begin, what in _PUTS.items():
        if path.startswith(begin):
            return what
    return "DescribeStacks" if name == "POST /" else name


@contextmanager
def unreachable(receiver: Any) -> Iterator[None]:
    """Responses and signals that are answered with 503."""
    receiver.statuses = [503] * 1000
    try:
        yield
    finally:
        receiver.statuses = []


@contextmanager
def failing(server: Any, *names: str, after: bool = False, spared: int = 0) -> Iterator[None]:
    """Calls that are answered with an error of the server, before or after they took effect; the first are `spared`.

    Without names all are.
    """
    seen = 0

    def fail(name: str) -> None:
        nonlocal seen
        fails = not names or readable(name) in names
        seen += fails
        if fails and seen > spared:
            raise RuntimeError(name)

    setattr(server, "after" if after else "before", fail)
    try:
        yield
    finally:
        server.before = server.after = None
