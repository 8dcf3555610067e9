"""The sentences people read at 3 a.m.: the cluster, what was seen, what to do next."""

from datetime import UTC, datetime

from cloudhsm_settings.cluster import AWAITING_A_PERSON, Cluster
from cloudhsm_settings.errors import Transient
from cloudhsm_settings.request import Request

_NO_FURTHER = "Nothing was changed."


def iso8601(moment: float | None) -> str:
    """ISO 8601 in UTC, to the second ("2026-11-23T09:00:00Z"); empty for None."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else ""


def hsm_progress(cluster: Cluster, hsm_type: str) -> str:
    """How far a migration is: "1 of 3 HSMs migrated"."""
    return f"{cluster.migrated(hsm_type)} of {len(cluster.live_hsms)} HSMs migrated"


def seen(cluster: Cluster) -> str:
    """State and StateMessage as CloudHSM gave them."""
    return f'{cluster.state} ("{cluster.state_message}")' if cluster.state_message else cluster.state


def not_found(request: Request, cluster: Cluster | None) -> str:
    """The cluster is unknown, DELETED or DELETE_IN_PROGRESS."""
    found = f"is {cluster.state}" if cluster else "does not exist"
    return (
        f"{request.cluster_id} {found} in account {request.account}, region {request.region}. "
        "Check ClusterId, and that the stack is in the cluster's own account and region."
    )


def not_ready(request: Request, cluster: Cluster) -> str:
    """A change of type needs ACTIVE, and this state does not get there by itself."""
    if cluster.state in AWAITING_A_PERSON:
        advice = "Initialize and activate the cluster, then update the stack again."
    else:
        advice = "Repair the cluster (delete and re-create its failed HSMs), then update the stack again."
    return (
        f"{request.cluster_id} is {seen(cluster)}, but its HSM type can only be changed to {request.settings.hsm_type} "
        f"while it is ACTIVE. {_NO_FURTHER} {advice}"
    )


def wont_fit(request: Request, cluster: Cluster, seconds_left: float) -> str:
    """The migration would outlast the wait; with the YAML that makes it fit."""
    hsms = cluster.yet_to_become(request.settings.hsm_type or "")
    name = request.logical_resource_id
    head = (
        f"{request.cluster_id} has {hsms} HSMs to migrate, about 30 minutes each ({hsms * 30} minutes), "
        f"but only {max(0, int(seconds_left // 60))} minutes are left to wait. {_NO_FURTHER} "
    )
    if request.settings.wait_condition_handle:
        return head + "Remove HSMs before the migration and add them again afterwards."
    return head + (
        f"Give {name} a wait condition, which waits up to 12 hours:\n"
        f"      WaitConditionHandle: !Ref {name}Handle1\n"
        f"  {name}Handle1: {{Type: AWS::CloudFormation::WaitConditionHandle}}\n"
        f"  {name}Migrated1:\n"
        f"    Type: AWS::CloudFormation::WaitCondition\n"
        f"    DependsOn: {name}\n"
        f'    Properties: {{Handle: !Ref {name}Handle1, Timeout: "43200"}}\n'
    )


def reverted(request: Request, cluster: Cluster) -> str:
    """CloudHSM went back to the original type, or never left it."""
    wanted = request.settings.hsm_type or ""
    return (
        f"{request.cluster_id} is {seen(cluster)} and {cluster.hsm_type} again: CloudHSM reverted the change to "
        f"{wanted} by itself ({hsm_progress(cluster, wanted)}). Check the prerequisites of a migration (client SDK "
        "5.9 or newer everywhere for seven days, 27 HSMs at most), then update the stack again."
    )


def third_type(request: Request, cluster: Cluster) -> str:
    """Somebody changed the type while this operation did."""
    return (
        f"{request.cluster_id} became {cluster.hsm_type} while it was being changed to {request.settings.hsm_type}: "
        "somebody else changed it too. Find the other change in CloudTrail (ModifyCluster) before you try again."
    )


def nobody_waits(request: Request) -> str:
    """The request is older than the stack's present operation."""
    return (
        f"{request.cluster_id} was left alone: the stack is being deleted or rolled back, so this request is out of "
        "date. Nothing needs to be done."
    )


def turn_back_needs_consent(request: Request, cluster: Cluster) -> str:
    """A user's wish to go back within the rollback window, without Revert."""
    return (
        f"{request.cluster_id} is {cluster.hsm_type}, and going back to {request.settings.hsm_type} loses every key "
        f"and user created since the migration. {_NO_FURTHER} If that is what you want, set HsmTypeOnRollback: Revert "
        f"in the same update, before {iso8601(cluster.rollback_expires_at)}."
    )


def window_closed(request: Request, cluster: Cluster) -> str:
    """A stack rollback with Revert after CloudHSM stopped allowing it."""
    until = iso8601(cluster.rollback_expires_at)
    ended = f"the time for going back ended at {until}" if until else "CloudHSM offers no way back"
    return (
        f"{request.cluster_id} stays {cluster.hsm_type}: {ended}, and its keys are safe as they are. "
        f"Set HsmType: {cluster.hsm_type} in the template, then continue the stack's update rollback, skipping "
        f"{request.logical_resource_id}."
    )


def time_is_up(request: Request, cluster: Cluster) -> str:
    """The deadline, with how far it got. The migration itself goes on."""
    wanted = request.settings.hsm_type
    far = f", {hsm_progress(cluster, wanted)}" if wanted else ""
    return (
        f"{request.cluster_id} is still {seen(cluster)}{far} at the end of the wait. CloudHSM goes on by itself and "
        "nothing is undone: wait until DescribeClusters shows ACTIVE, then update the stack again."
    )


def unreachable_at_deadline(request: Request, transient: Transient) -> str:
    """AWS did not answer until the deadline."""
    return (
        f"{request.cluster_id}: {transient.action} still failed with {transient.code} at the end of the wait, so the "
        "cluster's state is unknown. Look at it with DescribeClusters, then update the stack again."
    )


def unreachable(transient: Transient) -> str:
    """AWS did not answer; there is time left."""
    return f"{transient.action} failed with {transient.code}: looking again"


def in_transition(cluster: Cluster) -> str:
    """Somebody else's change is running."""
    return f"{cluster.cluster_id} is {cluster.state}: waiting until it has settled"


def migrating(request: Request, cluster: Cluster) -> str:
    """The change of this operation is running."""
    return f"{cluster.cluster_id} is {cluster.state}: {hsm_progress(cluster, request.settings.hsm_type or '')}"


def perhaps_stale(request: Request, cluster: Cluster) -> str:
    """ACTIVE with the original type, seen for the first time."""
    return f"{cluster.cluster_id} reads {cluster.hsm_type}, not yet {request.settings.hsm_type}: looking once more"


def retention_differs(request: Request, cluster: Cluster) -> str:
    """The managed backup retention is another one."""
    return (
        f"retention is {cluster.retention_value or 'not managed'}, declared is {request.settings.retention_days} days"
    )


def retention_not_shown_yet(request: Request, cluster: Cluster) -> str:
    """ModifyCluster took the policy, reads do not show it yet."""
    shown = cluster.retention_value or "not managed"
    return f"retention still reads {shown}, asked for {request.settings.retention_days} days"


def type_differs(request: Request, cluster: Cluster) -> str:
    """The template wants another type."""
    return f"type is {cluster.hsm_type}, declared is {request.settings.hsm_type}"


def read_stack(request: Request, cluster: Cluster) -> str:
    """Before any change of type."""
    return f"{type_differs(request, cluster)}: is the stack rolling back?"


def drifted(request: Request, cluster: Cluster) -> str:
    """The template did not change the type, the cluster's is another."""
    return (
        f"type is {cluster.hsm_type}, the template has long said {request.settings.hsm_type}: "
        "left alone, because a type only changes when a template changes it"
    )


def kept(request: Request, cluster: Cluster) -> str:
    """The stack rolls back, the cluster's type does not."""
    return f"stack rollback: type stays {cluster.hsm_type}, HsmTypeOnRollback is {request.settings.on_rollback}"
