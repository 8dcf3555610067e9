"""The rows of `sometimes` that must have a count in a run of the default size."""

import inspect
import re
from itertools import product
from pathlib import Path

import cloudhsm_settings
from cloudhsm_settings import reasons
from sandbox.cloudhsm import MigrationOutcome
from tests.simulation.swarm import DENIABLE, FAULTS, OPTIONAL, OUTAGES

_PARTS = ("iso8601", "hsm_progress", "seen")
SENTENCES = tuple(
    name
    for name, each in inspect.getmembers(reasons, inspect.isfunction)
    if each.__module__ == reasons.__name__ and not name.startswith("_") and name not in _PARTS
)
"""Every Reason and every clause, by the function that makes it."""
_BY_DEFECT = ("crhelper failed", "unexpected")
"""Messages that only a defect can cause."""
_NOT_PLAYED = ("drift_check.py",)
_LOGGING = re.compile(r'\b(?:logger\.\w+|level|warn|error)\(\s*"([^"]+)"')


def _messages() -> list[str]:
    """Every message that the function can log, as its source says them."""
    package = Path(cloudhsm_settings.__file__).parent
    sources = [each.read_text() for each in sorted(package.rglob("*.py")) if each.name not in _NOT_PLAYED]
    found = {message for source in sources for message in _LOGGING.findall(source)}
    return sorted(found - set(_BY_DEFECT))


_CALLS = (
    "CreateSchedule",
    "DeleteSchedule",
    "DescribeClusters",
    "DescribeStacks",
    "GetItem",
    "ModifyCluster",
    "PUT ResponseURL",
    "PUT handle",
    "Query",
    "UpdateItem",
)
_STACKS = (
    *("CREATE_COMPLETE", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"),
    *("UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"),
    *("DELETE_COMPLETE", "DELETE_FAILED", "another resource fails", "the user cancels"),
)
_OUTCOMES = (
    *("Conflicting", "Deleted", "Drifted", "HandleUsed", "InternalFailure", "InvalidProperties"),
    *("InvalidRequest", "NotFound", "NotReady", "NotStabilized", "Reverted", "Succeeded", "TurnBackRefused", "WontFit"),
    *("AccessDenied", "Contested"),
)
_SERVICES = {
    "table": ("GetItem", "Query", "UpdateItem"),
    "scheduler": ("CreateSchedule", "DeleteSchedule"),
    "cloudformation": ("DescribeStacks",),
    "cloudhsm": ("DescribeClusters", "ModifyCluster"),
    "transport": ("PUT ResponseURL", "PUT handle"),
}
_ELSEWHERE = {
    "scheduler conflict at CreateSchedule",
    "cloudhsm empty at ModifyCluster",
    "cloudhsm odd at ModifyCluster",
}
"""Faults of one call of their service alone."""


def _at_each_call() -> list[str]:
    faults = [*FAULTS, *(f"{service} down" for service in OUTAGES)]
    by_service = ((fault, calls) for fault in faults if (calls := _SERVICES.get(fault.partition(" ")[0])))
    rows = [f"{fault} at {call}" for fault, calls in by_service for call in calls]
    return [row for row in rows if row not in _ELSEWHERE]


EXPECTED: tuple[str, ...] = (
    *(f"fault: {name}" for name in FAULTS),
    *(f"fault: {service} down" for service in OUTAGES),
    *(f"fault: {permission} denied" for permission in DENIABLE),
    *(f"fault: no {member}" for member in OPTIONAL),
    *("fault: read lags", "fault: an unreadable record", "fault: 403 after expiry"),
    *(f"killed {when} {call}" for when, call in product(("before", "after"), _CALLS)),
    *_at_each_call(),
    *(f"sentence: {name}" for name in SENTENCES),
    *(f"log: {message}" for message in _messages()),
    *(f"stack: {status}" for status in _STACKS),
    *(f"metric: {outcome}" for outcome in _OUTCOMES),
    *(f"sent: {kind}" for kind in ("Create", "Update", "Delete", "rollback Update", "a handle that was used before")),
    *("response: Create SUCCESS", "response: Create FAILED", "response: Update SUCCESS", "response: Update FAILED"),
    *("response: Delete SUCCESS", "response: rollback Update SUCCESS", "signal: SUCCESS", "signal: FAILURE"),
    *("wait condition: SUCCESS", "wait condition: FAILURE", "request cancelled", "no response in time"),
    *(
        "destination: RetriesExhausted",
        "destination: EventAgeExceeded",
        "condition failed",
        "schedule exists already",
    ),
    *(f"others: {what}" for what in ("migrate", "revert", "add an HSM", "retention", "AWS moves it")),
    *(f"migration begun by a user: {end}" for end in MigrationOutcome),
    *("turned back by a rollback", "turned back by a rollback during the migration"),
    *("turned back by a user", "turned back by a user during the migration"),
    *("keys lost to a user, with consent", "keys lost to a rollback, with consent"),
    "retention set back after the rollback's response",
    "Delete with an id made up by CloudFormation",
)
