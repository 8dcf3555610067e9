"""Evidence -> what happened: pure. Nothing is said that the evidence does not tell."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.declared import retention_of
from cloudhsm_settings.history import Memory
from cloudhsm_settings_cli.report.evidence import Decision, Evidence, Trail

_CALLS = {"ModifyHsmType": "HsmType", "ModifyRetention": "BackupRetentionPolicy"}
_TOGETHER = 120
"""Seconds within which a decision and an event of CloudTrail are of the same call."""
_OUTCOMES = {"Done": "Succeeded", "Fail": "Failed"}
"""What the decisions come to that end an operation, where the record does not say it more exactly."""


@dataclass(frozen=True)
class Called:
    """One ModifyCluster; empty members are not known."""

    at: float
    setting: str
    asked: str
    request_id: str
    who: str
    error: str
    is_ours: bool


@dataclass(frozen=True)
class Operation:
    """One request of CloudFormation, from its first line in the log to its last."""

    stack: str
    logical_id: str
    request_type: str
    request_id: str
    began_at: float
    ended_at: float | None
    """None while it goes on, and where the log does not tell."""
    outcome: str
    """Such as Succeeded, Reverted; empty where it is not known."""
    reason: str
    polls: int
    longest_gap: float
    """Seconds between two polls at the most; 0 with fewer than two."""


@dataclass(frozen=True)
class Moment:
    """One line of the timeline."""

    at: float
    source: str
    """Stack, Provider or CloudTrail."""
    text: str


@dataclass(frozen=True)
class Story:
    """What the page says."""

    evidence: Evidence
    operations: tuple[Operation, ...]
    calls: tuple[Called, ...]
    foreign: tuple[Trail, ...] | None
    """Changes of the cluster by anybody but the provider; None where CloudTrail is not known."""
    askers: tuple[Trail, ...] | None
    """Who asked CloudFormation for something; None where CloudTrail is not known."""
    timeline: tuple[Moment, ...]
    before: tuple[tuple[str, str], ...]
    after: tuple[tuple[str, str], ...]
    drift: tuple[str, ...]


def story_of(evidence: Evidence) -> Story:
    """The story that the evidence tells."""
    trail = evidence.trail
    foreign = _foreign(evidence, trail) if trail is not None else None
    return Story(
        evidence=evidence,
        operations=tuple(_operations(evidence)),
        calls=tuple(_calls(evidence)),
        foreign=foreign,
        askers=None if trail is None else tuple(each for each in trail if each.subject != evidence.cluster_id),
        timeline=tuple(sorted(_moments(evidence), key=lambda each: each.at)),
        before=tuple(_before(evidence)),
        after=tuple(_after(evidence)),
        drift=tuple(_drift(evidence)),
    )


def _operations(evidence: Evidence) -> Iterator[Operation]:
    by_request: dict[str, list[Decision]] = {}
    for each in evidence.decisions or ():
        by_request.setdefault(each.request_id, []).append(each)
    records = {each.request_id: each for each in evidence.records}
    for request_id, lines in by_request.items():
        yield _told(lines, records.get(request_id))
    for request_id, record in records.items():
        if request_id not in by_request and record.signed_at >= evidence.since:
            yield _recorded(record)


def _told(lines: list[Decision], record: Record | None) -> Operation:
    polls: dict[str, float] = {}
    for each in lines:
        polls.setdefault(each.invocation, each.at)
    moments = sorted(polls.values())
    first, last = lines[0], lines[-1]
    ended = last.decision in _OUTCOMES
    return Operation(
        stack=stack_name(first.stack_id),
        logical_id=first.logical_id,
        request_type=first.request_type,
        request_id=first.request_id,
        began_at=record.signed_at if record else first.at,
        ended_at=last.at if ended else None,
        outcome=(record.outcome if record else "") or _OUTCOMES.get(last.decision, ""),
        reason=last.because,
        polls=len(moments),
        longest_gap=max((after - before for before, after in pairwise(moments)), default=0.0),
    )


def _recorded(record: Record) -> Operation:
    return Operation(
        stack=stack_name(record.stack_id),
        logical_id=record.logical_resource_id,
        request_type=record.request_type,
        request_id=record.request_id,
        began_at=record.signed_at,
        ended_at=record.ended_at if record.ended else None,
        outcome=record.outcome,
        reason=record.response.reason if record.response else "",
        polls=0,
        longest_gap=0.0,
    )


def _is_ours(evidence: Evidence, event: Trail) -> bool:
    """Whether the provider's function made a call: a role that Lambda assumes is called by the function's name."""
    return event.who.rpartition("/")[2] in evidence.functions


def _calls(evidence: Evidence) -> Iterator[Called]:
    made = [each for each in evidence.trail or () if each.name == "ModifyCluster"]
    for each in made:
        setting = "BackupRetentionPolicy" if each.asked.endswith("days") else "HsmType"
        yield Called(each.at, setting, each.asked, each.request_id, each.who, each.error, _is_ours(evidence, each))
    ours = [each for each in made if _is_ours(evidence, each)]
    for line in evidence.decisions or ():
        setting = _CALLS.get(line.decision, "")
        is_in_trail = any(abs(each.at - line.at) <= _TOGETHER for each in ours)
        if setting and not is_in_trail:
            yield Called(line.at, setting, line.because, "", "the provider, by its log", "", is_ours=True)


def _foreign(evidence: Evidence, trail: Iterable[Trail]) -> tuple[Trail, ...]:
    of_cluster = (each for each in trail if each.subject == evidence.cluster_id)
    return tuple(each for each in of_cluster if not _is_ours(evidence, each))


def _moments(evidence: Evidence) -> Iterator[Moment]:
    for event in evidence.events:
        reason = f": {event.reason.splitlines()[0]}" if event.reason else ""
        name = event.stack if event.is_of_stack else f"{event.stack}/{event.logical_id}"
        yield Moment(event.at, "Stack", f"{name} {event.status}{reason}")
    last = ""
    for line in evidence.decisions or ():
        # What is said again each minute is told once.
        said = f"{line.decision}: {line.because.splitlines()[0] if line.because else ''}"
        if said != last:
            yield Moment(line.at, "Provider", said)
        last = said
    for call in evidence.trail or ():
        error = f", refused with {call.error}" if call.error else ""
        yield Moment(call.at, "CloudTrail", f"{call.name} {call.asked}".rstrip() + f" by {call.who}{error}")


def _before(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """The settings before the first change that is known since."""
    memories = [Memory.from_json(each.memory) for each in evidence.records]
    types = [each.type_change for each in memories if each.type_change]
    retentions = [each.retention_change for each in memories if each.retention_change]
    first = next((each for each in evidence.decisions or () if each.hsm_types), None)
    if first:
        yield "HSMs", hsms(first.hsm_types)
    for change in types:
        if change.cluster_id == evidence.cluster_id and change.at >= evidence.since:
            yield "HsmType", change.previous
    for kept in retentions:
        if kept.cluster_id == evidence.cluster_id and kept.at >= evidence.since and kept.previous is not None:
            yield "BackupRetentionPolicy", f"{kept.previous} days"


def _after(evidence: Evidence) -> Iterator[tuple[str, str]]:
    cluster = evidence.cluster
    if cluster is None:
        return
    counted: dict[str, int] = {}
    for hsm in cluster.live_hsms:
        counted[hsm.hsm_type] = counted.get(hsm.hsm_type, 0) + 1
    yield "State", cluster.state
    yield "HSMs", hsms(counted)
    yield "HsmType", cluster.shown_type
    yield "BackupRetentionPolicy", f"{cluster.retention_value} days" if cluster.retention_value else "not managed"


def _drift(evidence: Evidence) -> Iterator[str]:
    """What the cluster is now and its resources do not declare."""
    cluster = evidence.cluster
    for record in evidence.records if cluster else ():
        name = f"{stack_name(record.stack_id)}/{record.logical_resource_id}"
        hsm_type, days = record.declared.get("HsmType"), retention_of(record.declared)
        if cluster and hsm_type and not cluster.is_wholly(str(hsm_type)):
            yield f"{name} declares {hsm_type}, the cluster is {cluster.shown_type}"
        if cluster and days is not None and cluster.retention_days != days:
            yield f"{name} declares {days} days, the cluster keeps {cluster.retention_value or 'unmanaged'}"


def hsms(types: dict[str, int] | object) -> str:
    """How many HSMs are of which type: "2 hsm1.medium, 1 hsm2m.medium"."""
    counted = types if isinstance(types, dict) else {}
    return ", ".join(f"{number} {kind or 'of no type shown'}" for kind, number in counted.items()) or "none"


def stack_name(stack_id: str) -> str:
    """The name in a stack's ARN."""
    return stack_id.split("/")[1] if "/" in stack_id else stack_id
