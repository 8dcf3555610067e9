"""What delivers: responses to CloudFormation and signals to wait conditions, over a network that errs."""

from collections.abc import Callable
from dataclasses import dataclass

from cloudhsm_settings.custom_resource.errors import Transient
from tests.simulation.boundary import Boundary, Invocation


@dataclass
class Transport:
    """The `deliver` seam of the provider and of the responder."""

    boundary: Boundary
    receive: Callable[[Invocation, str, bytes], bool]
    """Takes a body in at a URL; False once the URL has expired."""

    def deliver(self, url: str, body: bytes, seconds_left: float, *, what: str) -> bool:
        """PUTs `body`: True when it arrived, False when it was refused for good."""
        boundary = self.boundary
        boundary.calls += 1
        caller, now = boundary.invocation, boundary.agenda.now
        if caller.request is not None:
            caller.request.told_at = caller.request.told_at or now
        action = f"PUT {what.rsplit(maxsplit=1)[-1]}"
        boundary.wait(caller)
        boundary.may_kill(caller, "before", action)
        if boundary.swarm.is_down("transport", now):
            boundary.struck(caller, "transport down", at=action)
            boundary.wait(caller, min(20.0, max(0.0, seconds_left)))
            raise Transient(f"PUT to {what}", "URLError")
        if boundary.swarm.strikes("transport failed", now):
            boundary.struck(caller, "transport failed", at=action)
            boundary.wait(caller, min(5.0, max(0.0, seconds_left)))
            raise Transient(f"PUT to {what}", "HTTP 503")
        if boundary.swarm.strikes("transport timed out", now):
            boundary.struck(caller, "transport timed out", at=action)
            boundary.wait(caller, min(20.0, max(0.0, seconds_left)))
            raise Transient(f"PUT to {what}", "TimeoutError")
        taken = self.receive(caller, url, body)
        boundary.may_kill(caller, "after", action)
        if taken and boundary.swarm.strikes("transport lost", now):
            boundary.struck(caller, "transport lost", at=action)
            boundary.wait(caller, min(10.0, max(0.0, seconds_left)))
            raise Transient(f"PUT to {what}", "TimeoutError")
        return taken
