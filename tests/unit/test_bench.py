"""The bench's arithmetic, and that the page says what was measured."""

import json
import re

import pytest

from bench import costs
from bench.page import TEMPLATE
from bench.samples import Spread
from bench.sizes import Size
from sandbox.ministack import ROOT

NUMBERS = json.loads((ROOT / "bench" / "results.json").read_text())
PAGE = (ROOT / "docs" / "performance.md").read_text()


def test_a_spread_holds_nine_of_ten_samples():
    spread = Spread.of([float(each) for each in range(101)])
    assert (spread.low, spread.median, spread.high) == (5, 50, 95)
    assert spread.told(scale=10, digits=1) == "500.0 (50.0 to 950.0)"


def test_ratios_are_of_samples_of_the_same_round():
    # Twice as slow a machine in the second round changes nothing.
    assert Spread.of_ratios([1, 2], [4, 8]) == Spread(0.25, 0.25, 0.25)
    with pytest.raises(ValueError, match="shorter"):
        Spread.of_ratios([1, 2], [4])


def test_a_migration_costs_its_start_its_request_and_a_poll_each_minute():
    size = Size(memory_size=512, start=2.0, request=1.0, poll=0.01)
    assert costs.migration(size).gb_seconds == pytest.approx((2 + 1 + 120 * 0.01) / 2)
    assert costs.migration(size, cold_polls=True).gb_seconds == pytest.approx((2 + 1 + 120 * 2.01) / 2)
    assert costs.migration(size, "x86_64").dollars > costs.migration(size).dollars


def test_only_ours_pays_for_scheduler_and_for_the_table():
    size = Size(memory_size=512, start=2.0, request=1.0, poll=0.01)
    difference = costs.migration(size).dollars - costs.migration(size, stock=True).dollars
    assert difference == pytest.approx(120 * costs.DOLLARS_PER_SCHEDULED_INVOCATION + costs.table())
    # A read each minute, and twelve writes of an item of 4 KB and of its entry in the index.
    assert costs.table() == pytest.approx((120 * 0.125 + 12 * 5 * 0.625) / 1_000_000)


PROMISED = {
    "init_cpu_vs_floor": 1.10,
    "init_cpu_vs_stock": 0.30,
    "retention_seconds_vs_stock": 0.02,
    "calls_noop": 1,
    "calls_retention": 2,
    "calls_idle_poll": 1,
    "other_calls_noop": 2,
    "other_calls_retention": 3,
    "other_calls_idle_poll": 1,
    "per_operation_10000_vs_10": 1.1,
    "zip_bytes": 2.6 * 1024**2,
}


@pytest.mark.parametrize("name", PROMISED)
def test_the_numbers_that_we_publish_keep_what_the_page_promises(name):
    assert NUMBERS[name] <= PROMISED[name]


@pytest.mark.parametrize("text", re.split(r"{\w+}", TEMPLATE.read_text()))
def test_the_page_is_made_of_its_template(text):
    assert text in PAGE, "run `make bench`"


@pytest.mark.parametrize("name", ["init_cpu_vs_floor", "init_cpu_vs_stock"])
def test_the_page_and_the_numbers_are_of_one_run(name):
    low, high = NUMBERS["spread"][name]
    assert f"| {NUMBERS[name]:,.2f} ({low:,.2f} to {high:,.2f}) x |" in PAGE
