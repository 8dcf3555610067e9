"""ResourceProperties -> Settings: every fault is named, and nothing is guessed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from cloudhsm_settings.custom_resource.event import ENVELOPE, LONGEST_NAME, is_text, shown, split, whole_number
from cloudhsm_settings.errors import InvalidProperties
from cloudhsm_settings.identity import is_cluster_id

# What follows is the one definition of the properties: the parser below reads it, and tools/schema.py does.
OnRollback = Literal["Keep", "Revert"]
PROPERTIES = ("ClusterId", "HsmType", "BackupRetentionPolicy", "HsmTypeOnRollback", "WaitConditionHandle")
SETTINGS = ("HsmType", "BackupRetentionPolicy")
"""At least one of them has to be declared."""
POLICY_MEMBERS = ("Type", "Value")
RETENTION_TYPE = "DAYS"
RETENTION_DAYS = range(7, 380)
_DAYS = f"{RETENTION_DAYS[0]} to {RETENTION_DAYS[-1]}"

# The patterns of the API: https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_ModifyCluster.html
HSM_TYPE = re.compile(r"p?hsm[0-9][a-z.]*\.[a-zA-Z]+")
HSM_TYPE_LENGTH = 32
_S3_HOSTS = ("s3", "s3-{0}", "s3.{0}", "s3.dualstack.{0}")
_MOST_UNKNOWN = 5
"""Unknown members that are named: a Reason has room for no more."""


@dataclass(frozen=True)
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


def wait_condition_hosts(region: str) -> frozenset[str]:
    """Hosts of CloudFormation's own wait condition bucket in `region`, in each of S3's forms.

    Any other bucket could be anybody's. https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    """
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return frozenset(f"cloudformation-waitcondition-{region}.{s3.format(region)}.{domain}" for s3 in _S3_HOSTS)


def parse(properties: Any, handle_hosts: frozenset[str] = frozenset()) -> Settings:
    """Reads the ResourceProperties of a Create or Update.

    CloudFormation sends every scalar as a string; numbers are taken too. `handle_hosts` are the hosts that a wait
    condition handle may point to. Raises InvalidProperties with every fault, never with the first alone.
    """
    if not isinstance(properties, Mapping):
        raise InvalidProperties([f"ResourceProperties is {shown(properties)}: expected a mapping."])
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
    for name in sorted(map(str, set(given) - set(known)))[:_MOST_UNKNOWN]:
        # Late: only a faulty template pays for it.
        from difflib import get_close_matches

        lowered = {candidate.lower(): candidate for candidate in known}
        near = get_close_matches(name[:LONGEST_NAME].lower(), lowered, n=1, cutoff=0.6)
        hint = f"did you mean {lowered[near[0]]}?" if near else f"known are {', '.join(known)}."
        faults.append(f"Unknown {what} {shown(name)[1:-1]}: {hint}")
    return faults


def _cluster_id(properties: Mapping[str, Any], faults: list[str]) -> str:
    value = properties.get("ClusterId")
    if not is_cluster_id(value):
        found = "is missing" if value in (None, "") else f"is {shown(value)}"
        faults.append(f'ClusterId {found}: expected "cluster-" and 11 to 16 letters or digits 2 to 7.')
    return str(value)


def _hsm_type(properties: Mapping[str, Any], faults: list[str]) -> str | None:
    value = properties.get("HsmType")
    if "HsmType" not in properties:
        return None
    if not isinstance(value, str) or len(value) > HSM_TYPE_LENGTH or not HSM_TYPE.fullmatch(value):
        faults.append(f'HsmType is {shown(value)}: expected a type such as "hsm2m.medium".{_if_empty(value)}')
        return None
    return value


def _retention(properties: Mapping[str, Any], faults: list[str]) -> int | None:
    if "BackupRetentionPolicy" not in properties:
        return None
    policy = properties["BackupRetentionPolicy"]
    if not isinstance(policy, Mapping):
        expected = f"{{Type: {RETENTION_TYPE}, Value: {_DAYS}}}"
        faults.append(f"BackupRetentionPolicy is {shown(policy)}: expected {expected}.{_if_empty(policy)}")
        return None
    faults += _unknown(policy, POLICY_MEMBERS, "member of BackupRetentionPolicy")
    if policy.get("Type") != RETENTION_TYPE:
        faults.append(f"BackupRetentionPolicy.Type is {shown(policy.get('Type'))}: expected {RETENTION_TYPE}.")
    value = policy.get("Value")
    days = whole_number(value)
    if days not in RETENTION_DAYS:
        faults.append(f"BackupRetentionPolicy.Value is {shown(value)}: expected a whole number of days, {_DAYS}.")
    return days


def _on_rollback(properties: Mapping[str, Any], faults: list[str]) -> OnRollback:
    value = properties.get("HsmTypeOnRollback", "Keep")
    if not isinstance(value, str) or value not in get_args(OnRollback):
        expected = " or ".join(get_args(OnRollback))
        faults.append(f"HsmTypeOnRollback is {shown(value)}: expected {expected}.{_if_empty(value)}")
        return "Keep"
    return "Revert" if value == "Revert" else "Keep"


def _handle(properties: Mapping[str, Any], hosts: frozenset[str], faults: list[str]) -> str | None:
    value = properties.get("WaitConditionHandle")
    if "WaitConditionHandle" not in properties:
        return None
    url = split(value) if isinstance(value, str) and is_text(value) else None
    if url is None or url.scheme != "https" or url.netloc not in hosts:
        # The value itself may be a credential: only its host is shown.
        found = shown((url.hostname if url else None) or "")
        faults.append(
            f"WaitConditionHandle points to {found}: expected the Ref of an AWS::CloudFormation::WaitConditionHandle "
            f"of this region.{_if_empty(value)}"
        )
        return None
    return str(value)


def _if_empty(value: object) -> str:
    """How to leave a property out, for whoever meant to."""
    return " To leave it out, use !If with AWS::NoValue." if value in (None, "") else ""
