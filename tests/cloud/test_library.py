"""The snippet of docs/local.md: the sandbox as a library, with a provider of its own beside others."""

from pathlib import Path

import pytest

from sandbox.cloud import Cloud
from sandbox.cloudhsm import Clock, Fleet, MigrationOutcome
from sandbox.ministack import ROOT
from sandbox.stacks import Stacks

pytestmark = pytest.mark.cloud


def test_a_rehearsal_beside_another_cloud(cloud, monkeypatch):
    monkeypatch.chdir(ROOT)
    other, status = cloud, ""
    fleet = Fleet(Clock(speed=300))
    with Cloud(fleet, seconds_between_polls=2) as cloud:
        cloud.deploy_provider()
        cluster = fleet.seed(hsms=1, outcome=MigrationOutcome.REVERT)
        template = Path("examples/migration/template.yaml")
        status = Stacks(cloud).create("rehearsal", template, ClusterId=cluster.cluster_id)
    assert status == "ROLLBACK_COMPLETE"
    assert not cloud.directory.exists()
    assert other.client("cloudformation").describe_stacks()["Stacks"]
