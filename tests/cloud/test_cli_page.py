"""The commands of docs/cli.md, one after the other: a migration of three HSMs is planned, deployed, watched and told."""

import re
import shlex
import subprocess

import pytest

from cloudhsm_settings_cli.exits import Exit
from sandbox.cloud import SAM
from sandbox.ministack import ROOT
from tests.cloud.reader import Reader

pytestmark = [pytest.mark.cloud, pytest.mark.weekly]


def test_a_migration_by_the_commands_of_the_page(cloud, fleet, tmp_path):
    cluster, reader = fleet.seed(hsms=3), Reader(cloud)
    (block,) = re.findall(r"```console\n(.*?)```", (ROOT / "docs" / "cli.md").read_text(), re.DOTALL)
    text = block.replace("cluster-abcdefghijk", cluster.cluster_id).replace("--output ticket", f"--output {tmp_path}")
    said = {}
    for line in text.replace("\\\n", "").splitlines():
        name, *words = shlex.split(line)
        if name == "cloudhsm-settings":
            said[words[0]] = reader.run(*words)
        elif name == "aws":
            aws = [SAM.with_name("aws"), *words]
            subprocess.run(aws, cwd=ROOT, env=cloud.environment, check=True, capture_output=True)
    assert {command: ran.code for command, ran in said.items()} == {
        "plan": Exit.CHANGES,
        "watch": Exit.DONE,
        "report": Exit.DONE,
    }
    assert "about 90 min: the stack goes on, the wait condition of MigrationHandle1 waits" in said["plan"].out
    assert "hsm2m.medium" in (tmp_path / "report.html").read_text()
    calls = [each.members for each in fleet.calls if each.operation == "ModifyCluster"]
    assert [each["ClusterId"] for each in calls if "HsmType" in each].count(cluster.cluster_id) == 1
