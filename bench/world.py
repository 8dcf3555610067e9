"""Everything around a function that is measured: CloudHSM, the services it calls, and CloudFormation's end."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from moto.moto_api._internal.models import moto_api_backend

from events.situations import BY_EVENT
from sandbox.cloud import REGION
from sandbox.cloudhsm import Clock, CloudHsmServer, Fleet
from sandbox.receiver import Receiver
from sandbox.table import TABLE, make_table
from sandbox.tls import make_certificate

GROUP = "operations"
FUNCTION = "Function"
_CLOUDHSM = ("DescribeClusters", "ModifyCluster")
_FROZEN = 1_800_000_000.0


@dataclass
class World:
    """One account, emptied before each measurement. CloudHSM's clock stands still until it is told to jump."""

    server: CloudHsmServer
    receiver: Receiver
    calls: Counter[str] = field(default_factory=Counter)
    """Requests by name since the last `reset`."""

    def __post_init__(self) -> None:
        self.server.before = lambda name: self.calls.update([name])

    @property
    def variables(self) -> dict[str, str]:
        """What a function finds in its environment."""
        return {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.server.endpoint,
            "TABLE_NAME": TABLE,
            "SCHEDULE_GROUP": GROUP,
            "SCHEDULER_ROLE_ARN": "arn:aws:iam::111122223333:role/scheduler",
            "RESPONSE_HOSTS": self.receiver.host,
            "WAIT_CONDITION_HOSTS": self.receiver.host,
            "SSL_CERT_FILE": str(self.receiver.certificate.certificate),
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }

    @property
    def fleet(self) -> Fleet:
        """The clusters."""
        return self.server.fleet

    @property
    def cloudhsm_calls(self) -> int:
        """Calls to CloudHSM since the last `forget`."""
        return sum(self.calls[name] for name in _CLOUDHSM)

    @property
    def other_calls(self) -> int:
        """Calls to every other service since the last `forget`."""
        return self.calls.total() - self.cloudhsm_calls

    def client(self, service: str) -> Any:
        """A client of the account."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.server.endpoint,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106  # no secret of anybody
        )

    def reset(self, name: str) -> dict[str, Any]:
        """Empties the account, seeds the situation of that name, and returns its event."""
        moto_api_backend.reset()
        self.server.serve(Fleet(Clock(source=lambda: _FROZEN)))
        self.client("scheduler").create_schedule_group(Name=GROUP)
        make_table(self.client("dynamodb"))
        self._have_function()
        situation = BY_EVENT[name]
        situation.seed(self.fleet)
        event = situation.load() | {"ResponseURL": f"{self.receiver.url}/response?X-Amz-Signature=secret"}
        self.server.set_stack_status(event["StackId"], *situation.stack_statuses)
        self.receiver.received.clear()
        self.forget()
        return event

    def forget(self) -> None:
        """Counts calls from here on."""
        self.calls.clear()

    def polls(self) -> list[dict[str, Any]]:
        """The input of each schedule, and of each rule of crhelper's."""
        scheduler, events = self.client("scheduler"), self.client("events")
        pages = scheduler.get_paginator("list_schedules").paginate(GroupName=GROUP)
        names = [each["Name"] for page in pages for each in page["Schedules"]]
        inputs = [scheduler.get_schedule(GroupName=GROUP, Name=name)["Target"]["Input"] for name in names]
        for rule in events.list_rules()["Rules"]:
            inputs += [each["Input"] for each in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]]
        return [json.loads(each) for each in inputs]

    def _have_function(self) -> None:
        """The function that crhelper wants to add permissions to; only its name matters."""
        trust = {"Version": "2012-10-17", "Statement": []}
        role = self.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=json.dumps(trust))
        self.client("lambda").create_function(
            FunctionName=FUNCTION,
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="a.b",
            Code={"ZipFile": b"PK\x05\x06" + b"\0" * 18},
        )


@contextmanager
def world(directory: Path) -> Iterator[World]:
    """Starts the servers, with their certificate in `directory`."""
    with CloudHsmServer() as server, Receiver(make_certificate(directory)) as receiver:
        yield World(server, receiver)
