"""A plan: a frozen value, made by pure functions from an intent and from what was observed."""

from dataclasses import dataclass, replace

from cloudhsm_settings.attributes import attributes
from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.event import DEFAULT_SERVICE_TIMEOUT, whole_number
from cloudhsm_settings.decisions import Fail
from cloudhsm_settings.errors import InvalidProperties
from cloudhsm_settings.history import ROLLBACK_WINDOW, Memory
from cloudhsm_settings.properties import Settings, parse, wait_condition_hosts
from cloudhsm_settings.request import Progress, StackPhase
from cloudhsm_settings_cli.plan.course import Asking, Course, course
from cloudhsm_settings_cli.plan.intent import Intent
from cloudhsm_settings_cli.plan.observed import Observed


@dataclass(frozen=True)
class Plan:
    """What one resource's deployment comes to."""

    intent: Intent
    observed: Observed
    settings: Settings | None = None
    """None where the properties are wrong, or not known yet."""
    faults: tuple[str, ...] = ()
    """What is wrong with the properties, a sentence each."""
    course: Course | None = None
    """None where nothing is asked of the cluster."""
    rollback: Course | None = None
    """What a stack rollback after it comes to; None where there is nothing to roll back."""

    @property
    def cluster(self) -> Cluster | None:
        """The cluster as it is now."""
        return self.observed.cluster

    @property
    def changes_type(self) -> bool:
        """Whether HSMs will be replaced by others."""
        return self.course is not None and any(call.setting == "HsmType" for call in self.course.calls)

    @property
    def turns_back(self) -> bool:
        """Whether the change of type is itself the way back."""
        return self.course is not None and self.changes_type and self.course.progress.turns_back

    @property
    def is_refused(self) -> bool:
        """Whether the provider itself would answer FAILED."""
        return self.course is not None and isinstance(self.course.end, Fail)

    @property
    def way_back_until(self) -> float | None:
        """Until when CloudHSM would allow to go back, were it begun now; None where no type is changed forward."""
        return self.observed.now + ROLLBACK_WINDOW if self.changes_type and not self.turns_back else None

    @property
    def attributes(self) -> tuple[tuple[str, str, str], ...]:
        """The attributes that `Fn::GetAtt` reads otherwise afterwards: name, before, after."""
        before, end = self.cluster, self.course
        if before is None or end is None or end.cluster is None:
            return ()
        old = attributes(before, Progress())
        new = attributes(end.cluster, end.progress, end.drifted)
        return tuple((name, old[name], new[name]) for name in new if old[name] != new[name])


def plan_of(intent: Intent, observed: Observed) -> Plan:
    """The plan for one resource."""
    intent = _with_record(intent, observed)
    plan = Plan(intent, observed)
    if intent.action in ("Delete", "None") or intent.unknown:
        return plan
    try:
        settings = parse(intent.properties, wait_condition_hosts(observed.region))
    except InvalidProperties as invalid:
        return replace(plan, faults=invalid.faults)
    forward = course(_asking(plan, settings), observed.cluster, _memory(observed))
    return replace(plan, settings=settings, course=forward, rollback=_rollback(plan, forward))


def _with_record(intent: Intent, observed: Observed) -> Intent:
    """What was declared before, from the record where no template tells it."""
    record = observed.record
    if intent.action != "Update" or intent.old_properties or record is None:
        return intent
    return replace(intent, old_properties={"ClusterId": intent.existing_id, **record.declared})


def _rollback(plan: Plan, forward: Course) -> Course | None:
    """What the old properties come to, sent by a rollback right after the update has ended."""
    intent = plan.intent
    if intent.action != "Update" or isinstance(forward.end, Fail):
        return None
    try:
        former = parse(intent.old_properties, wait_condition_hosts(plan.observed.region))
    except InvalidProperties:
        return None
    back = replace(
        _asking(plan, former),
        properties=intent.old_properties,
        old_properties=intent.properties,
        now=plan.observed.now + forward.seconds,
        request_id="planned-rollback",
        direction=StackPhase.ROLLING_BACK,
    )
    return course(back, forward.cluster, forward.memory)


def _asking(plan: Plan, settings: Settings) -> Asking:
    intent, observed = plan.intent, plan.observed
    timeout = whole_number(intent.properties.get("ServiceTimeout")) or DEFAULT_SERVICE_TIMEOUT
    return Asking(
        settings=settings,
        properties=intent.properties,
        old_properties=intent.old_properties if intent.action == "Update" else None,
        now=observed.now,
        service_timeout=min(timeout, DEFAULT_SERVICE_TIMEOUT),
        existing_id=intent.existing_id,
        logical_resource_id=intent.logical_resource_id,
        account=observed.account,
        region=observed.region,
    )


def _memory(observed: Observed) -> Memory:
    return Memory.from_json(observed.record.memory) if observed.record else Memory()
