"""Whether an operation has ended, and as what. Pure."""

from dataclasses import dataclass

from cloudhsm_settings import cluster as states
from cloudhsm_settings.cluster import generation
from cloudhsm_settings.custom_resource.operation import LEEWAY
from cloudhsm_settings_cli.exits import Exit
from cloudhsm_settings_cli.watch.observed import Observed, StackEvent
from cloudhsm_settings_cli.watch.returning import type_change

GOOD = ("", "Succeeded", "Deleted")
"""Outcomes of a record that are no failure; empty where there is no record."""


@dataclass(frozen=True)
class Ended:
    """The end of an operation; `what` and `why` are clauses."""

    code: Exit
    what: str
    why: str = ""


def ended(observed: Observed, now: float) -> Ended | None:
    """How the present or last operation ended; None while it goes on."""
    if _goes_on(observed, now):
        return None
    code, what = _verdict(observed)
    return Ended(code, what, "" if code is Exit.DONE else _why(observed))


def _goes_on(observed: Observed, now: float) -> bool:
    if observed.stack is not None and observed.stack.in_progress:
        return True
    record = observed.record
    if record is not None:
        return not record.ended and now <= max(record.deadline, record.handle_deadline) + LEEWAY
    cluster = observed.cluster
    return observed.stack is None and cluster is not None and cluster.state in states.TYPE_CHANGING


def _verdict(observed: Observed) -> tuple[Exit, str]:
    stack, record = observed.stack, observed.record
    outcome = record.outcome if record else ""
    shown = stack.status if stack else outcome or (observed.cluster.state if observed.cluster else "gone")
    if record is not None and not record.ended:
        return Exit.FAILED, f"{shown}, and the provider never ended its operation"
    is_good = outcome in GOOD and not (stack and (stack.rolls_back or stack.status.endswith("FAILED")))
    if outcome == "Reverted" or (not is_good and _has_former_type(observed)) or _was_turned_back(observed):
        return Exit.REVERTED, f"{shown}, with the former type"
    return (Exit.DONE if is_good else Exit.FAILED), shown


def _has_former_type(observed: Observed) -> bool:
    """Whether the cluster is of the type from before a change that was begun in this operation."""
    change, cluster, began_at = type_change(observed), observed.cluster, _began_at(observed)
    if change is None or cluster is None or (began_at is not None and change.at < began_at):
        return False
    # The way back that a stack rollback asks for is a change itself.
    turned_back = generation(change.hsm_type) < generation(change.previous)
    return cluster.shown_type == (change.hsm_type if turned_back else change.previous)


def _was_turned_back(observed: Observed) -> bool:
    """Whether a cluster of which there is no record was seen to go back, and nobody says that this was the aim."""
    says = observed.record is not None or observed.stack is not None
    return not says and any(each.state == states.ROLLBACK_IN_PROGRESS for each in observed.sightings)


def _began_at(observed: Observed) -> float | None:
    return observed.stack.events[0].at if observed.stack and observed.stack.events else None


def _why(observed: Observed) -> str:
    """The reason of the first failure, as CloudFormation shows it."""
    events: tuple[StackEvent, ...] = observed.stack.events if observed.stack else ()
    failed = [each for each in events if each.status.endswith("FAILED") and each.reason]
    named = [each for each in failed if each.logical_id == observed.logical_id] or failed
    if named:
        return f"{named[0].logical_id}: {named[0].reason}"
    return observed.record.response.reason if observed.record and observed.record.response else ""
