import pytest


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit tests talk to nobody, whatever other tests of the same process have started."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
