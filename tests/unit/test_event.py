"""Requests and polls are read with suspicion."""

import pytest

from cloudhsm_settings.custom_resource.errors import NotARequest
from cloudhsm_settings.custom_resource.event import (
    LONGEST_NAME,
    Delivery,
    Key,
    Poll,
    is_poll,
    is_response_url,
    poll_event,
    shown,
    signed_at,
    whole_number,
)
from tests.unit.cases import NOW
from tests.unit.requests import event, url

HOST = "https://cloudformation-custom-resource-response.s3.amazonaws.com/"


def read(**more):
    return Delivery.read(event(**more), NOW)


class TestSignature:
    def test_its_date_is_read(self):
        assert signed_at(url("x", NOW)) == NOW
        assert read(at=NOW - 30).signed_at == NOW - 30

    @pytest.mark.parametrize("link", [HOST, f"{HOST}?X-Amz-Date=", f"{HOST}?X-Amz-Date=yesterday"])
    def test_now_stands_in_where_there_is_none(self, link):
        assert signed_at(link) is None
        assert read(ResponseURL=link).signed_at == NOW

    def test_it_is_clamped_to_two_hours_back_and_five_minutes_ahead(self):
        assert read(at=4_000_000_000).signed_at == NOW + 300
        assert read(at=1_000_000_000).signed_at == NOW - 7200


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("600", 600),
        (60, 60),
        ("0", 3600),
        (-5, 1),
        ("99999", 3600),
        ("²", 3600),
        ("9" * 5000, 3600),
        (None, 3600),
        (True, 3600),
    ],
)
def test_a_service_timeout_is_1_to_3600(given, seconds):
    assert read(ResourceProperties={"ServiceTimeout": given}).service_timeout == seconds


@pytest.mark.parametrize("properties", [None, "a string", 7, []])
def test_properties_of_any_kind_are_a_request(properties):
    assert read(ResourceProperties=properties).service_timeout == 3600


@pytest.mark.parametrize("name", ["StackId", "LogicalResourceId", "RequestId", "ResponseURL"])
@pytest.mark.parametrize("value", [None, "", 7, {}, "x" * 100_000, "\ud800"])
def test_an_id_that_is_no_text_answers_nobody(name, value):
    with pytest.raises(NotARequest):
        read(**{name: value})


@pytest.mark.parametrize("junk", [None, [], "x", {}, {"RequestType": "Read"}, {"RequestType": ["Create"]}])
def test_junk_is_no_request(junk):
    with pytest.raises(NotARequest):
        Delivery.read(junk, NOW)


def test_an_id_of_the_resource_that_cannot_be_written_is_none():
    assert read(kind="Update", PhysicalResourceId="\ud800").physical_resource_id == ""
    assert read(kind="Update", PhysicalResourceId=5).physical_resource_id == ""


def test_a_credential_is_not_shown():
    assert "amazonaws" not in repr(read())


class TestResponseUrl:
    @pytest.mark.parametrize(
        "host",
        [
            "a.s3.amazonaws.com",
            "a.s3.cn-north-1.amazonaws.com.cn",
            "x.c2s.ic.gov",
            "b.s3.eu-isoe-west-1.cloud.adc-e.uk",
        ],
    )
    def test_every_partition_is_taken(self, host):
        assert is_response_url(f"https://{host}/x")

    @pytest.mark.parametrize(
        "link",
        [
            "http://a.s3.amazonaws.com/x",
            "https://evil.example/x",
            "https://amazonaws.com.evil.example/",
            "https://xamazonaws.com/",
            "https://a@b.s3.amazonaws.com/",
            "https://a.amazonaws.com:port/",
            "https://[/",
            "file:///etc/passwd",
        ],
    )
    def test_nothing_else_is(self, link):
        assert not is_response_url(link)

    def test_a_request_with_another_is_none(self):
        with pytest.raises(NotARequest):
            read(ResponseURL="https://evil.example/x")

    def test_the_sandboxs_is(self):
        assert is_response_url("https://localhost:4566/x", frozenset({"localhost:4566"}))
        assert not is_response_url("http://localhost:4566/x", frozenset({"localhost:4566"}))


class TestPoll:
    def test_it_is_a_key_and_nothing_else(self):
        assert poll_event(Key("s", "l"), "r") == {
            "CrHelperPoll": True,
            "StackId": "s",
            "LogicalResourceId": "l",
            "RequestId": "r",
        }
        assert Poll.read(poll_event(Key("s", "l"), "r")) == Poll(Key("s", "l"), "r")

    def test_a_request_with_its_members_is_a_request(self):
        assert not is_poll({**event(), "CrHelperPoll": True, "CrHelperData": {}})
        assert is_poll(poll_event(Key("s", "l"), "r"))
        assert not is_poll(None)


@pytest.mark.parametrize(
    ("value", "number"), [("30", 30), (30, 30), (True, None), ("²", None), ("-1", None), ("1" * 10, None), (3.5, None)]
)
def test_a_whole_number(value, number):
    assert whole_number(value) == number


def test_what_is_shown_is_cut():
    assert shown("") == shown(None) == "empty"
    assert len(shown("x" * 1_000_000)) == LONGEST_NAME
