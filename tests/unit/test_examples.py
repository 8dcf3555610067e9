"""What can be said of the examples without deploying them."""

import boto3
import pytest

from cloudhsm_settings import clients
from sandbox.examples import COMMANDS, EXAMPLES
from sandbox.ministack import ROOT

DIRECTORIES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir())
ELSEWHERE = {"govcloud"}  # there is no local GovCloud


def test_every_directory_is_deployed():
    assert {each.directory for each in EXAMPLES} == set(DIRECTORIES) - ELSEWHERE, "add a row to sandbox/examples.py"


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_a_newcomer_has_three_commands_at_most(directory):
    readme = (ROOT / "examples" / directory / "README.md").read_text()
    commands = [line for block in readme.split("```console\n")[1:] for line in block.split("```")[0].splitlines()]
    assert 1 <= len(commands) <= 3
    assert all(line.split()[0] in COMMANDS for line in commands)


@pytest.mark.parametrize("region", ["us-gov-west-1", "us-gov-east-1", "us-east-1"])
@pytest.mark.parametrize("service", ["cloudhsm", "scheduler", "cloudformation"])
def test_fips_endpoints_exist_wherever_they_are_asked_for(monkeypatch, region, service):
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    # What UseFipsEndpoints of the template sets.
    for name in ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"):
        monkeypatch.setenv(name, "true")
        assert f"{name}: !Ref UseFipsEndpoints" in (ROOT / "template.yaml").read_text()
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    host = {"cloudhsm": "cloudhsmv2"}.get(service, service)
    assert getattr(clients, service).__wrapped__().meta.endpoint_url == f"https://{host}-fips.{region}.api.aws"
