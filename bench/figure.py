"""The picture of docs/performance.md: bars that a phone shows, in the colours of the reader's light or dark."""

from collections.abc import Mapping
from html import escape
from typing import Any

_LABELS = {
    "floor": "floor: boto3 and two clients",
    "ours_ready": "ours",
    "ours_uncompiled": "ours without bytecode",
    "ours": "ours",
    "stock": "stock",
}
_OURS = {"ours", "ours_ready"}
_WIDTH, _LEFT, _BAR, _ROW, _HEAD = 600, 200, 320, 26, 34
_STYLE = """\
text { font: 14px sans-serif; fill: #1f2328 } .head { font-weight: bold } rect { fill: #8b949e } .ours { fill: #1f6feb }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }"""


def figure(numbers: Mapping[str, Any]) -> str:
    """An SVG; `numbers` are what bench/results.json holds."""
    panels = {
        "CPU of a start, ms": numbers["init_cpu_ms"],
        "Retention change, request to response, s": numbers["retention_seconds"],
        "Migration, ACTIVE to response, s": numbers["migration_seconds"],
    }
    drawn, top = [], 0
    for title, spreads in panels.items():
        drawn.append(f'<text class="head" x="0" y="{top + 20}">{escape(title)}</text>')
        top += _HEAD
        widest = max(median for _, median, _ in spreads.values())
        for name, (_, median, _) in spreads.items():
            drawn.append(_bar(name, median, round(_BAR * median / widest), top))
            top += _ROW
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" role="img">',
            f"<style>{_STYLE}</style>",
            *drawn,
            "</svg>\n",
        ]
    )


def _bar(name: str, value: float, width: int, top: int) -> str:
    kind = ' class="ours"' if name in _OURS else ""
    return (
        f'<text x="0" y="{top + 15}">{escape(_LABELS[name])}</text>'
        f'<rect{kind} x="{_LEFT}" y="{top}" width="{max(width, 2)}" height="{_ROW - 6}"/>'
        f'<text x="{_LEFT + width + 8}" y="{top + 15}">{value:.3g}</text>'
    )
