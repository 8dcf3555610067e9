"""`cloudhsm-settings watch` as a user runs it, in an account where one migration is under way."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.custom_resource.store import DynamoDbStore
from cloudhsm_settings.history import Memory, TypeChange
from cloudhsm_settings_cli.exits import Exit
from sandbox.table import TABLE, make_table
from tests.unit.cli.world import NOW, REGION, Account, FakeStack

STACK = f"arn:aws:cloudformation:{REGION}:123456789012:stack/vault/1"
FUNCTION = f"arn:aws:lambda:{REGION}:123456789012:function:provider"
SECRET = "https://bucket.example/?X-Amz-Signature=secret"
CLUSTER = "cluster-abcdefghijk"


class CloudFormation:
    """One stack with one resource in it."""

    def __init__(self) -> None:
        self.status = "UPDATE_IN_PROGRESS"
        self.events: list[dict[str, Any]] = []
        self.event("vault", "AWS::CloudFormation::Stack", "UPDATE_COMPLETE", NOW - 7200)
        self.event("vault", "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS", NOW)
        self.event("Handle1", "AWS::CloudFormation::WaitConditionHandle", "CREATE_COMPLETE", NOW, physical_id=SECRET)

    def event(self, name: str, kind: str, status: str, at: float, reason: str = "", physical_id: str = STACK) -> None:
        self.events.insert(
            0,
            {
                "StackId": STACK,
                "LogicalResourceId": name,
                "PhysicalResourceId": physical_id,
                "ResourceType": kind,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
                "Timestamp": datetime.fromtimestamp(at, UTC),
            },
        )

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        assert StackName in ("vault", STACK)
        return {"Stacks": [{"StackId": STACK, "StackName": "vault", "StackStatus": self.status}]}

    def describe_stack_events(self, **_: object) -> dict[str, Any]:
        return {"StackEvents": self.events}

    def list_stack_resources(self, **_: object) -> dict[str, Any]:
        ours = {"LogicalResourceId": "Settings", "ResourceType": "Custom::CloudHSMClusterSettings"}
        return {"StackResourceSummaries": [{**ours, "PhysicalResourceId": CLUSTER}]}

    def get_template(self, **_: object) -> dict[str, Any]:
        body = """
Resources:
  Settings:
    Type: Custom::CloudHSMClusterSettings
    Properties: {ServiceToken: !ImportValue provider-ServiceToken, ClusterId: !Sub "${Cluster}"}
"""
        return {"TemplateBody": body}

    def list_exports(self, **_: object) -> dict[str, Any]:
        return {"Exports": [{"Name": "provider-ServiceToken", "Value": FUNCTION}]}


class Lambda:
    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == FUNCTION
        return {"Environment": {"Variables": {"TABLE_NAME": TABLE}}, "LoggingConfig": {"LogGroup": "/log"}}


class Logs:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def decided(self, at: float, decision: str, **members: object) -> None:
        said = {"message": "decided", "decision": decision, "RequestId": "one", "StackId": STACK, **members}
        self.lines.append({"timestamp": int(at * 1000), "eventId": str(at), "message": json.dumps(said)})

    def filter_log_events(self, startTime: int, filterPattern: str, **_: object) -> dict[str, Any]:  # noqa: N803
        assert filterPattern == '"decided" "1"'
        return {"events": [each for each in self.lines if each["timestamp"] >= startTime]}


class Vault:
    """The account's stack, while its cluster of three HSMs is migrated: the world moves when the command sleeps."""

    def __init__(self, account: Account) -> None:
        self.account = account
        make_table(boto3.client("dynamodb"))
        self.store = DynamoDbStore(lambda: boto3.client("dynamodb"), TABLE)
        self.cloudformation, self.logs = CloudFormation(), Logs()
        account.clients |= {"cloudformation": self.cloudformation, "lambda": Lambda(), "logs": self.logs}
        self.cluster = account.fleet.seed(3, cluster_id=CLUSTER)
        self.cluster.migrate("hsm2m.medium", NOW)
        change = TypeChange(CLUSTER, "hsm1.medium", "hsm2m.medium", NOW, request_id="one", answered=True)
        record = Record(
            stack_id=STACK,
            logical_resource_id="Settings",
            request_id="one",
            request_type="Update",
            response_url=SECRET,
            physical_resource_id=CLUSTER,
            declared={"HsmType": "hsm2m.medium"},
            signed_at=NOW,
            deadline=NOW + 3600,
            handle_deadline=NOW + 43200,
            scheduled=True,
        )
        claimed = self.store.claim(record, NOW, only_same_id=False)
        memory = Memory(type_change=change).to_json()
        self.record = self.store.write(claimed, replace(claimed, memory=memory))
        account.asleep = self.turn

    def turn(self) -> None:
        """What happens meanwhile: a poll each minute, and the end."""
        now = self.account.now
        if int(now - NOW) % 60 == 0:
            cluster = self.account.fleet.cluster(CLUSTER)
            types = [hsm.hsm_type for hsm in cluster.hsms]
            counted = {each: types.count(each) for each in types}
            self.logs.decided(now, "Wait", because="going on", State=cluster.state, HsmTypes=counted)
        if now >= NOW + 91 * 60 and not self.record.ended:
            self.end()

    def end(self) -> None:
        self.record = self.store.write(
            self.record, replace(self.record, ended=True, settled=True, outcome="Succeeded", ended_at=self.account.now)
        )
        self.cloudformation.status = "UPDATE_COMPLETE"
        self.cloudformation.event("vault", "AWS::CloudFormation::Stack", "UPDATE_COMPLETE", self.account.now)


@pytest.fixture
def vault(account: Account) -> Vault:
    return Vault(account)


def test_without_a_terminal_each_change_is_a_line_and_each_minute_a_heartbeat(account, vault):
    ran = account.run("watch", "vault", "--interval", "60")
    assert ran.code == Exit.DONE
    lines = [line for line in ran.out.splitlines() if "vault/Settings" in line]
    assert len(lines) == 92
    assert "1 of 3" in ran.out
    assert "[hsm2m done 30 min] [hsm2m done 30 min]" in ran.out
    assert lines[-1].endswith("SUCCESS   UPDATE_COMPLETE")
    assert "secret" not in ran.out + ran.err


def test_on_a_terminal_it_is_one_screen_that_goes_on_each_second(account, vault):
    account.now += 90 * 60
    vault.turn()
    ran = account.run("watch", "vault", terminal=True)
    assert ran.code == Exit.DONE
    assert "polled 3 s ago" in ran.out
    assert "SUCCESS" in ran.out


def test_one_state_as_json(account, vault):
    account.now += 33 * 60
    ran = account.run("watch", "vault", "--once", "--json")
    assert ran.code == Exit.CHANGES
    assert ran.json["subject"] == "vault/Settings"
    assert ran.json["way_back"]["price"] == "nothing is lost"
    assert (ran.json["hsms"]["done"], ran.json["ended"]) == (1, None)


def test_one_state_on_a_terminal_is_printed_once(account, vault):
    ran = account.run("watch", "vault", "--once", terminal=True)
    assert ran.code == Exit.CHANGES
    assert ran.out.count("vault/Settings") == 1
    assert "without loss: aws cloudhsmv2 modify-cluster" in ran.out


def test_started_late_it_knows_from_the_log_what_each_hsm_took(account, vault):
    vault.logs.decided(NOW + 28 * 60, "Wait", State="MODIFY_IN_PROGRESS", HsmTypes={"hsm2m.medium": 1})
    account.now += 33 * 60
    assert account.run("watch", "vault", "--once", "--json").json["hsms"]["bars"][0]["seconds"] == 28 * 60


def test_a_cluster_is_watched_by_its_record_too(account, vault):
    ran = account.run("watch", "--cluster", CLUSTER, "--once", "--json")
    assert (ran.json["subject"], ran.json["stack_status"]) == ("vault/Settings", "UPDATE_IN_PROGRESS")


def test_a_cluster_without_a_record_is_watched_alone(account, vault):
    other = account.fleet.seed(1)
    ran = account.run("watch", "--cluster", other.cluster_id, "--once", "--json")
    assert (ran.code, ran.json["subject"], ran.json["state"]) == (Exit.DONE, other.cluster_id, "ACTIVE")


PERMISSIONS = (
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplate",
    "cloudformation:ListExports",
    "cloudformation:ListStackResources",
    "cloudhsm:DescribeClusters",
    "dynamodb:Query",
    "lambda:GetFunctionConfiguration",
    "logs:FilterLogEvents",
)


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_a_denied_permission_is_named_and_the_rest_is_shown(account, vault, permission):
    account.refused[permission] = "AccessDeniedException"
    ran = account.run("watch", STACK, "--once")
    assert ran.code == Exit.CHANGES
    assert permission in ran.err
    assert "UPDATE_IN_PROGRESS" in ran.out


def test_these_are_all_the_permissions(account, vault):
    account.run("watch", "vault", "--once")
    account.run("watch", "--cluster", CLUSTER, "--once")
    assert set(account.calls) == {*PERMISSIONS, "dynamodb:GetItem"}


def test_without_any_permission_it_says_so_and_ends(account, vault):
    account.refused["*"] = "AccessDeniedException"
    ran = account.run("watch", "vault")
    assert ran.code == Exit.UNKNOWN
    assert "cloudformation:DescribeStacks" in ran.err


def test_throttled_it_shows_what_it_knew_and_goes_on(account, vault):
    turn = vault.turn

    def throttled() -> None:
        turn()
        account.refused = {} if account.now > NOW + 88 * 60 else dict.fromkeys(PERMISSIONS, "ThrottlingException")

    account.asleep = throttled
    account.now += 85 * 60
    ran = account.run("watch", "vault", "--interval", "60")
    assert ran.code == Exit.DONE
    assert "ThrottlingException" in ran.err
    assert all("vault/Settings" in line for line in ran.out.splitlines() if "MODIFY_IN_PROGRESS" in line)


def test_a_stack_that_is_not_there(account, vault):
    account.refused["cloudformation:DescribeStacks"] = "ValidationError"
    ran = account.run("watch", "nowhere")
    assert ran.code == Exit.UNKNOWN
    assert "There is no stack nowhere" in ran.err


def test_ctrl_c_ends_watching_and_nothing_else(account, vault):
    def interrupt() -> None:
        raise KeyboardInterrupt

    account.asleep = interrupt
    ran = account.run("watch", "vault")
    assert ran.code == Exit.INTERRUPTED
    assert "The change goes on without this. Watch it again with: cloudhsm-settings watch vault" in ran.err


@pytest.mark.parametrize("arguments", [(), ("vault", "--cluster", CLUSTER)])
def test_a_stack_or_a_cluster(account, vault, arguments):
    assert account.run("watch", *arguments).code == Exit.USAGE


def test_a_stack_that_was_begun_a_moment_ago_has_no_resource_yet(account):
    account.cloudformation.stacks["new"] = FakeStack({"Resources": {}}, status="CREATE_IN_PROGRESS")
    ran = account.run("watch", "new", "--once")
    assert ran.code == Exit.CHANGES
    account.cloudformation.stacks["new"].status = "CREATE_COMPLETE"
    assert account.run("watch", "new", "--once").code == Exit.UNKNOWN


def test_a_resource_that_the_stack_does_not_have(account, vault):
    ran = account.run("watch", "vault", "--resource", "Other")
    assert ran.code == Exit.UNKNOWN
    assert "has no resource Other" in ran.err
