"""The permissions of template.yaml, one by one, and a deployed provider from which each can be taken away."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple
from unittest.mock import patch

from sandbox.cloud import PROVIDER_STACK, Cloud
from sandbox.cloudhsm import Fault
from sandbox.ministack import ROOT
from sandbox.stacks import Stacks
from tools.deployed import EVERY_PARAMETER, resources, values

RESOURCES = resources(values(**EVERY_PARAMETER, DriftCheck="rate(1 day)"))
KEY, _, VALUE = EVERY_PARAMETER["ClusterTag"].partition("=")
TAGS = {KEY: VALUE}
"""Tags of the clusters that may be modified."""
LAUNCHER = Path(__file__).with_name("launch_enforcing.py")
FOREVER = 10**9


class Grant(NamedTuple):
    """One action that the template allows to one of its roles."""

    role: str
    """Its name in the template."""
    action: str
    sid: str = ""
    """Of its statement, where an action is allowed for more than one purpose: those with a key."""


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Roles and policy documents of the template, without those of the VPC."""
    for name, resource in RESOURCES.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            for policy in properties.get("Policies", []):
                yield name, policy["PolicyDocument"]
        if resource["Type"] == "AWS::IAM::Policy":
            for role in properties["Roles"]:
                yield role["Ref"], properties["PolicyDocument"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def grants() -> list[Grant]:
    """Everything that the template allows, as often as it allows it."""
    statements = [(role, each) for role, document in documents() for each in listed(document["Statement"])]
    return [
        Grant(role, action, each["Sid"] if action.startswith("kms:") else "")
        for role, each in statements
        for action in listed(each["Action"])
    ]


def without(document: dict[str, Any], grant: Grant) -> dict[str, Any]:
    """The same policy without a grant; a statement that is left with no action is left out."""

    def kept(statement: dict[str, Any]) -> list[str]:
        meant = grant.sid in ("", statement.get("Sid"))
        return [action for action in listed(statement["Action"]) if not (meant and action == grant.action)]

    reduced = [{**each, "Action": kept(each)} for each in listed(document["Statement"])]
    return {**document, "Statement": [each for each in reduced if each["Action"]]}


def key_policy() -> dict[str, Any]:
    """The key policy that docs/security.md gives."""
    (block,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "security.md").read_text(), re.DOTALL)
    policy: dict[str, Any] = json.loads(block.replace("111122223333", "000000000000"))
    return policy


def prescribed(cloud: Cloud) -> dict[str, str]:
    """Every parameter, with a key and a boundary that there are."""
    key = cloud.client("kms").create_key(Policy=json.dumps(key_policy()))["KeyMetadata"]["Arn"]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [everything]}
    boundary = cloud.client("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(document))
    return {**EVERY_PARAMETER, "KmsKeyArn": key, "PermissionsBoundary": boundary["Policy"]["Arn"]}


def start(cloud: Cloud) -> None:
    """Starts a cloud by `LAUNCHER`, which enforces what MiniStack alone does not."""
    popen = subprocess.Popen

    def by_other_launcher(command: list[Any], *rest: Any, **options: Any) -> Any:
        ours = [LAUNCHER if Path(each).name == "launch_ministack.py" else each for each in command]
        return popen(ours, *rest, **options)

    with patch.object(subprocess, "Popen", by_other_launcher):
        cloud.start()


def eventually(happens: Callable[[], bool], seconds: float) -> bool:
    """Whether it happens within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if happens():
            return True
        time.sleep(0.2)
    return False


@dataclass
class Provider:
    """The deployed provider of a cloud."""

    cloud: Cloud

    @cached_property
    def names(self) -> dict[str, str]:
        """The physical id of each resource of template.yaml."""
        client = self.cloud.client("cloudformation")
        resources = client.describe_stack_resources(StackName=PROVIDER_STACK)["StackResources"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}

    @property
    def stack(self) -> dict[str, Any]:
        """DescribeStacks."""
        return Stacks(self.cloud).describe(PROVIDER_STACK)

    @contextmanager
    def without(self, grant: Grant) -> Iterator[None]:
        """Takes a permission away for a while."""
        iam, role = self.cloud.client("iam"), self.names[grant.role]
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        before = {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}
        after = {name: without(document, grant) for name, document in before.items()}
        changed = [name for name in names if after[name] != without(before[name], Grant("", ""))]
        assert changed, f"nothing of the deployed role allows {grant.action}"
        for name in changed:
            iam.delete_role_policy(RoleName=role, PolicyName=name)
            if after[name]["Statement"]:
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(after[name]))
        try:
            with self.denied_by_cloudhsm(TAGS):
                yield
        finally:
            for name in changed:
                iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(before[name]))

    @contextmanager
    def denied_by_cloudhsm(self, tags: Mapping[str, str]) -> Iterator[None]:
        """Has CloudHSM, which is not of MiniStack, deny what the function's role does not allow for these tags."""
        client, account = self.cloud.client("iam"), "000000000000"
        role = client.get_role(RoleName=self.names["FunctionRole"])["Role"]["Arn"]
        resources = {
            "DescribeClusters": "*",
            "ModifyCluster": f"arn:aws:cloudhsm:us-east-1:{account}:cluster/cluster-abcdefghijk",
        }
        denied = []
        for operation, resource in resources.items():
            action = f"cloudhsm:{operation}"
            answer = client.simulate_principal_policy(
                PolicySourceArn=role,
                ActionNames=[action],
                ResourceArns=[resource],
                ContextEntries=[
                    {
                        "ContextKeyName": f"aws:ResourceTag/{key}",
                        "ContextKeyType": "string",
                        "ContextKeyValues": [value],
                    }
                    for key, value in tags.items()
                ],
            )
            if answer["EvaluationResults"][0]["EvalDecision"] != "allowed":
                denied.append(Fault(operation, code="CloudHsmAccessDeniedException", times=FOREVER))
        self.cloud.fleet.faults.extend(denied)
        try:
            yield
        finally:
            for fault in denied:
                self.cloud.fleet.faults.remove(fault)

    @contextmanager
    def broken(self, name: str) -> Iterator[None]:
        """Has every invocation of a function crash before its first line."""
        client, function = self.cloud.client("lambda"), self.names[name]
        handler = client.get_function_configuration(FunctionName=function)["Handler"]
        client.update_function_configuration(FunctionName=function, Handler="missing.lambda_handler")
        try:
            yield
        finally:
            client.update_function_configuration(FunctionName=function, Handler=handler)
            # An environment that was starting meanwhile crashes once more.
            assert eventually(lambda: "FunctionError" not in client.invoke(FunctionName=function, Payload=b"{}"), 30)

    def mailbox(self) -> tuple[str, Callable[[], bool]]:
        """A ResponseURL, and whether something has arrived there."""
        client, bucket, key = self.cloud.client("s3"), "responses", token_hex(8)
        client.create_bucket(Bucket=bucket)
        url = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
        return url, lambda: client.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 1

    def item(self, stack_id: str) -> dict[str, Any]:
        """The record of the resource Settings of a stack."""
        key = {"StackId": {"S": stack_id}, "LogicalResourceId": {"S": "Settings"}}
        found = self.cloud.client("dynamodb").get_item(TableName=self.names["Table"], Key=key, ConsistentRead=True)
        item: dict[str, Any] = found.get("Item", {})
        return item

    def schedules(self, stack_id: str) -> list[str]:
        """Names of the schedules for a stack."""
        client, group = self.cloud.client("scheduler"), self.names["ScheduleGroup"]
        names = [each["Name"] for each in client.list_schedules(GroupName=group)["Schedules"]]
        inputs = {name: client.get_schedule(GroupName=group, Name=name)["Target"]["Input"] for name in names}
        return [name for name in names if json.loads(inputs[name]).get("StackId") == stack_id]

    def polls_refused(self) -> int:
        """How often a schedule could not invoke the function."""
        return self.cloud.log.read_text(errors="replace").count("A schedule may not invoke its target:")

    def check_drift(self) -> None:
        """Invokes the function as the template's schedule does."""
        name, group = self.names["DriftCheckSchedule"], self.names["ScheduleGroup"]
        target = self.cloud.client("scheduler").get_schedule(GroupName=group, Name=name)["Target"]
        self.cloud.client("lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"])

    def messages(self) -> list[str]:
        """All lines of the log group."""
        client, group = self.cloud.client("logs"), self.names["LogGroup"]
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"] for page in pages for event in page["events"]]
