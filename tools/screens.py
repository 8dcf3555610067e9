"""Pictures of a real `make demo`: runs it in a terminal and draws what was seen into docs/; `make generate` does it.

Every word that begins a column, or a colour, has a place of its own: a reader's font may be of another width.
"""

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent
WIDTH = 64
"""Columns of the demo, so that its pictures can be read on a phone."""
SCREENS = {"demo": "", "migration": "A rehearsal"}
"""Pictures in docs/ by name: the chapter that each shows, or all of them."""
CHARACTER, LINE, MARGIN = 8.4, 20, 14
"""Width and height of a character, and what is around all of them, in the picture's own unit."""
CLASSES = {"": "", "1": "title", "2": "dim", "31": "red", "32": "green", "1;31": "red", "1;32": "green", "33": "red"}
"""Colours of a terminal, by their numbers -> classes; others are shown as text."""
FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{title}">
<style>
text {{ font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328;
white-space: pre; }}
rect {{ fill: #f6f8fa; stroke: #d1d9e0; }}
.title {{ font-weight: bold; }} .dim {{ fill: #59636e; }} .red {{ fill: #c4121a; }} .green {{ fill: #116329; }}
@media (prefers-color-scheme: dark) {{
text {{ fill: #f0f6fc; }} rect {{ fill: #0d1117; stroke: #3d444d; }}
.dim {{ fill: #9198a1; }} .red {{ fill: #ff7b72; }} .green {{ fill: #3fb950; }} }}
</style>
<rect x="0.5" y="0.5" width="{inner_width}" height="{inner_height}" rx="6"/>
{texts}
</svg>
"""


def seen() -> str:
    """What a terminal shows of `make demo`, colours included; raises CalledProcessError when the story goes wrong."""
    terminal, ours = os.openpty()
    shown = io.BytesIO()
    with subprocess.Popen([sys.executable, "-m", "sandbox", "demo"], cwd=ROOT, stdout=ours, stderr=ours) as demo:
        os.close(ours)
        while chunk := _read(terminal):
            shown.write(chunk)
    os.close(terminal)
    if demo.returncode:
        raise subprocess.CalledProcessError(demo.returncode, demo.args, shown.getvalue())
    return shown.getvalue().decode().replace("\r\n", "\n").strip("\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        # Linux says so when the other end is closed.
        return b""


def plain(shown: str) -> str:
    """The same without colours."""
    return re.sub(r"\x1b\[\d+m", "", shown)


def chapters(shown: str, beginning: str) -> str:
    """The chapter whose title begins so; everything for an empty beginning."""
    return "\n\n".join(each for each in shown.split("\n\n") if plain(each).startswith(beginning))


def picture(shown: str, title: str = "make demo", columns: int = WIDTH) -> str:
    """The SVG; `title` is the command that has shown it."""
    lines = shown.split("\n")
    texts = [text for number, line in enumerate(lines) for text in _texts(line, MARGIN + (number + 0.75) * LINE)]
    width, height = MARGIN * 2 + columns * CHARACTER, MARGIN * 2 + len(lines) * LINE
    sizes = {"width": width, "height": height, "inner_width": width - 1, "inner_height": height - 1}
    return FORMAT.format(**{name: f"{size:g}" for name, size in sizes.items()}, title=title, texts="\n".join(texts))


def _texts(line: str, y: float) -> Iterator[str]:
    for column, colour, words in _words(line):
        named = f' class="{known}"' if (known := CLASSES.get(colour)) else ""
        length = len(words) * CHARACTER
        yield (
            f'<text x="{MARGIN + column * CHARACTER:.1f}" y="{y:g}" textLength="{length:.1f}"'
            f' lengthAdjust="spacingAndGlyphs"{named}>{escape(words, quote=False)}</text>'
        )


def _words(line: str) -> Iterator[tuple[int, str, str]]:
    """What stands together in one colour: where it begins, the colour's number, and the words."""
    column, colour = 0, ""
    for part in re.split(r"(\x1b\[[\d;]+m)", line):
        if escaped := re.fullmatch(r"\x1b\[([\d;]+)m", part):
            colour = "" if escaped[1] == "0" else escaped[1]
            continue
        for words in re.finditer(r"\S+(?: \S+)*", part):
            yield column + words.start(), colour, words[0]
        column += len(part)


def main() -> None:
    """Runs the demo once and draws all pictures of it."""
    shown = seen()
    for name, beginning in SCREENS.items():
        (ROOT / "docs" / f"{name}.svg").write_text(picture(chapters(shown, beginning)))


if __name__ == "__main__":
    main()
