"""What happened, readable: who, when, what."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.agenda import START, Agenda

LONGEST = 40
"""Lines of a timeline that is shown."""


@dataclass
class Line:
    """One thing that happened."""

    at: float
    subject: str
    """The request, resource or cluster that it is about."""
    who: str
    what: str
    times: int = 1

    def __str__(self) -> str:
        hours, seconds = divmod(self.at - START, 3600)
        minutes, seconds = divmod(seconds, 60)
        clock = f"{hours:03.0f}:{minutes:02.0f}:{seconds:05.2f}"
        more = f"  (x{self.times})" if self.times > 1 else ""
        return f"  {clock}  {self.subject:<10} {self.who:<14} {self.what}{more}"


@dataclass
class Timeline:
    """All lines of one world."""

    agenda: Agenda
    lines: list[Line] = field(default_factory=list)

    def note(self, subject: str, who: str, what: str) -> None:
        """Takes down one line."""
        self.lines.append(Line(self.agenda.now, subject, who, what))

    def about(self, subjects: Iterable[str], since: float, until: float, longest: int = LONGEST) -> list[str]:
        """The lines about `subjects`, repetitions folded, and the middle left out where there are too many."""
        wanted = set(subjects)
        folded: list[Line] = []
        recent: dict[tuple[str, str, str], Line] = {}
        for line in self.lines:
            if line.subject not in wanted or not since <= line.at <= until:
                continue
            same = recent.get((line.subject, line.who, line.what))
            if same is not None and same in folded[-4:]:
                same.times += line.times
                continue
            shown = Line(line.at, line.subject, line.who, line.what, line.times)
            recent[line.subject, line.who, line.what] = shown
            folded.append(shown)
        texts = [str(line) for line in folded]
        if len(texts) > longest:
            left_out = f"  ... {len(texts) - longest} lines ..."
            texts = [*texts[: longest // 3], left_out, *texts[-(longest - longest // 3) :]]
        return texts
