"""`plan` from a template and from a change set: what the deployment asks for, as CloudFormation would resolve it."""

import json
from pathlib import Path
from typing import Any

import pytest

from cloudhsm_settings_cli.exits import Exit
from cloudhsm_settings_cli.template import Resolver, Surroundings, Unknown, load
from sandbox.ministack import ROOT
from tests.unit.cli.provided import TOKEN, checks, remember
from tests.unit.cli.world import Account, FakeStack

AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
LONG = (ROOT / "examples" / "long-migration" / "template.yaml").read_text()
MIGRATION = (ROOT / "examples" / "migration" / "template.yaml").read_text()
NATIVE = """
Parameters: {SubnetIds: {Type: CommaDelimitedList}, HsmType: {Type: String, Default: hsm2m.medium}}
Resources:
  Cluster:
    Type: AWS::CloudHSM::Cluster
    Properties: {SubnetIds: !Ref SubnetIds, HsmType: hsm1.medium}
  Settings:
    Type: Custom::CloudHSMClusterSettings
    Properties:
      ServiceToken: !ImportValue cloudhsm-cluster-settings-ServiceToken
      ClusterId: !GetAtt Cluster.ClusterId
      HsmType: !Ref HsmType
"""
SETTINGS = {"ClusterId": "cluster-abcdefghijk", "ServiceToken": TOKEN}


def deployed(vault: Account, template: str, cluster_id: str, **more: Any) -> None:
    """A stack "vault" as it stands, with its Settings made."""
    ids = {"Settings": cluster_id, "MigrationHandle1": "https://secret/?X-Amz-Signature=", **more.pop("ids", {})}
    vault.cloudformation.stacks["vault"] = FakeStack(template, ids, {"ClusterId": cluster_id, **more})


def file(tmp_path: Path, template: str) -> str:
    path = tmp_path / "new.yaml"
    path.write_text(template)
    return str(path)


def test_a_new_stack(vault, tmp_path):
    cluster = vault.fleet.seed()
    parameter = f"ClusterId={cluster.cluster_id}"
    ran = vault.run("plan", "--template", file(tmp_path, MIGRATION), "--parameter", parameter, "--stack", "vault")
    assert ran.code == Exit.CHANGES
    assert ran.out.startswith(f"vault/Settings   Create   {cluster.cluster_id}   ACTIVE")
    assert "hsm1.medium -> hsm2m.medium" in ran.out
    assert "stack rollback   the resource goes, the cluster stays as it then is" in ran.out


def test_an_update_takes_what_is_not_given_from_the_stack(vault, tmp_path):
    cluster = vault.fleet.seed()
    deployed(vault, MIGRATION, cluster.cluster_id, HsmType="hsm1.medium", RetentionInDays="90")
    options = ("--template", file(tmp_path, MIGRATION), "--stack", "vault")
    same = vault.run("plan", *options)
    assert same.code == Exit.DONE
    assert "nothing of it changes, so CloudFormation asks for nothing" in same.out
    other = vault.run("plan", *options, "--parameter", "RetentionInDays=30", "--json")
    (resource,) = other.json["resources"]
    assert [call["setting"] for call in resource["calls"]] == ["BackupRetentionPolicy"]
    assert resource["rollback"] == "Keep: BackupRetentionPolicy 30 -> 90 days"


def test_a_number_and_its_text_are_the_same_to_cloudformation(vault, tmp_path):
    cluster = vault.fleet.seed()
    as_text = MIGRATION.replace("Value: !Ref RetentionInDays", 'Value: "90"')
    deployed(vault, as_text, cluster.cluster_id, HsmType="hsm2m.medium", RetentionInDays="90")
    as_number = MIGRATION.replace("Value: !Ref RetentionInDays", "Value: 90")
    ran = vault.run("plan", "--template", file(tmp_path, as_number), "--stack", "vault")
    assert "CloudFormation asks for nothing" in ran.out


def test_a_handle_is_new_by_its_logical_id(vault, tmp_path):
    cluster = vault.fleet.seed(hsms=3)
    before = LONG.replace("HsmType: hsm2m.medium", "HsmType: hsm1.medium")
    deployed(vault, before, cluster.cluster_id)
    used = vault.run("plan", "--template", file(tmp_path, LONG), "--stack", "vault")
    assert used.code == Exit.FAILED
    assert "P09 FAIL" in used.out
    renamed = LONG.replace("MigrationHandle1", "MigrationHandle2").replace("Migrated1", "Migrated2")
    new = vault.run("plan", "--template", file(tmp_path, renamed), "--stack", "vault")
    assert new.code == Exit.CHANGES
    assert "about 90 min: the stack goes on, the wait condition of MigrationHandle2 waits" in new.out
    assert "X-Amz-Signature" not in used.out + new.out


@pytest.mark.parametrize(("timeout", "verdict"), [("43200", "PASS"), ("3600", "FAIL")])
def test_the_timeout_of_the_wait_condition_is_looked_at(vault, tmp_path, timeout, verdict):
    cluster = vault.fleet.seed(hsms=3)
    options = ("--parameter", f"ClusterId={cluster.cluster_id}", "--stack", "vault", "--json")
    ran = vault.run("plan", "--template", file(tmp_path, LONG.replace("43200", timeout)), *options)
    assert checks(ran)["P06"] == verdict


def test_a_handle_that_nobody_waits_for(vault, tmp_path):
    cluster = vault.fleet.seed(hsms=3)
    template = load(LONG)
    del template["Resources"]["Migrated1"], template["Outputs"]
    options = ("--parameter", f"ClusterId={cluster.cluster_id}", "--json")
    assert checks(vault.run("plan", "--template", file(tmp_path, json.dumps(template)), *options))["P06"] == "WARN"


def test_an_edit_that_replaces_the_cluster_is_blocked(vault, tmp_path):
    cluster = vault.fleet.seed()
    arn = f"arn:aws:cloudhsm:us-east-1:123456789012:cluster/{cluster.cluster_id}"
    deployed(vault, NATIVE, cluster.cluster_id, SubnetIds="subnet-1", HsmType="hsm1.medium", ids={"Cluster": arn})
    options = ("--stack", "vault", "--parameter", "HsmType=hsm2m.medium")
    in_place = vault.run("plan", "--template", file(tmp_path, NATIVE), *options)
    assert in_place.code == Exit.CHANGES
    assert "vault/Cluster (AWS::CloudHSM::Cluster) says hsm1.medium: leave that as it is" in in_place.out
    replacing = NATIVE.replace("HsmType: hsm1.medium", "HsmType: hsm2m.medium")
    blocked = vault.run("plan", "--template", file(tmp_path, replacing), *options)
    assert blocked.code == Exit.FAILED
    assert "P13 FAIL Cluster: CloudFormation replaces the cluster by a new, empty one" in blocked.out


def test_a_cluster_that_another_stack_owns(vault):
    cluster = vault.fleet.seed()
    arn = f"arn:aws:cloudhsm:us-east-1:123456789012:cluster/{cluster.cluster_id}"
    native = {"Type": "AWS::CloudHSM::Cluster", "Properties": {"BackupRetentionPolicy": {"Type": "DAYS", "Value": 45}}}
    vault.cloudformation.stacks["base"] = FakeStack({"Resources": {"Hsm": native}}, {"Hsm": arn})
    ran = vault.run("plan", "--cluster", cluster.cluster_id, "--retention", "30")
    assert "P13 WARN base/Hsm (AWS::CloudHSM::Cluster) declares 45 days" in ran.out


def test_a_cluster_that_is_not_made_yet_is_not_guessed(vault, tmp_path):
    ran = vault.run("plan", "--template", file(tmp_path, NATIVE), "--parameter", "SubnetIds=subnet-1")
    assert ran.code == Exit.DONE
    assert "cannot be planned: a value is known at the deployment only" in ran.out
    assert "P01 ASK ClusterId needs Cluster.ClusterId" in ran.out


def test_a_resource_that_goes(vault, tmp_path):
    cluster = vault.fleet.seed()
    deployed(vault, MIGRATION, cluster.cluster_id)
    other = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    ran = vault.run("plan", "--template", file(tmp_path, other), "--stack", "vault")
    assert ran.code == Exit.DONE
    assert "the resource goes, the cluster stays as it is" in ran.out


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE"])
def test_a_stack_that_takes_no_update(vault, tmp_path, status):
    cluster = vault.fleet.seed()
    deployed(vault, MIGRATION, cluster.cluster_id)
    vault.cloudformation.stacks["vault"].status = status
    ran = vault.run("plan", "--template", file(tmp_path, MIGRATION), "--stack", "vault")
    assert ran.code == Exit.FAILED
    assert f"P11 FAIL the stack is {status}" in ran.out


def test_parameters(vault, tmp_path):
    path = file(tmp_path, MIGRATION)
    missing = vault.run("plan", "--template", path)
    assert (missing.code, "Parameters have no value: ClusterId" in missing.err) == (Exit.USAGE, True)
    strange = vault.run("plan", "--template", path, "--parameter", "Cluster=x")
    assert (strange.code, "no parameter Cluster" in strange.err) == (Exit.USAGE, True)
    assert vault.run("plan", "--template", path, "--parameter", "ClusterId").code == Exit.USAGE


def change_set(vault: Account, template: str, change: dict[str, Any], **parameters: str) -> None:
    values = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    change = {"LogicalResourceId": "Settings", "ResourceType": "Custom::CloudHSMClusterSettings", **change}
    changes = [{"Type": "Resource", "ResourceChange": change}]
    described = {"StackName": "vault", "Template": template, "Parameters": values, "Changes": changes}
    vault.cloudformation.change_sets["next"] = described


def context(**properties: Any) -> str:
    return json.dumps({"Properties": properties})


def test_a_change_set_has_resolved_the_values(vault):
    cluster = vault.fleet.seed(hsms=3)
    deployed(vault, LONG.replace("HsmType: hsm2m.medium", "HsmType: hsm1.medium"), cluster.cluster_id)
    template = LONG.replace("MigrationHandle1", "MigrationHandle2").replace("ClusterId: !Ref", "ClusterId: !GetAtt")
    known = {**SETTINGS, "ClusterId": cluster.cluster_id}
    after = context(**known, HsmType="hsm2m.medium", WaitConditionHandle=AFTER_APPLY)
    before = context(**known, HsmType="hsm1.medium", WaitConditionHandle="https://secret/?X-Amz-Signature=")
    change_set(vault, template, {"Action": "Modify", "AfterContext": after, "BeforeContext": before})
    ran = vault.run("plan", "--change-set", "next", "--stack", "vault", "--json")
    (resource,) = ran.json["resources"]
    assert ran.code == Exit.CHANGES
    assert resource["action"] == "Update"
    assert resource["waitConditionHandle"] == "MigrationHandle2"
    assert "X-Amz-Signature" not in ran.out


def test_a_change_set_without_property_values_is_resolved_from_its_template(vault):
    cluster = vault.fleet.seed()
    deployed(vault, MIGRATION, cluster.cluster_id, HsmType="hsm1.medium", RetentionInDays="90")
    parameters = {"ClusterId": cluster.cluster_id, "HsmType": "hsm1.medium", "RetentionInDays": "30"}
    change_set(vault, MIGRATION, {"Action": "Modify"}, **parameters)
    ran = vault.run("plan", "--change-set", "next", "--stack", "vault")
    assert "BackupRetentionPolicy  90 -> 30 days" in ran.out


def test_a_change_set_that_leaves_the_resource_alone(vault):
    cluster = vault.fleet.seed()
    deployed(vault, MIGRATION, cluster.cluster_id)
    other = {"Action": "Modify", "LogicalResourceId": "Other", "ResourceType": "AWS::SNS::Topic"}
    change_set(vault, MIGRATION, other, ClusterId=cluster.cluster_id)
    assert vault.run("plan", "--change-set", "next", "--stack", "vault").code == Exit.DONE


def test_a_change_set_that_replaces_the_cluster(vault):
    cluster = vault.fleet.seed()
    arn = f"arn:aws:cloudhsm:us-east-1:123456789012:cluster/{cluster.cluster_id}"
    deployed(vault, NATIVE, cluster.cluster_id, SubnetIds="subnet-1", HsmType="hsm1.medium", ids={"Cluster": arn})
    kind = {"LogicalResourceId": "Cluster", "ResourceType": "AWS::CloudHSM::Cluster", "Replacement": "True"}
    change_set(vault, NATIVE, {"Action": "Modify", **kind}, SubnetIds="subnet-1", HsmType="hsm1.medium")
    ran = vault.run("plan", "--change-set", "next", "--stack", "vault")
    assert ran.code == Exit.FAILED
    assert "P13 FAIL" in ran.out


def test_a_handle_in_a_change_set_is_known_by_its_name_alone(vault):
    """CloudFormation shows the URL of one that exists: it is neither compared nor shown."""
    cluster = vault.fleet.seed(hsms=3)
    deployed(vault, LONG.replace("HsmType: hsm2m.medium", "HsmType: hsm1.medium"), cluster.cluster_id)
    known = {**SETTINGS, "ClusterId": cluster.cluster_id, "WaitConditionHandle": "https://secret/?X-Amz-Signature="}
    contexts = {"AfterContext": context(**known, HsmType="hsm2m.medium"), "BeforeContext": context(**known)}
    change_set(vault, LONG, {"Action": "Modify", **contexts}, ClusterId=cluster.cluster_id)
    ran = vault.run("plan", "--change-set", "next", "--stack", "vault", "--json")
    assert (checks(ran)["P01"], checks(ran)["P09"]) == ("PASS", "FAIL")
    assert "X-Amz-Signature" not in ran.out


def test_a_change_set_whose_template_is_denied_is_planned_from_its_values(vault):
    cluster = vault.fleet.seed()
    deployed(vault, MIGRATION, cluster.cluster_id)
    vault.refused["cloudformation:GetTemplate"] = "AccessDenied"
    known = {**SETTINGS, "ClusterId": cluster.cluster_id}
    before, after = context(**known, HsmType="hsm1.medium"), context(**known, HsmType="hsm2m.medium")
    change = {
        "Action": "Modify",
        "AfterContext": after,
        "BeforeContext": before,
        "PhysicalResourceId": cluster.cluster_id,
    }
    change_set(vault, MIGRATION, change)
    ran = vault.run("plan", "--change-set", "next", "--stack", "vault")
    assert "hsm1.medium -> hsm2m.medium" in ran.out
    assert "cloudformation:GetTemplate is denied" in ran.err
    handle = {**known, "HsmType": "hsm2m.medium", "WaitConditionHandle": AFTER_APPLY}
    change_set(vault, MIGRATION, {**change, "AfterContext": context(**handle)})
    waiting = vault.run("plan", "--change-set", "next", "--stack", "vault")
    assert "P01 ASK WaitConditionHandle needs the template of the change set" in waiting.out
    change_set(vault, MIGRATION, {"Action": "Modify"})
    assert "P01 ASK ClusterId needs the template" in vault.run("plan", "--change-set", "next", "--stack", "vault").out


def test_a_template_without_the_resource_is_no_plan(vault, tmp_path):
    ran = vault.run("plan", "--template", file(tmp_path, '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'))
    assert (ran.code, "has no Custom::CloudHSMClusterSettings" in ran.err) == (Exit.UNKNOWN, True)


def test_what_a_macro_makes_is_not_guessed(vault, tmp_path):
    cluster = vault.fleet.seed()
    template = load(MIGRATION)
    template["Transform"] = ["AWS::Serverless-2016-10-31", "AWS::LanguageExtensions"]
    template["Resources"]["Fn::ForEach::More"] = ["Name", ["a"], {}]
    options = ("--parameter", f"ClusterId={cluster.cluster_id}")
    ran = vault.run("plan", "--template", file(tmp_path, json.dumps(template)), *options)
    assert ran.code == Exit.CHANGES
    assert "AWS::LanguageExtensions is not applied to a template on disk: plan from a change set." in ran.err
    assert "Serverless" not in ran.err


def test_a_change_set_that_does_not_exist(vault):
    ran = vault.run("plan", "--change-set", "none", "--stack", "vault")
    assert ran.code == Exit.UNKNOWN
    assert "ChangeSetNotFound" in ran.err


def test_without_the_template_the_record_tells_what_was_declared(vault, tmp_path):
    cluster = vault.fleet.seed()
    deployed(vault, MIGRATION, cluster.cluster_id, HsmType="hsm1.medium", RetentionInDays="90")
    remember(cluster.cluster_id, HsmType="hsm1.medium", BackupRetentionPolicy={"Type": "DAYS", "Value": "90"})
    vault.refused["cloudformation:GetTemplate"] = "AccessDenied"
    options = ("--stack", "vault", "--parameter", "HsmType=hsm2m.medium", "--json")
    ran = vault.run("plan", "--template", file(tmp_path, MIGRATION), *options)
    assert "cloudformation:GetTemplate" in ran.err
    (resource,) = ran.json["resources"]
    assert resource["rollback"] == "Keep: the type stays"


RESOLVED = load(
    """
Parameters: {Name: {Type: String}, Missing: {Type: String}}
Mappings: {Types: {us-east-1: {hsm: hsm2m.medium}}}
Conditions:
  Here: !Equals [!Ref AWS::Region, us-east-1]
  There: !Not [!Condition Here]
  Both: !And [!Condition Here, !Condition There]
  Any: !Or [!Condition Here, !Condition Later]
  Later: !Equals [!Ref Missing, x]
Resources: {Any: {Type: "AWS::SNS::Topic"}, Made: {Type: "AWS::SNS::Topic"}}
"""
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!Ref Name", "vault"),
        ("!Ref AWS::AccountId", "123456789012"),
        ("!Sub '${Name}-${AWS::Region}-${!Literal}'", "vault-us-east-1-${Literal}"),
        ("!Sub ['${A}${Name}', {A: !Ref Name}]", "vaultvault"),
        ("!FindInMap [Types, !Ref AWS::Region, hsm]", "hsm2m.medium"),
        ("!If [Here, 1, 2]", 1),
        ("!If [There, 1, 2]", 2),
        ("!If [Both, 1, 2]", 2),
        ("!If [Any, 1, 2]", 1),
        ("!If [Later, 1, 2]", "needs parameter Missing"),
        ("[a, !If [Here, !Ref AWS::NoValue, b]]", ["a"]),
        ("{a: !If [Here, !Ref AWS::NoValue, b]}", {}),
        ("!Join ['-', [a, !Ref Name]]", "a-vault"),
        ("!Join ['-', [a, !Ref Missing]]", "needs parameter Missing"),
        ("!Select [1, !Split [',', 'a,b']]", "b"),
        ("!Select ['0', 'a,b']", "a"),
        ("!ImportValue there", "exported"),
        ("!ImportValue nowhere", "needs the export nowhere, which does not exist"),
        ("!Ref Made", "made-1"),
        ("!Ref Any", "needs Any, which is not made yet"),
        ("!GetAtt Any.Arn", "needs Any.Arn"),
        ("!Cidr [a, b]", "needs Fn::Cidr"),
        ("!FindInMap [None, a, b]", "has Fn::FindInMap in a form that is not understood"),
        ("'{{resolve:ssm:/a}}'", "is a dynamic reference"),
        ("2012-10-17", "2012-10-17"),
    ],
)
def test_intrinsic_functions(text, value):
    wanted = load(f"Resources: {{A: {{B: {text}}}}}")["Resources"]["A"]["B"]
    around = Surroundings(
        "us-east-1", "123456789012", parameters={"Name": "vault"}, physical_ids={"Made": "made-1"},
        exports=lambda: {"there": "exported"},
    )  # fmt: skip
    found = Resolver(RESOLVED, around).value(wanted)
    assert (found.because if isinstance(found, Unknown) else found) == value
