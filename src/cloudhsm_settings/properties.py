"""ResourceProperties -> Settings: every fault is named, and nothing is guessed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from cloudhsm_settings.errors import InvalidProperties

# What follows is the one definition of the properties: the parser below reads it, and `make schema` does.
OnRollback = Literal["Keep", "Revert"]
PROPERTIES = ("ClusterId", "HsmType", "BackupRetentionPolicy", "HsmTypeOnRollback", "WaitConditionHandle")
SETTINGS = ("HsmType", "BackupRetentionPolicy")
"""At least one of them has to be declared."""
POLICY_MEMBERS = ("Type", "Value")
# CloudFormation's own, present in every request.
ENVELOPE = ("ServiceToken", "ServiceTimeout")
RETENTION_TYPE = "DAYS"
RETENTION_DAYS = range(7, 380)
_DAYS = f"{RETENTION_DAYS[0]} to {RETENTION_DAYS[-1]}"

# The patterns of the API: https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_ModifyCluster.html
CLUSTER_ID = re.compile(r"cluster-[2-7a-zA-Z]{11,16}")
HSM_TYPE = re.compile(r"p?hsm[0-9][a-z.]*\.[a-zA-Z]+")
HSM_TYPE_LENGTH = 32
# A bucket that ends in anything but a region could be anybody's.
WAIT_CONDITION_HOST = re.compile(
    r"cloudformation-waitcondition-[a-z]{2}(-[a-z]+)+-\d\.s3([.-][a-z0-9-]+)?\.amazonaws\.com(\.cn)?"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a template declares; None means "never touched"."""

    cluster_id: str
    """Id of the cluster, "cluster-" and 11 to 16 letters and digits."""
    hsm_type: str | None = None
    """HSM type such as "hsm2m.medium"."""
    retention_days: int | None = None
    """Days that CloudHSM keeps a backup, 7 to 379."""
    on_rollback: OnRollback = "Keep"
    """What a stack rollback does to a type that the stack changed."""
    wait_condition_handle: str | None = field(default=None, repr=False)
    """URL of a wait condition handle: a bearer credential, never logged."""


def is_cluster_id(value: object) -> bool:
    """Whether CloudHSM could have issued `value` as the id of a cluster."""
    return isinstance(value, str) and CLUSTER_ID.fullmatch(value) is not None


def parse(properties: Mapping[str, Any], handle_hosts: frozenset[str] = frozenset()) -> Settings:
    """Reads the ResourceProperties of a Create or Update.

    CloudFormation sends every scalar as a string; numbers are taken too. `handle_hosts` are
    hosts accepted for a wait condition handle besides AWS's own ("localhost:4566"). Raises
    InvalidProperties with every fault, never with the first alone.
    """
    faults = _unknown(properties, (*PROPERTIES, *ENVELOPE), "property")
    settings = Settings(
        cluster_id=_cluster_id(properties, faults),
        hsm_type=_hsm_type(properties, faults),
        retention_days=_retention(properties, faults),
        on_rollback=_on_rollback(properties, faults),
        wait_condition_handle=_handle(properties, handle_hosts, faults),
    )
    if not set(SETTINGS) & set(properties):
        faults.append(f"Neither {' nor '.join(SETTINGS)} is given: declare at least one of them.")
    if faults:
        raise InvalidProperties(faults)
    return settings


def _unknown(given: Mapping[str, Any], known: tuple[str, ...], what: str) -> list[str]:
    faults = []
    for name in sorted(set(given) - set(known)):
        # Late: only a faulty template pays for it.
        from difflib import get_close_matches

        lowered = {candidate.lower(): candidate for candidate in known}
        near = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
        hint = f"did you mean {lowered[near[0]]}?" if near else f"known are {', '.join(known)}."
        faults.append(f"Unknown {what} {name}: {hint}")
    return faults


def _cluster_id(properties: Mapping[str, Any], faults: list[str]) -> str:
    value = properties.get("ClusterId")
    if not is_cluster_id(value):
        found = "is missing" if value in (None, "") else f"is {_shown(value)}"
        faults.append(f'ClusterId {found}: expected "cluster-" and 11 to 16 letters or digits 2 to 7.')
    return str(value)


def _hsm_type(properties: Mapping[str, Any], faults: list[str]) -> str | None:
    value = properties.get("HsmType")
    if "HsmType" not in properties:
        return None
    if not isinstance(value, str) or len(value) > HSM_TYPE_LENGTH or not HSM_TYPE.fullmatch(value):
        faults.append(f'HsmType is {_shown(value)}: expected a type such as "hsm2m.medium".')
        return None
    return value


def _retention(properties: Mapping[str, Any], faults: list[str]) -> int | None:
    if "BackupRetentionPolicy" not in properties:
        return None
    policy = properties["BackupRetentionPolicy"]
    if not isinstance(policy, Mapping):
        expected = f"{{Type: {RETENTION_TYPE}, Value: {_DAYS}}}"
        faults.append(f"BackupRetentionPolicy is {_shown(policy)}: expected {expected}.")
        return None
    faults += _unknown(policy, POLICY_MEMBERS, "member of BackupRetentionPolicy")
    if policy.get("Type") != RETENTION_TYPE:
        faults.append(f"BackupRetentionPolicy.Type is {_shown(policy.get('Type'))}: expected {RETENTION_TYPE}.")
    value = policy.get("Value")
    days = whole_number(value)
    if days not in RETENTION_DAYS:
        faults.append(f"BackupRetentionPolicy.Value is {_shown(value)}: expected a whole number of days, {_DAYS}.")
    return days


def _on_rollback(properties: Mapping[str, Any], faults: list[str]) -> OnRollback:
    value = properties.get("HsmTypeOnRollback", "Keep")
    if value not in get_args(OnRollback):
        faults.append(f"HsmTypeOnRollback is {_shown(value)}: expected {' or '.join(get_args(OnRollback))}.")
        return "Keep"
    return "Revert" if value == "Revert" else "Keep"


def _handle(properties: Mapping[str, Any], hosts: frozenset[str], faults: list[str]) -> str | None:
    value = properties.get("WaitConditionHandle")
    if "WaitConditionHandle" not in properties:
        return None
    url = urlsplit(value if isinstance(value, str) else "")
    known = WAIT_CONDITION_HOST.fullmatch(url.netloc) is not None or url.netloc in hosts
    if url.scheme != "https" or not known:
        # The value itself may be a credential: only its host is shown.
        faults.append(
            f"WaitConditionHandle points to {_shown(url.netloc)}: expected the Ref of an "
            "AWS::CloudFormation::WaitConditionHandle."
        )
        return None
    return str(value)


def whole_number(value: object) -> int | None:
    """`value` as an int when it is one or spells one in ASCII digits, else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return None


def _shown(value: object) -> str:
    text = "empty" if value in (None, "") else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
