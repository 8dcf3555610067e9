"""Synthesized templates in a form that can be compared and read."""

from typing import Any

from aws_cdk import App, CfnElement, Stack
from aws_cdk.assertions import Template
from constructs import Construct


def stack() -> Stack:
    return Stack(App(), "Stack")


def resources(scope: Construct) -> dict[str, dict[str, Any]]:
    """The resources below `scope`, named by their path below it."""
    template = Template.from_stack(Stack.of(scope)).to_json()
    names = {
        Stack.of(scope).resolve(element.logical_id): element.node.path.removeprefix(f"{scope.node.path}/").removesuffix(
            "/Resource"
        )
        for element in scope.node.find_all()
        if isinstance(element, CfnElement)
    }
    return {names[key]: plain(resource, names) for key, resource in template["Resources"].items() if key in names}


def plain(value: Any, names: dict[str, str]) -> Any:
    """Intrinsic functions in the notation of Fn::Sub, lists of one as the one."""
    match value:
        case {"Ref": name}:
            return f"${{{names.get(name, name)}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{names.get(name, name)}.{attribute}}}"
        case {"Fn::Sub": str(text)}:
            return text
        case {"Fn::Join": [delimiter, list(parts)]}:
            return delimiter.join(plain(part, names) for part in parts)
        case dict():
            return {key: plain(each, names) for key, each in value.items()}
        case [one]:
            return plain(one, names)
        case list():
            return [plain(each, names) for each in value]
    return value
