"""The ways that a change can go. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.cloudhsm import MigrationOutcome
from sandbox.rehearse.template import Shape

Choice = Literal["Keep", "Revert"]


@dataclass(frozen=True)
class Scenario:
    """One way; a change is an update of a stack that is as it was before, unless it `creates` the stack."""

    name: str
    cluster: Mapping[str, Any] = field(default_factory=dict)
    """Members of `SandboxCluster` that make it go this way."""
    creates: bool = False
    on_rollback: Choice | None = None
    """Instead of the declared HsmTypeOnRollback."""
    throttles: bool = False
    """Whether CloudHSM throttles at first."""
    neighbour_fails: bool = False
    interrupted_by: Literal["", "cancel-update-stack", "delete-stack"] = ""
    """What a person does once half of the HSMs have changed."""

    @property
    def promised_status(self) -> str:
        """Where the stack comes to rest, as the product promises it."""
        if self.interrupted_by == "delete-stack":
            return "DELETE_COMPLETE"
        if self.creates:
            return "CREATE_COMPLETE"
        goes_well = not (self.cluster or self.neighbour_fails or self.interrupted_by)
        return "UPDATE_COMPLETE" if goes_well else "UPDATE_ROLLBACK_COMPLETE"

    @property
    def may_cost_keys(self) -> bool:
        """Whether the template has offered them: a way back after the cluster became ACTIVE."""
        return self.neighbour_fails and self.on_rollback == "Revert"


def scenarios(shape: Shape, *, changes_type: bool) -> tuple[Scenario, ...]:
    """All ways of a template's change; without a change of type there are few."""
    both: tuple[Choice, ...] = ("Keep", "Revert")
    always = (
        Scenario("success"),
        Scenario("success, stack created", creates=True),
        Scenario("throttled", throttles=True),
    )
    if not changes_type:
        return (*always, Scenario("neighbour fails", neighbour_fails=True))
    reverted = (
        Scenario(
            f"CloudHSM reverts after {done} of {shape.hsms}",
            {"outcome": MigrationOutcome.REVERT, "reverts_after": done},
        )
        for done in range(shape.hsms)
    )
    return (
        *always,
        *reverted,
        Scenario("CloudHSM hangs", {"outcome": MigrationOutcome.HANG}),
        *(Scenario(f"neighbour fails, {each}", neighbour_fails=True, on_rollback=each) for each in both),
        *(Scenario(f"cancelled, {each}", interrupted_by="cancel-update-stack", on_rollback=each) for each in both),
        Scenario("deleted during creation", creates=True, interrupted_by="delete-stack"),
    )
