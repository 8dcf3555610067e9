"""How long the stack waits: from request to response, and from ACTIVE to response, in real time on the local cloud."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.contenders import Contender
from bench.starts import REQUESTS
from events.situations import BY_EVENT
from sandbox.cloud import PROVIDER_STACK, Cloud, sam
from sandbox.cloudhsm.model import new_id
from sandbox.receiver import Receiver
from sandbox.stacks import Stacks

MINUTE = 60.0
"""Nothing is faster than in AWS: schedules and rules keep their minute."""
BETWEEN_REQUESTS = 3
"""Seconds."""
LONGEST = 300
"""Seconds until a measurement is given up."""
Seconds = dict[tuple[str, str], list[float]]
_STACKS = {"ours": PROVIDER_STACK, "stock": "stock"}
_TO = "hsm2m.medium"


@dataclass
class Waiting:
    """One request, and when what happened: seconds of the monotonic clock."""

    who: str
    kind: str
    cluster_id: str
    path: str
    asked: float = field(default_factory=time.monotonic)
    active: float | None = None
    responded: float | None = None

    @property
    def seconds(self) -> float:
        """From the request to the response, or from ACTIVE where there was something to wait for."""
        if self.responded is None:
            raise RuntimeError(f"{self.who}: no response to {self.kind} of {self.cluster_id} after {LONGEST} s")
        return self.responded - (self.asked if self.kind == "retention" else self.active or self.asked)


def measure(ours: Contender, stock: Contender, samples: int, say: Callable[[str], None]) -> Seconds:
    """Seconds by contender and kind."""
    cloud = Cloud(seconds_between_polls=MINUTE)
    receiver = Receiver(cloud.certificate)
    cloud.let_respond_to(receiver.host)
    with receiver, cloud:
        say("latency: deploying both providers")
        cloud.deploy_provider()
        sam(
            "deploy",
            "--template-file", str(stock.directory.parent / "template.yaml"),
            "--stack-name", _STACKS["stock"],
            "--resolve-s3",
            "--capabilities", "CAPABILITY_IAM",
            "--no-confirm-changeset",
            "--no-progressbar",
            environment=cloud.environment,
        )  # fmt: skip
        return _measure(cloud, receiver, ours, samples, say)


def _measure(cloud: Cloud, receiver: Receiver, ours: Contender, samples: int, say: Callable[[str], None]) -> Seconds:
    tokens = {who: Stacks(cloud).outputs(stack)["ServiceToken"] for who, stack in _STACKS.items()}
    responses: dict[str, float] = {}

    def note(name: str) -> None:
        responses.setdefault(name, time.monotonic())

    receiver.after = note
    asked: list[Waiting] = []
    for number in range(samples):
        say(f"latency: retention change by ours, {number + 1} of {samples}")
        _make_cold(cloud, tokens["ours"], ours)
        asked.append(_ask(cloud, receiver, Request("ours", tokens["ours"], "retention")))
        _watch(cloud, asked, responses, lambda: asked[-1].responded is not None)
    for number in range(samples):
        say(f"latency: all else, {number + 1} of {samples}; responses take minutes")
        for who, kind in (("stock", "retention"), ("ours", "migration"), ("stock", "migration")):
            asked.append(_ask(cloud, receiver, Request(who, tokens[who], kind, number / samples)))
        _pause(cloud, asked, responses)
    _watch(cloud, asked, responses, lambda: all(each.responded for each in asked))
    taken: Seconds = {}
    for each in asked:
        taken.setdefault((each.who, each.kind), []).append(each.seconds)
    return taken


@dataclass(frozen=True)
class Request:
    """What to ask of whom."""

    who: str
    token: str
    kind: str
    phase: float = 0.0
    """Part of a minute that a migration takes beyond one, so that ends fall anywhere between two polls."""


def _make_cold(cloud: Cloud, token: str, contender: Contender) -> None:
    """The same code again: it ends the function's execution environments."""
    functions = cloud.client("lambda")
    functions.update_function_code(FunctionName=token, ZipFile=contender.archive().read_bytes())
    functions.get_waiter("function_updated_v2").wait(FunctionName=token)


def _ask(cloud: Cloud, receiver: Receiver, request: Request) -> Waiting:
    cluster = cloud.fleet.seed(cluster_id=new_id("cluster"), seconds_per_hsm=MINUTE * (1 + request.phase))
    path = f"/{cluster.cluster_id}"
    event: dict[str, Any] = BY_EVENT[REQUESTS[request.kind]].load()
    event |= {
        "ResponseURL": f"{receiver.url}{path}?X-Amz-Signature=secret",
        "LogicalResourceId": cluster.cluster_id.replace("-", ""),
        "ResourceProperties": {**event["ResourceProperties"], "ClusterId": cluster.cluster_id},
    }
    waiting = Waiting(request.who, request.kind, cluster.cluster_id, path)
    cloud.client("lambda").invoke(FunctionName=request.token, InvocationType="Event", Payload=json.dumps(event))
    return waiting


def _pause(cloud: Cloud, asked: list[Waiting], responses: dict[str, float]) -> None:
    until = time.monotonic() + BETWEEN_REQUESTS
    _watch(cloud, asked, responses, lambda: time.monotonic() > until)


def _watch(cloud: Cloud, asked: list[Waiting], responses: dict[str, float], over: Callable[[], bool]) -> None:
    """Notes what happens until it is over."""
    end = time.monotonic() + LONGEST
    while not over() and time.monotonic() < end:
        for each in asked:
            each.responded = each.responded or responses.get(f"PUT {each.path}")
            if each.kind == "migration" and each.active is None and _is_migrated(cloud, each.cluster_id):
                each.active = time.monotonic()
        time.sleep(0.01)


def _is_migrated(cloud: Cloud, cluster_id: str) -> bool:
    cluster = cloud.fleet.cluster(cluster_id)
    return cluster.state == "ACTIVE" and cluster.hsm_type == _TO
