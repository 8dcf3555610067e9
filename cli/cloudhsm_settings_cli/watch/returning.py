"""What turning back costs now, and what cancelling the stack's update would do. Pure.

What a rollback would do is decided by the function's own `decide`, with the request that CloudFormation would send.
"""

from dataclasses import dataclass
from shlex import join

from cloudhsm_settings import cluster as states
from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.decisions import ModifyHsmType
from cloudhsm_settings.history import ROLLBACK_WINDOW, Memory, TypeChange
from cloudhsm_settings.properties import Settings
from cloudhsm_settings.reconcile import decide
from cloudhsm_settings.request import Former, Progress, Request, StackPhase
from cloudhsm_settings_cli.watch.observed import Observed


@dataclass(frozen=True)
class WayBack:
    """The way back to the former type."""

    hsm_type: str
    """The former type."""
    price: str
    """What it costs now, as a clause."""
    later: str = ""
    """What it will cost later, as a clause."""
    until: float | None = None
    """Until when CloudHSM allows it, seconds since the epoch; None where that is not known."""
    command: str = ""
    """What goes back without loss; empty where nothing does."""


_KEYS = "every key and user made since ACTIVE is lost"


def type_change(observed: Observed) -> TypeChange | None:
    """The last change of type that this resource made to this cluster."""
    change = Memory.from_json(observed.record.memory).type_change if observed.record else None
    return change if change and change.cluster_id == observed.cluster_id else None


def way_back(observed: Observed, now: float) -> WayBack | None:
    """How one can go back now; None where there is nothing to go back to, or where it is not known."""
    cluster, change = observed.cluster, type_change(observed)
    if cluster is None:
        return None
    former = _former_type(cluster, change)
    until = _until(cluster, change)
    if not former or (until is not None and now >= until):
        return None
    if cluster.state == states.MODIFY_IN_PROGRESS:
        return WayBack(
            former,
            "nothing is lost",
            "after ACTIVE every key and user made since",
            until,
            _command(observed, former, now),
        )
    if cluster.state == states.ACTIVE and until is not None:
        return WayBack(former, _KEYS, until=until)
    return None


def cancelling(observed: Observed, now: float) -> str:
    """What cancelling now would do, as a sentence; empty where nothing can be cancelled or told."""
    stack, cluster = observed.stack, observed.cluster
    if stack is None or not stack.in_progress:
        return ""
    if stack.status == "CREATE_IN_PROGRESS":
        return f"A creation cannot be cancelled. Deleting the stack ends the operation, and {_goes_on(cluster)}."
    if stack.rolls_back:
        return "The stack is rolling back already."
    if stack.status != "UPDATE_IN_PROGRESS":
        return "The stack has no update to cancel any more."
    return f"{_type_after_cancelling(observed, now)}; the stack ends UPDATE_ROLLBACK_COMPLETE."


def _type_after_cancelling(observed: Observed, now: float) -> str:
    cluster, change = observed.cluster, type_change(observed)
    if observed.record is None:
        return "The record was not read, so what becomes of the type is not known"
    if cluster is None or change is None or change.hsm_type != cluster.shown_type:
        return "The type stays as it is"
    if not _rollback_turns_back(observed, cluster, change, now):
        on = "CloudHSM goes on, the type stays" if cluster.state in states.TYPE_CHANGING else "The type stays"
        return f"{on} {cluster.shown_type} ({_on_rollback(observed)})"
    price = "nothing is lost" if cluster.state == states.MODIFY_IN_PROGRESS else _KEYS
    return f"CloudHSM goes back to {change.previous} ({_on_rollback(observed)}), {price}"


def _rollback_turns_back(observed: Observed, cluster: Cluster, change: TypeChange, now: float) -> bool:
    """Whether the rollback's request would call ModifyCluster with the former type."""
    on_rollback = _on_rollback(observed)
    request = Request(
        settings=Settings(cluster.cluster_id, hsm_type=change.previous),
        deadline=now + ROLLBACK_WINDOW,
        handle_deadline=now + ROLLBACK_WINDOW,
        former=Former(cluster.cluster_id, change.hsm_type, on_rollback=on_rollback),
        change=change,
        direction=StackPhase.ROLLING_BACK,
        phase=StackPhase.ROLLING_BACK,
        is_fresh=False,
    )
    asked = Progress(direction=StackPhase.ROLLING_BACK)
    return isinstance(decide(request, cluster, asked, now), ModifyHsmType)


def _on_rollback(observed: Observed) -> str:
    declared = observed.record.declared if observed.record else {}
    return "Revert" if declared.get("HsmTypeOnRollback") == "Revert" else "Keep"


def _former_type(cluster: Cluster, change: TypeChange | None) -> str:
    if change and change.hsm_type == cluster.hsm_type:
        return change.previous
    # Somebody else's change: the HSMs before their turn tell what it was.
    others = {hsm.hsm_type for hsm in cluster.lagging(cluster.hsm_type)}
    return others.pop() if len(others) == 1 else ""


def _until(cluster: Cluster, change: TypeChange | None) -> float | None:
    if cluster.rollback_expires_at is not None:
        return cluster.rollback_expires_at
    return change.at + ROLLBACK_WINDOW if change and change.hsm_type == cluster.hsm_type else None


def _command(observed: Observed, former: str, now: float) -> str:
    cluster, stack, change = observed.cluster, observed.stack, type_change(observed)
    region = ["--region", observed.region] if observed.region else []
    cancels = stack is not None and stack.status == "UPDATE_IN_PROGRESS" and cluster is not None and change is not None
    if stack and cluster and change and cancels and _rollback_turns_back(observed, cluster, change, now):
        return join(["aws", "cloudformation", "cancel-update-stack", "--stack-name", stack.name, *region])
    modify = ["aws", "cloudhsmv2", "modify-cluster", "--cluster-id", observed.cluster_id]
    return join([*modify, "--hsm-type", former, *region])


def _goes_on(cluster: Cluster | None) -> str:
    if cluster is not None and cluster.state in states.TYPE_CHANGING:
        return f"CloudHSM goes on to {cluster.hsm_type}"
    return "the cluster stays as it is"
