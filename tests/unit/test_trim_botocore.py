"""What the build leaves of botocore leads the function's calls to the same places, in the same form."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import pytest
from botocore.exceptions import EndpointVariantError
from botocore.loaders import Loader
from botocore.model import Shape

from sandbox.ministack import ROOT
from trim_botocore import endpoints_of, model_of, trim

DATA = Path(botocore.__file__).parent / "data"
FULL = json.loads((DATA / "endpoints.json").read_text())
REGIONS = [region for each in FULL["partitions"] for region in each["regions"]]
ACCOUNT = "111122223333"
KEY = {"StackId": {"S": "stack"}, "LogicalResourceId": {"S": "Settings"}}
TARGET = {"Arn": "arn:aws:lambda:us-east-1:111122223333:function:f", "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r"}
EXAMPLES: Mapping[tuple[str, str], dict[str, Any]] = {
    ("cloudformation", "DescribeStacks"): {"StackName": "stack"},
    ("cloudhsmv2", "DescribeClusters"): {"Filters": {"clusterIds": ["cluster-abcdefghijk"]}},
    ("cloudhsmv2", "ModifyCluster"): {"ClusterId": "cluster-abcdefghijk", "HsmType": "hsm2m.medium"},
    ("dynamodb", "GetItem"): {"TableName": "table", "Key": KEY, "ConsistentRead": True},
    ("dynamodb", "Query"): {"TableName": "table", "IndexName": "index", "KeyConditionExpression": "a = :a"},
    ("dynamodb", "Scan"): {"TableName": "table", "ConsistentRead": True, "ProjectionExpression": "a"},
    ("dynamodb", "UpdateItem"): {"TableName": "table", "Key": KEY, "UpdateExpression": "SET a = :a"},
    ("scheduler", "CreateSchedule"): {
        "Name": "name",
        "ScheduleExpression": "rate(1 minute)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": TARGET,
        "ClientToken": "token",
        "KmsKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k",
    },
    ("scheduler", "DeleteSchedule"): {"Name": "name", "GroupName": "group", "ClientToken": "token"},
}
"""Each operation that the build leaves -> members of a call."""
CALLED = {service: [name for other, name in EXAMPLES if other == service] for service, _ in EXAMPLES}
METHODS = {
    "CreateSchedule": "create_schedule",
    "DeleteSchedule": "delete_schedule",
    "DescribeClusters": "describe_clusters",
    "DescribeStacks": "describe_stacks",
    "GetItem": "get_item",
    "ModifyCluster": "modify_cluster",
    "Query": "query",
    "Scan": "scan",
    "UpdateItem": "update_item",
}


class SentError(Exception):
    """Instead of sending."""


@pytest.fixture(scope="module")
def trimmed(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("botocore") / "data"
    data.mkdir()
    for name in ("endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"):
        shutil.copy(DATA / name, data)
    for name in (*CALLED, "ec2"):
        shutil.copytree(DATA / name, data / name)
    trim(data, CALLED)
    return data


@pytest.fixture(scope="module")
def requests(trimmed) -> Callable[[str], Any]:
    """Makes two clients of a service in a region, with botocore's data and with the trimmed data."""
    sessions = []
    ours = Loader(extra_search_paths=[str(trimmed)], include_default_search_paths=False)
    # Where the function is built, the trimmed data lies here; botocore trusts data of elsewhere less.
    ours.BUILTIN_DATA_PATH = str(trimmed)
    for loader in (None, ours):
        session = botocore.session.Session()
        session.set_credentials("x", "y", account_id=ACCOUNT)
        if loader:
            session.register_component("data_loader", loader)
        sessions.append(session)

    def both(service: str, region: str) -> list[Any]:
        return [client_of(session, service, region) for session in sessions]

    return both


def client_of(session: botocore.session.Session, service: str, region: str) -> Any:
    try:
        client = session.create_client(service, region)
    except EndpointVariantError as none_there:
        return str(none_there)

    def stop(request, **_):
        raise SentError(request.method, request.url, request.body)

    client.meta.events.register("before-send.*", stop)
    return client


def sent(client: Any, operation: str, members: dict[str, Any]) -> Any:
    """What would have gone over the wire."""
    if isinstance(client, str):
        return client
    with pytest.raises(SentError) as request:
        getattr(client, METHODS[operation])(**members)
    return request.value.args


@pytest.mark.parametrize("account_ids", ["preferred", "disabled"])
@pytest.mark.parametrize(("fips", "dual_stack"), [("false", "false"), ("true", "true"), ("true", "false")])
def test_every_request_in_every_region_is_the_same(requests, monkeypatch, fips, dual_stack, account_ids):
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", fips)
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", dual_stack)
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", account_ids)
    first = {service: operations[0] for service, operations in CALLED.items()}
    for service, region in ((service, region) for service in CALLED for region in REGIONS):
        members = EXAMPLES[service, first[service]]
        full, ours = (sent(client, first[service], members) for client in requests(service, region))
        assert ours == full, (service, region)


@pytest.mark.parametrize(("service", "operation"), EXAMPLES)
def test_every_call_is_written_the_same(requests, service, operation):
    full, ours = (sent(client, operation, EXAMPLES[service, operation]) for client in requests(service, "us-east-1"))
    assert ours == full


def structure(shape: Shape | None, above: tuple[str, ...] = ()) -> Any:
    """Everything that serializers and parsers know of a shape."""
    if shape is None or shape.name in above:
        return shape and shape.name
    inner = {**getattr(shape, "members", {})}
    inner |= {name: getattr(shape, name) for name in ("member", "key", "value") if hasattr(shape, name)}
    members = {name: structure(each, (*above, shape.name)) for name, each in inner.items()}
    return (shape.name, shape.type_name, shape.serialization, shape.metadata, members)


@pytest.mark.parametrize(("service", "operation"), EXAMPLES)
def test_every_answer_and_error_is_read_the_same(requests, service, operation):
    full, ours = (client.meta.service_model.operation_model(operation) for client in requests(service, "us-east-1"))
    for name in ("input_shape", "output_shape"):
        assert structure(getattr(ours, name)) == structure(getattr(full, name))
    assert list(map(structure, ours.error_shapes)) == list(map(structure, full.error_shapes))


def test_nothing_else_is_left(trimmed):
    assert {path.name for path in trimmed.iterdir() if path.is_dir()} == set(CALLED)
    for service, operations in CALLED.items():
        (version,) = (trimmed / service).iterdir()
        assert {path.name for path in version.iterdir()} == {"endpoint-rule-set-1.json", "service-2.json"}
        model = json.loads((version / "service-2.json").read_text())
        assert set(model["operations"]) == set(operations)
    left = endpoints_of(FULL, CALLED)
    assert [set(each["regions"]) for each in left["partitions"]] == [
        set(each["regions"]) for each in FULL["partitions"]
    ]
    assert set().union(*(each["services"] for each in left["partitions"])) == set(CALLED)
    assert len(json.dumps(left)) < len(json.dumps(FULL)) / 10


def test_members_are_kept_whatever_they_are_called():
    member = {"shape": "Text", "documentation": "prose"}
    shapes = {
        "Input": {"type": "structure", "members": {"shape": member, "documentation": member}},
        "Text": {"type": "string", "documentation": "prose"},
        "Unreached": {"type": "string"},
    }
    model = {"operations": {"Ask": {"input": {"shape": "Input"}}, "Other": {}}, "shapes": shapes}
    text = {"shape": "Text"}
    assert model_of(model, ["Ask"]) == {
        "operations": {"Ask": {"input": {"shape": "Input"}}},
        "shapes": {
            "Input": {"type": "structure", "members": {"shape": text, "documentation": text}},
            "Text": {"type": "string"},
        },
    }


def test_the_build_leaves_these():
    calls = re.search(r"^CALLS := ((?:.*\\\n)*.*)", (ROOT / "src" / "Makefile").read_text(), re.MULTILINE)
    pairs = (each.split(":") for each in calls[1].replace("\\", "").split())
    assert {service: operations.split(",") for service, operations in pairs} == CALLED
