"""`plan` and `report` in the local cloud, by a user who may only read: what it says is what the deployment then does."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from cloudhsm_settings_cli.exits import Exit
from sandbox.ministack import ROOT
from tests.cloud.reader import Reader

pytestmark = pytest.mark.cloud
MIGRATION = ROOT / "examples" / "migration" / "template.yaml"
LONG_MIGRATION = ROOT / "examples" / "long-migration" / "template.yaml"
WANTED = {"HsmType": "hsm2m.medium", "RetentionInDays": "30"}


@pytest.fixture(scope="module")
def reader(cloud) -> Reader:
    return Reader(cloud)


def calls_of(fleet, cluster_id: str) -> list[tuple[str, str]]:
    """Setting and new value of each ModifyCluster."""
    made = [each.members for each in fleet.calls if each.operation == "ModifyCluster"]
    ours = [each for each in made if each["ClusterId"] == cluster_id]
    return [
        ("HsmType", each["HsmType"])
        if "HsmType" in each
        else ("BackupRetentionPolicy", each["BackupRetentionPolicy"]["Value"])
        for each in ours
    ]


def test_what_is_planned_is_what_is_done_and_told(cloud, fleet, stacks, reader):
    cluster, name = fleet.seed(), "planned"
    stacks.create(name, MIGRATION, ClusterId=cluster.cluster_id, HsmType="hsm1.medium", RetentionInDays="90")
    parameters = [word for key, value in WANTED.items() for word in ("--parameter", f"{key}={value}")]
    by_template = reader.run("plan", "--template", MIGRATION, "--stack", name, *parameters, "--json")
    client = cloud.client("cloudformation")
    values = [{"ParameterKey": key, "ParameterValue": value} for key, value in WANTED.items()]
    client.create_change_set(
        StackName=name,
        ChangeSetName="next",
        TemplateBody=MIGRATION.read_text(),
        Parameters=[*values, {"ParameterKey": "ClusterId", "UsePreviousValue": True}],
    )
    (change,) = client.describe_change_set(StackName=name, ChangeSetName="next", IncludePropertyValues=True)["Changes"]
    after = json.loads(change["ResourceChange"]["AfterContext"])["Properties"]
    assert (after["HsmType"], after["ClusterId"]) == ("hsm2m.medium", cluster.cluster_id)
    by_change_set = reader.run("plan", "--change-set", "next", "--stack", name, "--json")
    assert (by_template.code, by_change_set.code) == (Exit.CHANGES, Exit.CHANGES)
    assert calls_of(fleet, cluster.cluster_id) == []
    stacks.update(name, MIGRATION, ClusterId=cluster.cluster_id, **WANTED)
    done = calls_of(fleet, cluster.cluster_id)
    assert done == [("BackupRetentionPolicy", "30"), ("HsmType", "hsm2m.medium")]
    for ran in (by_template, by_change_set):
        (planned,) = ran.json["resources"]
        assert [(each["setting"], each["to"]) for each in planned["calls"]] == done
    after = reader.run("plan", "--template", MIGRATION, "--stack", name)
    assert after.code == Exit.DONE
    told = reader.run("report", name, "--json")
    (story,) = told.json["reports"]
    assert [each["setting"] for each in story["calls"]] == [setting for setting, _ in done]
    assert [(each["request_type"], each["outcome"]) for each in story["operations"]] == [
        ("Create", "Succeeded"),
        ("Update", "Succeeded"),
    ]
    assert (story["before"]["HsmType"], story["after"]["HsmType"]) == ("hsm1.medium", "hsm2m.medium")
    assert story["drift"] == []


def test_the_reader_may_change_nothing(cloud, reader):
    environment = reader.environment
    client = boto3.client(
        "cloudformation",
        region_name=environment["AWS_REGION"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        verify=environment["REQUESTS_CA_BUNDLE"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_stack(StackName="cloudhsm-cluster-settings")


def test_without_the_record_it_says_so_and_goes_on(cloud, fleet):
    cluster = fleet.seed()
    ran = Reader(cloud, frozenset({"dynamodb:Query"})).run("plan", "--cluster", cluster.cluster_id, "--retention", 30)
    assert ran.code == Exit.CHANGES
    assert "BackupRetentionPolicy  90 -> 30 days" in ran.out
    assert "P12 ASK" in ran.out
    assert "dynamodb:Query is denied" in ran.err


def test_a_change_set_for_a_stack_that_waits_by_a_new_handle(cloud, fleet, reader):
    cluster, name = fleet.seed(hsms=3), "waiting"
    values = [{"ParameterKey": "ClusterId", "ParameterValue": cluster.cluster_id}]
    cloud.client("cloudformation").create_change_set(
        StackName=name,
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=LONG_MIGRATION.read_text(),
        Parameters=values,
    )
    ran = reader.run("plan", "--change-set", "first", "--stack", name, "--json")
    (planned,) = ran.json["resources"]
    assert ran.code == Exit.CHANGES
    assert (planned["action"], planned["waitConditionHandle"]) == ("Create", "MigrationHandle1")
    assert [(each["number"], each["verdict"]) for each in planned["checks"] if each["number"] == "P06"] == [
        ("P06", "PASS")
    ]
