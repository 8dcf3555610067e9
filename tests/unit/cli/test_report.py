"""`report`: what the page says is in the evidence, and nothing secret is in either."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.custom_resource.store import DynamoDbStore
from cloudhsm_settings.history import Memory, RetentionChange, TypeChange
from cloudhsm_settings_cli.exits import Exit
from cloudhsm_settings_cli.report.command import since_when
from sandbox.table import TABLE
from tests.unit.cli.provided import TOKEN, remember
from tests.unit.cli.world import NOW, Account, FakeCloudFormation, FakeStack, moto_client

MINUTE = 60
PROVIDER = "arn:aws:sts::123456789012:assumed-role/FunctionRole/provider"
ALICE = "arn:aws:iam::123456789012:user/alice"
STACK = FakeCloudFormation.arn("vault")
SECRET = "https://bucket/?X-Amz-Signature=secret"


def at(minutes: float) -> datetime:
    return datetime.fromtimestamp(NOW + minutes * MINUTE, UTC)


class Logs:
    """The provider's log: decisions as the function writes them, each by an invocation of its own."""

    def __init__(self, cluster_id: str) -> None:
        self.cluster_id = cluster_id
        self.events: list[dict[str, Any]] = []

    def say(self, minutes: float, decision: str, because: str, state: str, **types: int) -> None:
        line = {
            "message": "decided", "decision": decision, "because": because, "State": state, "RequestId": "one",
            "RequestType": "Update", "StackId": STACK, "LogicalResourceId": "Settings", "ClusterId": self.cluster_id,
            "function_request_id": f"invocation-{minutes}", "HsmTypes": {key.replace("_", "."): n for key, n in types.items()},
        }  # fmt: skip
        self.events.append({"timestamp": at(minutes).timestamp() * 1000, "message": json.dumps(line)})

    def filter_log_events(self, *, startTime: int, filterPattern: str, **_: Any) -> Any:  # noqa: N803
        assert self.cluster_id in filterPattern
        lines = [{"timestamp": 0, "message": "START RequestId"}, {"timestamp": 0, "message": '{"message": "other"}'}]
        return {"events": [*lines, *(each for each in self.events if each["timestamp"] >= startTime)]}


class CloudTrail:
    """Events by name."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def say(self, minutes: float, name: str, who: str, **parameters: Any) -> None:
        record = {
            "userIdentity": {"arn": who},
            "requestID": f"request-{name}-{minutes}",
            "requestParameters": parameters,
            "responseElements": {"secret": SECRET},
        }
        self.events.append({"EventName": name, "EventTime": at(minutes), "CloudTrailEvent": json.dumps(record)})

    def lookup_events(self, *, LookupAttributes: Any, StartTime: datetime) -> Any:  # noqa: N803
        ((attribute),) = LookupAttributes
        assert attribute["AttributeKey"] == "EventName"
        since = [each for each in self.events if each["EventTime"] >= StartTime]
        return {"Events": [each for each in since if each["EventName"] == attribute["AttributeValue"]]}


def event(
    minutes: float, name: str, status: str, reason: str = "", kind: str = "Custom::CloudHSMClusterSettings"
) -> Any:
    return {
        "Timestamp": at(minutes), "StackName": "vault", "LogicalResourceId": name, "ResourceType": kind,
        "ResourceStatus": status, "ResourceStatusReason": reason, "PhysicalResourceId": SECRET,
        "ResourceProperties": SECRET,
    }  # fmt: skip


@pytest.fixture
def night(vault: Account) -> Account:
    """A migration of three HSMs by a stack, told an hour after its end; somebody added an HSM meanwhile."""
    cluster = vault.fleet.seed(hsms=3)
    cluster_id = cluster.cluster_id
    cluster.migrate("hsm2m.medium", NOW)
    settings = {"ServiceToken": TOKEN, "ClusterId": cluster_id, "HsmType": "hsm2m.medium"}
    template = {"Resources": {"Settings": {"Type": "Custom::CloudHSMClusterSettings", "Properties": settings}}}
    stack = FakeStack(template, {"Settings": cluster_id})
    kind = "AWS::CloudFormation::Stack"
    stack.events = [
        event(95, "vault", "UPDATE_COMPLETE", kind=kind),
        event(92, "Settings", "UPDATE_COMPLETE"),
        event(50, "Topic", "UPDATE_COMPLETE", kind="AWS::SNS::Topic"),
        event(0, "Settings", "UPDATE_IN_PROGRESS"),
        event(-1, "vault", "UPDATE_IN_PROGRESS", "User <Initiated> | " + SECRET, kind=kind),
    ]
    vault.cloudformation.stacks["vault"] = stack
    log, trail = Logs(cluster_id), CloudTrail()
    log.say(0, "ModifyHsmType", "the type is hsm1.medium", "ACTIVE", hsm1_medium=3)
    log.say(1, "Wait", "1 of 3", "MODIFY_IN_PROGRESS", hsm1_medium=2, hsm2m_medium=1)
    log.say(2, "Wait", "1 of 3", "MODIFY_IN_PROGRESS", hsm1_medium=2, hsm2m_medium=1)
    log.say(9, "Wait", "2 of 3", "MODIFY_IN_PROGRESS", hsm1_medium=1, hsm2m_medium=2)
    log.say(91, "Done", "all as declared", "ACTIVE", hsm2m_medium=3)
    trail.say(-1, "UpdateStack", ALICE, stackName="vault", parameters=[SECRET])
    trail.say(-1, "UpdateStack", ALICE, stackName="another")
    trail.say(0, "ModifyCluster", PROVIDER, clusterId=cluster_id, hsmType="hsm2m.medium")
    trail.say(30, "CreateHsm", ALICE, clusterId=cluster_id)
    trail.say(30, "CreateHsm", ALICE, clusterId="cluster-zzzzzzzzzzz")
    vault.clients |= {"logs": log, "cloudtrail": trail}
    change = TypeChange(cluster_id, "hsm1.medium", "hsm2m.medium", NOW, answered=True)
    remember(cluster_id, memory=Memory(change), HsmType="hsm2m.medium")
    vault.now = NOW + 150 * MINUTE
    provider = vault.clients["lambda"]
    provider.get_function_configuration = lambda **_: {
        "Environment": {"Variables": {"TABLE_NAME": "records"}},
        "LoggingConfig": {"LogGroup": "/log"},
    }
    return vault


def report_of(ran: Any) -> Any:
    (found,) = ran.json["reports"]
    return found


def test_the_whole_night_is_told(night):
    told = report_of(night.run("report", "vault", "--json"))
    (operation,) = told["operations"]
    assert (operation["request_type"], operation["outcome"]) == ("Update", "Succeeded")
    assert (operation["polls"], operation["longest_gap"]) == (5, 82 * MINUTE)
    (call,) = told["calls"]
    assert (call["setting"], call["asked"], call["is_ours"]) == ("HsmType", "hsm2m.medium", True)
    assert call["request_id"] == "request-ModifyCluster-0"
    assert [(each["name"], each["who"]) for each in told["askers"]] == [("UpdateStack", ALICE)]
    assert [(each["name"], each["who"]) for each in told["foreign"]] == [("CreateHsm", ALICE)]
    assert told["before"] == {"HSMs": "3 hsm1.medium", "HsmType": "hsm1.medium"}
    assert told["after"]["HSMs"] == "3 hsm2m.medium"
    assert told["drift"] == []
    assert told["unread"] == []
    assert len([each for each in told["timeline"] if each["source"] == "Provider"]) == 4


def test_a_page_is_written_with_the_evidence_that_it_was_made_from(night, tmp_path):
    ran = night.run("report", "vault", "--output", str(tmp_path / "ticket"))
    assert ran.code == Exit.DONE
    files = {path.name: path for path in (tmp_path / "ticket").iterdir()}
    (evidence,) = (path for name, path in files.items() if name.startswith("evidence-"))
    assert sorted(files) == sorted([evidence.name, "report.html", "report.md"])
    assert ran.out.split() == sorted(str(path) for path in files.values())
    digest = hashlib.sha256(evidence.read_bytes()).hexdigest()
    for name in ("report.md", "report.html"):
        text = files[name].read_text()
        assert digest in text
        assert ALICE in text.replace("\\", "")
        assert "X-Amz-Signature" not in text
    assert "X-Amz-Signature" not in evidence.read_text()
    assert json.loads(evidence.read_text())["trail"][0]["request_id"] == "request-UpdateStack--1"


def test_the_page_is_well_formed_and_loads_nothing(night, tmp_path):
    night.run("report", "vault", "--output", str(tmp_path))
    html = (tmp_path / "report.html").read_text()
    body = html.replace("<!doctype html>\n", "").replace('<meta charset="utf-8">', "")
    tree = ET.fromstring(body)
    assert [each.tag for each in tree.iter() if each.get("src") or each.get("href")] == []
    assert "User <Initiated> | (URL)" in "".join(tree.itertext())
    markdown = (tmp_path / "report.md").read_text()
    widths = {line.replace("\\|", "").count("|") for line in re.findall(r"^\|.*User.*$", markdown, re.MULTILINE)}
    assert widths == {4}
    assert "data:image/svg+xml;base64," in markdown


def test_the_picture_has_a_lane_for_each(night, tmp_path):
    night.run("report", "vault", "--output", str(tmp_path))
    svg = re.search(r"<svg.*</svg>", (tmp_path / "report.html").read_text(), re.DOTALL)
    assert svg
    namespace = "{http://www.w3.org/2000/svg}"
    tree = ET.fromstring(svg[0])
    titles = [each.findtext(f"{namespace}title") for each in tree.iter(f"{namespace}rect")]
    assert titles == [
        "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "ACTIVE", "MODIFY_IN_PROGRESS", "ACTIVE", "Succeeded",
    ]  # fmt: skip
    widths = [float(each.get("width") or 0) for each in tree.iter(f"{namespace}rect")]
    assert widths[3] > 30 * widths[2]
    assert max(widths) < 900
    assert len(list(tree.iter(f"{namespace}path"))) == 1


def test_without_output_it_is_markdown(night):
    ran = night.run("report", "vault")
    assert ran.out.startswith("# cluster-")
    assert "## Every ModifyCluster" in ran.out


def test_a_cluster_is_found_by_its_record(night):
    (cluster_id,) = night.fleet.clusters
    told = report_of(night.run("report", "--cluster", cluster_id, "--json"))
    assert told["clusterId"] == cluster_id
    assert len(told["operations"]) == 1


def test_what_is_older_is_left_out(night):
    told = report_of(night.run("report", "vault", "--since", "60m", "--json"))
    assert (told["calls"], told["foreign"], told["askers"]) == ([], [], [])
    assert [each["source"] for each in told["timeline"]] == ["Provider", "Stack", "Stack"]
    assert told["before"] == {"HSMs": "3 hsm2m.medium"}


def test_drift(night):
    (cluster,) = night.fleet.clusters.values()
    cluster.advance_to(night.now)
    cluster.retention = {"Type": "DAYS", "Value": "7"}
    remember(cluster.cluster_id, "vault/Settings2", HsmType="hsm3x.large", BackupRetentionPolicy={"Value": "30"})
    told = report_of(night.run("report", "vault", "--json"))
    assert told["drift"] == [
        "vault/Settings2 declares hsm3x.large, the cluster is hsm2m.medium",
        "vault/Settings2 declares 30 days, the cluster keeps 7",
    ]


@pytest.mark.parametrize(
    ("permission", "says"),
    [
        ("cloudtrail:LookupEvents", "Not known: CloudTrail could not be read."),
        ("logs:FilterLogEvents", "logs:FilterLogEvents is denied"),
        ("cloudformation:DescribeStackEvents", "cloudformation:DescribeStackEvents is denied"),
        ("cloudhsm:DescribeClusters", "The cluster could not be read, so nothing is known of drift."),
        ("dynamodb:Query", "dynamodb:Query is denied"),
    ],
)
def test_a_permission_that_is_missing_is_named_and_the_rest_is_told(night, permission, says):
    night.refused[permission] = "AccessDeniedException"
    ran = night.run("report", "vault")
    assert ran.code == Exit.DONE
    assert says in ran.out
    assert permission in ran.err
    assert "## Timeline" in ran.out


def test_without_cloudtrail_the_log_tells_of_the_calls(night):
    night.refused["cloudtrail:LookupEvents"] = "AccessDeniedException"
    (call,) = report_of(night.run("report", "vault", "--json"))["calls"]
    assert (call["setting"], call["request_id"], call["who"]) == ("HsmType", "", "the provider, by its log")


def test_a_stack_that_is_not_there(night):
    ran = night.run("report", "none")
    assert (ran.code, "There is no stack none" in ran.err) == (Exit.UNKNOWN, True)


def test_arguments(night):
    assert night.run("report").code == Exit.USAGE
    assert night.run("report", "vault", "--cluster", "a").code == Exit.USAGE
    assert night.run("report", "vault", "--since", "yesterday").code == Exit.USAGE


@pytest.mark.parametrize(
    ("text", "moment"),
    [("90m", NOW - 5400), ("7d", NOW - 604800), ("2027-01-15T08:00:00Z", NOW), ("2027-01-15T09:00:00+01:00", NOW)],
)
def test_since(text, moment):
    assert since_when(text, NOW) == moment


def test_a_reverted_operation_has_its_outcome_from_the_record(night):
    store = DynamoDbStore(lambda: moto_client("dynamodb"), TABLE)
    before = store.read(Record(STACK, "Settings", "one").key)
    assert before is not None
    retention = RetentionChange(before.physical_resource_id, 30, NOW, 90)
    memory = replace(Memory.from_json(before.memory), retention_change=retention).to_json()
    store.write(before, replace(before, outcome="Reverted", memory=memory, signed_at=NOW))
    told = report_of(night.run("report", "vault", "--json"))
    assert told["operations"][0]["outcome"] == "Reverted"
    assert told["before"]["BackupRetentionPolicy"] == "90 days"
