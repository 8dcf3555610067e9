"""Responses and signals stay within 4096 bytes, trimmed in the documented order."""

import json

import pytest

from cloudhsm_settings.attributes import TRIMMED_FIRST, attributes
from cloudhsm_settings.cluster import Cluster, Hsm
from cloudhsm_settings.custom_resource.record import Record, Response, Signal
from cloudhsm_settings.custom_resource.response import LIMIT, response_body, signal_body
from cloudhsm_settings.request import Progress
from tests.unit.cases import ID

RECORD = Record("s" * 200, "L" * 255, "r" * 36)
LOG = "Log group: g. See the details in CloudWatch Log Stream: 2026/11/23/[$LATEST]0"
LETTERS = ["x", "ü", "\U0001f511", '"', "鍵", "\\"]


def sent(reason="", data=None, status="SUCCESS"):
    body = response_body(RECORD, Response(status, reason, ID, data or {}), LOG, TRIMMED_FIRST)
    assert len(body) <= LIMIT
    return json.loads(body)


def signalled(reason, data=None, status="FAILURE"):
    body = signal_body(Signal("https://h", status, reason, ID, data or {}), TRIMMED_FIRST)
    assert len(body) <= LIMIT
    return json.loads(body)


def largest(message="m" * 300, ip="255.255.255.255"):
    """A cluster with as much to say as CloudHSM allows: 28 HSMs."""
    hsms = tuple(Hsm(f"hsm-{'a' * 16}", "hsm2m.medium", eni_ip=ip) for _ in range(28))
    zones = tuple((f"us-gov-west-1{zone}", "subnet-0123456789abcdef0") for zone in "abcdef")
    more = {"retention_type": "DAYS", "retention_value": "455", "state_message": message}
    return Cluster("cluster-" + "a" * 16, "ACTIVE", hsm_type="h" * 32, hsms=hsms, subnets=zones, **more)


def test_a_success_has_all_members_and_no_log_stream():
    assert sent(data={"A": "1"}) == {
        "Status": "SUCCESS",
        "PhysicalResourceId": ID,
        "StackId": RECORD.stack_id,
        "RequestId": RECORD.request_id,
        "LogicalResourceId": RECORD.logical_resource_id,
        "NoEcho": False,
        "Data": {"A": "1"},
        "Reason": "",
    }


def test_a_failure_ends_with_where_the_log_is():
    assert sent("Why.", status="FAILED")["Reason"] == f"Why. {LOG}"


@pytest.mark.parametrize("letter", LETTERS)
def test_a_long_reason_keeps_head_and_log(letter):
    reason = sent("HEAD " + letter * 9000, status="FAILED")["Reason"]
    assert reason.startswith(f"HEAD {letter}")
    assert reason.endswith(f" [...] {LOG}")


@pytest.mark.parametrize("letter", LETTERS)
def test_a_long_reason_of_a_signal_keeps_its_head(letter):
    assert signalled("HEAD " + letter * 9000)["Reason"].startswith(f"HEAD {letter}")


def test_the_largest_cluster_fits_untrimmed():
    data = attributes(largest(), Progress())
    assert sent(data=data)["Data"] == data


@pytest.mark.parametrize("message", ["鍵" * 400, "\U0001f511" * 400, '"' * 2000])
@pytest.mark.parametrize("ip", ["255.255.255.255", "2001:0db8:85a3:0000:0000:8a2e:0370:7334"])
def test_nothing_makes_it_too_long(message, ip):
    data = attributes(largest(message, ip), Progress())
    for kept in (sent(data=data)["Data"], json.loads(signalled("why", data, "SUCCESS")["Data"])):
        emptied = [name for name in TRIMMED_FIRST if data[name] and not kept[name]]
        assert emptied == list(TRIMMED_FIRST[: len(emptied)])
        assert emptied
        assert {name: kept[name] for name in data if name not in TRIMMED_FIRST} == {
            name: data[name] for name in data if name not in TRIMMED_FIRST
        }


def test_what_is_trimmed_goes_in_the_documented_order():
    data = attributes(largest(), Progress())
    for number in range(1, len(TRIMMED_FIRST)):
        spare = LIMIT - len(response_body(RECORD, Response("SUCCESS", "", ID, data), LOG))
        needed = sum(len(data[name]) for name in TRIMMED_FIRST[: number - 1]) + 1
        trimmed = sent(data={**data, "Mode": "x" * (spare + len(data["Mode"]) + needed)})["Data"]
        emptied = [name for name in TRIMMED_FIRST if data[name] and not trimmed[name]]
        assert emptied == list(TRIMMED_FIRST[:number])


def test_what_is_left_goes_from_the_last_on():
    trimmed = sent(data={"First": "1" * 1500, "Second": "2" * 1500, "Third": "3" * 1500})["Data"]
    assert [name for name in trimmed if trimmed[name]] == ["First", "Second"]


def test_a_signal_carries_its_data_as_json():
    body = signalled("why", {"HsmType": "hsm2m.medium"}, "SUCCESS")
    assert (body["Status"], body["Reason"], body["UniqueId"]) == ("SUCCESS", "why", ID)
    assert json.loads(body["Data"]) == {"HsmType": "hsm2m.medium"}
