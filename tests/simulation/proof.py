"""Whether a SUCCESS is true, by what the cluster really is."""

import json
from typing import TYPE_CHECKING

from sandbox.cloudhsm import SandboxCluster
from tests.simulation.modify import asks_anew
from tests.simulation.requests import Said, Sent

if TYPE_CHECKING:
    from tests.simulation.oracle import Oracle

LAG = 210.0
"""Seconds in which somebody else's change may not be seen yet, or was made after the last read."""


SHORTEST_SECOND_LOOK = 300.0
"""A ServiceTimeout below this leaves no time for a second look: SUCCESS comes before it."""


def unproved(sent: Sent, said: Said, oracle: "Oracle", *, by_signal: bool = False) -> str:
    """Why a SUCCESS is not true; empty when it is."""
    truth = oracle.cloudhsm.truth(sent.cluster_id)
    if truth is None:
        return "" if sent.is_rollback else "the cluster does not exist"
    if _moved_lately(sent, oracle):
        return ""
    why = _retention(sent, (truth.retention or {}).get("Value", ""))
    # The wait condition is told the end.
    may_accept = sent.handle is not None and not by_signal
    if may_accept and any(each.setting == "HsmType" for each in sent.changes):
        # A running migration is turned back before anything else, and others may overwrite what was set.
        overwritten = oracle.cloudhsm.touched_since(sent.changes[0].at, sent.cluster_id, except_by=sent.name)
        return "" if overwritten or _was_migrating(sent, oracle) else why
    is_under_way = truth.state in ("MODIFY_IN_PROGRESS", "ROLLBACK_IN_PROGRESS")
    follows = may_accept and is_under_way and truth.hsm_type == sent.properties.get("HsmType")
    if (why and not follows) or "HsmType" not in sent.properties:
        return why
    data = said.body.get("Data") or {}
    # The Data of a signal is a text.
    if (json.loads(data) if isinstance(data, str) else data).get("HsmTypeDrifted") == "true":
        return _drift(sent, said, truth.hsm_type == sent.properties["HsmType"], oracle.boundary.swarm.missing)
    if (sent.is_rollback and not by_signal) or follows:
        # What somebody else began is accepted too.
        return ""
    return _type(sent, truth)


def _was_migrating(sent: Sent, oracle: "Oracle") -> bool:
    """Whether the cluster was in transition when it was changed, or a read that lagged may have shown it so."""
    lag = oracle.boundary.swarm.lag
    shown = [oracle.cloudhsm.as_of(sent.cluster_id, each.at - lag) for each in sent.changes] if lag else []
    return any(each.state != "ACTIVE" for each in (*shown, *(each.before for each in sent.changes)))


def not_set_back(sent: Sent, oracle: "Oracle") -> str:
    """Why a rollback left a retention that its update had changed, and that the cluster could take back."""
    undone, truth = sent.earlier, oracle.cloudhsm.truth(sent.cluster_id)
    if undone is None or undone.properties != sent.old or truth is None or sent.fault_at or undone.fault_at:
        return ""
    if sent.timeout < SHORTEST_SECOND_LOOK:
        return ""
    own = [each.at for each in sent.changes if each.setting != "HsmType" and not each.refused]
    if own and oracle.cloudhsm.touched_since(own[-1], sent.cluster_id, except_by=sent.name):
        # It was set back, and others came since.
        return ""
    set_here = (each for each in undone.changes if each.cluster_id == sent.cluster_id)
    was_set = any(each.setting != "HsmType" and not each.refused for each in set_here)
    declared = (sent.properties.get("BackupRetentionPolicy") or {}).get("Value")
    shown = (truth.retention or {}).get("Value", "")
    if not was_set or declared in (None, shown) or truth.state != "ACTIVE" or _moved_lately(sent, oracle):
        return ""
    return f"the retention is {shown}, declared is {declared}"


def not_turned_back(sent: Sent, oracle: "Oracle") -> str:
    """Why a rollback left a type that its update had changed and offered to turn back, while the window is open."""
    undone, truth, old = sent.earlier, oracle.cloudhsm.truth(sent.cluster_id), sent.old or {}
    if undone is None or undone.properties != old or truth is None or sent.fault_at or undone.fault_at:
        return ""
    offered = old.get("HsmTypeOnRollback") == "Revert" and old.get("HsmType") == truth.hsm_type
    made = [each for each in undone.changes if (each.setting, each.cluster_id) == ("HsmType", sent.cluster_id)]
    called = any(each.setting == "HsmType" for each in sent.changes)
    if not offered or called or not made or made[-1].refused or made[-1].before.hsm_type != truth.original_type:
        return ""
    is_open = truth.state in ("ACTIVE", "MODIFY_IN_PROGRESS") and oracle.now < (truth.rollback_expires_at or 0)
    is_readable = not (sent.unread_stack or sent.unreadable_at or undone.unreadable_at or oracle.boundary.swarm.missing)
    if truth.original_type != sent.properties.get("HsmType") or not is_open or not is_readable:
        return ""
    if _moved_lately(sent, oracle):
        return ""
    return f"the cluster is {truth.state}, {truth.hsm_type}, and could be {truth.original_type}"


def _type(sent: Sent, truth: SandboxCluster) -> str:
    wanted = sent.properties["HsmType"]
    wholly = truth.hsm_type == wanted and all(hsm.hsm_type == wanted for hsm in truth.hsms)
    untouched = not any(change.setting == "HsmType" for change in sent.changes)
    if wholly and (truth.state == "ACTIVE" or untouched):
        # As declared is never an error, and waits for nobody.
        return ""
    if truth.hsm_type == wanted and not asks_anew(sent):
        return ""
    types = sorted({hsm.hsm_type for hsm in truth.hsms})
    return f"the cluster is {truth.state}, {truth.hsm_type}, its HSMs {types}, declared is {wanted}"


def is_as_declared(sent: Sent, cluster: SandboxCluster) -> bool:
    """Whether a cluster is in every respect as a request declares it."""
    wanted = sent.properties.get("HsmType")
    days = (sent.properties.get("BackupRetentionPolicy") or {}).get("Value")
    types = {cluster.hsm_type, *(hsm.hsm_type for hsm in cluster.hsms)}
    by_type = wanted is None or (types == {wanted} and cluster.state == "ACTIVE")
    return by_type and days in (None, (cluster.retention or {}).get("Value"))


def _moved_lately(sent: Sent, oracle: "Oracle") -> bool:
    """Whether somebody changed the cluster so lately that no read had to show it, this request apart."""
    # What is on record is told as it was then, however late.
    told_at = min(sent.end_written_at or oracle.now, sent.told_at or oracle.now)
    return oracle.cloudhsm.touched_since(told_at - LAG, sent.cluster_id, except_by=sent.name)


def _retention(sent: Sent, shown: str) -> str:
    declared = (sent.properties.get("BackupRetentionPolicy") or {}).get("Value")
    if declared in (None, shown) or sent.is_rollback:
        return ""
    return f"the retention is {shown}, declared is {declared}"


def _drift(sent: Sent, said: Said, is_as_declared: bool, missing: tuple[str, ...]) -> str:
    may_be_hidden = "HsmType" in missing
    if is_as_declared and not sent.is_rollback and not may_be_hidden:
        return "it is told as drifted, and is as declared"
    # A stack that cannot be read may be rolling back: what it may have changed is kept.
    unreadable = "stack" not in said.by.seen or sent.unread_stack
    if asks_anew(sent) and not sent.is_rollback and not unreadable:
        return "a change that the template asks for is told as drift"
    return ""
