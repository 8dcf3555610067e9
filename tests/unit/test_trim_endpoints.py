"""What the build leaves of botocore's endpoints leads the function's clients to the same places."""

import json
from pathlib import Path

import botocore
import botocore.session
import pytest
from botocore.exceptions import EndpointVariantError
from botocore.loaders import Loader

from trim_endpoints import trimmed

DATA = Path(botocore.__file__).parent / "data"
FULL = json.loads((DATA / "endpoints.json").read_text())
SERVICES = ("cloudformation", "cloudhsmv2", "scheduler")
REGIONS = [region for each in FULL["partitions"] for region in each["regions"]]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("data")
    for name in (*SERVICES, "partitions.json", "sdk-default-configuration.json", "_retry.json"):
        (data / name).symlink_to(DATA / name)
    (data / "endpoints.json").write_text(json.dumps(trimmed(FULL, SERVICES)))
    return data


def endpoints(loader: Loader | None = None) -> dict[tuple[str, str], str]:
    session = botocore.session.Session()
    if loader:
        session.register_component("data_loader", loader)
    session.set_credentials("x", "y")
    return {(service, region): endpoint(session, service, region) for service in SERVICES for region in REGIONS}


def endpoint(session, service, region) -> str:
    try:
        return session.create_client(service, region).meta.endpoint_url
    except EndpointVariantError as none_there:
        return str(none_there)


@pytest.mark.parametrize("fips", ["false", "true"])
def test_every_client_of_every_region_goes_where_it_would(data, monkeypatch, fips):
    for name in ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"):
        monkeypatch.setenv(name, fips)
    loader = Loader(extra_search_paths=[str(data)], include_default_search_paths=False)
    assert endpoints(loader) == endpoints()


def test_nothing_else_is_left():
    left = trimmed(FULL, SERVICES)
    assert [set(each["regions"]) for each in left["partitions"]] == [
        set(each["regions"]) for each in FULL["partitions"]
    ]
    assert set().union(*(each["services"] for each in left["partitions"])) == set(SERVICES)
    assert len(json.dumps(left)) < len(json.dumps(FULL)) / 10
