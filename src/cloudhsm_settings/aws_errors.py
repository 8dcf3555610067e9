"""One table from AWS error codes to what they mean for an operation."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
)

from cloudhsm_settings.errors import AccessDenied, Failure, InvalidRequest, NotFound, Transient

# Both spellings are seen in the wild; botocore reports whichever the service sent.
ACCESS_DENIED = frozenset(
    {"AccessDeniedException", "AccessDenied", "CloudHsmAccessDeniedException", "UnauthorizedOperation"}
)
_REFUSALS: dict[str, type[Failure]] = {
    "CloudHsmInvalidRequestException": InvalidRequest,
    "CloudHsmResourceNotFoundException": NotFound,
    "CloudHsmServiceException": InvalidRequest,
    "ValidationError": InvalidRequest,
    "ValidationException": InvalidRequest,
}
_ADVICE: dict[type[Failure], str] = {
    InvalidRequest: "Nothing more was changed; correct what the message names and update the stack again.",
    NotFound: "Check the ClusterId.",
}
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
_NEVER_CONNECTED = (ConnectTimeoutError, EndpointConnectionError)
# Misconfiguration that no repetition heals.
_FINAL_BOTO_ERRORS = (NoCredentialsError, NoRegionError)


@contextmanager
def translated(iam_action: str, subject: str) -> Iterator[None]:
    """Turns botocore's exceptions into ours.

    `iam_action` is the permission the call needs ("cloudhsm:ModifyCluster"), `subject` what
    it is about ("cluster-abcdefghijk"). Raises AccessDenied, InvalidRequest or NotFound for
    what a repetition cannot heal and Transient for everything else that AWS answers.
    """
    try:
        yield
    except ClientError as error:
        raise _meaning(error, iam_action, subject) from error
    except _FINAL_BOTO_ERRORS:
        raise
    except BotoCoreError as error:
        never_sent = isinstance(error, _NEVER_CONNECTED)
        raise Transient(iam_action, type(error).__name__, had_no_effect=never_sent) from error


def error_code(error: ClientError) -> str:
    """The code AWS sent, such as "ConflictException"; empty when it sent none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _meaning(error: ClientError, iam_action: str, subject: str) -> Exception:
    code = error_code(error)
    if code in ACCESS_DENIED:
        return AccessDenied(
            f"{subject}: AWS denied {iam_action} to the provider's role. Allow it (look at the provider's stack, "
            "its parameters, service control policies and permissions boundaries), then try again."
        )
    refusal = _REFUSALS.get(code)
    if refusal is None:
        return Transient(iam_action, code, had_no_effect=code in _THROTTLED)
    message = error.response.get("Error", {}).get("Message", "")
    return refusal(f"{subject}: {iam_action} was refused with {code}: {message or '(no message)'} {_ADVICE[refusal]}")
