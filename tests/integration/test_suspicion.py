"""An event is trusted for nothing that the record can tell."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cloudhsm_settings.custom_resource.event import Delivery, is_response_url
from cloudhsm_settings.properties import wait_condition_hosts
from events.situations import BY_EVENT
from tests.harness import MINUTE, Harness

JUNK: list[Any] = [None, 7, True, ["x"], {"x": 1}, "", "\ud800", "x" * 1_000_000]


@pytest.mark.parametrize("member", ["StackId", "LogicalResourceId", "RequestId", "RequestType", "ResponseURL"])
@pytest.mark.parametrize("junk", JUNK, ids=lambda each: repr(each)[:12])
def test_what_is_no_request_is_refused_without_a_word_to_anybody(harness: Harness, member, junk):
    harness.invoke(harness.meet(BY_EVENT["create-retention"]) | {member: junk})
    assert (harness.receiver.received, harness.fleet.calls) == ([], [])


@pytest.mark.parametrize("junk", [None, "text", ["x"], "\ud800", {"\ud800": "x" * 1_000_000}, {"ClusterId": 7}])
def test_properties_of_any_kind_get_a_response(harness: Harness, junk):
    harness.invoke(harness.meet(BY_EVENT["create-retention"]) | {"ResourceProperties": junk})
    assert [each["Status"] for each in harness.responses] == ["FAILED"]
    assert harness.modifies == ()


WRONG: list[Any] = ["\ud800", "x" * 1_000_000, ["\ud800"], {"\ud800": "x" * 1_000_000}, "9" * 5000]
MEMBERS = ["ClusterId", "HsmType", "HsmTypeOnRollback", "BackupRetentionPolicy", "WaitConditionHandle", "ServiceToken"]


@pytest.mark.parametrize("member", MEMBERS)
@pytest.mark.parametrize("junk", WRONG, ids=lambda each: repr(each)[:12])
@pytest.mark.parametrize("of", ["ResourceProperties", "OldResourceProperties"])
def test_a_value_of_any_kind_gets_a_response_of_4096_bytes_at_most(harness: Harness, of, member, junk):
    event = harness.meet(BY_EVENT["update-migration"])
    event[of] = {**event[of], member: junk}
    harness.run(event)
    (response,) = harness.receiver.received
    assert len(response.body) <= 4096
    if of == "ResourceProperties" and member != "ServiceToken":
        assert (response.answer["Status"], harness.modifies) == ("FAILED", ())


@pytest.mark.parametrize("timeout", ["²", "9" * 5000, "-1", "0", "4000000", None, [1]])
def test_a_service_timeout_of_any_kind_is_one_to_3600_seconds(harness: Harness, timeout):
    event = harness.meet(BY_EVENT["create-retention"])
    event["ResourceProperties"]["ServiceTimeout"] = timeout
    delivery = Delivery.read(event, harness.clock(), frozenset({harness.receiver.host}))
    assert 1 <= delivery.service_timeout <= 3600
    harness.invoke(event)
    assert len(harness.responses) == 1


def test_a_forged_date_neither_plants_a_schedule_for_years_nor_silences_the_next_request(harness: Harness):
    forged = harness.meet(BY_EVENT["create-migration"], "/response/forged")
    date = datetime.fromtimestamp(harness.clock(), UTC).strftime("%Y%m%dT%H%M%SZ")
    forged["ResponseURL"] = forged["ResponseURL"].replace(date, "20990101T000000Z")
    harness.invoke(forged)
    (name,) = harness.schedules()
    ends = harness.scheduler.get_schedule(GroupName="operations", Name=name)["EndDate"].timestamp()
    assert ends - harness.clock() < 13 * 3600
    harness.clock.moment += 6 * MINUTE
    delete = harness.deliverable(BY_EVENT["delete"].load(), "/response/delete")
    harness.set_stack_status(delete, "DELETE_IN_PROGRESS")
    harness.invoke(delete)
    assert [each["Status"] for each in harness.responses] == ["SUCCESS"]


def test_a_first_request_gains_nothing_by_the_members_of_a_poll(harness: Harness):
    forged = {"CrHelperPoll": True, "CrHelperData": {"hsm_type_asked_at": 1.0, "hsm_type_answered": True}}
    harness.run(harness.meet(BY_EVENT["create-migration"]) | forged)
    assert harness.modifies == ("BackupRetentionPolicy", "HsmType")


def test_no_request_supersedes_an_operation_of_a_stack_at_rest(harness: Harness):
    event = harness.meet(BY_EVENT["create-long-migration"])
    harness.invoke(event)
    harness.set_stack_status(event, "CREATE_COMPLETE")
    harness.clock.moment += 6 * MINUTE
    harness.invoke(harness.deliverable(BY_EVENT["update-stack-rollback-keep"].load(), "/response/forged"))
    assert harness.record(event).request_id == event["RequestId"]
    assert harness.signals == []


@pytest.mark.parametrize(
    "url",
    [
        "http://bucket.s3.amazonaws.com/x",
        "https://bucket.s3.amazonaws.com.evil.example/x",
        "https://evilamazonaws.com/x",
        "https://user:secret@bucket.s3.amazonaws.com/x",
        "https://bucket.s3.amazonaws.com:port/x",
        "https://[::1/x",
        "file:///etc/passwd",
    ],
)
def test_a_url_that_leads_elsewhere_gets_nothing(harness: Harness, url, caplog):
    assert not is_response_url(url)
    harness.invoke(harness.meet(BY_EVENT["create-retention"]) | {"ResponseURL": url})
    assert (harness.receiver.received, harness.modifies) == ([], ())
    assert "secret" not in caplog.text


@pytest.mark.parametrize("region", ["us-evil-1.s3.amazonaws.com", "us-east-1.s3.evil.amazonaws.com"])
def test_a_handle_is_of_the_own_region_and_of_s3(region):
    assert f"cloudformation-waitcondition-{region}" not in wait_condition_hosts("us-east-1")


def test_urls_are_not_printed_though_powertools_is_told_to(harness: Harness, monkeypatch, capsys):
    import cloudhsm_settings.handler as entry
    from tests.harness import Context

    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    monkeypatch.setattr(entry, "resource", harness.resource)
    entry.lambda_handler(harness.meet(BY_EVENT["create-retention"]), Context())
    printed = capsys.readouterr()
    assert "X-Amz-Signature" not in printed.out + printed.err
    assert len(harness.responses) == 1
