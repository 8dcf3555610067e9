"""The command as a user runs it, in this process: arguments in, exit code and both outputs out."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from cloudhsm_settings_cli.aws import READS, Aws, Where
from cloudhsm_settings_cli.command import World
from cloudhsm_settings_cli.main import main
from sandbox.cloudhsm import Clock, Fleet
from sandbox.cloudhsm.client import FleetClient

NOW = 1_800_000_000.0
REGION = "us-east-1"


@cache
def moto_client(service: str) -> Any:
    """A client of moto's; one for all tests, because its making takes longer than a test."""
    return boto3.client(service, region_name=REGION)


class Terminal(io.StringIO):
    """An output that a person looks at."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Ran:
    """What became of one run."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Refusing:
    """A client that knows nothing but the reads that the command has declared, and denies what it is told to."""

    def __init__(self, service: str, client: Any, account: "Account") -> None:
        self._service, self._client, self._account = service, client, account

    def __getattr__(self, method: str) -> Any:
        if method in ("can_paginate", "get_paginator"):
            return getattr(self, f"_{method}")
        permissions = [name for name, read in READS.items() if (read.service, read.method) == (self._service, method)]
        assert permissions, f"{self._service}.{method} is no read"

        def call(**members: Any) -> Any:
            self._account.calls.append(permissions[0])
            for refused in (permissions[0], "*"):
                if code := self._account.refused.get(refused):
                    raise ClientError({"Error": {"Code": code, "Message": "told to"}}, method)
            return getattr(self._client, method)(**members)

        return call

    def _can_paginate(self, method: str) -> bool:
        return bool(hasattr(self._client, "can_paginate") and self._client.can_paginate(method))

    def _get_paginator(self, method: str) -> "Refusing._Pages":
        return Refusing._Pages(self, method)

    class _Pages:
        def __init__(self, refusing: "Refusing", method: str) -> None:
            self._refusing, self._method = refusing, method

        def paginate(self, **members: Any) -> Iterator[Any]:
            getattr(self._refusing, self._method)  # it has to be a read
            permission = next(n for n, r in READS.items() if r.method == self._method)
            self._refusing._account.calls.append(permission)
            if code := self._refusing._account.refused.get(permission):
                raise ClientError({"Error": {"Code": code, "Message": "told to"}}, self._method)
            yield from self._refusing._client.get_paginator(self._method).paginate(**members)


@dataclass
class Account:
    """An account of moto's with a CloudHSM in it, and a clock that stands until it is moved."""

    now: float = NOW
    fleet: Fleet = field(init=False)
    cloudformation: "FakeCloudFormation" = field(init=False)
    refused: dict[str, str] = field(default_factory=dict)
    """Error codes by permission."""
    calls: list[str] = field(default_factory=list)
    """The permissions that were needed, in order."""
    clients: dict[str, Any] = field(default_factory=dict)
    """What stands in for moto's client of a service."""
    sleeps: list[float] = field(default_factory=list)
    asleep: Callable[[], None] = lambda: None
    """Called after each sleep: what happens meanwhile."""

    def __post_init__(self) -> None:
        self.fleet = Fleet(Clock(source=lambda: self.now))
        self.clients["cloudhsmv2"] = FleetClient(self.fleet)
        self.cloudformation = FakeCloudFormation()
        self.clients["cloudformation"] = self.cloudformation

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        self.asleep()

    def client(self, service: str) -> Any:
        return self.clients.get(service) or moto_client(service)

    def connect(self, _: Where) -> Aws:
        return Aws(lambda service: Refusing(service, self.client(service), self), REGION)

    def run(self, *arguments: str, terminal: bool = False) -> Ran:
        """Runs `cloudhsm-settings` with these arguments."""
        out, err = (Terminal() if terminal else io.StringIO()), io.StringIO()
        world = World(self.connect, lambda: self.now, self.sleep)
        code: object = None
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main(arguments, world)
            except SystemExit as end:
                code = end.code
        sys.stdout.write(out.getvalue() + err.getvalue())  # so that the search for secrets sees it
        return Ran(int(code) if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


@dataclass
class FakeStack:
    """A stack as CloudFormation tells of it."""

    template: Any
    physical_ids: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    status: str = "UPDATE_COMPLETE"
    events: list[dict[str, Any]] = field(default_factory=list)


class FakeCloudFormation:
    """Stacks, change sets and exports; what does not exist is refused as CloudFormation refuses it."""

    def __init__(self) -> None:
        self.stacks: dict[str, FakeStack] = {}
        self.exports: dict[str, str] = {}
        self.change_sets: dict[str, dict[str, Any]] = {}
        """By name: StackName, Template, and the members of the answer."""

    @staticmethod
    def arn(name: str) -> str:
        return f"arn:aws:cloudformation:{REGION}:123456789012:stack/{name}/1"

    def _stack(self, name: str) -> tuple[str, FakeStack]:
        name = name.split("/")[1] if name.startswith("arn:") else name
        if name not in self.stacks:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": f"no {name}"}}, "Describe")
        return name, self.stacks[name]

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803
        name, stack = self._stack(StackName)
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()]
        described = {"StackName": name, "StackId": self.arn(name), "StackStatus": stack.status}
        return {"Stacks": [{**described, "Parameters": parameters}]}

    def list_stack_resources(self, StackName: str) -> Any:  # noqa: N803
        _, stack = self._stack(StackName)
        ids = stack.physical_ids.items()
        return {"StackResourceSummaries": [{"LogicalResourceId": k, "PhysicalResourceId": v} for k, v in ids]}

    def describe_stack_resources(self, PhysicalResourceId: str) -> Any:  # noqa: N803
        for name, stack in self.stacks.items():
            if PhysicalResourceId in stack.physical_ids.values():
                ids = stack.physical_ids.items()
                members = [{"StackName": name, "LogicalResourceId": k, "PhysicalResourceId": v} for k, v in ids]
                return {"StackResources": members}
        raise ClientError({"Error": {"Code": "ValidationError", "Message": "in no stack"}}, "Describe")

    def describe_stack_events(self, StackName: str, **_: Any) -> Any:  # noqa: N803
        return {"StackEvents": self._stack(StackName)[1].events}

    def get_template(self, **members: Any) -> Any:
        assert members["TemplateStage"] == "Processed"
        if "ChangeSetName" in members:
            return {"TemplateBody": self.change_sets[members["ChangeSetName"]]["Template"]}
        return {"TemplateBody": self._stack(members["StackName"])[1].template}

    def describe_change_set(self, **members: Any) -> Any:
        assert members["IncludePropertyValues"] is True
        name = members["ChangeSetName"]
        if name not in self.change_sets:
            raise ClientError({"Error": {"Code": "ChangeSetNotFound", "Message": "no such"}}, "DescribeChangeSet")
        return {"StackId": self.arn(self.change_sets[name]["StackName"]), **self.change_sets[name]}

    def list_exports(self) -> Any:
        return {"Exports": [{"Name": name, "Value": value} for name, value in self.exports.items()]}
