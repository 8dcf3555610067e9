"""The users: what their templates declare, and what they do with their stacks."""

from dataclasses import dataclass, field
from functools import partial
from random import Random

from tests.simulation.cloudformation import CloudFormation
from tests.simulation.cloudhsm import NEW, OLD, OTHER, OUTCOMES, CloudHsm
from tests.simulation.requests import FUNCTION, Properties
from tests.simulation.stacks import Stack

PAUSES = (60, 600, 3600, 6 * 3600, 30 * 3600)
TIMEOUTS = (*[None] * 16, *["3600", "1800", "600"] * 2, "300", "60", "1")
UNKNOWN = "cluster-unknown2345"
RETENTIONS = ("30", "90", "200")
MIGRATES = 0.4
"""How many of the updates ask for a type that their cluster can become in time: most others are refused."""


@dataclass
class Users:
    """Everyone who deploys stacks in one world."""

    random: Random
    service: CloudFormation
    cloudhsm: CloudHsm
    clusters: list[str]
    budget: int
    """Requests after which everybody tidies up."""
    names: int = 0
    gone: set[str] = field(default_factory=set)

    def begin(self, stacks: int) -> None:
        """Lets `stacks` stacks begin their lives."""
        for _ in range(stacks):
            self.service.boundary.agenda.after(self.random.random() * 3600, self._new_stack)

    def _new_stack(self) -> None:
        self.names += 1
        name, number = f"stack{self.names}", self.names
        stack_id = (
            f"arn:aws:cloudformation:us-east-1:111122223333:stack/{name}/{number:08x}-1111-2222-3333-444455556666"
        )
        stack = Stack(name, stack_id, self.service, self._idle, express=self.random.random() < 0.15)
        self.service.stacks[stack_id] = stack
        resources = ["Settings"] if self.random.random() < 0.7 else ["Settings", "Other"]
        stack.create({each: self._declared(stack) for each in resources})
        self._perhaps_interrupt(stack)

    def _idle(self, stack: Stack) -> None:
        agenda = self.service.boundary.agenda
        finishing = len(self.service.requests) >= self.budget
        # Of what failed some take care at once, and some after a way back has been closed.
        pauses = (60, PAUSES[-1]) if stack.status.endswith("FAILED") else PAUSES
        pause = 5 if finishing else self.random.choice(pauses) * (0.5 + self.random.random())
        agenda.after(pause, partial(self._act, stack, stack.epoch))

    def _act(self, stack: Stack, epoch: int) -> None:
        if epoch != stack.epoch:
            return
        if len(self.service.requests) >= self.budget:
            if stack.status not in ("DELETE_COMPLETE", "ROLLBACK_COMPLETE"):
                stack.delete()
            return
        for cluster_id in self.clusters:
            cluster = self.cloudhsm.fleet.clusters[cluster_id]
            cluster.outcome = self.random.choice(OUTCOMES)
        match stack.status:
            case "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE":
                self._update(stack) if self.random.random() < 0.9 else stack.delete()
            case "UPDATE_FAILED":
                stack.roll_back()
            case "UPDATE_ROLLBACK_FAILED":
                self.random.choice((stack.roll_back, stack.roll_back, stack.skip, stack.delete))()
            case "DELETE_COMPLETE" | "ROLLBACK_COMPLETE":
                self._new_stack()
            case _:
                stack.delete()

    def _update(self, stack: Stack) -> None:
        templates = {each.name: self._changed(stack, each.deployed) for each in stack.resources}
        migrates = self.random.random() < MIGRATES and self._migrate(templates)
        if stack.update(templates):
            self._perhaps_interrupt(stack, more_often=migrates)
        else:
            self._idle(stack)

    def _migrate(self, templates: dict[str, Properties]) -> bool:
        """Lets a template ask for what its cluster can become; what a change costs, its rollback decides."""
        properties = templates[self.random.choice(sorted(templates))]
        cluster = self.cloudhsm.fleet.clusters.get(properties["ClusterId"])
        other = {OLD: NEW, NEW: OTHER, OTHER: NEW}.get(cluster.hsm_type if cluster else "")
        if other is None:
            return False
        properties.update(HsmType=other, HsmTypeOnRollback=self.random.choice(("Keep", "Revert", "Revert")))
        for name in ("HsmTypes", "ServiceTimeout", "WaitConditionHandle"):
            properties.pop(name, None)
        if self.random.random() < 0.5:
            properties["WaitConditionHandle"] = self.service.new_handle("handles")
        return True

    def _perhaps_interrupt(self, stack: Stack, *, more_often: bool = False) -> None:
        """Another resource fails, the user cancels, or deletes the stack in the midst of it."""
        chance, agenda, epoch = self.random.random(), self.service.boundary.agenda, stack.epoch
        when = self.random.choice((0.2, 2, 30, 300, 2400)) * (0.5 + self.random.random())
        if more_often:
            chance /= 3
        if chance < 0.12:
            agenda.after(when, partial(stack.interrupt, epoch, "another resource fails"))
        elif chance < 0.2:
            agenda.after(when, partial(stack.interrupt, epoch, "the user cancels"))
        elif chance < 0.23:
            agenda.after(when, lambda: stack.delete() if stack.epoch == epoch and stack.pending else None)

    # Templates ---------------------------------------------------------------------------------

    def _declared(self, stack: Stack) -> Properties:
        random = self.random
        properties: Properties = {"ServiceToken": FUNCTION, "ClusterId": random.choice(self.clusters)}
        if random.random() < 0.03:
            properties["ClusterId"] = UNKNOWN
        if random.random() < 0.8:
            properties["HsmType"] = random.choice((OLD, OLD, NEW, NEW, NEW, NEW, OTHER))
        if random.random() < 0.6 or "HsmType" not in properties:
            properties["BackupRetentionPolicy"] = {"Type": "DAYS", "Value": random.choice(RETENTIONS)}
        if random.random() < 0.4:
            properties["HsmTypeOnRollback"] = random.choice(("Keep", "Revert", "Revert"))
        if random.random() < 0.4:
            properties["WaitConditionHandle"] = self.service.new_handle(stack.name)
        if timeout := random.choice(TIMEOUTS):
            properties["ServiceTimeout"] = timeout
        if random.random() < 0.02:
            properties["HsmTypes"] = NEW
        return properties

    def _changed(self, stack: Stack, deployed: Properties) -> Properties:
        random, properties = self.random, dict(deployed)
        properties.pop("HsmTypes", None)
        for _ in range(random.choice((1, 1, 2))):
            self._change(random.choice(CHANGES), properties)
        had_handle = "WaitConditionHandle" in properties
        if had_handle and random.random() < 0.8:
            # A wait condition waits once: the user counts its names up.
            properties["WaitConditionHandle"] = self.service.new_handle(stack.name)
        elif had_handle:
            self.service.boundary.sometimes.saw("sent: a handle that was used before")
        return properties

    def _change(self, what: str, properties: Properties) -> None:
        random = self.random
        match what:
            case "HsmType":
                properties["HsmType"] = random.choice((OLD, OLD, NEW, NEW, OTHER))
            case "back":
                properties.update(HsmType=OLD, HsmTypeOnRollback="Revert")
            case "retention":
                properties["BackupRetentionPolicy"] = {"Type": "DAYS", "Value": random.choice(RETENTIONS)}
            case "consent":
                properties["HsmTypeOnRollback"] = random.choice(("Keep", "Revert"))
            case "cluster":
                properties["ClusterId"] = random.choice((*self.clusters, *self.clusters, UNKNOWN))
            case "handle":
                if properties.pop("WaitConditionHandle", None) is None:
                    properties["WaitConditionHandle"] = self.service.new_handle("handles")
            case "invalid":
                properties["HsmTypes"] = NEW


CHANGES = (
    *("HsmType", "HsmType", "HsmType", "back", "retention", "retention", "consent", "cluster", "handle") * 4,
    "invalid",
)
