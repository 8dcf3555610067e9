"""Mistakes are found at synthesis, the same ones that the function would find, and no others."""

from itertools import product

import pytest
from aws_cdk import CfnParameter, Duration, Fn

from cloudhsm_settings.custom_resource.operation import LONGEST_WAIT_CONDITION
from cloudhsm_settings.errors import InvalidProperties
from cloudhsm_settings.properties import RETENTION_DAYS, parse
from cloudhsm_settings_cdk import limits
from tests.cdk.synthesized import stack
from tests.cdk.test_settings import settings

HOUR = 3600


MISTAKES = [
    ({"cluster": "cluster-1"}, "cluster is 'cluster-1': expected"),
    ({"hsm_type": "medium"}, "hsm_type is 'medium': expected a type such as"),
    ({"hsm_type": ""}, "hsm_type is '': expected a type such as"),
    ({"hsm_type": None}, "Neither hsm_type nor backup_retention is given"),
    (
        {"backup_retention": Duration.days(5)},
        "backup_retention is 5 days: expected a whole number of days, 7 to 379",
    ),
    ({"backup_retention": Duration.days(380)}, "backup_retention is 380 days"),
    ({"backup_retention": Duration.hours(200)}, "backup_retention is 8 days 8 hours"),
    ({"hsm_type_on_rollback": "revert"}, "hsm_type_on_rollback is 'revert': expected Keep or Revert"),
    ({"long_migration": Duration.hours(13)}, "long_migration is 13 hours: expected at most 12 hours"),
    ({"long_migration": Duration.seconds(0)}, "long_migration is 0 seconds"),
    (
        {"long_migration": Duration.hours(6), "hsm_type": None, "backup_retention": Duration.days(30)},
        "long_migration is given without hsm_type",
    ),
    (
        {"long_migration": Duration.hours(6), "hsm_type": Fn.import_value("type")},
        "long_migration needs an hsm_type that is known at synthesis",
    ),
]


@pytest.mark.parametrize(("properties", "says"), MISTAKES)
def test_a_mistake_is_named_with_the_construct(properties, says):
    with pytest.raises(ValueError, match=f"^Stack/Settings: .*{says}"):
        settings(**{"hsm_type": "hsm2m.medium", **properties})


def test_every_mistake_is_named():
    with pytest.raises(ValueError, match=r"cluster is .* hsm_type is .* backup_retention is .* long_migration is "):
        settings(cluster="c", hsm_type="h", backup_retention=Duration.days(1), long_migration=Duration.days(1))


def test_a_long_migration_cannot_be_a_token():
    parent = stack()
    hours = CfnParameter(parent, "Hours", type="Number").value_as_number
    with pytest.raises(ValueError, match="long_migration is a token"):
        settings(parent, hsm_type="hsm2m.medium", long_migration=Duration.hours(hours))


def test_a_retention_in_hours_that_are_days_is_fine():
    settings(backup_retention=Duration.hours(24 * 30))


def test_limits_that_the_function_states():
    assert limits.RETENTION_DAYS == RETENTION_DAYS
    assert limits.LONG_MIGRATION_HOURS * HOUR == LONGEST_WAIT_CONDITION


def refused_by_the_function(**properties) -> bool:
    try:
        parse(properties)
    except InvalidProperties:
        return True
    return False


def refused(cluster="cluster-abcdefghijk", hsm_type=None, backup_retention=None, on_rollback="Keep") -> bool:
    return bool(list(limits.settings_faults(cluster, hsm_type, backup_retention, on_rollback, None)))


def words(*parts) -> list[str]:
    """Every word of one part after the other."""
    return ["".join(chosen) for chosen in product(*parts)]


def test_cluster_ids_as_the_function_judges_them():
    lengths = ["7" * n for n in range(9, 19)]
    for cluster in words(
        ["cluster-", "Cluster-", "cluster", "x-cluster-", ""], lengths, ["", "a", "Z", "1", "-", "\n"]
    ):
        theirs = refused_by_the_function(ClusterId=cluster, HsmType="hsm2m.medium")
        assert refused(cluster, "hsm2m.medium") == theirs, cluster


def test_hsm_types_as_the_function_judges_them():
    sizes = ["m" * n for n in (0, 1, 6, *range(23, 31))]
    for hsm_type in words(
        ["hsm", "phsm", "qhsm"], ["2", "", "22"], ["m", "M", ".x"], [".", ""], sizes, ["", "1", "\n"]
    ):
        theirs = refused_by_the_function(ClusterId="cluster-abcdefghijk", HsmType=hsm_type)
        assert refused(hsm_type=hsm_type) == theirs, hsm_type


@pytest.mark.parametrize("choice", ["Keep", "Revert", "keep", "", "Retain"])
def test_choices_on_rollback_as_the_function_judges_them(choice):
    properties = {"ClusterId": "cluster-abcdefghijk", "HsmType": "hsm2m.medium", "HsmTypeOnRollback": choice}
    assert refused(hsm_type="hsm2m.medium", on_rollback=choice) == refused_by_the_function(**properties)


def test_retentions_as_the_function_judges_them():
    for days in range(400):
        policy = {"Type": "DAYS", "Value": days}
        theirs = refused_by_the_function(ClusterId="cluster-abcdefghijk", BackupRetentionPolicy=policy)
        assert refused(backup_retention=Duration.days(days)) == theirs, days
