"""docs/cdk.md says what the constructs are."""

import inspect
import re

import pytest

from cloudhsm_settings_cdk import ClusterSettings, ClusterSettingsProvider
from sandbox.ministack import ROOT
from tests.cdk.test_faults import MISTAKES

PAGE = (ROOT / "docs" / "cdk.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("construct", [ClusterSettings, ClusterSettingsProvider])
def test_every_property_is_listed_and_no_other(construct):
    parameters = inspect.signature(construct.__init__).parameters.values()
    known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    table = SECTIONS[construct.__name__].partition("\n| property")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == known


def test_every_attribute_is_listed_and_no_other():
    listed = re.findall(r"`(attr_\w+)`", PAGE.partition("### Attributes")[2].partition("### Mistakes")[0])
    assert sorted(listed) == [name for name in dir(ClusterSettings) if name.startswith("attr_")]


def test_what_is_quoted_is_said():
    quoted = re.findall(r"^\| .+ \| \*(.+?)\* \|$", SECTIONS["ClusterSettings"], re.MULTILINE)
    assert len(quoted) == 8
    for sentence in quoted:
        assert any(re.search(says, sentence) for _, says in MISTAKES), sentence
