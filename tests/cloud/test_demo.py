"""The story that `make demo` tells, as a person sees it."""

import re

import pytest

from sandbox.console import Console
from sandbox.demo import tell
from tests.unit.test_docs import TARGETS
from tools.screens import WIDTH

pytestmark = [pytest.mark.cloud, pytest.mark.weekly]


def test_the_story_fits_a_phone_and_says_nothing_twice(capsys):
    tell(Console())
    chapters = capsys.readouterr().out.strip().split("\n\n")
    lines = [line for chapter in chapters for line in chapter.splitlines()]
    assert [line for line in lines if len(line) > WIDTH] == []
    assert [line for line in lines if "\\" in line or "{" in line] == []
    for chapter in chapters:
        said = [re.sub(r"^ *[\d.]+ s  ", "", line) for line in chapter.splitlines()]
        assert len(said) == len(set(said))
    (next_target,) = re.findall(r"make ([a-z-]+)", chapters[-1])
    assert next_target in TARGETS
