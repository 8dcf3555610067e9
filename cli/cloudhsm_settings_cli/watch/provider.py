"""Which provider serves a stack: found from its template, or from the exports of provider stacks."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from cloudhsm_settings_cli.aws import Aws
from cloudhsm_settings_cli.deployed import Deployed, deployed, service_tokens

RESOURCE_TYPE = "Custom::CloudHSMClusterSettings"
"""How templates call the resource; one that calls it otherwise is found by its record."""


@dataclass(frozen=True)
class Served:
    """A stack as it is asked about: its parameters, and the physical ids of its resources."""

    stack_id: str
    parameters: Mapping[str, str]
    resources: Mapping[str, str]


def providers(aws: Aws, stack: Served | None) -> Iterator[Deployed]:
    """The providers that may serve `stack`, the likeliest first; without a stack all that are exported."""
    seen = set()
    for token in _tokens(aws, stack):
        if token not in seen:
            seen.add(token)
            if found := deployed(aws, token):
                yield found


def _tokens(aws: Aws, stack: Served | None) -> Iterator[str]:
    if stack is not None:
        answer = aws.ask("cloudformation:GetTemplate", stack.stack_id, StackName=stack.stack_id) or {}
        for value in _declared(answer.get("TemplateBody")):
            if token := _resolved(aws, value, stack):
                yield token
    yield from service_tokens(aws)


def _declared(template: object) -> Iterator[Any]:
    """The values of ServiceToken in a template; botocore gives JSON as a mapping, and YAML as text."""
    if isinstance(template, str):
        template = yaml.load(template, Loader=_Loader)  # noqa: S506  # it is a SafeLoader
    resources = template.get("Resources") if isinstance(template, Mapping) else None
    for resource in resources.values() if isinstance(resources, Mapping) else ():
        if isinstance(resource, Mapping) and resource.get("Type") == RESOURCE_TYPE:
            yield (resource.get("Properties") or {}).get("ServiceToken")


def _resolved(aws: Aws, value: Any, stack: Served) -> str:
    """The ARN or name of the function; empty where it takes more than a reference to tell it."""
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return stack.parameters.get(name, "")
        case {"Fn::GetAtt": [str(name), "Arn"]}:
            return stack.resources.get(name, "")
        case {"Fn::GetAtt": str(path)} if path.endswith(".Arn"):
            return stack.resources.get(path.removesuffix(".Arn"), "")
        case {"Fn::ImportValue": str(name)}:
            exports = aws.ask("cloudformation:ListExports", "the exports of provider stacks") or []
            return next((str(each["Value"]) for each in exports if each.get("Name") == name), "")
    return ""


class _Loader(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions as their long ones."""


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = json.loads(json.dumps(loader.construct_mapping(node, deep=True), default=str))  # type: ignore[arg-type]
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)
