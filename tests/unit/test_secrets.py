"""The net in which every test's output is caught must hold."""

import pytest

from tests.conftest import SECRETS, leaked_by


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_any_output_is_found(secret):
    assert leaked_by("tests/test_x.py::test_y", f"...{secret}...") == [f"tests/test_x.py::test_y: {secret}"]


def test_innocent_output_is_not():
    assert leaked_by("tests/test_x.py::test_y", "cluster-abcdefghijk is ACTIVE") == []
