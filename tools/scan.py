"""`python -m tools.scan`: checkov over what template.yaml deploys, as it is and with everything that can be prescribed.

A finding that stays has its reason in the template, beside the resource.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tools.deployed import EVERY_PARAMETER, SOURCE, given, resources, values
from tools.release.template import ROOT

CHECKOV = ROOT / ".venv-checkov" / "bin" / "checkov"
DRIFT = {"DriftCheck": "rate(1 day)"}
VPC = {"SubnetIds": "subnet-0123456789abcdef0", "SecurityGroupIds": "sg-0123456789abcdef0"}
UNMET = frozenset({"CKV_AWS_117", "CKV_AWS_119", "CKV_AWS_158", "CKV_AWS_173"})
"""Checks that fail only because a parameter is not given: a VPC, and a key for table, logs and variables."""


def deployed(chosen: Mapping[str, Any], met: Collection[str] = ()) -> dict[str, Any]:
    """The template with parameters and conditions decided; the checks that are `met` are not skipped."""
    made = resources(chosen)
    for resource in made.values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"] = {**given(SOURCE["Globals"]["Function"], chosen), **resource["Properties"]}
        if "checkov" in resource.get("Metadata", {}):
            skipped = resource["Metadata"]["checkov"]["skip"]
            resource["Metadata"]["checkov"]["skip"] = [each for each in skipped if each["id"] not in met]
    return {"AWSTemplateFormatVersion": "2010-09-09", "Transform": SOURCE["Transform"], "Resources": made}


def main() -> int:
    """Scans both; the exit code is checkov's."""
    templates = {
        "by-default.json": deployed(values(**DRIFT)),
        "prescribed.json": deployed(values(**EVERY_PARAMETER, **DRIFT, **VPC), UNMET),
    }
    with tempfile.TemporaryDirectory() as directory:
        for name, template in templates.items():
            (Path(directory) / name).write_text(json.dumps(template, indent=1))
        command = [str(CHECKOV), "--directory", directory, "--framework", "cloudformation"]
        options = ["--skip-download", "--compact", "--quiet"]
        return subprocess.run([*command, *options], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
