"""A few worlds in this very process: what mutmut runs, and the quickest look at the simulation."""

import pytest

from tests.simulation.many import live

SEEDS = range(71, 83)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_guarantee_is_broken(seed):
    report, _ = live(seed)
    assert not report.violations, report.text
