"""The construct of examples/cdk-typescript: what it writes into a template is what the Python construct writes."""

import json
import subprocess

import pytest
from aws_cdk import Duration
from aws_cdk.assertions import Template

from cloudhsm_settings_cdk import ClusterSettings, ClusterSettingsProvider
from sandbox.cdk import NODE
from sandbox.ministack import ROOT
from tests.cdk.synthesized import stack

EXAMPLE = ROOT / "examples" / "cdk-typescript"
SYNTHESIZE = """
import { App, Duration, Stack } from "aws-cdk-lib";
import { ClusterSettings } from "./cluster-settings.ts";
const { days, hours, ...props } = JSON.parse(process.argv[1]);
const app = new App();
new ClusterSettings(new Stack(app, "Stack"), "Settings", {
  ...props,
  backupRetention: days && Duration.days(days),
  longMigration: hours && Duration.hours(hours),
});
console.log(JSON.stringify(app.synth().getStackByName("Stack").template));
"""


def by_typescript(**properties: object) -> dict:
    given = [NODE, "--input-type=module", "--eval", SYNTHESIZE, json.dumps(properties)]
    done = subprocess.run(given, cwd=EXAMPLE, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["Resources"]


def by_python(**properties: object) -> dict:
    parent = stack()
    provider = ClusterSettingsProvider.from_export_name(parent, "Provider")
    ClusterSettings(parent, "Settings", provider=provider, **properties)
    return Template.from_stack(parent).to_json()["Resources"]


def test_everything_is_written_as_by_the_python_construct():
    typescript = {"clusterId": "cluster-abcdefghijk", "hsmType": "hsm2m.medium", "hsmTypeOnRollback": "Revert"}
    python = {"cluster": "cluster-abcdefghijk", "hsm_type": "hsm2m.medium", "hsm_type_on_rollback": "Revert"}
    assert by_typescript(**typescript, days=30, hours=12) == by_python(
        **python, backup_retention=Duration.days(30), long_migration=Duration.hours(12)
    )


def test_what_is_not_given_is_not_written():
    made = by_typescript(clusterId="cluster-abcdefghijk", days=7)
    assert made == by_python(cluster="cluster-abcdefghijk", backup_retention=Duration.days(7))
    assert list(made) == ["Settings"]


@pytest.mark.parametrize(("mistake", "faults"), [("", 0), ('hsmTypeOnRollback: "Never",', 1)])
def test_tsc_reads_it(tmp_path, mistake, faults):
    for path in EXAMPLE.glob("*.[jt]s*"):
        (tmp_path / path.name).write_text(
            path.read_text().replace("longMigration: Dur", f"{mistake} longMigration: Dur")
        )
    (tmp_path / "node_modules").symlink_to(EXAMPLE / "node_modules")
    tsc = EXAMPLE / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run([NODE, tsc], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.stdout.count("error TS") == faults, done.stdout
