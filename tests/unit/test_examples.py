"""What can be said of the examples without deploying them."""

import re

import boto3
import hcl2
import pytest

from sandbox.examples import CLUSTER, COMMANDS, EXAMPLES
from sandbox.ministack import ROOT

DIRECTORIES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir())
ELSEWHERE = {"govcloud"}  # there is no local GovCloud


def test_every_directory_is_deployed():
    assert {each.directory for each in EXAMPLES} == set(DIRECTORIES) - ELSEWHERE, "add a row to sandbox/examples.py"


def test_the_page_lists_every_directory_and_no_other():
    listed = re.findall(r"^\| \[(.+?)\]\(\1\) \|", (ROOT / "examples" / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == DIRECTORIES


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_a_newcomer_has_three_commands_at_most(directory):
    readme = (ROOT / "examples" / directory / "README.md").read_text()
    commands = [line for block in readme.split("```console\n")[1:] for line in block.split("```")[0].splitlines()]
    assert 1 <= len(commands) <= 3
    assert all(line.split()[0] in COMMANDS for line in commands)


FIRST_CALLS = {
    "cloudformation": ("describe_stacks", {}),
    "cloudhsmv2": ("describe_clusters", {}),
    "dynamodb": ("get_item", {"TableName": "table", "Key": {}}),
    "scheduler": ("delete_schedule", {"Name": "name"}),
}


class SentError(Exception):
    """Instead of sending."""


def stop(request, **_):
    raise SentError(request.url)


@pytest.mark.parametrize("region", ["us-gov-west-1", "us-gov-east-1", "us-east-1"])
@pytest.mark.parametrize("service", FIRST_CALLS)
def test_fips_hosts_are_those_of_the_general_reference(monkeypatch, region, service):
    """They are at https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html, by service."""
    for name in ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"):
        monkeypatch.setenv(name, "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    client = boto3.client(service, region_name=region)
    client.meta.events.register("before-send.*", stop)
    method, members = FIRST_CALLS[service]
    with pytest.raises(SentError) as sent:
        getattr(client, method)(**members)
    assert str(sent.value).startswith(f"https://{service}-fips.{region}.api.aws/")


def test_both_functions_call_them_when_they_are_asked_for():
    template = (ROOT / "template.yaml").read_text()
    for name in ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"):
        assert template.count(f"{name}: !Ref UseFipsEndpoints") == 2


TERRAFORM = ROOT / "examples" / "terraform"


def declared(kind: str) -> dict:
    """The one resource of a kind in main.tf."""
    plain = hcl2.SerializationOptions(strip_string_quotes=True, explicit_blocks=False, with_comments=False)
    read = hcl2.loads((TERRAFORM / "main.tf").read_text(), serialization_options=plain)
    ((resource,),) = [each[kind].values() for each in read["resource"] if kind in each]
    return resource


def test_terraform_waits_longer_than_the_wait_condition():
    hours = [int(each.removesuffix("h")) for each in declared("aws_cloudformation_stack")["timeouts"][0].values()]
    (timeout,) = re.findall(r'Timeout: "(\d+)"', (TERRAFORM / "template.yaml").read_text())
    # An hour more, for Settings.
    assert hours == [int(timeout) // 3600 + 1] * 2


def test_terraform_leaves_the_type_of_the_cluster_alone():
    (lifecycle,) = declared("aws_cloudhsm_v2_cluster")["lifecycle"]
    assert lifecycle == {"ignore_changes": ["hsm_type"], "prevent_destroy": True}


def test_the_stack_of_terraform_is_what_the_local_cloud_deploys():
    stack = declared("aws_cloudformation_stack")
    (example,) = (each for each in EXAMPLES if each.directory == "terraform")
    given = stack["parameters"] | {"ClusterId": CLUSTER}
    assert stack["template_body"] == '${file("${path.module}/template.yaml")}'
    assert example.commands()[1:] == [
        f"aws cloudformation deploy --stack-name {stack['name']} --template-file template.yaml "
        f"--parameter-overrides {' '.join(f'{name}={value}' for name, value in given.items())}"
    ]
