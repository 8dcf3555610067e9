"""A PUT knows whether it arrived, and shows no URL."""

import io
from http.client import BadStatusLine
from urllib.error import HTTPError

import pytest

from cloudhsm_settings.custom_resource import delivery
from cloudhsm_settings.custom_resource.errors import Transient

URL = "https://example.amazonaws.com/x?X-Amz-Signature=secret"
SLOW = b"<Error><Code>RequestTimeout</Code></Error>"


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Receiver:
    """What a PUT comes to, one attempt after the other; the last one for ever."""

    def __init__(self, *outcomes):
        self.outcomes, self.requests, self.clock = list(outcomes), [], Clock()

    def __call__(self, request, timeout):
        self.requests.append(request)
        assert timeout == delivery.SOCKET_TIMEOUT
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return io.BytesIO()

    def put(self, left=60.0, url=URL):
        return delivery.put(url, b"{}", left, what="x", opener=self, clock=self.clock, sleep=self.clock.sleep)


def http(status, body=b""):
    return HTTPError(URL, status, "", {}, io.BytesIO(body))


def test_the_content_type_is_empty():
    receiver = Receiver(200)
    assert receiver.put()
    assert receiver.requests[0].get_header("Content-type") == ""
    assert (receiver.requests[0].method, receiver.requests[0].data) == ("PUT", b"{}")


@pytest.mark.parametrize("status", [301, 307, 400, 403, 404, 405, 411])
def test_a_refusal_is_final(status):
    receiver = Receiver(http(status, b"<Code>AccessDenied</Code> RequestTimeout"))
    assert not receiver.put()
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
def test_what_another_attempt_may_heal_is_tried_again(status):
    assert Receiver(http(status), http(status), 200).put()


def test_a_body_that_came_too_slowly_is_sent_again():
    assert Receiver(http(400, SLOW), 200).put()


@pytest.mark.parametrize("trouble", [TimeoutError(), OSError(), ValueError(URL), BadStatusLine(URL)])
def test_so_is_what_the_network_lost(trouble):
    assert Receiver(trouble, 200).put()


@pytest.mark.parametrize("trouble", [OSError(URL), ValueError(URL), BadStatusLine(URL), http(503)])
def test_until_the_time_is_up_and_without_showing_the_url(trouble):
    receiver = Receiver(trouble)
    with pytest.raises(Transient) as caught:
        receiver.put()
    assert "amazonaws" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert receiver.clock.now <= 60 - delivery.SOCKET_TIMEOUT


@pytest.mark.parametrize(("trouble", "code"), [(TimeoutError(), "TimeoutError"), (http(503), "HTTP 503")])
def test_what_did_not_arrive_says_where_and_why(trouble, code):
    with pytest.raises(Transient) as caught:
        Receiver(trouble).put()
    assert (caught.value.action, caught.value.code) == ("PUT to x", code)


def test_each_pause_is_twice_as_long():
    receiver = Receiver(*[http(503)] * 4, 200)
    assert receiver.put()
    assert receiver.clock.now == delivery.FIRST_PAUSE * (1 + 2 + 4 + 8)


def test_of_a_long_error_the_beginning_is_read():
    assert not Receiver(http(400, b" " * 2048 + SLOW)).put()


def test_one_attempt_is_made_even_without_time():
    assert Receiver(200).put(left=-5)


@pytest.mark.parametrize("url", ["http://example.amazonaws.com/", "file:///etc/passwd", ""])
def test_only_https_is_spoken(url):
    assert not Receiver(200).put(url=url)
