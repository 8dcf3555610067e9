"""`plan`: the function's own decisions before they are made, numbered checks, and exit codes."""

from datetime import UTC

import pytest

from cloudhsm_settings.history import Memory, TypeChange
from cloudhsm_settings_cli.exits import Exit
from sandbox.cloudhsm.client import as_botocore_parses
from tests.unit.cli.provided import DAY, Backups, KeyStores, checks, remember
from tests.unit.cli.world import NOW


def test_a_migration_is_planned_as_the_function_will_make_it(vault):
    cluster = vault.fleet.seed(hsms=3)
    ran = vault.run("plan", "--cluster", cluster.cluster_id, "--hsm-type", "hsm2m.medium", "--retention", "30", "--wait-condition")  # fmt: skip
    assert ran.code == Exit.CHANGES
    lines = ran.out.splitlines()
    assert lines[0] == f"{cluster.cluster_id}   ACTIVE   hsm1.medium x 3   retention 90 days"
    assert lines[1] == "  1  BackupRetentionPolicy  90 -> 30 days                 60 backups become purgeable"
    assert lines[2] == "  2  HsmType                hsm1.medium -> hsm2m.medium   about 90 min, limited-write"
    assert "way back         lossless until ACTIVE, then loses keys, until" in ran.out
    assert lines[-1] == "Would call ModifyCluster 2 times: 1 warning, 2 to be answered by a person"
    assert vault.fleet.count("ModifyCluster") == 0


def test_the_same_in_json(vault):
    cluster = vault.fleet.seed(hsms=3)
    ran = vault.run("plan", "--cluster", cluster.cluster_id, "--hsm-type", "hsm2m.medium", "--wait-condition", "--json")
    (resource,) = ran.json["resources"]
    assert ran.json["exit"] == "CHANGES"
    assert resource["calls"] == [{"setting": "HsmType", "from": "hsm1.medium", "to": "hsm2m.medium", "minutes": 90.0}]
    assert resource["attributes"]["PreviousHsmType"] == {"from": "", "to": "hsm1.medium"}
    assert resource["wayBackUntil"] == "2027-01-16T08:00:00Z"
    assert resource["waitConditionHandle"] == "New"
    assert {"P04": "PASS", "P06": "PASS", "P07": "PASS", "P20": "ASK", "P21": "ASK"}.items() <= checks(ran).items()


def test_what_is_as_declared_is_nothing_to_do(vault):
    cluster = vault.fleet.seed()
    ran = vault.run("plan", "--cluster", cluster.cluster_id, "--hsm-type", "hsm1.medium", "--retention", "90")
    assert ran.code == Exit.DONE
    assert ran.out.splitlines()[-1] == "Nothing to do: no objection"


def test_what_would_not_fit_prints_the_lines_to_paste(vault):
    cluster = vault.fleet.seed(hsms=3)
    ran = vault.run("plan", "--cluster", cluster.cluster_id, "--hsm-type", "hsm2m.medium")
    assert ran.code == Exit.FAILED
    assert "P06 FAIL" in ran.out
    assert "      WaitConditionHandle: !Ref SettingsHandle1" in ran.out
    assert vault.run("plan", "--cluster", cluster.cluster_id, "--hsm-type", "hsm2m.medium", "--ignore", "P06").code == 0


@pytest.mark.parametrize(
    ("state", "number"), [("UNINITIALIZED", "P03"), ("DEGRADED", "P03"), ("DELETED", "P02"), ("UPDATE_IN_PROGRESS", "P16")]
)  # fmt: skip
def test_states(vault, state, number):
    cluster = vault.fleet.seed(state=state)
    ran = vault.run("plan", "--cluster", cluster.cluster_id, "--hsm-type", "hsm2m.medium", "--json")
    waits = state == "UPDATE_IN_PROGRESS"
    assert checks(ran)[number] == ("WARN" if waits else "FAIL")
    assert ran.code == (Exit.CHANGES if waits else Exit.FAILED)


def test_a_cluster_that_is_not_there(vault):
    ran = vault.run("plan", "--cluster", "cluster-zzzzzzzzzzz", "--retention", "30")
    assert ran.code == Exit.FAILED
    assert "P02 FAIL cluster-zzzzzzzzzzz does not exist in account 123456789012, region us-east-1." in ran.out


def test_properties_that_are_wrong_are_all_named(vault):
    cluster = vault.fleet.seed()
    ran = vault.run("plan", "--cluster", cluster.cluster_id, "--hsm-type", "large", "--retention", "3")
    assert ran.code == Exit.FAILED
    assert "P01 FAIL HsmType is 'large'" in ran.out
    assert "BackupRetentionPolicy.Value is '3'" in ran.out


def test_few_and_many_hsms(vault):
    few, many = vault.fleet.seed(hsms=2), vault.fleet.seed(hsms=28)
    options = ("--hsm-type", "hsm2m.medium", "--wait-condition", "--json")
    assert checks(vault.run("plan", "--cluster", few.cluster_id, *options))["P04"] == "WARN"
    assert checks(vault.run("plan", "--cluster", many.cluster_id, *options))["P05"] == "FAIL"


def test_backups(vault, account):
    cluster = vault.fleet.seed()
    to_type = ("plan", "--cluster", cluster.cluster_id, "--hsm-type", "hsm2m.medium")
    shorter = ("plan", "--cluster", cluster.cluster_id, "--retention", "30")
    longer = ("plan", "--cluster", cluster.cluster_id, "--retention", "120", "--json")
    assert "P08 WARN 60 backups become purgeable" in vault.run(*shorter).out
    assert checks(vault.run(*longer))["P08"] == "PASS"
    vault.now += 5 * DAY
    assert "P07 WARN the last backup is 5.0 days old" in vault.run(*to_type).out
    account.clients["cloudhsmv2"] = Backups(account, 0)
    assert "P07 WARN the cluster has no backup that is READY" in vault.run(*to_type).out


def test_key_stores_of_kms(vault):
    cluster, other = vault.fleet.seed(), vault.fleet.seed()
    vault.clients["kms"] = KeyStores(other.cluster_id, cluster.cluster_id)
    ran = vault.run("plan", "--cluster", cluster.cluster_id, "--hsm-type", "hsm2m.medium")
    assert "P14 WARN KMS custom key store store-1: no key can be made meanwhile" in ran.out


def test_who_else_declares_something_for_the_cluster(vault):
    cluster = vault.fleet.seed()
    remember(cluster.cluster_id, "vault/Settings", HsmType="hsm1.medium")
    remember(cluster.cluster_id, "audit/Retention", BackupRetentionPolicy={"Type": "DAYS", "Value": "35"})
    ran = vault.run("plan", "--cluster", cluster.cluster_id, "--retention", "30")
    assert "P12 WARN audit/Retention declares 35 days for this cluster" in ran.out


def test_a_resource_on_record_is_updated_and_tells_its_rollback(vault):
    cluster = vault.fleet.seed()
    remember(cluster.cluster_id, HsmType="hsm1.medium", BackupRetentionPolicy={"Type": "DAYS", "Value": "90"})
    options = ("--hsm-type", "hsm2m.medium", "--retention", "30")
    keep = vault.run("plan", "--cluster", cluster.cluster_id, *options)
    assert keep.out.startswith(f"vault/Settings   Update   {cluster.cluster_id}")
    assert "stack rollback   Keep: the type stays, BackupRetentionPolicy 30 -> 90 days" in keep.out
    revert = vault.run("plan", "--cluster", cluster.cluster_id, *options, "--on-rollback", "Revert")
    assert "stack rollback   Revert: the type goes back, and keys made since ACTIVE are lost" in revert.out


def test_going_back_needs_consent_and_says_its_price(vault):
    cluster = vault.fleet.seed(hsms=1)
    cluster.migrate("hsm2m.medium", NOW)
    vault.now += 7200
    change = TypeChange(cluster.cluster_id, "hsm1.medium", "hsm2m.medium", NOW, answered=True)
    remember(cluster.cluster_id, memory=Memory(change), HsmType="hsm2m.medium")
    back = ("plan", "--cluster", cluster.cluster_id, "--hsm-type", "hsm1.medium")
    refused, allowed = vault.run(*back), vault.run(*back, "--on-rollback", "Revert")
    assert (refused.code, allowed.code) == (Exit.FAILED, Exit.CHANGES)
    assert "P10 FAIL" in refused.out
    assert "P17 WARN every key and user made since the cluster became ACTIVE is lost" in allowed.out
    assert "way back" not in allowed.out


def test_a_type_that_drifted_is_left_alone(vault):
    cluster = vault.fleet.seed(hsm_type="hsm2m.medium")
    remember(cluster.cluster_id, HsmType="hsm1.medium", BackupRetentionPolicy={"Type": "DAYS", "Value": "90"})
    ran = vault.run("plan", "--cluster", cluster.cluster_id, "--retention", "30")
    assert "P15 WARN type is hsm2m.medium, the template says hsm1.medium as before" in ran.out


@pytest.mark.parametrize(
    ("permission", "number"),
    [
        ("cloudhsm:DescribeBackups", "P07"),
        ("kms:DescribeCustomKeyStores", "P14"),
        ("dynamodb:Query", "P12"),
        ("lambda:GetFunctionConfiguration", "P12"),
        ("cloudformation:ListExports", "P12"),
        ("cloudformation:DescribeStackResources", "P13"),
    ],
)
def test_a_permission_that_is_missing_is_named_and_the_rest_goes_on(vault, permission, number):
    cluster = vault.fleet.seed()
    vault.refused[permission] = "AccessDeniedException"
    ran = vault.run("plan", "--cluster", cluster.cluster_id, "--hsm-type", "hsm2m.medium", "--json")
    assert ran.code == Exit.CHANGES
    assert checks(ran)[number] == "ASK"
    assert permission in [each["permission"] for each in ran.json["unread"]]
    assert permission in ran.err


def test_without_the_cluster_there_is_no_plan(vault):
    vault.refused["cloudhsm:DescribeClusters"] = "AccessDeniedException"
    ran = vault.run("plan", "--cluster", "cluster-abcdefghijk", "--retention", "30")
    assert ran.code == Exit.UNKNOWN
    assert "cloudhsm:DescribeClusters is denied" in ran.err


def test_arguments(vault):
    assert vault.run("plan").code == Exit.USAGE
    assert vault.run("plan", "--cluster", "a", "--template", "b").code == Exit.USAGE
    assert vault.run("plan", "--cluster", "a", "--ignore", "P99").code == Exit.USAGE
    assert vault.run("plan", "--template", "/nonexistent").code == Exit.USAGE


def test_a_terminal_has_colours_and_a_pipe_has_none(vault):
    cluster = vault.fleet.seed()
    arguments = ("plan", "--cluster", cluster.cluster_id, "--hsm-type", "hsm2m.medium")
    assert "\x1b[" not in vault.run(*arguments).out
    # rich asks the environment too, so only what a person reads is compared.
    assert "P04 " in vault.run(*arguments, terminal=True).out


def test_the_clients_of_tests_answer_as_botocore_does():
    assert as_botocore_parses({"CreateTimestamp": NOW})["CreateTimestamp"].tzinfo is UTC
