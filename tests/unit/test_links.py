"""Links of every page beyond the relative ones: images, HTML, other sites, and pictures of the demo."""

import ast
import re
import xml.etree.ElementTree as ET

import pytest

from tests.unit.test_docs import PAGES, ROOT
from tools.screens import CHARACTER, MARGIN, SCREENS, picture

HOSTS = {"docs.aws.amazon.com", "docs.getmoto.org", "github.com", "keepachangelog.com", "semver.org"}
"""Sites that pages may lead to; a new one is added by somebody who has looked at it."""
LANGUAGES = {"console", "json", "logs-insights", "mermaid", "python", "yaml"}  # json: the key policy of tests/cloud
"""Languages of code blocks; each is checked by a test of its own."""
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page) -> str:
    """The text of a page without code."""
    return re.sub(r"`[^`\n]+`", "", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL))


@every_page
def test_every_image_is_there_and_says_what_it_shows(page):
    for says, path in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text()):
        assert len(says) > 10, path
        assert (page.parent / path).is_file(), path
        assert path.endswith(".svg"), path


@every_page
def test_there_is_no_html(page):
    assert re.findall(r"</?[a-zA-Z][^>]*>", prose(page)) == []


@every_page
def test_links_to_other_sites_are_https_and_known(page):
    for url in re.findall(r"[a-z]+://[^\s)>|\"`]+", prose(page)):
        match = re.fullmatch(r"https://([a-z0-9.-]+)(/[^\s]*)?", url.rstrip("."))
        assert match, url
        assert match[1] in HOSTS, url
        assert not re.search(r"docs\.aws\.amazon\.com/[a-z]{2}_[a-z]{2}/", url), "the English page is the original"


@every_page
def test_every_link_is_used_with_words(page):
    assert re.findall(r"(?<!!)\[\s*\]\(|\[(?:here|link|this)\]\(", page.read_text()) == []


@every_page
def test_every_code_block_is_of_a_language_that_is_checked(page):
    opened = re.findall(r"^```(.*)$", page.read_text(), re.MULTILINE)[::2]
    assert set(opened) <= LANGUAGES


@every_page
def test_headings_are_told_apart(page):
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    allowed = (
        {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"} if page.name == "CHANGELOG.md" else set()
    )
    assert len([each for each in headings if each not in allowed]) == len(set(headings) - allowed)


def test_every_page_is_in_the_one_index():
    index = (ROOT / "README.md").read_text()
    pages = {str(page.relative_to(ROOT)) for page in PAGES if page.parent == ROOT or ROOT / "docs" in page.parents}
    assert {page for page in pages - {"README.md"} if f"({page})" not in index} == set()


@pytest.mark.parametrize("name", SCREENS)
def test_a_picture_of_the_demo_shows_the_story_as_it_is_told_now(name):
    picture = (ROOT / "docs" / f"{name}.svg").read_text()
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", picture), "a picture loads nothing"
    assert "prefers-color-scheme: dark" in picture
    shown = {text.text for text in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")}  # our own
    titles = [
        call.args[0].value
        for call in ast.walk(ast.parse((ROOT / "sandbox" / "demo.py").read_text()))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).endswith("console.chapter")
        and isinstance(call.args[0], ast.Constant)
    ]
    assert len(titles) == 8
    told = [title for title in titles if title.startswith(SCREENS[name])]
    assert [title for title in told if title not in shown] == [], "run `make generate ARGUMENTS=screens`"


def test_a_picture_keeps_columns_and_colours_where_the_terminal_has_them():
    root = ET.fromstring(picture("\x1b[2m  1.0 s\x1b[0m  stack    Settings  \x1b[31mCREATE_FAILED\x1b[0m <why>"))
    texts = [each.attrib | {"said": each.text} for each in root.iter("{http://www.w3.org/2000/svg}text")]
    placed = {each["said"]: round((float(each["x"]) - MARGIN) / CHARACTER) for each in texts}
    assert placed == {"1.0 s": 2, "stack": 9, "Settings": 18, "CREATE_FAILED": 28, "<why>": 42}
    assert [each.get("class") for each in texts] == ["dim", None, None, "red", None]
