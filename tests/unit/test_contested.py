"""Whether two resources declare different settings for one cluster."""

from dataclasses import replace

import pytest

from cloudhsm_settings.contested import contested, may_be_contested
from cloudhsm_settings.decisions import ModifyHsmType, ModifyRetention
from tests.unit.cases import FRESH, NEW, OLD, OTHER_ID, THIRD, cluster, former, request

TYPE, RETENTION = ModifyHsmType(NEW, FRESH, ""), ModifyRetention(30, FRESH, "")


@pytest.mark.parametrize("decision", [TYPE, RETENTION])
def test_what_was_there_before_a_create_or_a_replacement_may_be_anothers(decision):
    assert may_be_contested(request(), decision, cluster())
    moved = former(OLD, retention_days=90, cluster_id=OTHER_ID)
    assert may_be_contested(request(former=moved), decision, cluster(retention="90"))


@pytest.mark.parametrize(("shown", "may_be"), [(OLD, False), (THIRD, True)])
def test_a_type_is_ones_own_where_the_former_template_said_it(shown, may_be):
    update = request(former=former(OLD, retention_days=7))
    assert may_be_contested(update, TYPE, cluster(hsm_type=shown)) is may_be


@pytest.mark.parametrize(("shown", "may_be"), [("90", False), ("7", True), (None, True)])
def test_so_is_a_retention(shown, may_be):
    update = request(former=former(THIRD, retention_days=90))
    assert may_be_contested(update, RETENTION, cluster(retention=shown)) is may_be


def other(**declared):
    return {"StackId": "stack", "LogicalResourceId": "Other", "Declared": declared}


def test_only_those_are_named_that_declare_otherwise():
    same, another = other(HsmType=NEW), other(HsmType=OLD)
    named = {"OtherStackId": "stack", "OtherLogicalResourceId": "Other", "OtherDeclared": OLD}
    assert contested(TYPE, [same, another, other()]) == [named]


def test_a_retention_is_compared_in_days():
    policies = [{"BackupRetentionPolicy": {"Type": "DAYS", "Value": value}} for value in ("30", "35")]
    (named,) = contested(RETENTION, [other(**each) for each in policies])
    assert named["OtherDeclared"] == "35"
    assert contested(replace(RETENTION, days=35), [other(**policies[1]), other(HsmType=OLD)]) == []
