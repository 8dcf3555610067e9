"""The command as a user runs it, in this process: arguments in, exit code and both outputs out."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
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

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        self.asleep()

    def client(self, service: str) -> Any:
        return self.clients.get(service) or boto3.client(service, region_name=REGION)

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
