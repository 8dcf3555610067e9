"""Pictures of a real `make demo`: `make generate` runs it in a terminal and draws what was seen into docs/."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).parent.parent
WIDTH = 116
SCREENS = {"demo": "", "migration": "The stack also declares"}
"""Pictures in docs/ by name: the chapter that each shows, or all of them."""
THEME = TerminalTheme(
    (13, 17, 23),
    (201, 209, 217),
    [
        (72, 79, 88),
        (255, 123, 114),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (177, 186, 196),
    ],
)
# A picture loads nothing from elsewhere, and a font of the reader's own is good enough.
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg"
role="img" aria-label="make demo">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
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
    return shown.getvalue().decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        # Linux says so when the other end is closed.
        return b""


def timeless(shown: str) -> str:
    """The same without seconds, which no two runs share."""
    return re.sub(r"^\x1b\[2m *[\d.]+ s\x1b\[0m", " ", shown, flags=re.MULTILINE).strip("\n")


def chapters(shown: str, beginning: str) -> str:
    """The chapter whose title begins so; everything for an empty beginning."""
    return "\n\n".join(each for each in shown.split("\n\n") if Text.from_ansi(each).plain.startswith(beginning))


def draw(name: str, shown: str) -> None:
    """Writes docs/`name`.svg."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in shown.split("\n"):
        console.print(Text.from_ansi(line), overflow="ellipsis", no_wrap=True)
    console.save_svg(
        str(ROOT / "docs" / f"{name}.svg"), title="make demo", theme=THEME, code_format=FORMAT, unique_id=name
    )


def main() -> None:
    """Runs the demo once and draws all pictures of it."""
    shown = timeless(seen())
    for name, beginning in SCREENS.items():
        draw(name, chapters(shown, beginning))


if __name__ == "__main__":
    main()
