"""docs/cdk.md says what the constructs are."""

import inspect
import re

import pytest
from botocore import xform_name

from cloudhsm_settings.attributes import attributes
from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.request import Progress
from cloudhsm_settings_cdk import ClusterSettings, ClusterSettingsProvider
from sandbox.ministack import ROOT

PAGE = (ROOT / "docs" / "cdk.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("construct", [ClusterSettings, ClusterSettingsProvider])
def test_every_property_is_listed_and_no_other(construct):
    parameters = inspect.signature(construct.__init__).parameters.values()
    known = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    table = SECTIONS[construct.__name__].partition("\n| property")[2].partition("\n\n")[0]
    terms = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(terms))) == sorted(known)


def test_every_attribute_of_the_resource_is_a_property_by_that_name():
    known = [name for name in dir(ClusterSettings) if name.startswith("attr_")]
    names = [xform_name(name.replace(".", "")) for name in attributes(Cluster("", ""), Progress())]
    assert sorted(f"attr_{name}" for name in names) == known
    assert set(re.findall(r"`(attr_\w+)`", PAGE)) <= set(known)
