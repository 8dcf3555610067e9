from collections.abc import Iterator

import pytest

from sandbox.cloud import Cloud
from sandbox.cloudhsm import Clock, Fleet
from sandbox.stacks import Stacks

SPEED = 600


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """One local cloud with the provider deployed by the real sam; tests use clusters and stacks of their own."""
    with Cloud(Fleet(Clock(speed=SPEED)), seconds_between_polls=2) as running:
        running.deploy_provider()
        yield running


@pytest.fixture
def fleet(cloud: Cloud) -> Fleet:
    return cloud.fleet


@pytest.fixture
def stacks(cloud: Cloud) -> Stacks:
    return Stacks(cloud)
