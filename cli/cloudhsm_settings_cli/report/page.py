"""The page: what it says is put together once, and written as Markdown and as HTML. Pure."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from cloudhsm_settings_cli.report.picture import picture
from cloudhsm_settings_cli.report.story import Story

_NOT_KNOWN = "Not known: CloudTrail could not be read."
_STYLE = """\
:root { color-scheme: light dark }
body { font: 15px/1.5 sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #8884; padding: .3rem .5rem; text-align: left;
  vertical-align: top; overflow-wrap: anywhere }
svg { width: 100% }"""


@dataclass(frozen=True)
class Table:
    """Rows under a header, all of text."""

    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs and tables below it."""

    title: str
    blocks: tuple[str | Table, ...]


def title_of(story: Story) -> str:
    """The heading of the whole page."""
    return f"{story.evidence.cluster_id}, {moment(story.evidence.since)} to {moment(story.evidence.made_at)}"


def sections(story: Story) -> Iterator[Section]:
    """Everything but the picture."""
    yield Section("Outcome", tuple(_outcome(story)))
    yield Section("Who asked", (_askers(story),))
    yield Section("Before and after", (_before_and_after(story), *(_drift(story))))
    yield Section("Every ModifyCluster", (_calls(story),))
    yield Section("Changes by anybody else", (_foreign(story),))
    yield Section("Timeline", (_timeline(story),))
    yield Section("Evidence", tuple(_evidence(story)))


def _outcome(story: Story) -> Iterator[str | Table]:
    if not story.operations:
        yield "No request for this cluster is known in this time."
        return
    rows = [
        (
            f"{each.stack}/{each.logical_id}",
            each.request_type,
            moment(each.began_at),
            moment(each.ended_at) if each.ended_at else "goes on",
            each.outcome or "not known",
            f"{each.polls}, longest gap {each.longest_gap:.0f} s" if each.polls else "not known",
            each.reason,
        )
        for each in story.operations
    ]
    yield Table(("resource", "request", "from", "to", "outcome", "polls", "why"), rows)


def _askers(story: Story) -> str | Table:
    if story.askers is None:
        return _NOT_KNOWN
    rows = [(moment(each.at), each.name, each.who, each.request_id) for each in story.askers]
    return Table(("when", "call", "who", "request id"), rows) if rows else "CloudTrail has no call for the stack."


def _before_and_after(story: Story) -> Table:
    before, after = dict(story.before), dict(story.after)
    declared: dict[str, str] = {}
    for each in story.evidence.records:
        for name, value in each.declared.items():
            shown = f"{value.get('Value')} days" if isinstance(value, dict) else str(value)
            declared[name] = f"{declared[name]}; {shown}" if name in declared and declared[name] != shown else shown
    names = dict.fromkeys([*declared, *before, *after])
    rows = [(name, declared.get(name, ""), before.get(name, ""), after.get(name, "")) for name in names]
    return Table(("", "declared", "before", "now"), rows)


def _drift(story: Story) -> Iterator[str]:
    if story.evidence.cluster is None:
        yield "The cluster could not be read, so nothing is known of drift."
    else:
        yield f"Drift: {'; '.join(story.drift)}." if story.drift else "Drift: none. The cluster is as declared."


def _calls(story: Story) -> str | Table:
    rows = [
        (moment(each.at), each.setting, each.asked, each.who, each.request_id or "not known", each.error or "taken")
        for each in story.calls
    ]
    return Table(("when", "setting", "asked", "who", "request id", "answer"), rows) if rows else "None."


def _foreign(story: Story) -> str | Table:
    if story.foreign is None:
        return _NOT_KNOWN
    rows = [(moment(each.at), each.name, each.asked, each.who, each.request_id) for each in story.foreign]
    return Table(("when", "call", "asked", "who", "request id"), rows) if rows else "None in CloudTrail."


def _timeline(story: Story) -> str | Table:
    rows = [(moment(each.at), each.source, each.text) for each in story.timeline]
    return Table(("when", "source", "what"), rows) if rows else "Nothing."


def _evidence(story: Story) -> Iterator[str]:
    evidence = story.evidence
    yield (
        f"{len(evidence.events)} stack events, {len(evidence.decisions or ())} decisions of the provider's log, "
        f"{len(evidence.trail or ())} events of CloudTrail, {len(evidence.records)} records. Times are UTC."
    )
    yield f"SHA-256 of the evidence: {evidence.digest}"
    yield from (f"Not read: {each}" for each in evidence.unread)


def markdown(stories: Sequence[Story]) -> str:
    """One Markdown page; the picture is inside it."""
    return "\n".join(line for story in stories for line in _markdown(story)) + "\n"


def _markdown(story: Story) -> Iterator[str]:
    yield f"# {title_of(story)}\n"
    yield f"![timeline](data:image/svg+xml;base64,{b64encode(picture(story).encode()).decode()})\n"
    for section in sections(story):
        yield f"## {section.title}\n"
        for block in section.blocks:
            yield from _markdown_table(block) if isinstance(block, Table) else (_inline(block),)
            yield ""


def _markdown_table(table: Table) -> Iterator[str]:
    yield _row(table.header)
    yield _row(["---"] * len(table.header))
    yield from (_row([_inline(cell) for cell in row]) for row in table.rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _inline(text: str) -> str:
    """Text that Markdown takes for nothing but text, on one line."""
    escaped = "".join(f"\\{each}" if each in "\\`*[]<>|" else each for each in text)
    return " ".join(escaped.split())


def html(stories: Sequence[Story]) -> str:
    """One HTML page that loads nothing from elsewhere."""
    body = "\n".join(line for story in stories for line in _html(story))
    title = escape(", ".join(each.evidence.cluster_id for each in stories))
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>\n'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _html(story: Story) -> Iterator[str]:
    yield f"<h1>{escape(title_of(story))}</h1>"
    yield picture(story)
    for section in sections(story):
        yield f"<h2>{escape(section.title)}</h2>"
        for block in section.blocks:
            yield _html_table(block) if isinstance(block, Table) else f"<p>{escape(block)}</p>"


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in table.header)
    rows = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"<table>\n<tr>{head}</tr>\n{rows}\n</table>"


def moment(at: float) -> str:
    """A moment to the second: "2026-11-27 18:05:09Z"."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%SZ}"
