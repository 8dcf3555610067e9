"""What the cluster is like when each of events/*.json arrives, and what must come of it.

The rows are those of the table "What happens when" in docs/resource.md. Tests run
them all, and so does `make sam-local`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sandbox.cloudhsm import Fault, Fleet, MigrationOutcome, SandboxCluster
from sandbox.cloudhsm.model import ROLLBACK_WINDOW

EVENTS = Path(__file__).parent
CLUSTER_ID = "cluster-abcdefghijk"
HOUR = 3600
ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"


@dataclass(frozen=True)
class Situation:
    """One event and the world it meets."""

    event: str
    """Name of the file in events/, without its ending."""
    status: str
    says: str = ""
    """Part of the Reason of a FAILED response."""
    data: Mapping[str, str] = field(default_factory=dict)
    """Attributes that a SUCCESS response must have, among others."""
    modifies: tuple[str, ...] = ()
    """The member of each call of ModifyCluster, in order."""
    cluster: Mapping[str, Any] | None = field(default_factory=dict)
    """How the cluster is seeded; None where there is none."""
    migrated: float | None = None
    """Seconds ago that a migration from hsm1.medium to hsm2m.medium had begun."""
    by_this_resource: bool = False
    """Whether the update before, which this one undoes, has begun it."""
    stack_statuses: tuple[str, ...] = ()
    """What DescribeStacks answers in turn, the last one from then on; by default the one that fits the request."""
    faults: tuple[Fault, ...] = ()
    signal: str = ""
    """Status of the signal to the wait condition handle."""

    def __post_init__(self) -> None:
        if not self.stack_statuses:
            # The way to give a frozen value a default that depends on another.
            object.__setattr__(self, "stack_statuses", (f"{self.event.partition('-')[0].upper()}_IN_PROGRESS",))

    def load(self) -> dict[str, Any]:
        """The event."""
        event: dict[str, Any] = json.loads((EVENTS / f"{self.event}.json").read_text())
        return event

    def seed(self, fleet: Fleet) -> SandboxCluster | None:
        """Puts the cluster into the fleet."""
        if self.cluster is None:
            return None
        fleet.faults.extend(replace(each) for each in self.faults)
        cluster = fleet.seed(**{"cluster_id": CLUSTER_ID, **self.cluster})
        if self.migrated is not None:
            cluster.migrate("hsm2m.medium", fleet.clock.now() - self.migrated)
        return cluster


SITUATIONS = (
    Situation("create-invalid-properties", "FAILED", "Unknown property HsmTypes: did you mean HsmType?"),
    Situation("create-unknown-cluster", "FAILED", f"{CLUSTER_ID} does not exist in account", cluster=None),
    Situation("create-as-declared", "SUCCESS", data={"HsmType": "hsm1.medium", "State": "ACTIVE"}),
    Situation(
        "create-retention",
        "SUCCESS",
        data={"BackupRetentionPolicy.Value": "30", "PreviousHsmType": ""},
        modifies=("BackupRetentionPolicy",),
    ),
    Situation(
        "create-migration",
        "SUCCESS",
        data={"HsmType": "hsm2m.medium", "BackupRetentionPolicy.Value": "30", "PreviousHsmType": "hsm1.medium"},
        modifies=("BackupRetentionPolicy", "HsmType"),
    ),
    Situation("create-uninitialized", "FAILED", "Initialize and activate", cluster={"state": "UNINITIALIZED"}),
    Situation("create-in-transition", "SUCCESS", data={"HsmType": "hsm2m.medium"}, migrated=600),
    Situation(
        "create-long-in-transition",
        "SUCCESS",
        data={"State": "MODIFY_IN_PROGRESS"},
        cluster={"hsms": 3},
        migrated=600,
        signal="SUCCESS",
    ),
    Situation(
        "create-refused-once",
        "SUCCESS",
        data={"HsmType": "hsm2m.medium"},
        modifies=("HsmType", "HsmType"),
        faults=(Fault("ModifyCluster", "CloudHsmInvalidRequestException"),),
    ),
    Situation(
        "create-refused-twice",
        "FAILED",
        "was refused with CloudHsmInvalidRequestException",
        modifies=("HsmType", "HsmType"),
        faults=(Fault("ModifyCluster", "CloudHsmInvalidRequestException", 2),),
    ),
    Situation("create-wont-fit", "FAILED", "WaitConditionHandle: !Ref SettingsHandle1", cluster={"hsms": 3}),
    Situation(
        "create-long-migration",
        "SUCCESS",
        data={"State": "MODIFY_IN_PROGRESS"},
        modifies=("HsmType",),
        cluster={"hsms": 3},
        signal="SUCCESS",
    ),
    Situation(
        "create-reverted",
        "FAILED",
        "not hsm2m.medium: CloudHSM reverted the change, or somebody turned it back",
        modifies=("HsmType",),
        cluster={"outcome": MigrationOutcome.REVERT},
    ),
    Situation(
        "create-throttled",
        "SUCCESS",
        data={"BackupRetentionPolicy.Value": "30"},
        modifies=("BackupRetentionPolicy", "BackupRetentionPolicy"),
        faults=(Fault("ModifyCluster", "ThrottlingException"),),
    ),
    Situation(
        "create-access-denied",
        "FAILED",
        "AWS denied cloudhsm:ModifyCluster",
        modifies=("BackupRetentionPolicy",),
        faults=(Fault("ModifyCluster", "CloudHsmAccessDeniedException"),),
    ),
    Situation(
        "create-time-nearly-up",
        "FAILED",
        "the time is up, and still cluster-abcdefghijk is UPDATE_IN_PROGRESS",
        cluster={"state": "UPDATE_IN_PROGRESS"},
    ),
    Situation(
        "create-out-of-date",
        "FAILED",
        "so this request is out of date",
        cluster={"hsms": 3},
        stack_statuses=("ROLLBACK_IN_PROGRESS",),
        signal="FAILURE",
    ),
    Situation(
        "update-retention",
        "SUCCESS",
        data={"BackupRetentionPolicy.Value": "30"},
        modifies=("BackupRetentionPolicy",),
    ),
    Situation("update-migration", "SUCCESS", data={"HsmType": "hsm2m.medium"}, modifies=("HsmType",)),
    Situation(
        "update-drifted",
        "SUCCESS",
        data={"HsmType": "hsm2m.medium", "HsmTypeDrifted": "true", "BackupRetentionPolicy.Value": "30"},
        modifies=("BackupRetentionPolicy",),
        cluster={"hsm_type": "hsm2m.medium"},
    ),
    Situation(
        "update-stack-rollback-keep",
        "SUCCESS",
        data={"HsmType": "hsm2m.medium"},
        migrated=HOUR,
        stack_statuses=(ROLLING_BACK,),
    ),
    Situation(
        "update-stack-rollback-revert",
        "SUCCESS",
        data={"HsmType": "hsm1.medium", "HsmTypeDrifted": "false"},
        modifies=("HsmType",),
        migrated=HOUR,
        by_this_resource=True,
        stack_statuses=(ROLLING_BACK,),
    ),
    Situation(
        "update-stack-rollback-long",
        "SUCCESS",
        data={"HsmType": "hsm1.medium", "State": "ROLLBACK_IN_PROGRESS"},
        modifies=("HsmType",),
        cluster={"hsms": 3},
        migrated=2 * HOUR,
        by_this_resource=True,
        stack_statuses=(ROLLING_BACK,),
    ),
    Situation(
        "update-stack-rollback-withdrawn",
        "SUCCESS",
        data={"HsmType": "hsm2m.medium", "HsmTypeDrifted": "true"},
        migrated=HOUR,
        by_this_resource=True,
        stack_statuses=(ROLLING_BACK,),
    ),
    Situation(
        "update-stack-rollback-aligned",
        "SUCCESS",
        data={"HsmType": "hsm2m.medium", "HsmTypeDrifted": "true"},
        migrated=HOUR,
        stack_statuses=(ROLLING_BACK,),
    ),
    Situation(
        "update-stack-rollback-too-late",
        "SUCCESS",
        data={"HsmType": "hsm2m.medium", "HsmTypeDrifted": "true"},
        migrated=ROLLBACK_WINDOW + HOUR,
        by_this_resource=True,
        stack_statuses=(ROLLING_BACK,),
    ),
    Situation(
        "update-stack-rollback-retention",
        "SUCCESS",
        data={"HsmType": "hsm2m.medium", "State": "MODIFY_IN_PROGRESS", "BackupRetentionPolicy.Value": "30"},
        modifies=("BackupRetentionPolicy",),
        cluster={"hsms": 3, "retention": {"Type": "DAYS", "Value": "30"}},
        migrated=300,
        by_this_resource=True,
        stack_statuses=(ROLLING_BACK,),
    ),
    Situation(
        "update-stack-rollback-other-cluster",
        "SUCCESS",
        data={"ClusterId": CLUSTER_ID, "HsmType": "hsm2m.medium", "HsmTypeDrifted": "true"},
        cluster={"hsms": 3, "hsm_type": "hsm2m.medium"},
        stack_statuses=(ROLLING_BACK,),
    ),
    Situation(
        "update-stack-rollback-at-rest",
        "SUCCESS",
        data={"HsmType": "hsm2m.medium", "HsmTypeDrifted": "true"},
        migrated=HOUR,
        by_this_resource=True,
        stack_statuses=(ROLLING_BACK, "UPDATE_ROLLBACK_COMPLETE"),
    ),
    Situation("update-as-declared", "SUCCESS", data={"State": "MODIFY_IN_PROGRESS"}, cluster={"hsms": 5}, migrated=300),
    Situation("update-aligned", "SUCCESS", data={"HsmType": "hsm2m.medium"}, cluster={"hsm_type": "hsm2m.medium"}),
    Situation(
        "update-handle-used",
        "FAILED",
        "has waited for an earlier update and waits only once",
        signal="FAILURE",
    ),
    Situation(
        "update-asks-anew",
        "SUCCESS",
        data={"HsmType": "hsm1.medium"},
        modifies=("HsmType",),
        migrated=900,
        by_this_resource=True,
    ),
    Situation("update-turn-back-refused", "FAILED", "loses every key and user", migrated=HOUR),
    Situation(
        "update-turn-back-consented", "SUCCESS", data={"HsmType": "hsm1.medium"}, modifies=("HsmType",), migrated=HOUR
    ),
    Situation(
        "update-out-of-date-once-accepted",
        "SUCCESS",
        data={"State": "ROLLBACK_IN_PROGRESS", "BackupRetentionPolicy.Value": "90"},
        modifies=("HsmType",),
        cluster={"hsms": 3},
        migrated=600,
        stack_statuses=("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", ROLLING_BACK),
        signal="FAILURE",
    ),
    Situation(
        "update-other-cluster",
        "SUCCESS",
        data={"ClusterId": CLUSTER_ID, "BackupRetentionPolicy.Value": "30"},
        modifies=("BackupRetentionPolicy",),
    ),
    Situation("delete", "SUCCESS"),
    Situation("delete-id-never-issued", "SUCCESS", cluster=None),
    Situation("delete-replaced-cluster", "SUCCESS", cluster=None),
)
BY_EVENT = {each.event: each for each in SITUATIONS}
"""The situations by name of their event."""
