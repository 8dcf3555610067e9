"""A template beside a stack -> intents: pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from cloudhsm_settings.custom_resource.event import whole_number
from cloudhsm_settings.identity import CLUSTER_ID
from cloudhsm_settings_cli.plan.intent import Action, Intent, Native
from cloudhsm_settings_cli.side import Side, as_sent
from cloudhsm_settings_cli.stack import Stack
from cloudhsm_settings_cli.template import NATIVE_TYPE, RESOURCE_TYPE, unknown_in

_WAIT_CONDITION = "AWS::CloudFormation::WaitCondition"
_CREATE_ONLY = ("HsmType", "Mode", "NetworkType", "SubnetIds")
"""Properties of the native type whose change replaces the cluster, as its registry schema says."""
_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What a change set shows for a value that only the deployment knows."""
_ACTIONS: Mapping[str, Action] = {"Add": "Create", "Modify": "Update", "Dynamic": "Update", "Remove": "Delete"}
_HANDLE = "WaitConditionHandle"


def intents(before: Side, after: Side, stack: Stack) -> tuple[Intent, ...]:
    """What a deployment of one template over another asks for."""
    old, new = before.of_type(RESOURCE_TYPE), after.of_type(RESOURCE_TYPE)
    natives = tuple(_natives(before, after, stack))
    return tuple(
        _intent(name, before.properties(name) if name in old else None, after, stack, natives)
        for name in dict.fromkeys([*new, *old])
        if name in new or stack.physical_ids.get(name)
    )


def _intent(name: str, old: dict[str, Any] | None, after: Side, stack: Stack, natives: tuple[Native, ...]) -> Intent:
    existing_id = stack.physical_ids.get(name, "")
    properties = after.properties(name) if name in after.of_type(RESOURCE_TYPE) else None
    action: Action = "Update"
    if properties is None:
        action = "Delete"
    elif not existing_id:
        action = "Create"
    elif old is not None and properties == old:
        action = "None"
    known, unknown = _split(properties or {})
    return Intent(
        action=action,
        properties=known,
        old_properties=_split(old or {})[0],
        unknown=unknown,
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=name,
        existing_id=existing_id,
        stack_status=stack.status,
        natives=natives,
        handle_timeout=_handle_timeout(after, known.get(_HANDLE)),
    )


def with_change_set(
    planned: Iterable[Intent], changes: Iterable[Mapping[str, Any]], stack: Stack
) -> tuple[Intent, ...]:
    """The same intents, with the actions and the values that CloudFormation has resolved."""
    by_name = {str(each.get("LogicalResourceId")): each for each in changes}
    known = {each.logical_resource_id: each for each in planned}
    ours = [name for name, each in by_name.items() if each.get("ResourceType") == RESOURCE_TYPE]
    return tuple(
        _by_change_set(known.get(name) or _untold(name, by_name[name], stack), by_name)
        for name in dict.fromkeys([*known, *ours])
    )


def _untold(name: str, change: Mapping[str, Any], stack: Stack) -> Intent:
    """A resource whose template could not be read: which handle it has is not known then."""
    shown = str(change.get("AfterContext") or "")
    unknown = [_HANDLE] if _HANDLE in shown else [] if shown else ["ClusterId"]
    return Intent(
        action="Update",
        unknown=dict.fromkeys(unknown, "needs the template of the change set"),
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=name,
        existing_id=str(change.get("PhysicalResourceId") or ""),
        stack_status=stack.status,
    )


def _by_change_set(intent: Intent, changes: Mapping[str, Mapping[str, Any]]) -> Intent:
    change = changes.get(intent.logical_resource_id)
    natives = tuple(replace(each, replaced=_is_replaced(each, changes)) for each in intent.natives)
    if change is None:
        return replace(intent, action="None", unknown={}, natives=natives)
    after, before = _context(change.get("AfterContext")), _context(change.get("BeforeContext"))
    return replace(
        intent,
        action=_ACTIONS.get(str(change.get("Action")), "None"),
        properties={**intent.properties, **after},
        old_properties={**intent.old_properties, **before},
        unknown={name: why for name, why in intent.unknown.items() if name not in after},
        natives=natives,
    )


def _is_replaced(native: Native, changes: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether CloudFormation says so; where it leaves it open, whether the templates say so."""
    replacement = changes.get(native.logical_resource_id, {}).get("Replacement")
    return replacement == "True" or (replacement == "Conditional" and native.replaced)


def _context(context: object) -> dict[str, Any]:
    """What Before- or AfterContext knows of the properties, without handles: those are secrets."""
    properties = json.loads(context).get("Properties") if isinstance(context, str) and context else None
    return {
        name: as_sent(value)
        for name, value in (properties or {}).items()
        if name != _HANDLE and _AFTER_APPLY not in json.dumps(value)
    }


def _natives(before: Side, after: Side, stack: Stack) -> Iterator[Native]:
    existing = before.of_type(NATIVE_TYPE)
    for name in after.of_type(NATIVE_TYPE):
        new, old = after.properties(name), before.properties(name)
        changed = any(new.get(each) != old.get(each) for each in _CREATE_ONLY)
        yield native(stack, name, _split(new)[0], replaced=name in existing and changed)


def native(stack: Stack, name: str, properties: Mapping[str, Any], *, replaced: bool = False) -> Native:
    """A cluster of CloudFormation's own type in a stack."""
    found = CLUSTER_ID.search(stack.physical_ids.get(name, ""))
    return Native(stack.name, name, found[0] if found else "", properties, replaced)


def _handle_timeout(after: Side, handle: object) -> int | None:
    if handle is None:
        return None
    waiting = (after.properties(name) for name in after.of_type(_WAIT_CONDITION))
    # Without a Timeout it does not wait at all: it is required, see AWS::CloudFormation::WaitCondition.
    return next((whole_number(each.get("Timeout")) for each in waiting if each.get("Handle") == handle), None)


def _split(properties: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Values that are known, and why others are not."""
    unknown = {name: found.because for name, value in properties.items() if (found := unknown_in(value))}
    unknown.pop("ServiceToken", None)
    return {name: value for name, value in properties.items() if unknown_in(value) is None}, unknown
