"""AWS as the commands see it: reads, and nothing else.

Every call goes through `Aws.read`, by the name of its IAM permission. What is not in `READS` cannot be called, so the
table is both the list of permissions that the documentation shows and the proof that nothing is changed.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, ProfileNotFound

from cloudhsm_settings.custom_resource.aws_errors import ACCESS_DENIED, error_code
from cloudhsm_settings_cli.exits import Stopped

_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 5},
    connect_timeout=5,
    read_timeout=20,
    user_agent_extra="cloudhsm-settings",
)


class Read(NamedTuple):
    """How boto3 calls what a permission allows."""

    service: str
    method: str
    pages: str = ""
    """Member of the answer that is collected over all pages; empty where there is one page."""


READS: Mapping[str, Read] = {
    "cloudformation:DescribeChangeSet": Read("cloudformation", "describe_change_set"),
    "cloudformation:DescribeStackEvents": Read("cloudformation", "describe_stack_events", "StackEvents"),
    "cloudformation:DescribeStackResources": Read("cloudformation", "describe_stack_resources"),
    "cloudformation:DescribeStacks": Read("cloudformation", "describe_stacks", "Stacks"),
    "cloudformation:GetTemplate": Read("cloudformation", "get_template"),
    "cloudformation:ListExports": Read("cloudformation", "list_exports", "Exports"),
    "cloudformation:ListStackResources": Read("cloudformation", "list_stack_resources", "StackResourceSummaries"),
    "cloudhsm:DescribeBackups": Read("cloudhsmv2", "describe_backups", "Backups"),
    "cloudhsm:DescribeClusters": Read("cloudhsmv2", "describe_clusters"),
    "cloudtrail:LookupEvents": Read("cloudtrail", "lookup_events", "Events"),
    "dynamodb:GetItem": Read("dynamodb", "get_item"),
    "dynamodb:Query": Read("dynamodb", "query", "Items"),
    "kms:DescribeCustomKeyStores": Read("kms", "describe_custom_key_stores", "CustomKeyStores"),
    "lambda:GetFunctionConfiguration": Read("lambda", "get_function_configuration"),
    "logs:FilterLogEvents": Read("logs", "filter_log_events", "events"),
    "sts:GetCallerIdentity": Read("sts", "get_caller_identity"),
}
"""Every call that any command makes, by the permission that it needs."""


class Where(NamedTuple):
    """Where AWS is, as every AWS tool takes it; None leaves it to the environment and the profile."""

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None


class Unread(Exception):
    """A read that gave nothing. `permission` is its IAM action, `subject` what was asked about."""

    def __init__(self, permission: str, subject: str, code: str) -> None:
        super().__init__(f"{permission} of {subject}: {code}")
        self.permission = permission
        self.subject = subject
        self.code = code
        """AWS's error code, or the class of an I/O error."""

    @property
    def because(self) -> str:
        """What was not read, and why, as a sentence."""
        return f"{self.permission} of {self.subject} fails with {self.code}."


class Denied(Unread):
    """AWS denied it: the permission is missing."""

    @property
    def because(self) -> str:
        """Which permission is missing, and what is not known without it."""
        return f"{self.permission} is denied, so {self.subject} is not read."


class Refused(Unread):
    """The service says that there is no such thing, or that the question makes no sense."""


class Unreachable(Unread):
    """AWS throttled, erred or timed out after all retries: later it may work."""


@dataclass(frozen=True)
class Gap:
    """What is not known, and why: an answer goes on without it."""

    permission: str
    subject: str
    because: str


class Aws:
    """Reads in one account and region."""

    def __init__(self, client: Callable[[str], Any], region: str) -> None:
        """`client` makes a boto3 client of a service."""
        self._client = cache(client)
        self.region = region
        self._gaps: dict[tuple[str, str], Gap] = {}

    @property
    def partition(self) -> str:
        """Such as "aws" or "aws-us-gov"."""
        return str(boto3.Session().get_partition_for_region(self.region))

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What `ask` could not read, each once, in the order of asking."""
        return tuple(self._gaps.values())

    def afresh(self) -> "Aws":
        """The same connections with no gaps yet: what could not be read a minute ago may be readable now."""
        again = Aws(self._client, self.region)
        again._client = self._client
        return again

    def read(self, permission: str, subject: str, **members: Any) -> Any:
        """One answer of AWS, or the whole list where `READS` names one; raises Denied, Refused or Unreachable.

        `subject` names what is asked about, for a person. `members` are the API's.
        """
        read = READS[permission]
        with _translated(permission, subject):
            client = self._client(read.service)
            if not read.pages:
                return getattr(client, read.method)(**members)
            if not client.can_paginate(read.method):
                return getattr(client, read.method)(**members).get(read.pages) or []
            pages = client.get_paginator(read.method).paginate(**members)
            return [each for page in pages for each in page.get(read.pages) or ()]

    def ask(self, permission: str, subject: str, **members: Any) -> Any:
        """The same; None where it gives nothing, which is then in `gaps`."""
        try:
            return self.read(permission, subject, **members)
        except Unread as unread:
            self.miss(unread)
            return None

    def miss(self, unread: Unread) -> None:
        """Takes note of what a command goes on without."""
        gap = Gap(unread.permission, unread.subject, unread.because)
        self._gaps.setdefault((gap.permission, gap.subject), gap)


def connect(where: Where) -> Aws:
    """AWS with the user's own credentials; raises Stopped without region or profile."""
    try:
        # boto3 itself knows AWS_DEFAULT_REGION alone; the AWS CLI knows both.
        region = where.region or os.environ.get("AWS_REGION")
        session = boto3.Session(profile_name=where.profile, region_name=region)
    except ProfileNotFound as error:
        raise Stopped(f"{error}. Give another --profile, or set AWS_PROFILE.") from None
    if not session.region_name:
        raise Stopped("No region is known. Give --region, or set AWS_REGION.")
    endpoint = {"endpoint_url": where.endpoint_url} if where.endpoint_url else {}
    return Aws(lambda service: session.client(service, config=_CONFIG, **endpoint), session.region_name)


@contextmanager
def _translated(permission: str, subject: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _meaning(error)(permission, subject, error_code(error)) from None
    except (NoCredentialsError, NoRegionError) as error:
        raise Stopped(f"{str(error).rstrip('.')}. Sign in as for the AWS CLI, or give --profile.") from None
    except BotoCoreError as error:
        raise Unreachable(permission, subject, type(error).__name__) from None


# Of credentials, not of permissions: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


def _meaning(error: ClientError) -> type[Unread]:
    code, status = error_code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _CREDENTIALS:
        raise Stopped(f"AWS does not take the credentials ({code}). Sign in again, or give --profile.") from None
    if code in ACCESS_DENIED:
        return Denied
    return Unreachable if status >= 500 or status == 429 or "Throttl" in code or "TooMany" in code else Refused
