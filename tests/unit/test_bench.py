"""The bench's arithmetic, and that page and picture say what was measured."""

import json
import xml.etree.ElementTree as ET

import pytest

from bench.figure import figure
from bench.page import PROMISED, page
from bench.samples import Spread
from sandbox.ministack import ROOT

NUMBERS = json.loads((ROOT / "bench" / "results.json").read_text())
PICTURE = ROOT / "docs" / "performance.svg"


def test_a_spread_holds_nine_of_ten_samples():
    spread = Spread.of([float(each) for each in range(101)])
    assert (spread.low, spread.median, spread.high) == (5, 50, 95)
    assert spread.rounded(scale=10) == [50, 500, 950]


def test_ratios_are_of_samples_of_the_same_round():
    # Twice as slow a machine in the second round changes nothing.
    assert Spread.of_ratios([1, 2], [4, 8]) == Spread(0.25, 0.25, 0.25)
    with pytest.raises(ValueError, match="shorter"):
        Spread.of_ratios([1, 2], [4])


@pytest.mark.parametrize("name", PROMISED)
def test_the_numbers_that_we_publish_keep_what_the_page_promises(name):
    assert NUMBERS[name] <= PROMISED[name]


def test_the_page_and_its_picture_are_made_of_the_numbers():
    assert (ROOT / "docs" / "performance.md").read_text() == page(NUMBERS), "run `make generate ARGUMENTS=performance`"
    assert PICTURE.read_text() == figure(NUMBERS), "run `make generate ARGUMENTS=performance`"


def test_the_picture_is_small_and_readable_in_the_dark():
    ET.parse(PICTURE)  # our own
    assert PICTURE.stat().st_size < 60_000
    assert "prefers-color-scheme: dark" in PICTURE.read_text()
