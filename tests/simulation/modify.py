"""What a call of ModifyCluster has to be: owned, in time, once, needed, wanted, and of no cost that nobody consented to."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sandbox.cloudhsm import MigrationOutcome
from tests.simulation.cloudhsm import Change
from tests.simulation.requests import Properties, Sent

if TYPE_CHECKING:
    from tests.simulation.oracle import Oracle

WAITS = 43200.0
LAG = 120.0
FRESH = 6.0
LONGEST_READ = 20.0
"""Seconds that a read, and what comes between it and the call, may take."""
Broken = tuple[str, str]
"""A guarantee, and why it is broken."""


def judge(change: Change, sent: Sent, oracle: "Oracle") -> Iterator[Broken]:
    """Every guarantee that this call breaks."""
    yield from _owned(change, sent, oracle)
    yield from _once(change, sent, oracle)
    yield from _needed(change, sent)
    yield from _in_time(change, sent)
    if change.setting == "HsmType":
        yield from _wanted(change, sent)
        yield from _consented(change, sent)
    yield from _waited_for(change, sent)


def _owned(change: Change, sent: Sent, oracle: "Oracle") -> Iterator[Broken]:
    invocation = change.invocation
    since = [each for each in invocation.done[::-1] if not each.startswith("!")]
    if "UpdateItem" not in since or set(since[: since.index("UpdateItem")]) - {"DescribeStacks"}:
        yield "every change holds the fence", f"no write comes right before it: {invocation.done}"
    if oracle.knew_better(invocation, oracle.superseded_at(sent)):
        yield "one owner", "a newer request owns the resource"
    if oracle.knew_better(invocation, sent.ended_at):
        yield "one end", "the operation has ended"


def _once(change: Change, sent: Sent, oracle: "Oracle") -> Iterator[Broken]:
    taken = [each for each in sent.changes if each.setting == change.setting and not each.refused]
    if len(taken) < 2 or taken[-1] is not change:
        return
    first = taken[-2]
    swarm = oracle.boundary.swarm
    # A twin, or the first poll, takes the record from whoever has the answer.
    may_be_lost = sent.fault_at or {"lambda duplicate", "slow calls"} & set(swarm.rates)
    if may_be_lost and _left_no_trace(first, swarm.missing):
        return
    # A process that died in the call cannot know that somebody has set it back since.
    if not oracle.cloudhsm.touched_since(taken[-2].at, change.cluster_id, except_by=sent.name):
        yield "ModifyCluster at most once", f"number {len(taken)}"


def _left_no_trace(first: Change, missing: tuple[str, ...]) -> bool:
    """Whether nothing but an answer on record could tell of it: what it set, or ended as it was, is never shown."""
    if first.setting != "HsmType":
        return "BackupRetentionPolicy" in missing
    return first.before.outcome is MigrationOutcome.REVERT_AT_ONCE and "HsmTypeRollbackExpiration" in missing


def _needed(change: Change, sent: Sent) -> Iterator[Broken]:
    seen: dict[str, Any] | None = change.invocation.seen.get(change.cluster_id)
    if seen is None:
        yield "nothing is changed unseen", "this invocation has not read the cluster"
        return
    if change.setting == "HsmType":
        types = {hsm.get("HsmType", "") for hsm in seen.get("Hsms", ())}
        shown = seen.get("HsmType") or (types.pop() if len(types) == 1 else "")
    else:
        shown = (seen.get("BackupRetentionPolicy") or {}).get("Value", "")
    # For two minutes after a change of its own no read of the former state is proof of anything.
    lately = [each for each in _made_before(sent, change) if change.at - each.at < LAG + LONGEST_READ]
    if shown == change.value and not lately:
        yield "nothing is changed needlessly", f"the cluster shows {shown}"


def _in_time(change: Change, sent: Sent) -> Iterator[Broken]:
    accepted = any(each.status == "SUCCESS" for each in sent.responses)
    waits = WAITS if accepted else sent.timeout
    if change.at > sent.sent_at + waits + 60:
        yield "nobody waits", f"{change.at - sent.sent_at:.0f} seconds after the request, which waits {waits:.0f}"


def _wanted(change: Change, sent: Sent) -> Iterator[Broken]:
    if change.value != sent.properties.get("HsmType"):
        yield "only what the template declares", f"declared is {sent.properties.get('HsmType')}"
    if not asks_anew(sent):
        yield "drift is left alone", "the template does not change the type"
    if not change.invocation.seen.get("asked"):
        yield "the stack is asked first", "this invocation has not tried to read the stack"


def _waited_for(change: Change, sent: Sent) -> Iterator[Broken]:
    """A forward request of a stack that rolls back or goes changes nothing, the retention neither."""
    invocation = change.invocation
    unreadable = "stack" not in invocation.seen and invocation.was_struck_at("cloudformation")
    status = invocation.seen.get("stack") or invocation.stack_was
    # A first delivery does not ask for the retention: its stack can hardly have turned since its signature.
    fresh = (
        change.setting != "HsmType"
        and invocation.who == "request"
        and (sent.claimed_at or change.at) - sent.signed_at <= FRESH
    )
    # It is what the rollback sets too: an update that was cancelled at once cannot be told from it.
    either_way = change.setting != "HsmType" and (sent.old or {}).get(change.setting) == sent.properties.get(
        change.setting
    )
    # It undoes at the second look: by then the rollback's own request is there, unless faults keep it away.
    is_alone = sent.later is None or sent.later.claimed_at is None
    looks_so = looks_like_a_rollback(sent) and is_alone
    if not (sent.is_rollback or unreadable or fresh or either_way or looks_so) and _turned(status):
        yield "nobody waits", f"the stack is {status}"


def looks_like_a_rollback(sent: Sent) -> bool:
    """Whether it undoes the change of the request before it, which is all that a rollback's request tells too."""
    before = sent.earlier
    if before is None or not before.changes:
        return False
    swapped = (before.old or {}, before.properties), (sent.properties, sent.old or {})
    return all(_without_handle(one) == _without_handle(other) for one, other in zip(*swapped, strict=True))


def _without_handle(properties: Properties) -> Properties:
    return {name: value for name, value in properties.items() if name != "WaitConditionHandle"}


def _consented(change: Change, sent: Sent) -> Iterator[Broken]:
    """Keys are lost on the way back from ACTIVE; a rollback that turns a type needs consent in any case."""
    old = sent.old or {}
    if sent.is_rollback:
        if _is_way_forward(change) and "stack" not in change.invocation.seen:
            # A stack that cannot be read for long is taken for one that goes forward, and no key is lost.
            return
        if old.get("HsmTypeOnRollback", "Keep") != "Revert":
            yield "no key without consent", "a rollback of an update that said Keep"
        elif not (any(_made_before(sent, change)) or _may_have_called(sent.earlier, change)):
            yield "no key without consent", "a rollback on a cluster whose type this resource has not changed"
    elif change.costs_keys and sent.properties.get("HsmTypeOnRollback", "Keep") != "Revert":
        yield "no key without consent", "the template says Keep"


def _may_have_called(undone: Sent | None, change: Change) -> bool:
    """Whether it died around the call that others have made instead: its record tells only that it asked."""
    if undone is None or not (undone.struck["kill after"] or undone.struck["kill before"]):
        return False
    asked = (undone.cluster_id, undone.properties.get("HsmType"))
    return asked == (change.cluster_id, change.before.hsm_type)


def _is_way_forward(change: Change) -> bool:
    """Whether the type is of a later generation than the cluster's: the digit in its name."""
    return not change.costs_keys and change.value.lstrip("p")[3] > change.before.hsm_type.lstrip("p")[3]


def _made_before(sent: Sent, change: Change) -> Iterator[Change]:
    """Changes of the same setting of the same cluster by earlier requests for the same resource."""
    what, earlier = (change.setting, change.cluster_id), sent.earlier
    while earlier is not None:
        yield from (each for each in earlier.changes if (each.setting, each.cluster_id) == what)
        earlier = earlier.earlier


def asks_anew(sent: Sent) -> bool:
    """Whether the template itself asks for the type, not only drift does."""
    old = sent.old
    if sent.kind == "Create" or old is None or old.get("ClusterId") != sent.cluster_id:
        return True
    if sent.physical_id != sent.cluster_id or old.get("HsmType") != sent.properties.get("HsmType"):
        return True
    consents = sent.properties.get("HsmTypeOnRollback") == "Revert"
    return consents and old.get("HsmTypeOnRollback") != "Revert"


def _turned(status: str) -> bool:
    return "ROLLBACK" in status or status.startswith("DELETE")
