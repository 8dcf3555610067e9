"""`python -m sandbox`: the local cloud for a person."""

import sys

_INTERRUPTED = 130
"""What a shell says of a program that Ctrl-C has ended."""


def main() -> int:
    """Runs a command; the exit code is 0 when it went as it should."""
    try:
        # Importing takes seconds, in which a person may change their mind too.
        from sandbox.commands import main as commanded

        return commanded()
    except KeyboardInterrupt:
        print("Stopped, and all that it had started.", file=sys.stderr)
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
