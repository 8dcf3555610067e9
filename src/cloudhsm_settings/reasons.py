"""The sentences people read at 3 a.m.: the cluster, what was seen, what to do next.

Functions of the first half make whole Reasons. Those of the second half make clauses: what a poll waits for, or why
something was decided. A clause stands in the log, and in the Reason of an operation whose time is up.
"""

from datetime import UTC, datetime

from cloudhsm_settings.cluster import AWAITING_A_PERSON, SETTLED, Cluster, generation
from cloudhsm_settings.errors import Transient
from cloudhsm_settings.request import Request

_UNTOUCHED = "Nothing was changed."


def iso8601(moment: float | None) -> str:
    """ISO 8601 in UTC, to the second ("2026-11-23T09:00:00Z"); empty for None."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else ""


def hsm_progress(cluster: Cluster, hsm_type: str) -> str:
    """How far a change of type is: "1 of 3 HSMs are hsm2m.medium"."""
    return f"{cluster.migrated(hsm_type)} of {len(cluster.live_hsms)} HSMs are {hsm_type}"


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
        advice = "Initialize and activate the cluster, then deploy again."
    else:
        advice = "Repair the cluster (delete and re-create its failed HSMs), then deploy again."
    return (
        f"{request.cluster_id} is {seen(cluster)}, but its HSM type can only be changed to {request.settings.hsm_type} "
        f"while it is ACTIVE. {_UNTOUCHED} {advice}"
    )


def wont_fit(request: Request, cluster: Cluster, seconds_left: float) -> str:
    """The migration would outlast the wait; with the YAML that makes it fit."""
    hsms = max(cluster.yet_to_become(request.settings.hsm_type or ""), 1)
    name = request.logical_resource_id
    head = (
        f"{request.cluster_id} has {hsms} HSMs to change, about 30 minutes each ({hsms * 30} minutes "
        f"and a poll), but only {max(0, int(seconds_left // 60))} minutes are left to wait. {_UNTOUCHED} "
    )
    if request.handle:
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


def handle_used(request: Request, cluster: Cluster) -> str:
    """A wait condition waits once, and this handle is the one of the update before."""
    return (
        f"{request.cluster_id} has to be changed from {cluster.shown_type} to {request.settings.hsm_type}, but the "
        f"wait condition of {request.logical_resource_id} has waited for an earlier update and waits only once. "
        f"{_UNTOUCHED} Give handle and wait condition new logical ids (...Handle2, ...Migrated2), then deploy again."
    )


def reverted(request: Request, cluster: Cluster) -> str:
    """The cluster went back to the original type, or never left it."""
    wanted = request.settings.hsm_type or ""
    return (
        f"{request.cluster_id} is {seen(cluster)} and {cluster.shown_type} again, not {wanted}: CloudHSM reverted the "
        "change, or somebody turned it back. Look for a ModifyCluster in CloudTrail; without one check the "
        "prerequisites of a migration (client SDK 5.9 or newer everywhere for seven days, 27 HSMs at most), then "
        "deploy again."
    )


def third_type(request: Request, cluster: Cluster) -> str:
    """Somebody changed the type while this operation did."""
    return (
        f"{request.cluster_id} became {cluster.shown_type} while it was being changed to {request.settings.hsm_type}: "
        "somebody else changed it too. Find the other change in CloudTrail (ModifyCluster) before you deploy again."
    )


def nobody_waits(request: Request) -> str:
    """The request is older than the stack's present operation."""
    return (
        f"{request.cluster_id} was left alone: the stack rolls back, is at rest or being deleted, or has waited too "
        "long, so this request is out of date. Nothing needs to be done."
    )


def turn_back_needs_consent(request: Request, cluster: Cluster, now: float) -> str:
    """A user's wish to go back, without Revert: what is known of its price, and nothing else."""
    wanted, until = request.settings.hsm_type, cluster.rollback_expires_at
    if until is None and generation(wanted or "") == generation(cluster.shown_type):
        price = f"would be a rollback if the cluster was {wanted} within the last day, which CloudHSM does not show"
    elif until is None:
        price = "would be a rollback, which loses every key and user made since the migration has ended"
    elif now < until:
        price = (
            f"is a rollback until {iso8601(until)}; it loses every key and user made since the cluster became ACTIVE "
            "after its migration"
        )
    else:
        price = f"is a rollback, which CloudHSM allowed until {iso8601(until)}"
    return (
        f"{request.cluster_id} is {cluster.shown_type}, and {wanted} {price}. {_UNTOUCHED} If that is what you want, "
        f"set HsmTypeOnRollback: Revert in the same update; otherwise declare HsmType: {cluster.shown_type}."
    )


def too_late_to_turn_back(request: Request, cluster: Cluster) -> str:
    """A user's wish to go back, with Revert, after CloudHSM stopped allowing it."""
    return (
        f"{request.cluster_id} stays {cluster.shown_type}: CloudHSM allowed the way back to "
        f"{request.settings.hsm_type} until {iso8601(cluster.rollback_expires_at)}. {_UNTOUCHED} "
        f"Declare HsmType: {cluster.shown_type}."
    )


def time_is_up(request: Request, cluster: Cluster | None, waited_for: str) -> str:
    """The deadline, with what was waited for. A change that runs goes on."""
    if cluster is not None and cluster.state not in SETTLED:
        advice = "CloudHSM goes on by itself and nothing is undone: wait until DescribeClusters shows ACTIVE"
    else:
        advice = "Nothing is undone: look at the cluster with DescribeClusters, and at the provider's log"
    return f"{request.cluster_id}: the time is up, and still {waited_for}. {advice}, then deploy again."


def begun_too_late(request: Request, cluster: Cluster, hindrance: str) -> str:
    """The migration would have fitted, had nothing hindered it."""
    return (
        f"{request.cluster_id}: the change of {cluster.shown_type} to {request.settings.hsm_type} could not begin in "
        f"time, because {hindrance}. Nothing was changed: deploy again once that is over."
    )


def unreachable(transient: Transient) -> str:
    """AWS did not answer."""
    return f"{transient.action} fails with {transient.code}"


def not_listed(request: Request) -> str:
    """An empty list: it may be odd, or true."""
    return f"DescribeClusters does not list {request.cluster_id}"


def no_type_shown(cluster: Cluster) -> str:
    """Neither the cluster nor its HSMs report a type."""
    return f"{cluster.cluster_id} reports no HSM type"


def perhaps_overtaken(request: Request) -> str:
    """A rollback that is about to undo a change waits for one more poll."""
    return f"{request.cluster_id} is set back at the next poll, unless another request comes before it"


def in_transition(cluster: Cluster) -> str:
    """Somebody else's change is running."""
    return f"{cluster.cluster_id} is {seen(cluster)}, which takes no other change"


def migrating(request: Request, cluster: Cluster) -> str:
    """The change of type is running, or one HSM lags behind."""
    wanted = request.settings.hsm_type or ""
    lagging = cluster.lagging(wanted)
    if cluster.state in SETTLED and len(lagging) == 1:
        return f"{cluster.cluster_id} is {seen(cluster)}, but its HSM {lagging[0].hsm_id} is {lagging[0].hsm_type}"
    return f"{cluster.cluster_id} is {seen(cluster)}: {hsm_progress(cluster, wanted)}"


def perhaps_stale(request: Request, cluster: Cluster) -> str:
    """ACTIVE with another type than was asked for, not yet for long."""
    return f"{cluster.cluster_id} reads {cluster.shown_type} and not {request.settings.hsm_type}"


def retention_differs(request: Request, cluster: Cluster) -> str:
    """The managed backup retention is another one."""
    shown = cluster.retention_value or "not managed"
    return f"the retention of {cluster.cluster_id} is {shown}, declared are {request.settings.retention_days} days"


def retention_not_shown_yet(request: Request, cluster: Cluster) -> str:
    """ModifyCluster took the policy; reads do not show it, or show what somebody else has set since."""
    shown = cluster.retention_value or "not managed"
    asked = request.settings.retention_days
    return f"the retention of {cluster.cluster_id} reads {shown}, although {asked} days were set (by this operation)"


def type_differs(request: Request, cluster: Cluster) -> str:
    """The template wants another type."""
    return f"the type of {cluster.cluster_id} is {cluster.shown_type}, declared is {request.settings.hsm_type}"


def read_stack(request: Request, cluster: Cluster) -> str:
    """Before any change of type."""
    return f"{type_differs(request, cluster)}: is the stack rolling back?"


def drifted(request: Request, cluster: Cluster) -> str:
    """The template did not change the type, the cluster's is another."""
    return (
        f"type is {cluster.shown_type or 'not shown'}, the template says {request.settings.hsm_type} as before: "
        "left alone, because a type only changes when a template changes it"
    )


def kept(request: Request, cluster: Cluster, why: str) -> str:
    """The stack goes back, the cluster's type does not."""
    return f"type of {request.cluster_id} stays {cluster.shown_type or 'as it is'}: {why}"


def window_closed(cluster: Cluster) -> str:
    """A stack rollback with Revert after CloudHSM stopped allowing it."""
    until = iso8601(cluster.rollback_expires_at)
    ended = f"the time for going back ended at {until}" if until else "the day for going back is over"
    return f"type of {cluster.cluster_id} stays {cluster.shown_type}: {ended}"
