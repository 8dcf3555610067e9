"""Every option of `sam` that the pages name is one that the real sam has."""

import re

import pytest

from sandbox.cloud import sam
from tests.unit.test_docs import PAGES

pytestmark = pytest.mark.cloud
# A command ends where the shell or the sentence goes on.
COMMAND = re.compile(
    r"(?<=[`\n ])sam ((?:local )?(?:build|delete|deploy|invoke|package|publish|validate))\b([^`\n&|]*)"
)


def named() -> dict[str, set[str]]:
    options: dict[str, set[str]] = {}
    for page in PAGES:
        for command, rest in COMMAND.findall(page.read_text()):
            options.setdefault(command, set()).update(re.findall(r"--[a-z-]+", rest))
    return options


def test_there_are_commands():
    assert {"build", "deploy", "local invoke"} <= set(named())


@pytest.mark.parametrize(("command", "options"), named().items())
def test_sam_has_the_option(command, options):
    shown = set(re.findall(r"--[a-z0-9-]+", sam(*command.split(), "--help")))
    assert options <= shown
