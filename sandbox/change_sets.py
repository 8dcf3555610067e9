"""What MiniStack's DescribeChangeSet lacks: the properties before and after, with IncludePropertyValues.

It runs inside MiniStack. A value that only the deployment knows is shown as CloudFormation shows it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

import json
from collections.abc import Callable, Iterator, Mapping
from html import escape
from types import ModuleType
from typing import Any

from ministack.services.cloudformation import (  # type: ignore[import-not-found]
    _stacks,
    changesets,
    engine,
    handlers,
)

AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
Require = Callable[[ModuleType, str], None]
Answer = tuple[int, dict[str, str], bytes]


def let_change_sets_show_values(require: Require) -> None:
    """Adds it; `require` ends the process where MiniStack is another one."""
    for module, name in (
        (handlers, "_ACTION_HANDLERS"),
        (changesets, "_find_change_set"),
        (changesets, "_p"),
        (engine, "_resolve_refs"),
        (engine, "_evaluate_conditions"),
    ):
        require(module, name)
    actions = handlers._ACTION_HANDLERS  # noqa: SLF001  # there is no other way in
    describe: Callable[[Any], Answer] = actions["DescribeChangeSet"]

    def described(members: Any) -> Answer:
        status, headers, body = describe(members)
        asked = changesets._p(members, "IncludePropertyValues").lower()  # noqa: SLF001
        if status != 200 or asked != "true":
            return status, headers, body
        name, stack = changesets._p(members, "ChangeSetName"), changesets._p(members, "StackName")  # noqa: SLF001
        _, change_set = changesets._find_change_set(name, stack)  # noqa: SLF001
        return status, headers, _with_values(body.decode(), change_set).encode()

    actions["DescribeChangeSet"] = described


def _with_values(answer: str, change_set: Mapping[str, Any]) -> str:
    stack: Mapping[str, Any] = next((each for each in _stacks.values() if each["StackId"] == change_set["StackId"]), {})
    before = _resolved(stack, stack)
    after = _resolved(change_set, stack)
    for change in change_set["Changes"]:
        name = change["ResourceChange"]["LogicalResourceId"]
        member = f"<LogicalResourceId>{escape(name)}</LogicalResourceId>"
        contexts = "".join(_context(side, values.get(name)) for side, values in (("Before", before), ("After", after)))
        answer = answer.replace(member, member + contexts, 1)
    return answer


def _context(side: str, properties: Any) -> str:
    if properties is None:
        return ""
    return f"<{side}Context>{escape(json.dumps({'Properties': properties}))}</{side}Context>"


def _resolved(source: Mapping[str, Any], stack: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of each resource of a stack's or change set's template."""
    template, parameters = source.get("_template") or {}, source.get("_resolved_params") or {}
    conditions = engine._evaluate_conditions(template, parameters)  # noqa: SLF001
    made = stack.get("_resources") or {}
    resources = {name: made.get(name) or _NOT_MADE for name in template.get("Resources") or {}}
    with_these = (resources, parameters, conditions, template.get("Mappings") or {})
    ids = (stack.get("StackName", ""), stack.get("StackId", ""))
    return {
        name: engine._resolve_refs(each.get("Properties") or {}, *with_these, *ids)  # noqa: SLF001
        for name, each in (template.get("Resources") or {}).items()
    }


class _Any(Mapping[str, str]):
    """Every attribute that is asked for."""

    def __getitem__(self, _: str) -> str:
        return AFTER_APPLY

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, _: object) -> bool:
        return True


_NOT_MADE = {"PhysicalResourceId": AFTER_APPLY, "Attributes": _Any()}
"""A resource of which nothing is known before the deployment."""
