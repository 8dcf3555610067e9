"""What the exit code of a command says, and what ends a command early."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of all commands; each command says which of them it uses."""

    DONE = 0
    """Nothing to do, or the operation ended with SUCCESS."""
    FAILED = 1
    """Blocked, or the operation ended with FAILED."""
    CHANGES = 2
    """A deployment would change something, or the operation goes on."""
    REVERTED = 3
    """CloudHSM went back to the former type."""
    UNKNOWN = 4
    """What the command needs could not be read: no credentials, no permission, no connection, no such stack."""
    USAGE = 64
    """The arguments make no sense; EX_USAGE of sysexits.h, because 2 means changes."""
    INTERRUPTED = 130
    """Ctrl-C."""


class Stopped(Exception):
    """Ends a command. `reason` is one or two sentences: what was seen, and what to do next."""

    def __init__(self, reason: str, code: Exit = Exit.UNKNOWN) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
