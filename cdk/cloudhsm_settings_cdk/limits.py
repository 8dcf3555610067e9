"""What the function accepts, so that a mistake is found at synthesis; tests hold this to the function itself."""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from aws_cdk import Duration, Token
from aws_cdk.aws_lambda import ApplicationLogLevel

RETENTION_DAYS = range(7, 380)
LONG_MIGRATION_HOURS = 12
_CLUSTER_ID = re.compile(r"cluster-[2-7a-zA-Z]{11,16}")
_CLUSTER_ID_PATTERN = re.compile(r"[a-zA-Z0-9*?-]+")
_CLUSTER_TAG = re.compile(r"[\w .:/+@-]{1,128}=[\w .:/+@-]{0,256}", re.ASCII)
_ROLE_PATH = re.compile(r"/([!-~]+/)?")
_HSM_TYPE = re.compile(r"p?hsm[0-9][a-z.]*\.[a-zA-Z]+")
_HSM_TYPE_LENGTH = 32


class HsmTypeOnRollback(StrEnum):
    """What a stack rollback does to a type that the stack changed."""

    KEEP = "Keep"
    """Leaves the cluster as it is."""
    REVERT = "Revert"
    """Goes back while CloudHSM allows it. Keys and users made since the cluster became ACTIVE are lost then."""


def settings_faults(
    cluster_id: str,
    hsm_type: str | None,
    backup_retention: Duration | None,
    hsm_type_on_rollback: str,
    long_migration: Duration | None,
) -> Iterator[str]:
    """One sentence for each mistake; a token, whose value only CloudFormation knows, is none."""
    if not Token.is_unresolved(cluster_id) and not _CLUSTER_ID.fullmatch(cluster_id):
        yield f'cluster is {cluster_id!r}: expected "cluster-" and 11 to 16 letters or digits 2 to 7.'
    if hsm_type is None and backup_retention is None:
        yield "Neither hsm_type nor backup_retention is given: declare at least one of them."
    if hsm_type is not None and not _is_hsm_type(hsm_type):
        yield f'hsm_type is {hsm_type!r}: expected a type such as "hsm2m.medium".'
    if backup_retention is not None and not _is_retention(backup_retention):
        yield f"backup_retention is {backup_retention.to_human_string()}: expected a whole number of days, 7 to 379."
    if not Token.is_unresolved(hsm_type_on_rollback) and hsm_type_on_rollback not in list(HsmTypeOnRollback):
        yield f"hsm_type_on_rollback is {hsm_type_on_rollback!r}: expected {' or '.join(HsmTypeOnRollback)}."
    if long_migration is not None:
        yield from _long_migration_faults(hsm_type, long_migration)


def provider_faults(
    cluster_id_pattern: str, cluster_tag: str | None, log_level: ApplicationLogLevel, role_path: str
) -> Iterator[str]:
    """One sentence for each mistake in what a provider is given."""
    if not Token.is_unresolved(cluster_id_pattern) and not _CLUSTER_ID_PATTERN.fullmatch(cluster_id_pattern):
        yield (
            f"cluster_id_pattern is {cluster_id_pattern!r}: expected an id such as cluster-abcdefghijk, "
            "or a pattern with asterisks."
        )
    if cluster_tag is not None and Token.is_unresolved(cluster_tag):
        yield "cluster_tag is a token: its key is part of a condition's name, give it as a string."
    elif cluster_tag is not None and not _CLUSTER_TAG.fullmatch(cluster_tag):
        yield f"cluster_tag is {cluster_tag!r}: expected key=value, of letters, digits, spaces and _ . : / + @ -"
    if not Token.is_unresolved(role_path) and not _ROLE_PATH.fullmatch(role_path):
        yield f"role_path is {role_path!r}: expected a path that begins and ends with a slash."
    if log_level is ApplicationLogLevel.TRACE:
        yield "log_level is TRACE, which Python does not have: expected DEBUG, INFO, WARN, ERROR or FATAL."


def refuse(path: str, faults: Iterable[str]) -> None:
    """Raises ValueError, which names the construct at `path` and every fault, if there is one."""
    if listed := list(faults):
        raise ValueError(f"{path}: {' '.join(listed)}")


def _is_hsm_type(value: str) -> bool:
    return Token.is_unresolved(value) or (len(value) <= _HSM_TYPE_LENGTH and _HSM_TYPE.fullmatch(value) is not None)


def _is_retention(value: Duration) -> bool:
    return value.is_unresolved() or value.to_days(integral=False) in RETENTION_DAYS


def _long_migration_faults(hsm_type: str | None, long_migration: Duration) -> Iterator[str]:
    if hsm_type is None:
        yield "long_migration is given without hsm_type: only a change of the type takes long."
    elif Token.is_unresolved(hsm_type):
        yield (
            "long_migration needs an hsm_type that is known at synthesis, because every migration waits under logical "
            "ids of its own: give it as a string, for example from the context."
        )
    if long_migration.is_unresolved():
        yield "long_migration is a token: a wait condition cannot be updated, give a number."
    elif not 0 < long_migration.to_hours(integral=False) <= LONG_MIGRATION_HOURS:
        yield f"long_migration is {long_migration.to_human_string()}: expected at most {LONG_MIGRATION_HOURS} hours."
