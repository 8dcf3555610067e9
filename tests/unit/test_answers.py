import json

import pytest

from cloudhsm_settings.answers import LIMIT, answer, signal
from cloudhsm_settings.attributes import TRIMMED_FIRST, attributes
from cloudhsm_settings.cluster import Cluster, Hsm
from cloudhsm_settings.request import Progress

IDS = {
    "PhysicalResourceId": "cluster-abcdefghijk",
    "StackId": "s" * 200,
    "RequestId": "r" * 36,
    "LogicalResourceId": "L" * 255,
}


def sent(reason="", data=None, status="SUCCESS"):
    body = answer(IDS, status, reason, "2026/11/23/[$LATEST]0", data=data or {}, trimmed_first=TRIMMED_FIRST)
    assert len(body) <= LIMIT
    return json.loads(body)


def test_a_success_has_all_members_and_no_log_stream():
    assert sent(data={"A": "1"}) == {"Status": "SUCCESS", **IDS, "NoEcho": False, "Data": {"A": "1"}, "Reason": ""}


def test_a_failure_ends_with_the_log_stream():
    assert sent("Why.", status="FAILED")["Reason"] == (
        "Why. See the details in CloudWatch Log Stream: 2026/11/23/[$LATEST]0"
    )


@pytest.mark.parametrize("letter", ["x", "ü", "\U0001f511", '"'])
def test_a_long_reason_keeps_head_and_log_stream(letter):
    reason = sent("HEAD " + letter * 9000, status="FAILED")["Reason"]
    assert reason.startswith(f"HEAD {letter}")
    assert reason.endswith(" [...] See the details in CloudWatch Log Stream: 2026/11/23/[$LATEST]0")


def largest() -> Cluster:
    """A cluster with as much to say as CloudHSM allows: 28 HSMs."""
    hsms = tuple(Hsm(f"hsm-{'a' * 16}", "hsm2m.medium", eni_ip="255.255.255.255") for _ in range(28))
    return Cluster(
        "cluster-" + "a" * 16,
        "ACTIVE",
        hsm_type="h" * 32,
        hsms=hsms,
        subnets=tuple((f"us-gov-west-1{zone}", "subnet-0123456789abcdef0") for zone in "abcdef"),
        retention_type="DAYS",
        retention_value="455",
        state_message="m" * 300,
    )


def test_the_largest_cluster_fits_untrimmed():
    data = attributes(largest(), Progress())
    assert sent(data=data)["Data"] == data


def test_what_is_trimmed_goes_in_the_documented_order():
    data = attributes(largest(), Progress())
    for number in range(1, len(TRIMMED_FIRST)):
        spare = LIMIT - len(answer(IDS, "SUCCESS", "", "", data=data))
        needed = sum(len(data[name]) for name in TRIMMED_FIRST[: number - 1]) + 1
        trimmed = sent(data={**data, "Mode": "x" * (spare + len(data["Mode"]) + needed)})["Data"]
        emptied = [name for name in TRIMMED_FIRST if data[name] and not trimmed[name]]
        assert emptied == list(TRIMMED_FIRST[:number])


def test_what_is_left_goes_from_the_last_on():
    trimmed = sent(data={"First": "1" * 1500, "Second": "2" * 1500, "Third": "3" * 1500})["Data"]
    assert [name for name in trimmed if trimmed[name]] == ["First", "Second"]


def test_a_signal_carries_its_data_as_json():
    body = json.loads(signal("SUCCESS", "r" * 2000, "cluster-abcdefghijk", {"HsmType": "hsm2m.medium"}))
    assert len(body["Reason"]) == 1024
    assert body["UniqueId"] == "cluster-abcdefghijk"
    assert json.loads(body["Data"]) == {"HsmType": "hsm2m.medium"}
