"""Every example, by the very commands of its README: the real aws and sam on the local cloud."""

from dataclasses import replace

import pytest

from sandbox import examples
from sandbox.cloudhsm import SandboxCluster
from sandbox.examples import Rehearsal
from sandbox.ministack import ROOT
from sandbox.stacks import Stacks

pytestmark = pytest.mark.cloud
NATIVE = ROOT / "examples" / "native-cluster" / "template.yaml"
CREATED = """HsmType: hsm2m.medium
      Mode: FIPS
"""
FORMER = """
Resources:
  Cluster:
    Type: AWS::CloudHSM::Cluster
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties: {SubnetIds: [subnet-0123456789abcdef0], HsmType: hsm1.medium}
Outputs:
  ClusterId: {Value: !GetAtt Cluster.ClusterId}
"""
# test_cdk.py has the CDK's. `make examples` sets off the alarms, whose periods are minutes of the wall clock.
EXAMPLES = [each for each in examples.EXAMPLES if not each.directory.startswith(("cdk", "monitoring"))]
FUNCTIONS = ("Function", "Responder")


@pytest.fixture(scope="module")
def results(cloud) -> dict:
    return {each.example.directory: each for each in Rehearsal(cloud).run_all(EXAMPLES)}


@pytest.mark.parametrize("directory", [each.directory for each in EXAMPLES])
def test_an_example_is_as_its_readme_says(results, directory):
    assert results[directory].fault == ""
    assert results[directory].outputs


def test_the_provider_of_the_vpc_runs_in_its_subnets(cloud, results):
    assert not results["vpc"].fault
    region = "eu-west-1"
    resources = cloud.client("cloudformation", region).describe_stack_resources(StackName="cloudhsm-cluster-settings")
    ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources["StackResources"]}
    group = Stacks(cloud, region=region).outputs("cloudhsm-network")["SecurityGroupId"]
    for name in FUNCTIONS:
        network = cloud.client("lambda", region).get_function_configuration(FunctionName=ids[name])["VpcConfig"]
        assert len(network["SubnetIds"]) == 2
        assert network["SecurityGroupIds"] == [group]
        attached = cloud.client("iam").list_attached_role_policies(RoleName=ids[f"{name}Role"])["AttachedPolicies"]
        assert [each["PolicyArn"] for each in attached] == [ids["NetworkPolicy"]]


def test_elsewhere_it_runs_outside_a_vpc(cloud):
    resources = cloud.client("cloudformation").describe_stack_resources(StackName="cloudhsm-cluster-settings")
    ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources["StackResources"]}
    assert "NetworkPolicy" not in ids
    for name in FUNCTIONS:
        configuration = cloud.client("lambda").get_function_configuration(FunctionName=ids[name])
        assert configuration["VpcConfig"]["SubnetIds"] == []


def test_the_function_of_the_application_knows_the_hsms(cloud, results):
    signer = results["sam-application"].outputs["Signer"]
    answer = cloud.client("lambda").invoke(FunctionName=signer)["Payload"].read().decode()
    assert '"Addresses": ["10.0.0.10"]' in answer


@pytest.mark.parametrize(
    ("directory", "said"),
    [("no-longer-made", "Provided HsmType is not supported."), ("without-mode", "Mode is a required argument")],
)
def test_an_example_that_aws_would_refuse_fails(refused, directory, said):
    assert said in refused[directory].fault


@pytest.fixture(scope="module")
def refused(cloud, tmp_path_factory) -> dict:
    """The native example as it must not be, by what is wrong with it."""
    (native,) = (each for each in EXAMPLES if each.directory == "native-cluster")
    mistakes = {"no-longer-made": CREATED.replace("hsm2m", "hsm1"), "without-mode": CREATED.replace("Mode: FIPS", "")}
    wrong = {}
    for stack, mistake in mistakes.items():
        path = tmp_path_factory.mktemp(stack) / "template.yaml"
        path.write_text(NATIVE.read_text().replace(CREATED, mistake))
        (command,) = native.commands()
        given = command.replace("examples/native-cluster/template.yaml", str(path)).replace("key-store", stack)
        wrong[stack] = replace(native, stack=stack, instead={command: [given]})
    return {each.example.stack: each for each in Rehearsal(cloud).run_all(list(wrong.values()))}


@pytest.fixture
def native(fleet, stacks) -> SandboxCluster:
    """A cluster whose template says hsm1.medium, from when AWS still made such; AWS has moved it since."""
    created, fleet.not_created = fleet.not_created, frozenset()
    assert stacks.create("native", FORMER) == "CREATE_COMPLETE"
    fleet.not_created = created
    cluster = fleet.cluster(stacks.outputs("native")["ClusterId"])
    cluster.hsm_type = "hsm2m.medium"
    cluster.activate()
    yield cluster
    stacks.delete("native")


def test_a_native_cluster_that_aws_moved_keeps_its_line_and_takes_the_next_type(stacks, native):
    kept = NATIVE.read_text().replace(CREATED, "HsmType: hsm1.medium\n")
    for present in ("hsm2m.medium", "hsm3.medium"):
        declared = kept.replace("HsmType: hsm2m.medium", f"HsmType: {present}")
        assert stacks.update("native", declared, SubnetIds="subnet-0123456789abcdef0") == "UPDATE_COMPLETE"
        outputs = stacks.outputs("native")
        assert (outputs["ClusterId"], outputs["HsmType"]) == (native.cluster_id, present)


def test_correcting_the_line_of_a_native_cluster_replaces_it_by_an_empty_one(fleet, stacks, native):
    assert stacks.update("native", FORMER.replace("hsm1", "hsm2m")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Mode is a required argument" in "".join(each.reason for each in stacks.events("native"))

    assert stacks.update("native", FORMER.replace("hsm1.medium", "hsm2m.medium, Mode: FIPS")) == "UPDATE_COMPLETE"
    latter = fleet.cluster(stacks.outputs("native")["ClusterId"])
    assert latter.cluster_id != native.cluster_id
    assert (latter.state, latter.hsms) == ("UNINITIALIZED", [])
    assert (native.state, len(native.hsms)) == ("ACTIVE", 1)
