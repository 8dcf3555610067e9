"""Where a plan comes from: a change set, a template on disk, or a cluster and what it shall become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings_cli.aws import Aws, Unread
from cloudhsm_settings_cli.exits import Exit, Stopped
from cloudhsm_settings_cli.plan.intent import Intent
from cloudhsm_settings_cli.plan.intents import intents, with_change_set
from cloudhsm_settings_cli.side import Side, handle_stand_in
from cloudhsm_settings_cli.stack import Stack, read_stack, read_template, surroundings, values_of
from cloudhsm_settings_cli.template import RESOURCE_TYPE, Unknown, load


@dataclass(frozen=True)
class Wanted:
    """What a cluster shall become, as the command line says it; None leaves a setting alone."""

    cluster_id: str
    hsm_type: str | None = None
    retention: int | None = None
    on_rollback: str | None = None
    waits: bool = False
    """Whether a new wait condition waits for it."""


def from_change_set(aws: Aws, change_set: str, stack_name: str | None) -> tuple[Intent, ...]:
    """What a change set does; CloudFormation has resolved the values already."""
    subject = f"change set {change_set}"
    by_name = {"ChangeSetName": change_set, **({"StackName": stack_name} if stack_name else {})}
    described: dict[str, Any] = {}
    changes: list[Mapping[str, Any]] = []
    while not described or described.get("NextToken"):
        page = {"NextToken": described["NextToken"]} if described else {}
        described = aws.read("cloudformation:DescribeChangeSet", subject, IncludePropertyValues=True, **by_name, **page)
        changes += [each.get("ResourceChange") or {} for each in described.get("Changes") or ()]
    stack = read_stack(aws, str(described.get("StackId")))
    template = read_template(aws, subject, **by_name)
    parameters = values_of(described.get("Parameters") or ())
    planned = intents(_before(aws, stack), Side(template, surroundings(aws, stack, parameters)), stack)
    return _some(with_change_set(planned, changes, stack), subject)


def from_template(aws: Aws, file: Path, given: Mapping[str, str], stack_name: str | None) -> tuple[Intent, ...]:
    """What a deployment of a template on disk does."""
    try:
        template = load(file.read_text())
    except (OSError, ValueError) as error:
        raise Stopped(f"The template {file} cannot be read: {error}.", Exit.USAGE) from None
    stack = read_stack(aws, stack_name) if stack_name else Stack("")
    after = Side(template, surroundings(aws, stack, parameters_of(template, stack, given)))
    for name in _macros(template):
        aws.miss(_NotApplied("cloudformation:DescribeChangeSet", name, ""))
    return _some(intents(_before(aws, stack), after, stack), f"template {file}")


class _NotApplied(Unread):
    """A macro: only CloudFormation knows what it makes of a template."""

    @property
    def because(self) -> str:
        """What to do instead."""
        return f"{self.subject} is not applied to a template on disk: plan from a change set."


def _macros(template: Mapping[str, Any]) -> list[str]:
    """The transforms of a template that may make or change the resource; SAM leaves it as it is."""
    declared = template.get("Transform") or []
    transforms = [declared] if isinstance(declared, str | dict) else declared
    names = [str(each.get("Name")) if isinstance(each, dict) else str(each) for each in transforms]
    return [each for each in names if each != "AWS::Serverless-2016-10-31"]


def _some(planned: tuple[Intent, ...], subject: str) -> tuple[Intent, ...]:
    if not planned:
        raise Stopped(f"The {subject} has no {RESOURCE_TYPE}; a nested stack is planned by itself.")
    return planned


def parameters_of(template: Mapping[str, Any], stack: Stack, given: Mapping[str, str]) -> dict[str, Any]:
    """Values as `aws cloudformation deploy` takes them: given, or as before, or the template's default."""
    declared: Mapping[str, Any] = template.get("Parameters") or {}
    if strange := sorted(set(given) - set(declared)):
        raise Stopped(f"The template has no parameter {', '.join(strange)}.", Exit.USAGE)
    values: dict[str, Any] = {}
    missing = []
    for name, each in declared.items():
        from_store = str(each.get("Type")).startswith("AWS::SSM::Parameter::Value")
        if name in given or (name not in stack.parameters and "Default" in each):
            value = given.get(name, each.get("Default"))
            values[name] = Unknown(f"needs {value} of Parameter Store") if from_store else value
        elif name in stack.parameters:
            values[name] = stack.parameters[name]
        else:
            missing.append(name)
    if missing:
        raise Stopped(f"Parameters have no value: {', '.join(missing)}. Give --parameter NAME=VALUE.", Exit.USAGE)
    return values


def from_cluster(region: str, wanted: Wanted, records: Sequence[Record]) -> Intent:
    """What a template with these settings does; the resource is the one on record that declares this cluster."""
    (record,) = records if len(records) == 1 else (None,)
    known: dict[str, Any] = {"ClusterId": wanted.cluster_id, **(record.declared if record else {})}
    asked = {
        "HsmType": wanted.hsm_type,
        "BackupRetentionPolicy": {"Type": "DAYS", "Value": str(wanted.retention)} if wanted.retention else None,
        "HsmTypeOnRollback": wanted.on_rollback,
        "WaitConditionHandle": handle_stand_in(region, "New") if wanted.waits else None,
    }
    properties = {**known, **{name: value for name, value in asked.items() if value is not None}}
    timeout = 43200 if wanted.waits else None
    if record is None:
        return Intent("Create", properties, handle_timeout=timeout)
    return Intent(
        action="None" if properties == known else "Update",
        properties=properties,
        old_properties=known,
        stack_id=record.stack_id,
        stack_name=record.stack_id.split("/")[1] if "/" in record.stack_id else "",
        logical_resource_id=record.logical_resource_id,
        existing_id=record.physical_resource_id,
        handle_timeout=timeout,
    )


def _before(aws: Aws, stack: Stack) -> Side:
    return Side(stack.template, surroundings(aws, stack, stack.parameters))
