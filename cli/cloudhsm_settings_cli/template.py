"""A template's values, as far as they are known before a deployment.

CloudFormation itself resolves everything in a change set, which is the better source. This resolves what a template
on disk says, with parameters, conditions, mappings, exports and the ids of what exists. All else is `Unknown`.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from cloudhsm_settings.identity import CLUSTER_ID

RESOURCE_TYPE = "Custom::CloudHSMClusterSettings"
NATIVE_TYPE = "AWS::CloudHSM::Cluster"
HANDLE_TYPE = "AWS::CloudFormation::WaitConditionHandle"
_CLUSTER_TYPES = (NATIVE_TYPE, RESOURCE_TYPE)
_FUNCTION_TYPES = ("AWS::Lambda::Function", "AWS::Serverless::Function")
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")
_DYNAMIC = "{{resolve:"


@dataclass(frozen=True)
class Unknown:
    """A value that only the deployment knows; `because` is a clause."""

    because: str


class _NoValue:
    """AWS::NoValue: the property is left out."""


_NO_VALUE = _NoValue()


class _Loader(yaml.SafeLoader):
    """YAML with the short forms of intrinsic functions."""


def _short_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)
# A date is a string to CloudFormation ("2012-10-17").
_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(text: str) -> dict[str, Any]:
    """A template in YAML or JSON, with every intrinsic function in its long form; raises ValueError."""
    try:
        template = yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader that also knows tags
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
    resources = template.get("Resources") if isinstance(template, dict) else None
    if not resources:
        raise ValueError("it has no Resources")
    return dict(template)


@dataclass(frozen=True)
class Surroundings:
    """What a template is resolved with."""

    region: str
    account: str = ""
    partition: str = "aws"
    stack_name: str = ""
    stack_id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Values by name, those of the template's defaults too; a value may be Unknown."""
    physical_ids: Mapping[str, str] = field(default_factory=dict)
    """Of the resources that exist, by logical id."""
    exports: Callable[[], Mapping[str, str] | None] = dict
    """Values by name, read when first needed; None where they cannot be read."""

    @property
    def pseudo(self) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html ."""
        return {
            "AWS::AccountId": self.account or Unknown("the account is not known"),
            "AWS::NoValue": _NO_VALUE,
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id or Unknown("the stack does not exist yet"),
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com",
        }


class Resolver:
    """Resolves values of one template."""

    def __init__(self, template: Mapping[str, Any], around: Surroundings) -> None:
        self._template = template
        self._around = around
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self._condition,
            "Fn::And": lambda of: self._logic(of, False),
            "Fn::Equals": self._equals,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::ImportValue": self._import_value,
            "Fn::Join": self._join,
            "Fn::Not": lambda of: _apply(lambda value: not value, self.value(of[0])),
            "Fn::Or": lambda of: self._logic(of, True),
            "Fn::Select": self._select,
            "Fn::Split": lambda of: _apply(lambda text: str(text).split(str(of[0])), self.value(of[1])),
            "Fn::Sub": self._sub,
        }

    def value(self, value: Any) -> Any:
        """The value, or Unknown; a list or mapping may have Unknown in it."""
        if isinstance(value, dict):
            if len(value) == 1:
                ((name, of),) = value.items()
                if name in self._functions:
                    return self._applied(name, of)
                if str(name).startswith("Fn::"):
                    return Unknown(f"needs {name}")
            resolved = {name: self.value(each) for name, each in value.items()}
            return {name: each for name, each in resolved.items() if each is not _NO_VALUE}
        if isinstance(value, list):
            return [each for each in map(self.value, value) if each is not _NO_VALUE]
        if isinstance(value, str) and _DYNAMIC in value:
            return Unknown("is a dynamic reference")
        return value

    def is_wanted(self, resource: Mapping[str, Any]) -> bool:
        """Whether the condition of a resource holds; one that is not known is taken to hold."""
        condition = resource.get("Condition")
        return condition is None or self._condition(condition) is not False

    def _applied(self, name: str, of: Any) -> Any:
        try:
            return self._functions[name](of)
        except (TypeError, KeyError, IndexError, ValueError, AttributeError):
            return Unknown(f"has {name} in a form that is not understood")

    def _ref(self, name: str) -> Any:
        around = self._around
        for known in (around.pseudo, around.parameters, around.physical_ids):
            if name in known:
                return known[name]
        if name in self._template.get("Parameters", {}):
            return Unknown(f"needs parameter {name}")
        return Unknown(f"needs {name}, which is not made yet")

    def _get_att(self, of: Any) -> Any:
        """The two attributes that a physical id tells; a function is as well called by its name as by its ARN."""
        name, _, attribute = of.partition(".") if isinstance(of, str) else (of[0], "", of[1])
        kind = self._template.get("Resources", {}).get(name, {}).get("Type")
        physical_id = self._around.physical_ids.get(name, "")
        cluster = CLUSTER_ID.search(physical_id)
        if attribute == "ClusterId" and kind in _CLUSTER_TYPES and cluster:
            return cluster[0]
        if attribute == "Arn" and kind in _FUNCTION_TYPES and physical_id:
            return physical_id
        return Unknown(f"needs {name}.{attribute}")

    def _import_value(self, of: Any) -> Any:
        name = self.value(of)
        if isinstance(name, Unknown):
            return name
        exports = self._around.exports()
        if exports is None:
            return Unknown(f"needs the export {name}, and exports cannot be read")
        return exports.get(name, Unknown(f"needs the export {name}, which does not exist"))

    def _find_in_map(self, of: list[Any]) -> Any:
        keys = [self.value(each) for each in of[:3]]
        unknown = next((each for each in keys if isinstance(each, Unknown)), None)
        if unknown:
            return unknown
        name, top, second = keys
        return self._template["Mappings"][name][str(top)][str(second)]

    def _if(self, of: list[Any]) -> Any:
        holds = self._condition(of[0])
        return holds if isinstance(holds, Unknown) else self.value(of[1] if holds else of[2])

    def _condition(self, name: str) -> Any:
        return self.value(self._template["Conditions"][name])

    def _equals(self, of: list[Any]) -> Any:
        left, right = self.value(of[0]), self.value(of[1])
        return next((each for each in (left, right) if isinstance(each, Unknown)), str(left) == str(right))

    def _logic(self, of: list[Any], decisive: bool) -> Any:
        """And is decided by one that is false, Or by one that is true, whatever the others are."""
        values = [self.value(each) for each in of]
        if any(not isinstance(each, Unknown) and bool(each) is decisive for each in values):
            return decisive
        return next((each for each in values if isinstance(each, Unknown)), not decisive)

    def _join(self, of: list[Any]) -> Any:
        parts = self.value(of[1])
        if isinstance(parts, Unknown):
            return parts
        unknown = next((each for each in parts if isinstance(each, Unknown)), None)
        return unknown or str(of[0]).join(map(str, parts))

    def _select(self, of: list[Any]) -> Any:
        values = self.value(of[1])
        # A CommaDelimitedList is a string until it is selected from.
        return _apply(lambda all_: (all_.split(",") if isinstance(all_, str) else all_)[int(of[0])], values)

    def _sub(self, of: Any) -> Any:
        text, own = (of, {}) if isinstance(of, str) else (of[0], of[1])
        names = {match[2] for match in _VARIABLE.finditer(text) if not match[1]}
        values = {name: self._variable(name.strip(), own) for name in names}

        def put(match: re.Match[str]) -> str:
            return f"${{{match[2]}}}" if match[1] else str(values[match[2]])

        return unknown_in(values) or _VARIABLE.sub(put, text)

    def _variable(self, name: str, own: Mapping[str, Any]) -> Any:
        if name in own:
            return self.value(own[name])
        return self._get_att(name) if "." in name else self._ref(name)


def _apply(function: Callable[[Any], Any], value: Any) -> Any:
    return value if isinstance(value, Unknown) else function(value)


def unknown_in(value: Any) -> Unknown | None:
    """The first Unknown in a value."""
    if isinstance(value, Unknown):
        return value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for each in inner if (found := unknown_in(each))), None)
