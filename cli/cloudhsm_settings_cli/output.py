"""Where commands write: a terminal, a pipe, or JSON. What they write is made elsewhere.

Without a terminal there is no colour, no cursor and no wrapping: one line is one fact.
"""

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from cloudhsm_settings_cli.aws import Gap


class Output:
    """Standard output for results, standard error for everything about them."""

    def __init__(self, stdout: TextIO, stderr: TextIO, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.console = Console(file=stdout, highlight=False, no_color=_no_color())
        self._errors = Console(file=stderr, highlight=False, no_color=_no_color())

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks on, so that lines may be coloured and written over."""
        return self.console.is_terminal and not self.as_json

    def lines(self, lines: Iterable[Text | str]) -> None:
        """Lines for a person; none of them with --json."""
        if not self.as_json:
            for line in lines:
                self.console.print(_text(line), soft_wrap=True)

    def document(self, document: Mapping[str, Any]) -> None:
        """The whole result as one JSON document; nothing without --json."""
        if self.as_json:
            self.console.file.write(json.dumps(document, indent=2) + "\n")
            self.console.file.flush()

    def event(self, event: Mapping[str, Any]) -> None:
        """One step of a longer life as one line of JSON; nothing without --json."""
        if self.as_json:
            self.console.file.write(json.dumps(event) + "\n")
            self.console.file.flush()

    def note(self, text: str) -> None:
        """A remark about the result, on standard error."""
        self._errors.print(Text(text, style="dim"), soft_wrap=True)

    def error(self, text: str) -> None:
        """Why there is no result, on standard error."""
        self._errors.print(Text(text, style="red"), soft_wrap=True)

    def gaps(self, gaps: Iterable[Gap]) -> None:
        """What the result does without, on standard error."""
        for gap in gaps:
            self.note(f"not known: {gap.because}")


def _text(line: Text | str) -> Text:
    # Never markup: brackets of a bar or of an id are what they are.
    return line if isinstance(line, Text) else Text(line)


def _no_color() -> bool | None:
    return True if os.environ.get("NO_COLOR") else None
