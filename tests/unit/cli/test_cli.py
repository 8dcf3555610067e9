"""What all commands share: permissions, exit codes, outputs, and the record without its secrets."""

import re

import pytest

from cloudhsm_settings.custom_resource.record import MEMBERS, Record, Signal
from cloudhsm_settings.custom_resource.store import DynamoDbStore
from cloudhsm_settings_cli.aws import READS, Aws, Denied, Refused, Unreachable, Where, connect
from cloudhsm_settings_cli.deployed import deployed
from cloudhsm_settings_cli.exits import Exit, Stopped
from cloudhsm_settings_cli.plan.checks import CHECKS
from cloudhsm_settings_cli.records import PUBLIC, Records
from sandbox.ministack import ROOT
from sandbox.table import TABLE, make_table
from tests.unit.cli.world import REGION, Account, moto_client

STACK = f"arn:aws:cloudformation:{REGION}:123456789012:stack/vault/1"
SECRET = "https://example.com/?X-Amz-Signature=secret"


def kept(cluster_id: str = "cluster-abcdefghijk", name: str = "Settings") -> Record:
    record = Record(
        stack_id=STACK,
        logical_resource_id=name,
        request_id="one",
        request_type="Update",
        response_url=SECRET,
        physical_resource_id=cluster_id,
        properties={"ClusterId": cluster_id, "WaitConditionHandle": SECRET},
        old_properties={"WaitConditionHandle": SECRET},
        declared={"HsmType": "hsm2m.medium"},
        handle_url=SECRET,
        signed_at=1.0,
        signals=(Signal(SECRET, "SUCCESS", "", "one"),),
    )
    return DynamoDbStore(lambda: moto_client("dynamodb"), TABLE).claim(record, 1.0, only_same_id=False)


@pytest.fixture
def records(account: Account) -> Records:
    make_table(moto_client("dynamodb"))
    return Records(account.connect(Where()), TABLE)


def test_a_record_is_read_without_anything_that_is_secret(records):
    kept()
    record = records.of(STACK, "Settings")
    assert record is not None
    assert record.declared == {"HsmType": "hsm2m.medium"}
    assert SECRET not in repr(vars(record))


def test_every_member_is_public_or_secret_by_decision():
    """A new member of the record has to be thought about: it goes to whoever may read."""
    assert set(MEMBERS) - set(PUBLIC) == {
        "ResponseURL",
        "HandleURL",
        "ResourceProperties",
        "OldResourceProperties",
        "Signals",
    }


def test_records_are_found_by_stack_and_by_cluster(records):
    kept()
    kept(name="Other")
    kept("cluster-zyxwvutsrqp", name="Third")
    assert {each.logical_resource_id for each in records.of_stack(STACK)} == {"Settings", "Other", "Third"}
    assert {each.logical_resource_id for each in records.of_cluster("cluster-abcdefghijk")} == {"Settings", "Other"}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", Denied),
        ("AccessDenied", Denied),
        ("ThrottlingException", Unreachable),
        ("ValidationError", Refused),
    ],
)
def test_what_an_error_code_means(account, code, kind):
    account.refused["cloudhsm:DescribeClusters"] = code
    aws = account.connect(Where())
    with pytest.raises(kind):
        aws.read("cloudhsm:DescribeClusters", "cluster-abcdefghijk")
    assert aws.ask("cloudhsm:DescribeClusters", "cluster-abcdefghijk") is None
    aws.ask("cloudhsm:DescribeClusters", "cluster-abcdefghijk")
    (gap,) = aws.gaps
    assert gap.permission == "cloudhsm:DescribeClusters"


def test_credentials_that_do_not_hold_end_the_command(account):
    account.refused["cloudhsm:DescribeClusters"] = "ExpiredToken"
    with pytest.raises(Stopped, match="ExpiredToken"):
        account.connect(Where()).ask("cloudhsm:DescribeClusters", "any")


def test_a_call_that_is_no_declared_read_cannot_be_made(account):
    with pytest.raises(KeyError):
        account.connect(Where()).read("cloudhsm:ModifyCluster", "cluster-abcdefghijk")


def test_no_region_no_profile(monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    with pytest.raises(Stopped, match="--region"):
        connect(Where())
    with pytest.raises(Stopped, match="--profile"):
        connect(Where(profile="none"))
    assert connect(Where(region="eu-west-1")).region == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    assert connect(Where()).region == "eu-west-3"


def test_the_function_tells_its_table_and_its_log(account):
    class Lambda:
        def get_function_configuration(self, **_: object) -> dict[str, object]:
            variables = {"TABLE_NAME": "records"}
            return {"Environment": {"Variables": variables}, "LoggingConfig": {"LogGroup": "/log"}}

    account.clients["lambda"] = Lambda()
    found = deployed(account.connect(Where()), "arn:aws:lambda:us-east-1:123456789012:function:f")
    assert found is not None
    assert (found.table, found.log_group) == ("records", "/log")


def test_arguments_that_make_no_sense_are_not_taken_for_changes(account):
    assert account.run("plan", "--no-such-option").code == Exit.USAGE
    assert account.run("no-such-command").code == Exit.USAGE
    assert account.run("--help").code == Exit.DONE


def test_an_error_is_told_in_json_too(account):
    account.refused["cloudhsm:DescribeClusters"] = "AccessDeniedException"
    ran = account.run("plan", "--cluster", "cluster-abcdefghijk", "--json")
    assert ran.code == Exit.UNKNOWN
    assert "cloudhsm:DescribeClusters" in ran.json["error"]


def test_pages_are_collected():
    class Client:
        def can_paginate(self, _: str) -> bool:
            return True

        def get_paginator(self, _: str) -> "Client":
            return self

        def paginate(self, **_: object) -> list[dict[str, object]]:
            return [{"Exports": [1, 2]}, {}, {"Exports": [3]}]

    assert Aws(lambda _: Client(), REGION).read("cloudformation:ListExports", "all") == [1, 2, 3]


PAGE = (ROOT / "docs" / "cli.md").read_text()


def test_the_page_has_the_permissions_that_are_used():
    """Anybody may ask who they are, so that one needs no permission."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.split("## Permissions")[1], re.MULTILINE)
    told = {f"{service}:{action}" for service, actions in rows for action in re.findall(r"`(\w+)`", actions)}
    assert told == set(READS) - {"sts:GetCallerIdentity"}


def test_the_page_has_every_check_and_every_exit_code():
    assert re.findall(r"`(P\d\d)`", PAGE.split("| check |")[1].split("\n\n")[0]) == list(CHECKS)
    rows = PAGE.split("## Exit codes")[1].split("## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) ", rows, re.MULTILINE)] == list(Exit)


def test_the_page_shows_options_that_there_are(account):
    for command in re.findall(r"^cloudhsm-settings (.+)$", PAGE.replace("\\\n", ""), re.MULTILINE):
        name, *words = command.split()
        usage = account.run(name, "--help").out
        assert [word for word in words if word.startswith("--") and word not in usage] == []
