"""One stack: which phases it goes through, and which requests each of them sends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tests.simulation.cloudformation import CloudFormation
from tests.simulation.requests import Properties, Sent


@dataclass
class Resource:
    """One Custom::CloudHSMClusterSettings of a stack."""

    name: str
    deployed: Properties = field(default_factory=dict)
    """What CloudFormation takes for its properties."""
    physical_id: str | None = None
    attempted: Properties | None = None
    """Properties of the update that is under way, or that failed."""
    in_flight: Sent | None = None
    former: list[tuple[str, Properties]] = field(default_factory=list)
    """Ids that it was replaced from, each with its properties, until they are cleaned up."""


@dataclass
class Stack:
    """A stack and its resources. `idle` is called whenever it waits for its user."""

    name: str
    stack_id: str
    service: CloudFormation
    idle: Callable[["Stack"], None]
    resources: list[Resource] = field(default_factory=list)
    status: str = "REVIEW_IN_PROGRESS"
    express: bool = False
    """Without rollback."""
    epoch: int = 0
    pending: list[Resource] = field(default_factory=list)
    failed: bool = False

    # What users do -----------------------------------------------------------------------------

    def create(self, templates: dict[str, Properties]) -> None:
        """create-stack."""
        self.resources = [Resource(name) for name in templates]
        self._begin("CREATE_IN_PROGRESS", self.resources)
        for resource in self.resources:
            resource.attempted = templates[resource.name]
            self._send("Create", resource, templates[resource.name], then=self._forward)

    def update(self, templates: dict[str, Properties]) -> bool:
        """update-stack; False when there are no updates to be performed."""
        changed = [each for each in self.resources if each.deployed != templates[each.name]]
        if not changed:
            return False
        self._begin("UPDATE_IN_PROGRESS", changed)
        for resource in changed:
            resource.attempted = templates[resource.name]
            self._send("Update", resource, templates[resource.name], old=resource.deployed, then=self._forward)
        return True

    def interrupt(self, epoch: int, what: str) -> None:
        """Something else fails, or the user cancels, while the stack goes forward in the phase `epoch`."""
        if epoch == self.epoch and self.pending:
            self.service.boundary.sometimes.saw(f"stack: {what}")
            self._note(what)
            self._fail()

    def delete(self) -> None:
        """delete-stack, in any phase."""
        self._abandon()
        self._begin("DELETE_IN_PROGRESS", self.resources)
        self._soon(lambda: self._delete_each(self._deleted))

    def roll_back(self) -> None:
        """Rolls an update back, also one that has failed without rollback or whose rollback failed."""
        touched = [each for each in self.resources if each.attempted is not None]
        self._begin("UPDATE_ROLLBACK_IN_PROGRESS", touched)
        self._soon(lambda: self._turn_back(touched))

    def skip(self) -> None:
        """continue-update-rollback that skips the resources that failed."""
        for resource in self.resources:
            resource.attempted = None
        self._finish("UPDATE_ROLLBACK_COMPLETE")

    # Forward -----------------------------------------------------------------------------------

    def _forward(self, resource: Resource, epoch: int, sent: Sent) -> None:
        if epoch != self.epoch:
            return
        resource.in_flight = None
        response = sent.outcome
        if response is None or response["Status"] != "SUCCESS":
            if sent.kind == "Create":
                resource.physical_id = response["PhysicalResourceId"] if response else None
            self._fail()
            return
        if resource.physical_id not in (None, response["PhysicalResourceId"]):
            resource.former.append((str(resource.physical_id), resource.deployed))
        resource.physical_id = response["PhysicalResourceId"]
        handle = sent.handle
        if handle and self.service.handles[handle].owner == sent.name:
            self.service.wait_for(handle, partial(self._waited, resource, epoch))
        else:
            self._ready(resource)

    def _waited(self, resource: Resource, epoch: int, succeeded: bool) -> None:
        if epoch == self.epoch and succeeded:
            self._ready(resource)
        elif epoch == self.epoch:
            self._fail()

    def _ready(self, resource: Resource) -> None:
        self.pending.remove(resource)
        if self.pending:
            return
        for each in self.resources:
            each.deployed, each.attempted = each.attempted or each.deployed, None
        self._finish("UPDATE_COMPLETE" if self.status == "UPDATE_IN_PROGRESS" else "CREATE_COMPLETE")

    def _fail(self) -> None:
        creating = self.status == "CREATE_IN_PROGRESS"
        self._abandon()
        if self.express:
            if creating:
                for each in self.resources:
                    each.deployed = each.attempted or {}
            self._rest("CREATE_FAILED" if creating else "UPDATE_FAILED")
        elif creating:
            for each in self.resources:
                each.deployed, each.attempted = each.attempted or {}, None
            self._begin("ROLLBACK_IN_PROGRESS", self.resources)
            self._soon(lambda: self._delete_each(self._undone))
        else:
            self.roll_back()

    def _abandon(self) -> None:
        for each in self.resources:
            if each.in_flight is not None:
                self.service.give_up(each.in_flight)
                each.in_flight = None
            handle = (each.attempted or {}).get("WaitConditionHandle")
            if handle and self.service.handles[handle].armed_at is not None:
                self.service.handles[handle].over = True

    # Back and away -----------------------------------------------------------------------------

    def _turn_back(self, touched: list[Resource]) -> None:
        for resource in touched:
            attempted = resource.attempted or {}
            self._send("Update", resource, resource.deployed, old=attempted, then=self._back, is_rollback=True)
        if not touched:
            self._finish("UPDATE_ROLLBACK_COMPLETE")

    def _back(self, resource: Resource, epoch: int, sent: Sent) -> None:
        if epoch != self.epoch:
            return
        resource.in_flight = None
        response = sent.outcome
        self.pending.remove(resource)
        if response is None or response["Status"] != "SUCCESS":
            self.failed = True
        else:
            if response["PhysicalResourceId"] != resource.physical_id and resource.physical_id is not None:
                resource.former.append((resource.physical_id, resource.attempted or {}))
            resource.physical_id, resource.attempted = response["PhysicalResourceId"], None
        if not self.pending:
            self._rest("UPDATE_ROLLBACK_FAILED") if self.failed else self._finish("UPDATE_ROLLBACK_COMPLETE")

    def _finish(self, status: str) -> None:
        """Cleans up what was replaced, then rests as `status`."""
        # What it went back to lives on.
        former = [(each, old) for each in self.resources for old in each.former if old[0] != each.physical_id]
        for each in self.resources:
            each.former.clear()
        if not former or "UPDATE" not in status:
            self._rest(status)
            return
        self._begin(f"{status}_CLEANUP_IN_PROGRESS", [each for each, _ in former])
        for resource, (physical_id, properties) in former:
            then = partial(self._cleaned, status)
            self._send("Delete", resource, properties, then=then, physical_id=physical_id)

    def _cleaned(self, status: str, resource: Resource, epoch: int, _: Sent) -> None:
        if epoch == self.epoch:
            self.pending.remove(resource)
            if not self.pending:
                self._rest(status)

    def _delete_each(self, then: Callable[[Resource, int, Sent], None]) -> None:
        for resource in self.resources:
            physical_id = resource.physical_id or f"{self.name}-{resource.name}-{self.epoch:012}"
            if resource.physical_id is None:
                self.service.boundary.sometimes.saw("Delete with an id made up by CloudFormation")
            self._send("Delete", resource, resource.deployed, then=then, physical_id=physical_id)

    def _undone(self, resource: Resource, epoch: int, sent: Sent) -> None:
        self._gone(resource, epoch, sent, "ROLLBACK")

    def _deleted(self, resource: Resource, epoch: int, sent: Sent) -> None:
        self._gone(resource, epoch, sent, "DELETE")

    def _gone(self, resource: Resource, epoch: int, sent: Sent, what: str) -> None:
        if epoch != self.epoch:
            return
        resource.in_flight = None
        self.pending.remove(resource)
        if sent.outcome is not None and sent.outcome["Status"] == "SUCCESS":
            self.resources.remove(resource)
        if not self.pending:
            self._rest(f"{what}_FAILED" if self.resources else f"{what}_COMPLETE")

    # Details -----------------------------------------------------------------------------------

    def _soon(self, happen: Callable[[], None]) -> None:
        """CloudFormation takes some seconds from one phase to the next one's requests."""
        epoch, boundary = self.epoch, self.service.boundary
        pause = 2 + 4 * boundary.swarm.random.random()
        boundary.agenda.after(pause, lambda: happen() if epoch == self.epoch else None)

    def _send(
        self,
        kind: str,
        resource: Resource,
        properties: Properties,
        *,
        then: Callable[[Resource, int, Sent], None],
        old: Properties | None = None,
        physical_id: str | None = None,
        is_rollback: bool = False,
    ) -> None:
        sent = self.service.send(
            kind,
            self,
            resource,
            physical_id=physical_id or resource.physical_id,
            properties=properties,
            old=old,
            is_rollback=is_rollback,
            then=partial(then, resource, self.epoch),
        )
        if kind != "Delete":
            resource.in_flight = sent

    def _begin(self, status: str, pending: list[Resource]) -> None:
        self.status, self.pending, self.failed = status, list(pending), False
        self.epoch += 1
        self._note(status)

    def _rest(self, status: str) -> None:
        self._begin(status, [])
        self.service.boundary.sometimes.saw(f"stack: {status}")
        self.idle(self)

    def _note(self, what: str) -> None:
        self.service.boundary.timeline.note(self.name, "stack", what)
