"""One table from AWS error codes to what they mean for an operation."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)
from botocore.parsers import ResponseParserError

from cloudhsm_settings.custom_resource.errors import AccessDenied, Failure, Transient

Final = Mapping[str, tuple[type[Failure], str]]

# Both spellings are seen in the wild; botocore reports whichever the service sent.
ACCESS_DENIED = frozenset(
    {"AccessDeniedException", "AccessDenied", "CloudHsmAccessDeniedException", "UnauthorizedOperation"}
)
# botocore's own list: https://docs.aws.amazon.com/boto3/latest/guide/retries.html
_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
_LONGEST_MESSAGE = 500
_NEVER_CONNECTED = (ConnectTimeoutError, EndpointConnectionError)
# Misconfiguration that no repetition heals.
_FINAL_BOTO_ERRORS = (NoCredentialsError, NoRegionError)


@contextmanager
def translated(iam_action: str, subject: str, *, final: Final | None = None) -> Iterator[None]:
    """Turns botocore's exceptions into ours.

    `iam_action` is the permission the call needs ("cloudhsm:ModifyCluster"), `subject` what
    it is about ("cluster-abcdefghijk"). `final` has the error codes that no repetition heals: the failure to raise, and
    advice. AWS's own message is in its reason. Every other code is AccessDenied or Transient, without
    AWS's message, which may quote the input.
    """
    try:
        yield
    except ClientError as error:
        raise _meaning(error, iam_action, subject, final or {}) from None
    except _FINAL_BOTO_ERRORS:
        raise
    except (BotoCoreError, ResponseParserError) as error:
        never_sent = isinstance(error, _NEVER_CONNECTED)
        raise Transient(iam_action, type(error).__name__, had_no_effect=never_sent) from None


def error_code(error: ClientError) -> str:
    """The code AWS sent, such as "ConflictException"; empty when it sent none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _named(error: ClientError, code: str) -> str:
    """The code, or the status where what answered was no AWS service: "HTTP 503"."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "without a status")
    return f"HTTP {status}" if code in ("", str(status)) else code


def _meaning(error: ClientError, iam_action: str, subject: str, final: Final) -> Exception:
    code = error_code(error)
    if code in ACCESS_DENIED:
        return AccessDenied(
            f"{subject}: AWS denied {iam_action} to the provider's role. Allow it (look at the provider's stack, "
            "its parameters, service control policies and permissions boundaries), then try again."
        )
    if code not in final:
        return Transient(iam_action, _named(error, code), had_no_effect=code in _THROTTLED)
    message = str(error.response.get("Error", {}).get("Message") or "(no message)")[:_LONGEST_MESSAGE]
    failure, advice = final[code]
    return failure(f"{subject}: {iam_action} was refused with {code}: {message} {advice}")
