"""Rules for cfn-lint: what it cannot know of a custom resource, read from the schema beside this directory.

`--registry-schemas` does not do: for `Custom::` types cfn-lint looks up AWS::CloudFormation::CustomResource instead.
"""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cfnlint.jsonschema import ValidationError, Validator
from cfnlint.rules.jsonschema.CfnLintJsonSchema import CfnLintJsonSchema
from cfnlint.rules.jsonschema.CfnLintKeyword import CfnLintKeyword

_SCHEMA = json.loads((Path(__file__).parents[1] / "custom-cloudhsmclustersettings.json").read_text())
_TYPE: str = _SCHEMA["typeName"]


def _names(keyword: str) -> set[str]:
    return {pointer.rpartition("/")[2] for pointer in _SCHEMA[keyword]}


def _writable() -> dict[str, Any]:
    """What a template may declare, with cfn-lint's own word for "at least one of"."""
    properties = {
        name: limits for name, limits in _SCHEMA["properties"].items() if name not in _names("readOnlyProperties")
    }
    one_of = [name for each in _SCHEMA["anyOf"] for name in each["required"]]
    rest = {name: value for name, value in _SCHEMA.items() if name != "anyOf"}
    return {**rest, "properties": properties, "requiredOr": one_of}


def _known_only(_: Validator, _keyword: Any, instance: Any, limits: Mapping[str, Any]) -> Iterator[ValidationError]:
    """In place of cfn-lint's own, whose nearest name is blind to case: HSMType is the likeliest mistake of all."""
    lowered = {name.lower(): name for name in limits["properties"]}
    for name in instance.keys() - {*limits["properties"], "Fn::Transform"}:
        near = get_close_matches(name.lower(), lowered, n=1)
        hint = f"did you mean {lowered[near[0]]}?" if near else f"known are {', '.join(lowered.values())}"
        yield ValidationError(f"Unknown property {name}: {hint}", path=[name])


def _attributes() -> list[str]:
    """What Fn::GetAtt can read: everything that is not write-only, dotted where nested."""
    readable = {
        name: limits for name, limits in _SCHEMA["properties"].items() if name not in _names("writeOnlyProperties")
    }
    return [
        f"{name}.{member}" if member else name
        for name, limits in readable.items()
        for member in limits.get("properties", [""])
    ]


class Properties(CfnLintJsonSchema):
    """The properties of a resource of the type; functions are resolved where cfn-lint can."""

    id = "E9701"
    shortdesc = f"Properties of {_TYPE}"
    description = f"{_TYPE}: names, required properties, and values within their limits"
    source_url = "https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_ModifyCluster.html"
    tags = ("resources",)

    def __init__(self) -> None:
        super().__init__(keywords=[f"Resources/{_TYPE}/Properties"])
        self._schema = _writable()
        self.validators = {"additionalProperties": _known_only}

    def validate(self, validator: Validator, _keyword: Any, instance: Any, _schema: Any) -> Iterator[ValidationError]:
        """Faults, one for each value: several limits say the same in other words."""
        # The base class gives up at every function; a parameter's default is worth a look (W1030).
        seeing = validator.function_filter.evolve(add_cfn_lint_keyword=False)
        ours = self.extend_validator(validator.evolve(function_filter=seeing), self._schema, validator.context.evolve())
        seen = set()
        for error in self._validate(ours, instance):
            where = tuple(error.path) or error.message
            if where not in seen:
                seen.add(where)
                yield error


class Attributes(CfnLintKeyword):
    """Fn::GetAtt, and Fn::Sub with a dot, of an attribute that the resource does not have."""

    id = "E9702"
    shortdesc = f"Attributes of {_TYPE}"
    description = f"Fn::GetAtt of {_TYPE} names an attribute that it has"
    source_url = (
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getatt.html"
    )
    tags = ("functions", "getatt")

    def __init__(self) -> None:
        super().__init__(["*"])
        self.parent_rules = ["E1010"]
        self._known = _attributes()

    def validate(self, validator: Validator, _keyword: Any, value: Any, _schema: Any) -> Iterator[ValidationError]:
        """`value` is the logical id and the attribute, as E1010 hands them on once they are well-formed."""
        logical_id, attribute = value
        resource = validator.cfn.template.get("Resources", {}).get(logical_id, {})
        if resource.get("Type") == _TYPE and isinstance(attribute, str) and attribute not in self._known:
            message = f"{attribute!r} is not an attribute of {_TYPE}: it has {', '.join(self._known)}"
            yield ValidationError(message, rule=self, path=["Fn::GetAtt"])
