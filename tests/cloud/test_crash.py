"""A provider that cannot even start: its on-failure destination answers, in the local Lambda."""

import json
import time

import pytest

from cloudhsm_settings.identity import physical_id
from events.situations import BY_EVENT
from sandbox.cloud import PROVIDER_STACK
from sandbox.receiver import Receiver
from sandbox.sam_local import built
from sandbox.tls import Certificate
from tests.isolated import run_isolated

pytestmark = pytest.mark.cloud
EVENT = BY_EVENT["create-migration"]


def test_the_responder_answers_when_every_invocation_has_crashed(cloud):
    client = cloud.client("lambda")
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=PROVIDER_STACK)["StackResources"]
    name = next(each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "Function")
    handler = client.get_function_configuration(FunctionName=name)["Handler"]
    certificate = Certificate(cloud.directory / "localhost.pem", cloud.directory / "localhost.key")
    event = EVENT.load()
    client.update_function_configuration(FunctionName=name, Handler="cloudhsm_settings.broken.lambda_handler")
    try:
        with Receiver(certificate) as receiver:
            event["ResponseURL"] = f"{receiver.url}/answer"
            client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event))
            for _ in range(300):
                if receiver.accepted:
                    break
                time.sleep(0.1)
    finally:
        client.update_function_configuration(FunctionName=name, Handler=handler)
    (answer,) = receiver.accepted
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == physical_id(event)
    assert "the provider could not handle the request" in answer["Reason"]


def test_the_built_responder_needs_nothing_but_the_standard_library():
    with built() as directory:
        # Whatever it needs from elsewhere would fail to be imported.
        assert (
            run_isolated(directory / "Responder", "import cloudhsm_settings.responder; print('imported')") == "imported"
        )
