"""What a record keeps of a request's properties, and how two requests are compared."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from cloudhsm_settings.custom_resource.event import ENVELOPE, shown, whole_number
from cloudhsm_settings.errors import InvalidProperties
from cloudhsm_settings.properties import PROPERTIES, parse

LONGEST_VALUE = 8192
"""Characters of one property's value that a record keeps: no valid one is longer."""
_MOST_PROPERTIES = 20


def kept(properties: object) -> Mapping[str, Any]:
    """The properties as the record keeps them: every fault stays visible, but nothing large or unwritable does."""
    if not isinstance(properties, Mapping):
        return {}
    names = [name for name in properties if name not in ENVELOPE]
    # In one order, because records are compared as they are written.
    known_first = sorted(names, key=lambda name: (name not in PROPERTIES, str(name)))[:_MOST_PROPERTIES]
    return {_name(name): _value(properties[name]) if name in PROPERTIES else "" for name in known_first}


def _name(name: object) -> str:
    return str(name) if name in PROPERTIES else shown(name)[1:-1]


def _value(value: object) -> Any:
    text = json.dumps(value, default=str)
    # A lone surrogate is an escape here, and DynamoDB would refuse it.
    return json.loads(text) if len(text) <= LONGEST_VALUE and _is_written(text) else shown(value)


def _is_written(text: str) -> bool:
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def declared(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The declared settings without any secret, as the table shows them."""
    properties = kept(event.get("ResourceProperties"))
    return {name: value for name, value in properties.items() if name not in ("ClusterId", "WaitConditionHandle")}


def handle_url(event: Mapping[str, Any], hosts: frozenset[str]) -> str:
    """The wait condition handle where it is valid, although other properties may not be; empty without one."""
    properties = event.get("ResourceProperties")
    handle = properties.get("WaitConditionHandle") if isinstance(properties, Mapping) else None
    if handle is None:
        return ""
    alone = {"ClusterId": "cluster-" + "a" * 11, "HsmType": "hsm2m.medium", "WaitConditionHandle": handle}
    try:
        return parse(alone, hosts).wait_condition_handle or ""
    except InvalidProperties:
        return ""


def digest_of(properties: Mapping[str, Any]) -> str:
    """The same for the same settings; the handle is none of them, and a secret."""
    named = {name: value for name, value in kept(properties).items() if name != "WaitConditionHandle"}
    return sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]


def retention_of(properties: Mapping[str, Any]) -> int | None:
    """Days in OldResourceProperties, which may be of any earlier version."""
    policy = properties.get("BackupRetentionPolicy")
    return whole_number(policy.get("Value")) if isinstance(policy, Mapping) else None
