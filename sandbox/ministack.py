"""MiniStack as a child process: CloudFormation, Lambda, Scheduler, DynamoDB, IAM and S3 over TLS."""

import os
import signal
import socket
import ssl
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.request import urlopen

from sandbox.tls import Certificate

ROOT = Path(__file__).parent.parent
ENVIRONMENT = ROOT / ".venv-ministack"
SECONDS_TO_START = 60
# Names through which the outside could leak into the local cloud.
_FOREIGN = ("AWS_", "POWERTOOLS_", "MINISTACK_", "GATEWAY_", "EDGE_", "LAMBDA_", "SSL_CERT", "REQUESTS_CA", "PYTHON")


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """The environment of this process without anything that points to an AWS account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}


class MiniStack:
    """One running MiniStack."""

    def __init__(
        self,
        directory: Path,
        certificate: Certificate,
        *,
        seconds_between_polls: float = 60,
        variables: dict[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self.log = directory / "ministack.log"
        self.hosts = [f"127.0.0.1:{self.port}"]
        """Where functions may respond and signal to, besides AWS's own hosts; read when it starts."""
        self._directory = directory
        self._certificate = certificate
        self._variables = {"SECONDS_BETWEEN_POLLS": str(seconds_between_polls), **(variables or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """URL for AWS_ENDPOINT_URL; by address, so that S3 is addressed by path."""
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Starts it and waits until it answers; raises RuntimeError with the end of its log otherwise."""
        python = ENVIRONMENT / "bin" / "python"
        if not python.exists():
            raise RuntimeError(f"{python} is missing: run `make {ENVIRONMENT.name}/ready`")
        temporary = self._directory / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = {
            **clean_environment(),
            **self._certificate.trust,
            **self._variables,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(temporary / "state"),
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "1",
            "LAMBDA_ASYNC_RETRY_MAX_SECONDS": "1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_SSL_CERT": str(self._certificate.certificate),
            "MINISTACK_SSL_KEY": str(self._certificate.key),
            "TMPDIR": str(temporary),
            "USE_SSL": "1",
            "RESPONSE_HOSTS": " ".join(self.hosts),
            "WAIT_CONDITION_HOSTS": " ".join(self.hosts),
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [python, "-P", Path(__file__).with_name("launch_ministack.py")],
                cwd=self._directory,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_it_answers()
        return self

    def _wait_until_it_answers(self) -> None:
        trust = ssl.create_default_context(cafile=str(self._certificate.certificate))
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                with urlopen(f"{self.endpoint}/_ministack/health", timeout=5, context=trust):
                    return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"MiniStack did not start. {self.log} ends with:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Ends it and the functions it runs, at once: nothing of it is worth keeping."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin:
            process.stdin.close()
