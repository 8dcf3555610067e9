"""The local cloud as one object: MiniStack, CloudHSM, and what clients need to reach them."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import boto3

from sandbox.cloudhsm import CloudHsmServer, Fleet
from sandbox.ministack import ROOT, MiniStack, clean_environment
from sandbox.tls import make_certificate
from tools.lock import locked

REGION = "us-east-1"
PROVIDER_STACK = "cloudhsm-cluster-settings"
SAM = ROOT / ".venv-sam" / "bin" / "sam"


class Cloud:
    """Starts everything on free ports of the loopback interface; several can run side by side."""

    def __init__(
        self,
        fleet: Fleet | None = None,
        *,
        seconds_between_polls: float = 60,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`seconds_between_polls`: how often Scheduler polls, instead of every minute. `variables` are MiniStack's."""
        self.fleet = fleet or Fleet()
        # With a space, so that what cannot bear one fails here and not on a Mac.
        self.directory = Path(tempfile.mkdtemp(prefix="cloudhsm sandbox-"))
        self._cloudhsm = CloudHsmServer(self.fleet)
        self.certificate = make_certificate(self.directory)
        self._ministack = MiniStack(
            self.directory,
            self.certificate,
            seconds_between_polls=seconds_between_polls,
            # Functions inherit the variables, which spares the template everything that is only for a sandbox.
            variables={
                "AUTH": "true",
                "AWS_ENDPOINT_URL_CLOUDHSM_V2": self._cloudhsm.endpoint,
                **(variables or {}),
            },
        )

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which any AWS tool talks to this cloud and to no other."""
        return {
            **clean_environment(),
            **self.certificate.trust,
            "AWS_ACCESS_KEY_ID": "000000000000",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self._ministack.endpoint,
            "AWS_ENDPOINT_URL_CLOUDHSM_V2": self._cloudhsm.endpoint,
            "AWS_CONFIG_FILE": str(self.directory / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.directory / "no-credentials"),
            "SAM_CLI_TELEMETRY": "0",
        }

    def write_exports(self) -> Path:
        """A file for a person's shell to read: the variables, and `aws` and `sam` where the machine has none."""
        named = ("AWS_", "SAM_CLI_")
        variables = {name: value for name, value in self.environment.items() if name.startswith(named)}
        lines = [
            f"export {name}={shlex.quote(value)}"
            for name, value in {**variables, **self.certificate.trust_besides()}.items()
        ]
        file = self.directory / "exports"
        file.write_text("\n".join([*lines, f'export PATH="$PATH":{shlex.quote(str(SAM.parent))}', ""]))
        return file

    @property
    def log(self) -> Path:
        """MiniStack's log, the functions' lines among it."""
        return self._ministack.log

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client of one of the services of MiniStack."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self._ministack.endpoint,
            verify=str(self.certificate.certificate),
            aws_access_key_id="000000000000",
            aws_secret_access_key="local",
        )

    def deploy_provider(self, **parameters: str) -> str:
        """Builds and deploys template.yaml, by default for all clusters; returns the ServiceToken."""
        given = {"ClusterIdPattern": "cluster-*", **parameters}
        sam(
            "deploy",
            "--template-file", str(build_into(self.directory / "build") / "template.yaml"),
            "--config-file", str(ROOT / "samconfig.toml"),
            "--no-confirm-changeset",
            "--no-progressbar",
            "--parameter-overrides", *(f'{name}="{value}"' for name, value in given.items()),
            environment=self.environment,
        )  # fmt: skip
        stack = self.client("cloudformation").describe_stacks(StackName=PROVIDER_STACK)["Stacks"][0]
        return str(next(each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == "ServiceToken"))

    def let_respond_to(self, host: str) -> None:
        """Lets functions respond and signal to `host` ("127.0.0.1:1234") too; call it before the start."""
        self._ministack.hosts.append(host)

    def start(self) -> Self:
        """Starts all servers."""
        self._cloudhsm.start()
        self._ministack.start()
        return self

    def stop(self) -> None:
        """Stops all servers and removes their files."""
        self._ministack.stop()
        self._cloudhsm.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()


def build_into(directory: Path) -> Path:
    """Builds template.yaml for this machine, where it needs no bytecode; returns `directory`."""
    cache = ROOT / ".cache" / "sam"
    # sam copies from a cache that another sam may be writing.
    with locked(cache.with_suffix(".lock")):
        # The build downloads packages, so it keeps the machine's own proxies and certificates.
        environment = {"BYTECODE": "optional", **os.environ}
        sam("build", "--build-dir", str(directory), "--cached", "--cache-dir", str(cache), environment=environment)
    return directory


def sam(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Runs the real `sam` in the project's directory; raises RuntimeError with its output when it fails."""
    if not SAM.exists():
        raise RuntimeError(f"{SAM} is missing: run `make {SAM.parent.parent.name}/ready`")
    # The build takes pip from here: the machine's own Python may have none.
    environment = {**(environment or os.environ), "PYTHON": sys.executable}
    done = subprocess.run([SAM, *arguments], cwd=ROOT, env=environment, check=False, text=True, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"sam {' '.join(arguments)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout
