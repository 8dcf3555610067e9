"""Reasons by their kind: what is left of a sentence without the names, numbers and quotations in it."""

import re

_NAMED = (
    (re.compile(r"cluster-[2-7a-z]+"), "CLUSTER"),
    (re.compile(r"p?hsm\d[a-z]*\.[a-z]+"), "TYPE"),
    (re.compile(r"\b(Settings|Other)\b"), "NAME"),
    (re.compile(r"\b[A-Z]+_[A-Z_]+\b|\bACTIVE\b|\bDEGRADED\b|\bUNINITIALIZED\b"), "STATE"),
    (re.compile(r"\"[^\"]*\"|'[^']*'"), "QUOTED"),
    (re.compile(r"\d[\d:TZ-]*"), "N"),
)
_LONGEST = 110


def reason_class(reason: str) -> str:
    """The kind of a Reason, short enough for a table."""
    for pattern, name in _NAMED:
        reason = pattern.sub(name, reason)
    return reason[:_LONGEST].strip()
