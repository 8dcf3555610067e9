"""PUTs an answer to a presigned URL, and knows whether it arrived."""

import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from cloudhsm_settings.errors import Transient

SOCKET_TIMEOUT = 10
"""Seconds for each socket operation."""
FIRST_PAUSE = 0.5
"""Seconds before the second attempt; each later pause is twice as long."""


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
    """Delivers `body`; True when it arrived, False when it was refused for good (3xx, 4xx, not an https URL).

    Server errors and I/O errors are tried again while `seconds_left` lasts, then raise
    Transient. `what` names the receiver in it ("the ResponseURL"). The URL is a bearer credential: it is
    neither logged nor part of any exception. Proxy variables are honoured. The empty
    Content-Type is part of the signature: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
    """
    end = clock() + seconds_left
    pause = FIRST_PAUSE
    if not url.startswith("https://"):
        return False
    while True:
        try:
            request = Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310  # https, see above
            with opener(request, timeout=SOCKET_TIMEOUT):
                return True
        except HTTPError as error:
            error.close()
            if error.code < 500:
                return False
            code = f"HTTP {error.code}"
        except (OSError, HTTPException, ValueError) as error:
            # Some of these carry the URL in their text: only the class is kept.
            code = type(error).__name__
        if clock() + pause + SOCKET_TIMEOUT > end:
            raise Transient(f"PUT to {what}", code) from None
        sleep(pause)
        pause *= 2
