"""Pages that are read at 3 a.m.: short sentences, one on each line, and no more words than somebody reads."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tools.release.template import ROOT

COUNTED = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
"""What somebody who takes up the project may have to read; decisions are read by those who doubt one."""
HELD = [*COUNTED, ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]
WORDS_AT_MOST = 6_500
"""Of all pages together, tables included, code and diagrams left out."""
WORDS_OF_A_SENTENCE = 24
CHARACTERS_OF_A_LINE = 120
WORD = re.compile(r"\S*\w\S*")
# A full stop inside of a name, as in `template.yaml`, ends no sentence, nor does one before a small letter.
END = re.compile(r"(?<=[.!?])[)*\"]*\s+(?=[A-Z`*\[(\"])")
each_page = pytest.mark.parametrize("page", HELD, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines outside of code, without the targets of links."""
    inside = False
    for number, line in enumerate(page.read_text().splitlines(), start=1):
        inside ^= line.startswith("```")
        if not inside and not line.startswith(("```", "<!--", "#")):
            yield number, re.sub(r"\]\([^)]*\)", "]", line)


def sentences(line: str) -> list[str]:
    """Of a line, a cell of a table being one at least."""
    cells = (
        re.split(r"\s\|\s", line.strip("| ")) if line.startswith("|") else [re.sub(r"^\s*(?:[-:]|\d+\.) ", "", line)]
    )
    return [sentence for cell in cells for sentence in END.split(cell)]


@each_page
def test_no_line_is_longer_than_a_screen(page):
    lines = enumerate(page.read_text().splitlines(), start=1)
    # An address, a command and a row of a table cannot be broken.
    long = [f"{n}: {line}" for n, line in lines if len(line) > CHARACTERS_OF_A_LINE and not unbreakable(line)]
    assert long == []


def unbreakable(line: str) -> bool:
    return "https://" in line or '"arn:aws:' in line or line.startswith(("aws ", "`aws ", "sam ", "| "))


@each_page
def test_a_sentence_is_short(page):
    said = ((number, sentence) for number, line in prose(page) for sentence in sentences(line))
    assert [f"{n}: {each}" for n, each in said if len(WORD.findall(each)) > WORDS_OF_A_SENTENCE] == []


@each_page
def test_a_sentence_has_a_line_of_its_own(page):
    plain = [(number, line) for number, line in prose(page) if not line.startswith("|")]
    # A term in bold may stand before the sentence that explains it.
    several = [f"{n}: {line}" for n, line in plain if len(sentences(re.sub(r"^(- )?\*\*[^*]+\*\*", "", line))) > 1]
    assert several == []
    # A long enumeration may go on after a comma.
    broken = [
        f"{number}: {line}"
        for (number, line), (following, after) in pairwise(plain)
        if following == number + 1 and line and re.match(r"\s*[a-z(]", after) and not line.endswith((":", ","))
    ]
    assert broken == []


def test_all_pages_together_are_read_in_half_an_hour():
    code = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
    words = {str(page.relative_to(ROOT)): len(WORD.findall(code.sub("", page.read_text()))) for page in COUNTED}
    assert sum(words.values()) <= WORDS_AT_MOST, sorted(words.items(), key=lambda item: -item[1])
