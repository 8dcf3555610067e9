"""A person's template -> what the local cloud brings about of it. Pure.

The resource and the wait conditions are played as they are. Whatever else there is becomes a stub, by name, with the
attributes that are read of it. What could hide another resource is refused.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cfnlint.decode.cfn_yaml import loads

OURS = "Custom::CloudHSMClusterSettings"
STUB = "Sandbox::Stub::Resource"
_HANDLE = "AWS::CloudFormation::WaitConditionHandle"
_WAIT = "AWS::CloudFormation::WaitCondition"
_PLAYED = (OURS, _HANDLE, _WAIT)
_REFUSED = ("AWS::CloudFormation::Stack", "AWS::CloudFormation::Macro", "AWS::CloudFormation::StackSet")
_SERVERLESS = "AWS::Serverless-2016-10-31"
_KEPT_OF_A_STUB = ("Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy")
_DEFAULT_VALUES = {"Number": "30", "CommaDelimitedList": "rehearsed"}
"""Values of parameters that nobody gave and no resource of ours reads, by type."""


class NotPlayed(Exception):
    """The template has something that the local cloud can neither play nor stand in for."""


@dataclass(frozen=True)
class Shape:
    """What of a cluster matters; nothing else is copied from a real one."""

    hsms: int = 3
    hsm_type: str = "hsm1.medium"
    retention_days: int = 90


@dataclass(frozen=True)
class Staged:
    """A template as the local cloud plays it."""

    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    ours: tuple[str, ...]
    """Logical ids of our resources."""
    stubbed: Mapping[str, str] = field(default_factory=dict)
    """Type by logical id."""
    assumed: Mapping[str, str] = field(default_factory=dict)
    """Values of parameters that were neither given nor have a default."""

    @property
    def body(self) -> str:
        """The template as CloudFormation takes it."""
        return json.dumps(self.template)

    def declared(self, logical_id: str) -> Mapping[str, Any]:
        """The properties of one of our resources, with parameters resolved."""
        properties = self.template["Resources"][logical_id]["Properties"]
        return {name: _resolved(value, self.parameters) for name, value in properties.items()}


def staged(text: str, given: Mapping[str, str], service_token: str, clusters: Mapping[str, str]) -> Staged:
    """The template for the local cloud. `clusters` are the ids of local clusters, by logical id of our resources.

    Raises NotPlayed, naming everything that is in the way.
    """
    source = json.loads(json.dumps(loads(text), default=str))
    resources: dict[str, Any] = source.get("Resources") or {}
    _refuse(source, resources)
    ours = {name: each for name, each in resources.items() if each.get("Type") == OURS}
    stubbed = {name: str(each.get("Type")) for name, each in resources.items() if each.get("Type") not in _PLAYED}
    implied = _implied(source, resources)
    attributes = _attributes(source)
    played = {
        name: _ours(each, service_token, clusters[name])
        if name in ours
        else _stub(each, attributes.get(name, {}), stubbed[name])
        if name in stubbed
        else each
        for name, each in resources.items()
    }
    played |= {name: _stub({}, attributes.get(name, {}), _SERVERLESS) for name in implied}
    parameters, assumed = _parameters(source, given, {name: played[name] for name in ours})
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Parameters": {name: {"Type": _simple(each)} for name, each in (source.get("Parameters") or {}).items()},
        **{name: source[name] for name in ("Mappings", "Conditions") if name in source},
        "Resources": played,
        "Outputs": {
            name: {member: value for member, value in each.items() if member in ("Value", "Condition")}
            for name, each in (source.get("Outputs") or {}).items()
        },
    }
    if not template["Parameters"]:
        del template["Parameters"]
    return Staged(
        _without_imports(template), parameters, tuple(ours), {**stubbed, **dict.fromkeys(implied, _SERVERLESS)}, assumed
    )


def clusters_of(text: str) -> tuple[str, ...]:
    """The logical ids of our resources; raises NotPlayed without one."""
    resources = loads(text).get("Resources") or {}
    ours = [name for name, each in resources.items() if isinstance(each, Mapping) and each.get("Type") == OURS]
    if not ours:
        raise NotPlayed(f"The template has no resource of type {OURS}.")
    return tuple(str(name) for name in ours)


def before(stage: Staged, shape: Shape) -> Staged:
    """The same stack as it is before the change: as the clusters are, and waiting for nothing."""
    template = json.loads(stage.body)
    resources = template["Resources"]
    handles = {name for name, each in resources.items() if each["Type"] == _HANDLE}
    gone = handles | {name for name, each in resources.items() if each["Type"] == _WAIT}
    for name in stage.ours:
        properties = resources[name]["Properties"]
        properties.pop("WaitConditionHandle", None)
        if "HsmType" in properties:
            properties["HsmType"] = shape.hsm_type
        if "BackupRetentionPolicy" in properties or "HsmType" not in properties:
            properties["BackupRetentionPolicy"] = {"Type": "DAYS", "Value": shape.retention_days}
    kept = {name: _free_of(each, gone) for name, each in resources.items() if name not in gone}
    template["Resources"] = kept
    template["Outputs"] = {
        name: each for name, each in template.get("Outputs", {}).items() if not _referenced(each) & gone
    }
    return replace(stage, template=template)


def with_properties(stage: Staged, **properties: Any) -> Staged:
    """The same with other properties of all our resources."""
    template = json.loads(stage.body)
    for name in stage.ours:
        template["Resources"][name]["Properties"] |= properties
    return replace(stage, template=template)


def with_failing_neighbour(stage: Staged) -> Staged:
    """The same with a resource that comes last, and fails."""
    template = json.loads(stage.body)
    last = [name for name, each in template["Resources"].items() if "Condition" not in each]
    template["Resources"]["FailingNeighbour"] = {"Type": STUB, "DependsOn": last, "Properties": {"Fails": "true"}}
    return replace(stage, template=template)


def _refuse(source: Mapping[str, Any], resources: Mapping[str, Any]) -> None:
    transforms = source.get("Transform") or []
    names = {str(each) for each in (transforms if isinstance(transforms, list) else [transforms])}
    faults = [f"the transform {name}" for name in sorted(names - {_SERVERLESS})]
    types = {name: each.get("Type") if isinstance(each, Mapping) else None for name, each in resources.items()}
    faults += [f"{name} ({kind})" for name, kind in types.items() if kind in _REFUSED]
    faults += [name for name, kind in types.items() if kind is None]
    if _find(source, "Fn::Transform"):
        faults.append("Fn::Transform")
    if faults:
        raise NotPlayed(f"These may hold what cannot be seen from here, so they are not played: {', '.join(faults)}.")


def _ours(resource: Mapping[str, Any], service_token: str, cluster_id: str) -> dict[str, Any]:
    properties = {**(resource.get("Properties") or {}), "ServiceToken": service_token, "ClusterId": cluster_id}
    return {**resource, "Properties": properties}


def _stub(resource: Mapping[str, Any], attributes: Mapping[str, str], kind: str) -> dict[str, Any]:
    kept = {name: resource[name] for name in _KEPT_OF_A_STUB if name in resource}
    # What it refers to comes before it, as it does in AWS.
    depends = kept.get("DependsOn", [])
    names = {*(depends if isinstance(depends, list) else [depends]), *_referenced(resource.get("Properties"))}
    if names:
        kept["DependsOn"] = sorted(names)
    return {**kept, "Type": STUB, "Properties": {"For": kind, "Attributes": dict(attributes)}}


def _implied(source: Mapping[str, Any], resources: Mapping[str, Any]) -> list[str]:
    """Resources that the serverless transform makes and the template refers to."""
    if _SERVERLESS not in json.dumps(source.get("Transform") or ""):
        return []
    known = {*resources, *(source.get("Parameters") or {}), *(source.get("Conditions") or {})}
    return sorted(_referenced({name: source.get(name) for name in ("Resources", "Outputs")}) - known)


def _attributes(source: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """What is read of each resource, with a value that tells where it is from."""
    found: dict[str, dict[str, str]] = {}
    for name, attribute in _reads(source):
        found.setdefault(name, {})[attribute] = f"{name}.{attribute}"
    return found


def _reads(value: Any) -> Iterator[tuple[str, str]]:
    for each in _find(value, "Fn::GetAtt"):
        name, _, attribute = each.partition(".") if isinstance(each, str) else (each[0], "", each[1])
        if isinstance(attribute, str):
            yield str(name), attribute
    for text in _substituted(value):
        for name in re.findall(r"\$\{([^!}][^}]*)\}", text):
            if "." in name:
                yield name.partition(".")[0], name.partition(".")[2]


def _referenced(value: Any) -> set[str]:
    """The logical ids that a value refers to, parameters among them."""
    names = {name for name, _ in _reads(value)} | {str(each) for each in _find(value, "Ref")}
    for text in _substituted(value):
        names |= set(re.findall(r"\$\{([A-Za-z0-9]+)\}", text))
    return {name for name in names if "::" not in name}


def _substituted(value: Any) -> Iterator[str]:
    for each in _find(value, "Fn::Sub"):
        text = each if isinstance(each, str) else each[0] if isinstance(each, list) and each else ""
        if isinstance(text, str):
            yield text


def _find(value: Any, function: str) -> list[Any]:
    """What a function is applied to, everywhere in a value."""
    if isinstance(value, Mapping):
        here = [value[function]] if function in value else []
        return here + [found for each in value.values() for found in _find(each, function)]
    return [found for each in value for found in _find(each, function)] if isinstance(value, list) else []


def _free_of(resource: Mapping[str, Any], gone: set[str]) -> dict[str, Any]:
    depends = resource.get("DependsOn", [])
    left = [each for each in (depends if isinstance(depends, list) else [depends]) if each not in gone]
    rest = {name: each for name, each in resource.items() if name != "DependsOn"}
    if resource["Type"] == STUB and _referenced(resource.get("Properties")) & gone:
        raise NotPlayed("Something reads a wait condition: give the template of before with --before.")
    return {**rest, **({"DependsOn": left} if left else {})}


def _without_imports(value: Any) -> Any:
    """Values of other stacks are not there: a text that tells where it is from stands in."""
    if isinstance(value, Mapping):
        if "Fn::ImportValue" in value:
            return f"imported: {json.dumps(value['Fn::ImportValue'])}"
        return {name: _without_imports(each) for name, each in value.items()}
    return [_without_imports(each) for each in value] if isinstance(value, list) else value


def _parameters(
    source: Mapping[str, Any], given: Mapping[str, str], ours: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    declared: Mapping[str, Any] = source.get("Parameters") or {}
    if unknown := sorted(set(given) - set(declared)):
        raise NotPlayed(f"The template has no parameter {', '.join(unknown)}.")
    needed = _referenced(ours) | _referenced(source.get("Conditions"))
    values, assumed, missing = {}, {}, []
    for name, each in declared.items():
        if name in given or "Default" in each:
            values[name] = str(given.get(name, each.get("Default")))
        elif name in needed:
            missing.append(name)
        else:
            assumed[name] = values[name] = str((each.get("AllowedValues") or [_value(each)])[0])
    if missing:
        raise NotPlayed(f"Give {' '.join(f'--parameter {name}=...' for name in missing)}: the outcome hangs on it.")
    return values, assumed


def _value(parameter: Mapping[str, Any]) -> str:
    return str(parameter.get("MinValue") or _DEFAULT_VALUES.get(_simple(parameter), "rehearsed"))


def _simple(parameter: Mapping[str, Any]) -> str:
    """The type without a promise about other resources of the account."""
    kind = str(parameter.get("Type"))
    if kind in ("String", "Number", "CommaDelimitedList", "List<Number>"):
        return kind
    return "CommaDelimitedList" if kind.startswith("List<") else "String"


def _resolved(value: Any, parameters: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"Ref"}:
            return parameters.get(value["Ref"], value)
        return {name: _resolved(each, parameters) for name, each in value.items()}
    return value
