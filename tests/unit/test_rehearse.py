"""What the local cloud makes of a person's template, and what it refuses to make anything of."""

import argparse
import json

import pytest

from sandbox.cloudhsm import Clock, Fleet, SandboxCluster
from sandbox.cloudhsm.client import FleetClient
from sandbox.examples import ROOT
from sandbox.rehearse.command import add_arguments, run, shape_of
from sandbox.rehearse.everything import faults, rehearsal_of, templates
from sandbox.rehearse.outcome import ClusterOutcome, Outcome, cluster_outcome
from sandbox.rehearse.scenarios import scenarios
from sandbox.rehearse.template import STUB, NotPlayed, Shape, before, clusters_of, staged, with_failing_neighbour
from sandbox.stepped import SteppedClock

LONG = (ROOT / "examples" / "long-migration" / "template.yaml").read_text()
SHAPE = Shape(3, "hsm1.medium", 90)
CLUSTER = "cluster-abcdefghijk"


def stage(text, **given):
    return staged(text, given, "arn:token", dict.fromkeys(clusters_of(text), CLUSTER))


def foreign(*resources: str, head: str = "", properties: str = "") -> str:
    lines = "\n".join(f"  {each}" for each in resources)
    return f"""
{head}
Resources:
  Vault:
    Type: Custom::CloudHSMClusterSettings
    Properties: {{ServiceToken: any, ClusterId: any, HsmType: hsm2m.medium{properties}}}
{lines}
"""


def test_our_resource_is_played_on_a_local_cluster_by_the_local_provider():
    properties = stage(LONG, ClusterId="cluster-zyxwvutsrqp").template["Resources"]["Settings"]["Properties"]
    assert (properties["ServiceToken"], properties["ClusterId"]) == ("arn:token", CLUSTER)
    assert properties["WaitConditionHandle"] == {"Ref": "MigrationHandle1"}


def test_wait_conditions_are_played_as_they_are():
    assert stage(LONG).template["Resources"]["Migrated1"]["Properties"]["Timeout"] == "43200"
    assert stage(LONG).stubbed == {}


def test_everything_else_is_a_stub_by_name_with_what_is_read_of_it():
    text = foreign(
        "Bucket: {Type: AWS::S3::Bucket, DependsOn: Vault}",
        "Policy: {Type: AWS::S3::BucketPolicy, Properties: {Bucket: !Ref Bucket, Arn: !GetAtt Bucket.Arn}}",
        "Other: {Type: Custom::Other, Properties: {Text: !Sub '${Bucket.DomainName} ${Vault}'}}",
    )
    found = stage(text)
    assert found.stubbed == {"Bucket": "AWS::S3::Bucket", "Policy": "AWS::S3::BucketPolicy", "Other": "Custom::Other"}
    bucket = found.template["Resources"]["Bucket"]
    assert bucket["Type"] == STUB
    assert bucket["Properties"]["Attributes"] == {"Arn": "Bucket.Arn", "DomainName": "Bucket.DomainName"}
    assert bucket["DependsOn"] == ["Vault"]
    assert found.template["Resources"]["Other"]["DependsOn"] == ["Bucket", "Vault"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (foreign("Nested: {Type: AWS::CloudFormation::Stack}"), "Nested (AWS::CloudFormation::Stack)"),
        (foreign(head="Transform: MyMacro"), "the transform MyMacro"),
        (foreign("Fn::ForEach::All: [x, [a], {}]"), "Fn::ForEach::All"),
        (foreign("B: {Type: A::B::C, Properties: {'Fn::Transform': {Name: AWS::Include}}}"), "Fn::Transform"),
    ],
)
def test_what_may_hide_another_resource_is_refused_by_name(text, names):
    with pytest.raises(NotPlayed) as refused:
        stage(text)
    assert names in str(refused.value)


def test_a_template_without_our_resource_is_refused():
    with pytest.raises(NotPlayed, match="no resource of type"):
        clusters_of("Resources: {Bucket: {Type: AWS::S3::Bucket}}")


def test_a_parameter_that_our_resource_reads_has_to_be_given():
    head = "Parameters: {Type: {Type: String}, Name: {Type: 'AWS::EC2::VPC::Id'}, Days: {Type: Number, MinValue: 7}}"
    text = foreign(head=head, properties=", BackupRetentionPolicy: {Type: !Ref Type, Value: 30}")
    with pytest.raises(NotPlayed, match="--parameter Type="):
        stage(text)
    found = stage(text, Type="DAYS")
    assert found.parameters == {"Type": "DAYS", "Name": "rehearsed", "Days": "7"}
    assert found.assumed == {"Name": "rehearsed", "Days": "7"}
    assert found.template["Parameters"]["Name"] == {"Type": "String"}
    with pytest.raises(NotPlayed, match="no parameter Nothing"):
        stage(text, Type="DAYS", Nothing="1")


def test_before_the_stack_is_as_the_cluster_is_and_waits_for_nothing():
    former = before(stage(LONG), SHAPE)
    assert set(former.template["Resources"]) == {"Settings"}
    properties = former.template["Resources"]["Settings"]["Properties"]
    assert properties["HsmType"] == "hsm1.medium"
    assert properties["BackupRetentionPolicy"] == {"Type": "DAYS", "Value": 90}
    assert "WaitConditionHandle" not in properties
    assert set(former.template["Outputs"]) == {"HsmType", "Retention"}


def test_exports_and_imports_are_of_other_stacks():
    text = foreign() + "Outputs: {Type: {Value: !ImportValue Elsewhere, Export: {Name: any}}}"
    assert stage(text).template["Outputs"] == {"Type": {"Value": 'imported: "Elsewhere"'}}


def test_what_a_serverless_template_implies_is_a_stub_too():
    text = (
        foreign("Signer: {Type: AWS::Serverless::Function}", head="Transform: AWS::Serverless-2016-10-31")
        + "Outputs: {Role: {Value: !GetAtt SignerRole.Arn}}"
    )
    assert set(stage(text).stubbed) == {"Signer", "SignerRole"}
    assert "Transform" not in stage(text).template


def test_a_failing_neighbour_comes_last():
    failing = json.loads(with_failing_neighbour(stage(LONG)).body)["Resources"]["FailingNeighbour"]
    assert failing["DependsOn"] == ["Settings", "MigrationHandle1", "Migrated1"]


def test_there_is_a_scenario_for_each_hsm_at_which_cloudhsm_may_revert():
    names = [each.name for each in scenarios(SHAPE, changes_type=True)]
    assert [each for each in names if "reverts" in each] == [f"CloudHSM reverts after {n} of 3" for n in range(3)]
    assert len(names) == len(set(names))
    assert not any("reverts" in each.name for each in scenarios(SHAPE, changes_type=False))


def test_a_clock_that_stands_goes_on_when_it_is_moved_and_no_further_than_it_may(tmp_path):
    clock = SteppedClock(tmp_path / "clock")
    clock.set(0)
    clock.hold_at(0)
    assert not clock.stands
    assert clock.now() > 1_700_000_000
    clock.set(60.5)
    assert (clock.stands, clock.now(), SteppedClock(clock.path).now()) == (True, 60.5, 60.5)
    assert clock.may_reach(1e12)
    clock.hold_at(120)
    assert (clock.may_reach(120), clock.may_reach(121)) == (True, False)


def test_what_is_promised_of_each_scenario():
    promised = {each.name: (each.promised_status, each.may_cost_keys) for each in scenarios(SHAPE, changes_type=True)}
    assert promised.pop("success") == ("UPDATE_COMPLETE", False)
    assert promised.pop("throttled") == ("UPDATE_COMPLETE", False)
    assert promised.pop("success, stack created") == ("CREATE_COMPLETE", False)
    assert promised.pop("deleted during creation") == ("DELETE_COMPLETE", False)
    assert promised.pop("neighbour fails, Revert") == ("UPDATE_ROLLBACK_COMPLETE", True)
    assert set(promised.values()) == {("UPDATE_ROLLBACK_COMPLETE", False)}


@pytest.mark.parametrize(("status", "lost", "number"), [("UPDATE_COMPLETE", False, 0), ("CREATE_FAILED", True, 2)])
def test_what_is_not_as_promised_is_found(status, lost, number):
    success = scenarios(SHAPE, changes_type=True)[0]
    cluster = ClusterOutcome("ACTIVE", "hsm2m.medium", "30", keys_lost=lost, calls=1)
    assert len(list(faults(success, Outcome("success", status, {"Settings": cluster}, 90.0)))) == number


def test_every_template_with_our_resource_is_rehearsed():
    names = {str(path.relative_to(ROOT)) for path in templates()}
    assert "examples/long-migration/template.yaml" in names
    assert len([each for each in names if each.startswith("sandbox/rehearse/foreign/")]) == 3
    for path in templates():
        assert rehearsal_of(path).chosen


def test_a_cluster_that_goes_on_is_told_with_what_it_comes_to():
    cluster = SandboxCluster.of(3)
    cluster.migrate("hsm2m.medium", 0.0)
    cluster.advance_to(600)
    assert str(cluster_outcome(cluster, cluster.state, 600, 1)) == (
        "hsm2m.medium, 90 days (MODIFY_IN_PROGRESS when the stack ended)"
    )
    assert cluster.state == "MODIFY_IN_PROGRESS"


def test_of_a_real_cluster_the_shape_is_read_and_nothing_else(monkeypatch):
    fleet = Fleet(Clock(source=lambda: 1_800_000_000.0))
    cluster = fleet.seed(2, hsm_type="hsm2m.medium", retention={"Type": "DAYS", "Value": "455"})
    monkeypatch.setattr("sandbox.rehearse.command.boto3.client", lambda _: FleetClient(fleet))
    assert shape_of(cluster.cluster_id) == Shape(2, "hsm2m.medium", 455)
    assert [call.operation for call in fleet.calls] == ["DescribeClusters"]
    with pytest.raises(NotPlayed, match="does not exist"):
        shape_of("cluster-zyxwvutsrqp")


@pytest.mark.parametrize(
    ("text", "arguments", "says"),
    [
        (foreign("Nested: {Type: AWS::CloudFormation::Stack}"), [], "Nested (AWS::CloudFormation::Stack)"),
        (foreign(), ["--parameter", "No=1"], "no parameter No"),
        (foreign(), ["--only", "nothing"], "No scenario has 'nothing' in its name"),
    ],
)
def test_what_cannot_be_rehearsed_ends_before_a_cloud_is_started(tmp_path, capsys, text, arguments, says):
    path = tmp_path / "template.yaml"
    path.write_text(text)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert run(parser.parse_args([str(path), *arguments])) == 64
    assert says in " ".join(capsys.readouterr().err.split())
