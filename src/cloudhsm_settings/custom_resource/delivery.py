"""PUTs a body to a presigned URL, and knows whether it arrived."""

import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from cloudhsm_settings.custom_resource.errors import Transient

SOCKET_TIMEOUT = 10
"""Seconds for each socket operation."""
FIRST_PAUSE = 0.5
"""Seconds before the second attempt; each later pause is twice as long."""
_TEMPORARY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
_LONGEST_ERROR = 2048


def put(
    url: str,
    body: bytes,
    seconds_left: float,
    *,
    what: str,
    opener: Callable[..., Any] = urlopen,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Delivers `body`; True when it arrived, False when it was refused for good (403, 404 and most of 3xx and 4xx).

    Server errors, I/O errors, 408, 409, 429 and S3's RequestTimeout are tried again while `seconds_left` lasts, then
    raise Transient. `what` names the receiver in it ("the ResponseURL"). The URL is a bearer credential: it is
    neither logged nor part of any exception. Proxy variables are honoured. The empty Content-Type is part of the
    signature: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
    """
    end = clock() + seconds_left
    pause = FIRST_PAUSE
    if not url.startswith("https://"):
        return False
    while True:
        try:
            request = Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310  # https only
            with opener(request, timeout=SOCKET_TIMEOUT):
                return True
        except HTTPError as error:
            code = _temporary(error)
            if not code:
                return False
        except (OSError, HTTPException, ValueError) as error:
            # Some of these carry the URL in their text: only the class is kept.
            code = type(error).__name__
        if clock() + pause + SOCKET_TIMEOUT > end:
            raise Transient(f"PUT to {what}", code) from None
        sleep(pause)
        pause *= 2


def _temporary(error: HTTPError) -> str:
    """What to call a status that another attempt may heal; empty for a final one."""
    try:
        body = error.read(_LONGEST_ERROR) if error.code == HTTPStatus.BAD_REQUEST else b""
    except (OSError, HTTPException):
        body = b""
    finally:
        error.close()
    # S3 answers 400 when the body came too slowly; the code is a member of its XML, not text to be read.
    slow = b"<Code>RequestTimeout</Code>" in body
    return (
        f"HTTP {error.code}"
        if slow or error.code in _TEMPORARY or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR
        else ""
    )
