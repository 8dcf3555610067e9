"""The rows of `sometimes` that must have a count in a run of the default size."""

from sandbox.cloudhsm import MigrationOutcome
from tests.simulation.swarm import DENIABLE, FAULTS, OUTAGES

_CALLS = (
    "CreateSchedule",
    "DeleteSchedule",
    "DescribeClusters",
    "DescribeStacks",
    "GetItem",
    "ModifyCluster",
    "PUT ResponseURL",
    "PUT handle",
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
EXPECTED: tuple[str, ...] = (
    *(f"fault: {name}" for name in FAULTS),
    *(f"fault: {service} down" for service in OUTAGES),
    *(f"fault: {permission} denied" for permission in DENIABLE),
    *(f"fault: no {member}" for member in ("HsmType", "Hsms.HsmType", "HsmTypeRollbackExpiration", "Retention.Type")),
    *("fault: read lags", "fault: an unreadable record"),
    *(f"killed {when} {call}" for when in ("before", "after") for call in _CALLS),
    *(f"stack: {status}" for status in _STACKS),
    *(f"metric: {outcome}" for outcome in _OUTCOMES),
    *(f"sent: {kind}" for kind in ("Create", "Update", "Delete", "rollback Update", "a handle that was used before")),
    *("response: Create SUCCESS", "response: Create FAILED", "response: Update SUCCESS", "response: Update FAILED"),
    *("response: Delete SUCCESS", "response: rollback Update SUCCESS", "signal: SUCCESS", "signal: FAILURE"),
    *("wait condition: SUCCESS", "wait condition: FAILURE", "request cancelled", "no response in time"),
    *("destination: RetriesExhausted", "condition failed", "schedule exists already", "schedule ended by itself"),
    *(f"others: {what}" for what in ("migrate", "revert", "add an HSM", "retention")),
    *(f"migration begun by a user: {end}" for end in MigrationOutcome),
    *("turned back by a rollback", "turned back by a rollback during the migration"),
    *("turned back by a user", "turned back by a user during the migration"),
    *("keys lost to a user, with consent", "keys lost to a rollback, with consent"),
    "retention set back after the rollback's response",
    "Delete with an id made up by CloudFormation",
)
