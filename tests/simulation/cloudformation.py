"""CloudFormation: requests and their time-outs, responses of which the first counts, wait conditions, stack phases."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.simulation.boundary import Boundary, Invocation, client_error, was_struck_at
from tests.simulation.lambda_ import Event
from tests.simulation.requests import Properties, Said, Sent, handle_url, response_url

URL_LIVES = 7200.0
WAITS = 43200.0
"""Seconds that a wait condition waits."""


@dataclass
class Handle:
    """A wait condition handle, and the condition that waits for it."""

    url: str
    owner: str
    """Name of the request that carried it first."""
    armed_at: float | None = None
    signal: dict[str, Any] | None = None
    """The first signal, which is the one that counts."""
    then: Callable[[bool], None] | None = None
    over: bool = False


@dataclass
class CloudFormation:
    """The service: it sends requests, and takes in responses and signals."""

    boundary: Boundary
    invoke: Callable[[Event], None]
    arrived: Callable[[Sent, Said], None]
    """Told of each response."""
    signalled: Callable[[Handle, Said], None]
    """Told of each signal."""
    closed: Callable[[Sent], None]
    """Told of each request for which nobody waits any more."""
    refused: Callable[[Invocation, str], None]
    """Told of each URL that leads nowhere."""
    untold: Callable[[Handle], None]
    """Told of each wait condition that was never signalled."""
    requests: list[Sent] = field(default_factory=list)
    by_id: dict[str, Sent] = field(default_factory=dict)
    by_url: dict[str, Sent] = field(default_factory=dict)
    handles: dict[str, Handle] = field(default_factory=dict)
    stacks: dict[str, Any] = field(default_factory=dict)
    latest: dict[tuple[str, str], Sent] = field(default_factory=dict)

    # Requests --------------------------------------------------------------------------------

    def send(
        self,
        kind: str,
        stack: Any,
        resource: Any,
        *,
        physical_id: str | None = None,
        properties: Properties,
        old: Properties | None = None,
        is_rollback: bool = False,
        then: Callable[[Sent], None],
    ) -> Sent:
        """Sends one request; `then` is called once, with its outcome or without."""
        number, now = len(self.requests) + 1, self.boundary.agenda.now
        key = (stack.stack_id, resource.name)
        sent = Sent(
            number, kind, stack, resource, physical_id, properties, old, is_rollback, now, then, self.latest.get(key)
        )
        if sent.earlier is not None:
            sent.earlier.later = sent
        self.latest[key] = sent
        self.requests.append(sent)
        self.by_id[sent.event_id] = sent
        handle = sent.handle
        if handle and handle in self.handles and not self.handles[handle].owner:
            self.handles[handle].owner = sent.name
        self.boundary.sometimes.saw(f"sent: {'rollback ' if is_rollback else ''}{kind}")
        self.boundary.swarm.perhaps_begin(now)
        self._deliver(sent)
        return sent

    def _deliver(self, sent: Sent) -> None:
        swarm, agenda = self.boundary.swarm, self.boundary.agenda
        signed_at = agenda.now + (swarm.random.random() * 2 - 1) * swarm.skew
        url = response_url(sent.number, len(sent.urls), signed_at)
        sent.signed_at = sent.signed_at or float(int(signed_at))
        sent.signed_last_at = max(sent.signed_last_at, float(int(signed_at)))
        sent.urls.append(url)
        self.by_url[url] = sent
        sent.sent_at = agenda.now
        shown = {name: value for name, value in sent.properties.items() if name != "ServiceToken"}
        if "WaitConditionHandle" in shown:
            shown["WaitConditionHandle"] = shown["WaitConditionHandle"].partition("?")[0].rpartition("/")[2]
        again = f" again, delivery {len(sent.urls)}" if len(sent.urls) > 1 else ""
        direction = " in a rollback" if sent.is_rollback else ""
        text = f"{sent.kind} of {sent.stack.name}/{sent.resource.name} ({sent.physical_id}){direction}{again}: {shown}"
        self.boundary.timeline.note(sent.name, "CloudFormation", text)
        self.invoke(sent.event())
        agenda.after(sent.timeout, partial(self._time_out, sent, url))
        if len(sent.urls) < 3 and swarm.strikes("sent again", agenda.now):
            agenda.after(swarm.random.choice((2.0, 60.0, 700.0)), partial(self._send_again, sent))

    def _send_again(self, sent: Sent) -> None:
        if sent.over_at is None:
            self.boundary.struck(None, "sent again")
            self._deliver(sent)

    def _time_out(self, sent: Sent, url: str) -> None:
        if sent.over_at is None and sent.urls[-1] == url:
            self.boundary.timeline.note(sent.name, "CloudFormation", "no response in time")
            self.boundary.sometimes.saw("no response in time")
            self._end(sent, None)

    def give_up(self, sent: Sent) -> None:
        """CloudFormation does not wait for it any more: cancelled, or another resource failed."""
        if sent.over_at is None:
            sent.over_at = self.boundary.agenda.now
            self.boundary.timeline.note(sent.name, "CloudFormation", "does not wait any more")
            self.boundary.sometimes.saw("request cancelled")

    def _end(self, sent: Sent, outcome: Properties | None) -> None:
        sent.outcome, sent.over_at = outcome, self.boundary.agenda.now
        self.closed(sent)
        sent.then(sent)

    # What arrives ----------------------------------------------------------------------------

    def receive(self, caller: Invocation, url: str, body: bytes) -> bool:
        """Takes a PUT in; False where S3 answers 403, for a URL that has expired or behind an endpoint's policy."""
        if url in self.handles:
            return self._signal(caller, self.handles[url], body)
        sent = self.by_url.get(url)
        if sent is None:
            self.refused(caller, url)
            return False
        now = self.boundary.agenda.now
        if now > sent.sent_at + URL_LIVES:
            self.boundary.sometimes.saw("fault: 403 after expiry")
            sent.refused += 1
            return False
        response = json.loads(body)
        said = Said(now, response["Status"], response, url, caller)
        sent.responses.append(said)
        self.boundary.timeline.note(sent.name, caller.who, f"responds {said.status} {response.get('Reason', '')[:150]}")
        self.arrived(sent, said)
        if sent.over_at is None and url == sent.urls[-1] and len(body) <= 4096 and response["PhysicalResourceId"]:
            self.boundary.agenda.after(0.5, partial(self._count, sent, url, response))
        return True

    def _count(self, sent: Sent, url: str, response: Properties) -> None:
        if sent.over_at is None and url == sent.urls[-1]:
            self._end(sent, response)

    def new_handle(self, stack: str) -> str:
        """A handle of its own for one migration."""
        url = handle_url(stack, len(self.handles))
        self.handles[url] = Handle(url, "")
        return url

    def wait_for(self, url: str, then: Callable[[bool], None]) -> None:
        """A wait condition begins; `then` is told whether it succeeded."""
        handle, agenda = self.handles[url], self.boundary.agenda
        handle.armed_at, handle.then = agenda.now, then
        if handle.signal is not None:
            self._decide(handle)
        else:
            agenda.after(WAITS, partial(self._decide, handle))

    def _signal(self, caller: Invocation, handle: Handle, body: bytes) -> bool:
        signal = json.loads(body)
        now = self.boundary.agenda.now
        if self.boundary.swarm.strikes("handle refused", now):
            self.boundary.struck(caller, "handle refused")
            for each in self.requests:
                each.refused += each.handle == handle.url
            return False
        said = Said(now, signal["Status"], signal, handle.url, caller)
        first = handle.signal is None
        text = f"signals {said.status} {signal['Reason'][:150]}" + ("" if first else " (ignored, not the first)")
        self.boundary.timeline.note(caller.subject, caller.who, text)
        self.signalled(handle, said)
        if first and not handle.over:
            handle.signal = signal
            if handle.armed_at is not None:
                self.boundary.agenda.after(0.5, partial(self._decide, handle))
        return True

    def _decide(self, handle: Handle) -> None:
        if handle.over:
            return
        handle.over = True
        succeeded = handle.signal is not None and handle.signal["Status"] == "SUCCESS"
        self.boundary.sometimes.saw(
            f"wait condition: {'time-out' if handle.signal is None else handle.signal['Status']}"
        )
        if handle.signal is None:
            self.boundary.timeline.note(handle.owner, "CloudFormation", "the wait condition timed out")
            self.untold(handle)
        if handle.then:
            handle.then(succeeded)

    # The client ------------------------------------------------------------------------------

    def describe_stacks(self, **members: Any) -> dict[str, Any]:
        """DescribeStacks."""
        caller = self.boundary.invocation
        caller.seen["asked"] = True

        def carry_out() -> dict[str, Any]:
            stack = self.stacks.get(members["StackName"])
            if stack is None:
                raise client_error("ValidationError", "DescribeStacks", "does not exist")
            caller.seen["stack"] = stack.status
            return {"Stacks": [{"StackId": stack.stack_id, "StackName": stack.name, "StackStatus": stack.status}]}

        try:
            answer: dict[str, Any] = self.boundary.call("cloudformation", "cloudformation:DescribeStacks", carry_out)
        except Exception:
            if caller.request is not None:
                caller.request.unread_stack = True
            raise
        # Before that a claim asks for the stack, and tells nobody which way it goes.
        caller.seen["phase"] = was_struck_at(caller.struck, "cloudhsm") or "DescribeClusters" in caller.done
        return answer
