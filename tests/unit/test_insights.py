"""The queries of docs/operations.md, as the local cloud understands them."""

import re

import pytest

from sandbox.insights import condition, members_of
from tests.unit.test_docs import ROOT

QUERIES = re.findall(r"```logs-insights\n(.*?)```", (ROOT / "docs" / "operations.md").read_text(), re.DOTALL)
FILTERS = re.findall(r"filter .+", "\n".join(QUERIES))


@pytest.mark.parametrize("stage", FILTERS)
def test_every_filter_of_the_page_is_understood(stage):
    assert condition(stage)


def test_all_conditions_have_to_hold():
    holds = condition('filter decision in ["Wait", "Done"] and StackId like "key-store" and level = "INFO"')
    line = {"decision": "Wait", "StackId": "arn:aws:key-store/1", "level": "INFO"}
    assert holds(line)
    assert not holds({**line, "decision": "Fail"})
    assert not holds({**line, "StackId": "arn:aws:other/1"})
    assert not holds({**line, "level": "ERROR"})
    assert not holds({})


@pytest.mark.parametrize("stage", ['filter a > "b"', 'filter a = "b" or c = "d"', "filter a like /b/", "sort a"])
def test_what_is_written_in_another_way_is_left_to_others(stage):
    assert condition(stage) is None


@pytest.mark.parametrize("line", ["START RequestId: 1", '["a"]', "1"])
def test_a_line_that_is_no_object_has_no_members(line):
    assert members_of(line) == {}
