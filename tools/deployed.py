"""What template.yaml deploys, with its parameters given and its conditions decided."""

import json
from collections.abc import Mapping
from typing import Any

from cfnlint.decode.cfn_yaml import loads

from tools.release.template import ROOT

SOURCE = loads((ROOT / "template.yaml").read_text())
ALL = "cluster-*"
ACCOUNT = "111122223333"
EVERY_PARAMETER = {
    "ClusterIdPattern": ALL,
    "ClusterTag": "settings=this stack",
    "PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "RolePath": "/platform/hsm/",
    "KmsKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "CodeSigningConfigArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:code-signing-config:csc-0123456789abcdefg",
}
"""What a platform team prescribes, all of it."""


def values(partition: str = "aws", **parameters: Any) -> dict[str, Any]:
    """The parameters' defaults or others, and the partition."""
    defaults = {name: each["Default"] for name, each in SOURCE["Parameters"].items() if "Default" in each}
    return {**defaults, "ClusterIdPattern": ALL, **parameters, "AWS::Partition": partition}


def resources(chosen: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The resources that there are with these `values`; functions as SAM has them."""
    there = {name: each for name, each in SOURCE["Resources"].items() if holds(each.get("Condition"), chosen)}
    return {name: given({**each, "Condition": None}, chosen) for name, each in there.items()}


def holds(condition: str | None, chosen: Mapping[str, Any], conditions: Any = SOURCE["Conditions"]) -> bool:
    """Whether a condition, given by its name, is true; none is."""
    return condition is None or given(conditions[condition], chosen)


def given(value: Any, chosen: Mapping[str, Any], conditions: Any = SOURCE["Conditions"]) -> Any:  # noqa: C901  # a table of CloudFormation's functions
    """`value` with parameters and conditions decided, and policies that are text read; None for AWS::NoValue."""
    match value:
        case {"Ref": "AWS::NoValue"}:
            return None
        case {"Ref": name} if name in chosen:
            return chosen[name]
        case {"Fn::If": [name, then, otherwise]}:
            return given(then if holds(name, chosen, conditions) else otherwise, chosen, conditions)
        case {"Fn::Not": [condition]}:
            return not given(condition, chosen)
        case {"Fn::Equals": [one, other]}:
            return given(one, chosen) == given(other, chosen)
        case {"Fn::And": several}:
            return all(given(condition, chosen) for condition in several)
        case {"Fn::Split": [separator, text]}:
            return given(text, chosen).split(separator)
        case {"Fn::Select": [index, several]}:
            return given(several, chosen)[int(index)]
        case {"Fn::Sub": [text, also]}:
            return given({"Fn::Sub": text}, {**chosen, **given(also, chosen)})
        case {"Fn::Sub": str(text)} | str(text):
            return _substituted(text, chosen)
        case dict():
            decided = {key: given(each, chosen, conditions) for key, each in value.items()}
            return {key: each for key, each in decided.items() if each is not None}
        case list():
            decided_ = [given(each, chosen, conditions) for each in value]
            return [each for each in decided_ if each is not None]
    return value


def _substituted(text: str, chosen: Mapping[str, Any]) -> Any:
    """The text, in the notation of Fn::Sub where something is not given; a policy as what it says."""
    for name, value in chosen.items():
        text = text.replace(f"${{{name}}}", str(value))
    return json.loads(text) if text.startswith("{") else text
