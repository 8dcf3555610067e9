"""The schema of Custom::CloudHSMClusterSettings, made from the definition that the function itself reads.

Its shape is that of the CloudFormation registry, https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html,
so an attribute is any property that is not in `writeOnlyProperties`. Descriptions come from docs/resource.md.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from cloudhsm_settings import properties as defined
from cloudhsm_settings.attributes import attributes
from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.event import ENVELOPE
from cloudhsm_settings.identity import CLUSTER_ID
from cloudhsm_settings.request import Progress

ROOT = Path(__file__).parent.parent
PATH = ROOT / "schema" / "custom-cloudhsmclustersettings.json"
PAGE = ROOT / "docs" / "resource.md"
TYPE_NAME = "Custom::CloudHSMClusterSettings"
ATTRIBUTES = tuple(attributes(Cluster("", ""), Progress()))
# Spelled out, because a string has no minimum; a test holds it to RETENTION_DAYS.
_RETENTION_DAYS = "0*([7-9]|[1-9][0-9]|[12][0-9][0-9]|3[0-7][0-9])"
# Of any region: the function knows its own, a linter does not. A test holds it to the function's hosts.
_HANDLE = (
    r"^https://cloudformation-waitcondition-([a-z]{2}(-[a-z]+)+-\d)"
    r"\.(s3|s3-\1|s3\.\1|s3\.dualstack\.\1)\.amazonaws\.com(\.cn)?/"
)
_STRING = {"type": "string"}

_LIMITS: dict[str, dict[str, Any]] = {
    "ServiceToken": _STRING,
    "ServiceTimeout": {"type": ["integer", "string"], "minimum": 1, "maximum": 3600},
    "ClusterId": {**_STRING, "pattern": f"^{CLUSTER_ID.pattern}$"},
    "HsmType": {**_STRING, "pattern": f"^{defined.HSM_TYPE.pattern}$", "maxLength": defined.HSM_TYPE_LENGTH},
    "BackupRetentionPolicy": {
        "type": "object",
        "properties": {
            "Type": {**_STRING, "enum": [defined.RETENTION_TYPE]},
            "Value": {
                "type": ["integer", "string"],
                "minimum": defined.RETENTION_DAYS[0],
                "maximum": defined.RETENTION_DAYS[-1],
                "pattern": f"^{_RETENTION_DAYS}$",
            },
        },
        "required": list(defined.POLICY_MEMBERS),
        "additionalProperties": False,
    },
    "HsmTypeOnRollback": {
        **_STRING,
        "enum": list(get_args(defined.OnRollback)),
        "default": defined.Settings("").on_rollback,
    },
    "WaitConditionHandle": {**_STRING, "pattern": _HANDLE},
}


def schema() -> dict[str, Any]:
    """The schema as it should be; KeyError for a property without limits or without a description."""
    said = _said_of_properties() | _said_of_attributes()
    writable = [*ENVELOPE, *defined.PROPERTIES]
    members = {f"{name}.{member}" for name in writable for member in _LIMITS[name].get("properties", ())}
    read_only = [name for name in ATTRIBUTES if name not in {*writable, *members}]
    write_only = [name for name in writable if name not in {each.partition(".")[0] for each in ATTRIBUTES}]
    return {
        "typeName": TYPE_NAME,
        "description": said[TYPE_NAME],
        "properties": {
            **{name: {"description": said[name], **_LIMITS[name]} for name in writable},
            **{name: {"description": said[name], **_STRING} for name in read_only},
        },
        "required": ["ServiceToken", "ClusterId"],
        "anyOf": [{"required": [name]} for name in defined.SETTINGS],
        "additionalProperties": False,
        "readOnlyProperties": _pointers(read_only),
        "writeOnlyProperties": _pointers(write_only),
        "createOnlyProperties": _pointers(["ServiceToken", "ClusterId"]),
        "primaryIdentifier": _pointers(["ClusterId"]),
    }


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(schema(), indent=2) + "\n"


def _pointers(names: Iterable[str]) -> list[str]:
    return [f"/properties/{name}" for name in names]


def _said_of_properties() -> dict[str, str]:
    page = PAGE.read_text()
    title, about = re.findall(r"^# (\S+)\n\n((?:.+\n)+)", page)[0]
    defined_terms = re.findall(r"^`(\w+)`\n: ((?:.+\n)+)", page, re.MULTILINE)
    token = {"ServiceToken": "ARN of the provider's function, the output of its stack."}
    return {
        title: _plain(about),
        **token,
        **{name: _plain(text.split("*Required*")[0]) for name, text in defined_terms},
    }


def _said_of_attributes() -> dict[str, str]:
    table = PAGE.read_text().split("### Fn::GetAtt")[1]
    rows = re.findall(r"^\| (`.+?`) \| (.+) \|$", table, re.MULTILINE)
    said = {name: _plain(text) for names, text in rows for name in re.findall(r"`([\w.]+)`", names)}
    # What is a property as well is described as one.
    return {name: said[name] for name in ATTRIBUTES if name not in defined.PROPERTIES}


def _plain(markdown: str) -> str:
    """One line without emphasis and code marks."""
    return re.sub(r"[`*]", "", " ".join(markdown.split()))


if __name__ == "__main__":
    PATH.write_text(text())
