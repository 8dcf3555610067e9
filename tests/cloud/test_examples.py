"""Every example, by the very commands of its README: the real aws and sam on the local cloud."""

import pytest

from sandbox import examples
from sandbox.examples import Rehearsal
from sandbox.ministack import ROOT
from sandbox.stacks import Stacks

pytestmark = pytest.mark.cloud
NATIVE = ROOT / "examples" / "native-cluster" / "template.yaml"
# test_cdk.py has the others.
EXAMPLES = [each for each in examples.EXAMPLES if not each.directory.startswith("cdk")]
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


def test_editing_the_type_of_a_native_cluster_replaces_it_by_an_empty_one(fleet, stacks):
    parameters = {"SubnetIds": "subnet-0123456789abcdef0", "HsmType": "hsm1.medium"}
    assert stacks.create("edited", NATIVE, **parameters) == "CREATE_COMPLETE"
    former = fleet.cluster(stacks.outputs("edited")["ClusterId"])
    former.activate()

    edited = NATIVE.read_text().replace("HsmType: hsm1.medium", "HsmType: hsm2m.medium")
    assert stacks.update("edited", edited, **{**parameters, "HsmType": "hsm2m.medium"}) == "UPDATE_COMPLETE"

    latter = fleet.cluster(stacks.outputs("edited")["ClusterId"])
    assert latter.cluster_id != former.cluster_id
    assert (latter.state, latter.hsms) == ("UNINITIALIZED", [])
    assert (former.state, former.hsm_type, len(former.hsms)) == ("ACTIVE", "hsm1.medium", 1)
