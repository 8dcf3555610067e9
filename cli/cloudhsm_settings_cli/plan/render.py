"""A plan as lines for a person, and as JSON. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.decisions import Fail
from cloudhsm_settings.reasons import iso8601
from cloudhsm_settings_cli.plan.checks import Check, Verdict, purgeable
from cloudhsm_settings_cli.plan.course import Call, Course
from cloudhsm_settings_cli.plan.intent import handle_name
from cloudhsm_settings_cli.plan.plan import Plan

_STYLES = {Verdict.PASS: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red", Verdict.ASK: "cyan"}


def lines(plan: Plan, checks: Sequence[Check], *, every: bool) -> Iterator[Text | str]:
    """The plan of one resource; checks that pass only with `every`."""
    yield Text(_head(plan), style="bold")
    if plan.course is None:
        yield f"  {_without_course(plan)}"
    else:
        yield from _calls(plan, plan.course)
    for check in checks:
        if every or check.verdict is not Verdict.PASS:
            first, *more = (check.detail or check.title).rstrip().splitlines()
            yield Text.assemble(f"  {check.number} ", (check.verdict, _STYLES[check.verdict]), f" {first}")
            # The YAML of a Reason, ready to be pasted.
            yield from (f"  {each}" for each in more)


def _head(plan: Plan) -> str:
    intent, cluster = plan.intent, plan.cluster
    name = f"{intent.name}   {intent.action}   " if intent.stack_name else ""
    return f"{name}{described(cluster)}" if cluster else f"{name}{intent.properties.get('ClusterId', 'no cluster yet')}"


def described(cluster: Cluster) -> str:
    """A cluster in one line."""
    kinds: dict[str, int] = {}
    for hsm in cluster.live_hsms:
        kind = hsm.hsm_type or cluster.shown_type or "type not shown"
        kinds[kind] = kinds.get(kind, 0) + 1
    hsms = ", ".join(f"{kind} x {number}" for kind, number in kinds.items()) or f"{cluster.shown_type} without HSMs"
    days = f"{cluster.retention_value} days" if cluster.retention_value else "not managed"
    return f"{cluster.cluster_id}   {cluster.state}   {hsms}   retention {days}"


def _without_course(plan: Plan) -> str:
    if plan.faults:
        return "nothing would be called: the properties are wrong"
    if plan.intent.unknown:
        return "cannot be planned: a value is known at the deployment only"
    if plan.intent.action == "Delete":
        return "the resource goes, the cluster stays as it is"
    return "nothing of it changes, so CloudFormation asks for nothing"


def _calls(plan: Plan, course: Course) -> Iterator[str]:
    if not course.calls and not isinstance(course.end, Fail):
        yield "  nothing to call: the cluster stays as it is"
    width = max((len(_change(call)) for call in course.calls), default=0)
    for number, call in enumerate(course.calls, 1):
        yield f"  {number}  {call.setting:<21}  {_change(call):<{width}}   {_remark(plan, call)}".rstrip()
    if isinstance(course.end, Fail):
        return
    if course.calls:
        yield f"  wait             {_wait(plan, course)}"
        yield f"  stack rollback   {rollback(plan)}"
    if plan.way_back_until:
        until = datetime.fromtimestamp(plan.way_back_until, UTC)
        yield f"  way back         lossless until ACTIVE, then loses keys, until {until:%d %b %H:%MZ}"
    changed = [f"{name} {old or '-'} -> {new or '-'}" for name, old, new in plan.attributes]
    if changed:
        yield f"  attributes       {', '.join(changed)}"


def _change(call: Call) -> str:
    unit = " days" if call.setting == "BackupRetentionPolicy" else ""
    return f"{call.before} -> {call.after}{unit}"


def _remark(plan: Plan, call: Call) -> str:
    if call.setting == "HsmType":
        return f"about {call.seconds / 60:.0f} min, limited-write"
    number = purgeable(plan)
    return f"{number} backups become purgeable" if number else ""


def _wait(plan: Plan, course: Course) -> str:
    handle = handle_name(plan.settings.wait_condition_handle) if plan.settings else ""
    minutes = f"about {course.seconds / 60:.0f} min" if course.seconds else "a moment"
    if course.accepted and handle:
        return f"{minutes}: the stack goes on, the wait condition of {handle} waits"
    return f"{minutes}: the stack waits for it"


def rollback(plan: Plan) -> str:
    """What a stack rollback would do to the cluster."""
    back, forward = plan.rollback, plan.course
    if plan.intent.action == "Create":
        return "the resource goes, the cluster stays as it then is"
    if back is None or forward is None:
        return "leaves the cluster as it then is"
    declared = plan.settings.on_rollback if plan.settings else "Keep"
    said = [f"{call.setting} {_change(call)}" for call in back.calls]
    if plan.changes_type:
        turned = any(call.setting == "HsmType" for call in back.calls)
        said.insert(0, "the type goes back, and keys made since ACTIVE are lost" if turned else "the type stays")
    return f"{declared}: {', '.join(said) or 'nothing to turn back'}"


def summary(plans: Sequence[tuple[Plan, Sequence[Check]]]) -> Text:
    """One line about all resources."""
    checks = [check for _, each in plans for check in each]
    number = Counter(check.verdict for check in checks)
    words = {
        Verdict.FAIL: "failed",
        Verdict.WARN: "warning" if number[Verdict.WARN] == 1 else "warnings",
        Verdict.ASK: "to be answered by a person",
    }
    said = ", ".join(f"{number[each]} {word}" for each, word in words.items() if number[each]) or "no objection"
    if any(check.verdict is Verdict.FAIL for check in checks):
        return Text(f"Would be refused: {said}", style="bold red")
    calls = sum(len(plan.course.calls) for plan, _ in plans if plan.course)
    if calls:
        return Text(f"Would call ModifyCluster {'once' if calls == 1 else f'{calls} times'}: {said}", style="bold")
    return Text(f"Nothing to do: {said}", style="bold green")


def document(plan: Plan, checks: Sequence[Check]) -> dict[str, Any]:
    """The plan of one resource as JSON has it; no value of it is a URL."""
    intent, course, cluster = plan.intent, plan.course, plan.cluster
    return {
        "stack": intent.stack_name or None,
        "logicalResourceId": intent.logical_resource_id,
        "action": intent.action,
        "cluster": _cluster(cluster) if cluster else None,
        "calls": [
            {"setting": call.setting, "from": call.before, "to": call.after, "minutes": call.seconds / 60}
            for call in (course.calls if course else ())
        ],
        "minutes": course.seconds / 60 if course else None,
        "refused": course.end.because if course and isinstance(course.end, Fail) else None,
        "waitConditionHandle": (handle_name(plan.settings.wait_condition_handle) if plan.settings else "") or None,
        "rollback": rollback(plan) if course and course.calls and not plan.is_refused else None,
        "wayBackUntil": iso8601(plan.way_back_until) or None,
        "attributes": {name: {"from": old, "to": new} for name, old, new in plan.attributes},
        "checks": [
            {"number": each.number, "title": each.title, "verdict": each.verdict, "detail": each.detail}
            for each in checks
        ],
    }


def _cluster(cluster: Cluster) -> dict[str, Any]:
    return {
        "clusterId": cluster.cluster_id,
        "state": cluster.state,
        "hsmType": cluster.shown_type,
        "hsms": [hsm.hsm_type for hsm in cluster.live_hsms],
        "retentionDays": cluster.retention_days,
    }
