"""What a function logs on the local cloud is in CloudWatch, to its last line: metrics and alarms are made of it."""

import io
import json
import zipfile

import pytest

from sandbox.alarms import physical_ids
from sandbox.cloud import PROVIDER_STACK

pytestmark = pytest.mark.cloud
MANY = 400_000
"""Lines that a reader has not read when the response comes."""
CODE = """
import sys

def handler(event, context):
    print("\\n".join(["."] * event.get("Lines", 0)), file=sys.stderr)
    print("last of " + event["Name"], file=sys.stderr)
    if event.get("Fails"):
        raise ValueError("as it was told")
"""


@pytest.fixture
def function(cloud):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", CODE)
    client = cloud.client("lambda")
    role = cloud.client("iam").get_role(RoleName=physical_ids(cloud, PROVIDER_STACK)["FunctionRole"])["Role"]
    client.create_function(
        FunctionName="talkative",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Arn"],
        Timeout=60,
        Code={"ZipFile": code.getvalue()},
    )
    yield client
    client.delete_function(FunctionName="talkative")


@pytest.mark.parametrize("fails", [False, True])
def test_the_last_line_of_an_invocation_is_in_its_log(cloud, function, fails):
    event = {"Name": f"one that {'fails' if fails else 'succeeds'}", "Lines": MANY, "Fails": fails}
    function.invoke(FunctionName="talkative", Payload=json.dumps(event))
    logs = cloud.client("logs")
    found = logs.filter_log_events(logGroupName="/aws/lambda/talkative", filterPattern=f'"last of {event["Name"]}"')
    assert len(found["events"]) == 1
