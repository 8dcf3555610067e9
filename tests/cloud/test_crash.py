"""A provider that cannot even start: its on-failure destination answers, in the local Lambda."""

import json
import time

import pytest

from cloudhsm_settings.identity import physical_id
from events.situations import BY_EVENT
from sandbox.cloud import PROVIDER_STACK
from sandbox.sam_local import built
from tests.isolated import run_isolated

pytestmark = pytest.mark.cloud
EVENT = BY_EVENT["create-migration"]


def test_the_responder_answers_when_every_invocation_has_crashed(cloud):
    client = cloud.client("lambda")
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=PROVIDER_STACK)["StackResources"]
    name = next(each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "Function")
    handler = client.get_function_configuration(FunctionName=name)["Handler"]
    bucket = cloud.client("s3")
    bucket.create_bucket(Bucket="responses")
    event = EVENT.load()
    event["ResponseURL"] = bucket.generate_presigned_url("put_object", Params={"Bucket": "responses", "Key": "one"})
    client.update_function_configuration(FunctionName=name, Handler="cloudhsm_settings.broken.lambda_handler")
    try:
        client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
        for _ in range(300):
            if bucket.list_objects_v2(Bucket="responses").get("KeyCount"):
                break
            time.sleep(0.1)
    finally:
        client.update_function_configuration(FunctionName=name, Handler=handler)
    response = json.loads(bucket.get_object(Bucket="responses", Key="one")["Body"].read())
    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == physical_id(event)
    assert "the provider could not handle the request" in response["Reason"]


def test_the_built_responder_needs_nothing_but_the_standard_library():
    with built() as directory:
        # Whatever it needs from elsewhere would fail to be imported.
        assert (
            run_isolated(directory / "Responder", "import cloudhsm_settings.responder; print('imported')") == "imported"
        )
