from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.unit.cli.provided import furnish
from tests.unit.cli.world import Account


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws():
        yield Account()


@pytest.fixture
def vault(account: Account) -> Account:
    return furnish(account)
