"""The timeline as one SVG, readable in light and dark: the stack, the cluster, and the provider. Pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from typing import NamedTuple

from cloudhsm_settings_cli.report.story import Story

WIDTH = 960
_LEFT, _TOP, _LANE, _BAR = 90, 14, 40, 18
_STYLE = """\
.t { font: 12px sans-serif; fill: #1f2328 } .s { font: 11px sans-serif; fill: #57606a }
.ok { fill: #2da44e } .busy { fill: #bf8700 } .bad { fill: #cf222e } .line { stroke: #d0d7de } .call { fill: #0969da }
.in { font: 11px sans-serif; fill: #ffffff }
@media (prefers-color-scheme: dark) { .t { fill: #c9d1d9 } .s { fill: #8b949e } .line { stroke: #30363d }
.ok { fill: #238636 } .busy { fill: #9e6a03 } .bad { fill: #da3633 } .call { fill: #58a6ff } }"""


class Span(NamedTuple):
    """A stretch of a lane; times are seconds since the epoch."""

    start: float
    end: float
    label: str


def picture(story: Story) -> str:
    """The SVG; its lanes are empty where nothing is known."""
    lanes = {"Stack": _stack(story), "Cluster": _cluster(story), "Provider": _provider(story)}
    moments = [each.at for each in story.timeline] + [end for spans in lanes.values() for _, end, _ in spans]
    start, end = (min(moments), max(moments)) if moments else (story.evidence.since, story.evidence.made_at)
    scale = _Scale(start, max(end, start + 60))
    height = _TOP + _LANE * len(lanes) + 26
    body = [line for number, lane in enumerate(lanes.items()) for line in _drawn(scale, number, *lane)]
    calls = [_mark(scale.x(each.at), each.setting) for each in story.calls]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="timeline">',
            f"<style>{_STYLE}</style>",
            *_axis(scale, height),
            *body,
            *calls,
            "</svg>",
            "",
        ]
    )


class _Scale(NamedTuple):
    start: float
    end: float

    def x(self, at: float) -> float:
        return _LEFT + (at - self.start) / (self.end - self.start) * (WIDTH - _LEFT - 20)


def _mark(x: float, setting: str) -> str:
    """An arrow head where ModifyCluster was called."""
    title = f"<title>ModifyCluster {escape(setting)}</title>"
    return f'<path class="call" d="M{x:.1f},{_TOP - 1} l5,-8 l-10,0 z">{title}</path>'


def _drawn(scale: _Scale, number: int, name: str, spans: Sequence[Span]) -> Iterator[str]:
    y = _TOP + number * _LANE
    yield f'<text class="t" x="4" y="{y + 14}">{name}</text>'
    for span in spans:
        # What began before the first moment that is told is cut off there.
        x = scale.x(max(span.start, scale.start))
        width = max(scale.x(span.end) - x, 2.0)
        title = f"<title>{escape(span.label)}</title>"
        size = f'x="{x:.1f}" y="{y}" width="{width:.1f}" height="{_BAR}"'
        yield f'<rect class="{_kind(span.label)}" {size} rx="2">{title}</rect>'
        if width > 7 * len(span.label):
            yield f'<text class="in" x="{x + 5:.1f}" y="{y + 13}">{escape(span.label)}</text>'


def _kind(label: str) -> str:
    if "FAIL" in label.upper() or "ROLLBACK" in label or label == "Reverted":
        return "bad"
    return "busy" if "PROGRESS" in label or label == "in flight" else "ok"


def _axis(scale: _Scale, height: int) -> Iterator[str]:
    for step in range(5):
        at = scale.start + (scale.end - scale.start) * step / 4
        x, anchor = scale.x(at), "end" if step == 4 else "start"
        yield f'<line class="line" x1="{x:.1f}" y1="{_TOP - 6}" x2="{x:.1f}" y2="{height - 18}"/>'
        moment = f"{datetime.fromtimestamp(at, UTC):%d %b %H:%MZ}"
        yield f'<text class="s" x="{x:.1f}" y="{height - 5}" text-anchor="{anchor}">{moment}</text>'


def _stack(story: Story) -> list[Span]:
    """The statuses of the stack; a CREATE_ and an UPDATE_ last until the next one."""
    told = [(each.at, each.status) for each in story.evidence.events if each.is_of_stack]
    return _lasting(told)


def _cluster(story: Story) -> list[Span]:
    told = [(each.at, each.state) for each in story.evidence.decisions or () if each.state]
    cluster = story.evidence.cluster
    if told and cluster is not None:
        told.append((told[-1][0] + 1, cluster.state))
    return _lasting(told)


def _provider(story: Story) -> list[Span]:
    end = max((each.at for each in story.timeline), default=story.evidence.made_at)
    return [
        Span(each.began_at, each.ended_at or end, each.outcome or ("in flight" if each.ended_at is None else "Ended"))
        for each in story.operations
    ]


def _lasting(told: Sequence[tuple[float, str]]) -> list[Span]:
    """Equal neighbours are one span; the last one is shown as a mark."""
    changes = [each for number, each in enumerate(told) if number == 0 or told[number - 1][1] != each[1]]
    spans = [Span(at, after, label) for (at, label), (after, _) in pairwise(changes)]
    return [*spans, Span(changes[-1][0], changes[-1][0], changes[-1][1])] if changes else []
