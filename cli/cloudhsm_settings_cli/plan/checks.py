"""The numbered checks of a plan: pure functions, each of which says PASS, WARN, FAIL or ASK.

A number means the same for ever, so that it can be ignored by it. ASK is what no API tells, or what could not be read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.decisions import Done, Fail, Wait
from cloudhsm_settings.declared import retention_of
from cloudhsm_settings.errors import (
    Conflicting,
    Failure,
    HandleUsed,
    NotFound,
    NotReady,
    NotStabilized,
    TurnBackRefused,
    WontFit,
)
from cloudhsm_settings_cli.plan.intent import Native
from cloudhsm_settings_cli.plan.plan import Plan

MOST_HSMS = 27
"""HSMs of a cluster that can migrate: https://docs.aws.amazon.com/cloudhsm/latest/userguide/cluster-migration.html"""
FEW_HSMS = 2
"""While one of so few is replaced, the client's key availability check may refuse:
https://docs.aws.amazon.com/cloudhsm/latest/userguide/troubleshoot-key-availability-check.html"""
DAY = 24 * 3600
_OLD_BACKUP = 26 * 3600
"""Seconds after which nobody should rely on it without a thought; our own choice."""


class Verdict(StrEnum):
    """What a check says."""

    PASS = "PASS"  # noqa: S105  # no password
    WARN = "WARN"
    FAIL = "FAIL"
    ASK = "ASK"


@dataclass(frozen=True)
class Check:
    """One check and what it found."""

    number: str
    """Such as "P04"."""
    title: str
    """What is checked."""
    verdict: Verdict
    detail: str = ""
    """What was found and what to do, as a sentence or a clause; empty where all is well."""


Found = tuple[Verdict, str] | None
"""Verdict and detail; None where the check is not about this plan."""
_PASS = (Verdict.PASS, "")
_Read = TypeVar("_Read")


def checks_of(plan: Plan) -> tuple[Check, ...]:
    """Every check that is about this plan, in the order of the numbers."""
    return tuple(_checked(plan))


def _checked(plan: Plan) -> Iterator[Check]:
    for number, (title, check) in CHECKS.items():
        found = check(plan)
        if found is not None:
            yield Check(number, title, *found)


def _refusal(*kinds: type[Failure]) -> Callable[[Plan], Found]:
    """Whether the provider would answer FAILED with such a failure, in its own words."""

    def check(plan: Plan) -> Found:
        if plan.course is None:
            return None
        end = plan.course.end
        return (Verdict.FAIL, end.because) if isinstance(end, Fail) and isinstance(end.failure, kinds) else _PASS

    return check


def _of_what_was_read(read: _Read | None, question: str, said: Callable[[_Read], str]) -> Found:
    """ASK where it could not be read, WARN where there is something to say of it."""
    if read is None:
        return Verdict.ASK, question
    text = said(read)
    return (Verdict.WARN, text) if text else _PASS


def _properties(plan: Plan) -> Found:
    if plan.faults:
        return Verdict.FAIL, " ".join(plan.faults)
    unknown = plan.intent.unknown
    if unknown:
        because = "; ".join(f"{name} {why}" for name, why in unknown.items())
        return Verdict.ASK, f"{because}. Plan from a change set, or with --cluster."
    return _PASS if plan.intent.action != "None" else None


def _hsms(plan: Plan) -> Found:
    wanted = plan.settings.hsm_type if plan.settings else None
    if wanted is None or plan.cluster is None or plan.cluster.is_wholly(wanted):
        return None
    number = len(plan.cluster.live_hsms)
    if number > MOST_HSMS:
        return Verdict.FAIL, f"{number} HSMs: a change of type takes {MOST_HSMS} at most. Remove some first"
    return _PASS


def _few_hsms(plan: Plan) -> Found:
    if not plan.changes_type or plan.cluster is None:
        return None
    if len(plan.cluster.live_hsms) <= FEW_HSMS:
        return Verdict.WARN, "two HSMs or fewer: new clients may be refused while one is replaced"
    return _PASS


def _fits(plan: Plan) -> Found:
    refused = _refusal(WontFit, NotStabilized)(plan)
    if refused != _PASS or plan.course is None or plan.settings is None or not plan.course.calls:
        return refused
    if plan.settings.wait_condition_handle is None or not plan.changes_type:
        return _PASS
    timeout, seconds = plan.intent.handle_timeout, plan.course.seconds
    if timeout is None:
        return Verdict.WARN, "no wait condition is seen that waits for the handle: the stack would not wait"
    if timeout < seconds:
        return Verdict.FAIL, (
            f"the wait condition waits {timeout // 60} min, the change takes {seconds / 60:.0f}: set Timeout to 43200"
        )
    return _PASS


def _last_backup(plan: Plan) -> Found:
    if not plan.changes_type:
        return None
    backups = plan.observed.backups
    if backups is None:
        return Verdict.ASK, "is there a backup of today? Backups cannot be read"
    ready = [each.created_at for each in backups if each.is_ready]
    if not ready:
        return Verdict.WARN, "the cluster has no backup that is READY"
    age = plan.observed.now - max(ready)
    return (Verdict.WARN, f"the last backup is {age / DAY:.1f} days old") if age > _OLD_BACKUP else _PASS


def purgeable(plan: Plan) -> int | None:
    """How many backups a shorter retention lets CloudHSM purge; None where backups cannot be read."""
    days = plan.settings.retention_days if plan.settings else None
    backups = plan.observed.backups
    if days is None or backups is None:
        return None
    ready = sorted(each.created_at for each in backups if each.is_ready and not each.never_expires)
    before = plan.cluster.retention_days if plan.cluster else None
    now = plan.observed.now
    # The last one is never purged, and what is older than the present policy is on its way already.
    return sum(now - (before or now) * DAY < each < now - days * DAY for each in ready[:-1])


def _purgeable(plan: Plan) -> Found:
    if plan.course is None or not any(call.setting == "BackupRetentionPolicy" for call in plan.course.calls):
        return None
    return _of_what_was_read(
        purgeable(plan),
        "which backups become purgeable? Backups cannot be read",
        lambda number: f"{number} backups become purgeable: copy, or exempt, what has to stay" if number else "",
    )


def _in_flight(plan: Plan) -> Found:
    refused = _refusal(Conflicting)(plan)
    status, record = plan.intent.stack_status, plan.observed.record
    if refused not in (None, _PASS):
        return refused
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        return Verdict.FAIL, f"the stack is {status}: wait for its end"
    if status in _NOT_UPDATABLE:
        return Verdict.FAIL, f"the stack is {status}, in which CloudFormation updates nothing"
    if record is not None and not record.ended:
        return Verdict.WARN, f"an operation of {plan.intent.name} is still in flight: this one would take over"
    return _PASS if plan.course else None


# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_NOT_UPDATABLE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED")


def _others(plan: Plan) -> Found:
    if plan.settings is None:
        return None
    return _of_what_was_read(
        plan.observed.others,
        "does another stack declare settings of this cluster? The record cannot be read",
        lambda others: "; ".join(filter(None, (_otherwise(plan, each) for each in others))),
    )


def _otherwise(plan: Plan, other: Record) -> str:
    settings = plan.settings
    if settings is None:
        return ""
    said = []
    hsm_type, days = other.declared.get("HsmType"), retention_of(other.declared)
    if settings.hsm_type and hsm_type and hsm_type != settings.hsm_type:
        said.append(str(hsm_type))
    if settings.retention_days and days and days != settings.retention_days:
        said.append(f"{days} days")
    stack = other.stack_id.split("/")[1] if other.stack_id.count("/") else other.stack_id
    return f"{stack}/{other.logical_resource_id} declares {' and '.join(said)} for this cluster" if said else ""


def _natives(plan: Plan) -> Found:
    replaced = [each for each in plan.intent.natives if each.replaced]
    if replaced:
        names = ", ".join(each.logical_resource_id for each in replaced)
        return Verdict.FAIL, f"{names}: CloudFormation replaces the cluster by a new, empty one. Undo that change"
    if plan.course is None or not plan.course.calls:
        return None
    return _of_what_was_read(
        plan.observed.natives,
        "does an AWS::CloudHSM::Cluster own this cluster? Its stack cannot be read",
        lambda natives: "; ".join(filter(None, (_native_otherwise(plan, each) for each in natives))),
    )


def _native_otherwise(plan: Plan, native: Native) -> str:
    settings = plan.settings
    if settings is None:
        return ""
    name = f"{native.stack_name}/{native.logical_resource_id}"
    hsm_type, days = native.properties.get("HsmType"), retention_of(native.properties)
    if settings.retention_days and days and days != settings.retention_days:
        return f"{name} (AWS::CloudHSM::Cluster) declares {days} days"
    if settings.hsm_type and isinstance(hsm_type, str) and hsm_type != settings.hsm_type:
        return f"{name} (AWS::CloudHSM::Cluster) says {hsm_type}: leave that as it is, an edit replaces the cluster"
    return ""


def _key_stores(plan: Plan) -> Found:
    if not plan.changes_type:
        return None
    return _of_what_was_read(
        plan.observed.key_stores,
        "does a KMS custom key store use this cluster? Key stores cannot be read",
        lambda stores: f"KMS custom key store {', '.join(stores)}: no key can be made meanwhile" if stores else "",
    )


def _drift(plan: Plan) -> Found:
    end = plan.course.end if plan.course else None
    if isinstance(end, Done):
        return (Verdict.WARN, end.because) if end.drifted else _PASS
    return None


def _waits(plan: Plan) -> Found:
    if plan.course is None:
        return None
    if isinstance(plan.course.end, Wait):
        return Verdict.FAIL, f"it would wait for ever: {plan.course.end.because}"
    return (Verdict.WARN, f"waits first: {plan.course.waits_for}") if plan.course.waits_for else _PASS


def _keys(plan: Plan) -> Found:
    if not plan.turns_back or plan.cluster is None:
        return None
    if plan.cluster.state == "MODIFY_IN_PROGRESS":
        return Verdict.PASS, "nothing is lost while the cluster is MODIFY_IN_PROGRESS"
    return Verdict.WARN, "every key and user made since the cluster became ACTIVE is lost"


def _forward(question: str) -> Callable[[Plan], Found]:
    """A question about every change of type that is not the way back."""
    return lambda plan: (Verdict.ASK, question) if plan.changes_type and not plan.turns_back else None


def _is_there(plan: Plan) -> Found:
    return _refusal(NotFound)(plan)


def _has_type(cluster: Cluster | None) -> bool:
    return cluster is not None and cluster.shown_type != ""


def _shows_type(plan: Plan) -> Found:
    if plan.settings is None or plan.settings.hsm_type is None or plan.cluster is None:
        return None
    return _PASS if _has_type(plan.cluster) else (Verdict.WARN, "the cluster reports no HSM type")


CHECKS: dict[str, tuple[str, Callable[[Plan], Found]]] = {
    "P01": ("properties are valid", _properties),
    "P02": ("the cluster is there", _is_there),
    "P03": ("its state allows it", _refusal(NotReady)),
    "P04": ("three HSMs or more", _few_hsms),
    "P05": ("27 HSMs at most", _hsms),
    "P06": ("the wait is long enough", _fits),
    "P07": ("a backup of today", _last_backup),
    "P08": ("no backup becomes purgeable", _purgeable),
    "P09": ("the handle is new", _refusal(HandleUsed)),
    "P10": ("going back has consent", _refusal(TurnBackRefused)),
    "P11": ("no other operation is in flight", _in_flight),
    "P12": ("no other resource declares otherwise", _others),
    "P13": ("no AWS::CloudHSM::Cluster declares otherwise", _natives),
    "P14": ("no KMS custom key store uses it", _key_stores),
    "P15": ("the type is as declared afterwards", _drift),
    "P16": ("it can begin at once", _waits),
    "P17": ("no key is lost", _keys),
    "P18": ("the cluster reports its type", _shows_type),
    "P20": ("SDK 5.9 everywhere", _forward("is the client SDK 5.9 or newer on every client, for seven days?")),
    "P21": ("a recent connection", _forward("did a client connect within the last seven days?")),
}
"""Every check by its number: what it is about, and how it is made."""
