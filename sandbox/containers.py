"""The real `sam local invoke`: finds a container engine or starts one, and a base image or makes one."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.cloud import SAM
from sandbox.console import Console
from sandbox.ministack import ROOT, clean_environment

BASE_IMAGE = "public.ecr.aws/lambda/python:3.13"
IMAGE = f"{BASE_IMAGE}-x86_64"
BRIDGE = "172.31.254.1/24"
_BASE_SYSTEM = ROOT / ".cache" / "lambda-base"
_SECONDS_TO_PULL = 120


@dataclass(frozen=True)
class Engine:
    """A container engine that answers."""

    name: str
    docker_host: str | None
    """DOCKER_HOST for its clients; None for the client's own default."""
    host_address: str
    """Address of this machine that containers reach and nobody outside."""

    @property
    def environment(self) -> dict[str, str]:
        """Variables for docker and sam."""
        return clean_environment() | ({"DOCKER_HOST": self.docker_host} if self.docker_host else {})

    def docker(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Runs the docker client."""
        return subprocess.run(
            ["docker", *arguments], env=self.environment, text=True, capture_output=True, check=False, **options
        )


class SamLocal:
    """`sam local invoke --skip-pull-image` on a built template."""

    def __init__(self, engine: Engine, build: Path, variables: Mapping[str, str]) -> None:
        self.name = f"sam local invoke with {engine.name}"
        self._engine = engine
        self._template = build / "template.yaml"
        # sam hands on only those variables that the template declares.
        lines = "".join(f"          {name}: {json.dumps(value)}\n" for name, value in variables.items())
        declared = self._template.read_text()
        self._template.write_text(declared.replace("        Variables:\n", f"        Variables:\n{lines}", 1))

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The response that CloudFormation would have got."""
        done = subprocess.run(
            [
                SAM, "local", "invoke", "Function", "--template", self._template, "--event", "-",
                "--skip-pull-image", "--region", "us-east-1", "--parameter-overrides", "Architecture=x86_64",
            ],
            input=json.dumps(event),
            env={**self._engine.environment, "SAM_CLI_TELEMETRY": "0"},
            cwd=ROOT,
            text=True,
            capture_output=True,
            check=False,
        )  # fmt: skip
        last = done.stdout.strip().rpartition("\n")[2]
        if done.returncode or not last.startswith("{"):
            raise RuntimeError(f"sam local invoke failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return dict(json.loads(last))


@contextmanager
def container_engine(console: Console) -> Iterator[Engine | None]:
    """An engine with a base image of Lambda, or None; one that was started here is stopped again."""
    if os.uname().machine != "x86_64" or not shutil.which("docker"):
        console.line("No container engine (docker) for x86_64 on this machine")
        yield None
        return
    with _running_engine() as engine:
        ready = engine is not None and _has_base_image(engine, console)
        yield engine if ready else None


@contextmanager
def _running_engine() -> Iterator[Engine | None]:
    present = Engine("the engine of this machine", os.environ.get("DOCKER_HOST"), "")
    gateway = present.docker(
        "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}", timeout=30
    )
    if gateway.returncode == 0 and gateway.stdout.strip():
        yield Engine(present.name, present.docker_host, gateway.stdout.strip())
    elif shutil.which("dockerd") and os.geteuid() == 0:
        with _own_daemon() as engine:
            yield engine
    else:
        yield None


@contextmanager
def _own_daemon() -> Iterator[Engine | None]:
    directory = Path(tempfile.mkdtemp(prefix="cloudhsm-docker-"))
    had_bridge = Path("/sys/class/net/docker0").exists()
    socket = f"unix://{directory}/docker.sock"
    with (directory / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [
                "dockerd", "--storage-driver=vfs", "--iptables=false", "--ip6tables=false", "--ip-masq=false",
                "--bip", BRIDGE, "--host", socket, "--data-root", directory / "data", "--exec-root", directory / "exec",
                "--pidfile", directory / "pid",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )  # fmt: skip
    engine = Engine("a dockerd of its own", socket, BRIDGE.partition("/")[0])
    try:
        yield engine if _answers(engine, daemon) else None
    finally:
        daemon.terminate()
        daemon.wait()
        if not had_bridge:
            subprocess.run(["ip", "link", "delete", "docker0"], check=False, capture_output=True)
        shutil.rmtree(directory, ignore_errors=True)


def _answers(engine: Engine, daemon: subprocess.Popen[bytes]) -> bool:
    for _ in range(100):
        if daemon.poll() is not None:
            return False
        if engine.docker("version").returncode == 0:
            return True
        time.sleep(0.2)
    return False


def _has_base_image(engine: Engine, console: Console) -> bool:
    if engine.docker("image", "inspect", IMAGE).returncode == 0:
        return True
    console.line(f"Pulling {IMAGE}")
    try:
        if engine.docker("pull", IMAGE, timeout=_SECONDS_TO_PULL).returncode == 0:
            return True
    except subprocess.TimeoutExpired:
        pass
    if not shutil.which("debootstrap") or os.geteuid() != 0:
        console.line("It cannot be pulled, and without debootstrap and root no stand-in can be made")
        return False
    console.line("It cannot be pulled: making a stand-in with debootstrap, a minute the first time")
    return _import_stand_in(engine)


def _import_stand_in(engine: Engine) -> bool:
    """Debian with python3, awslambdaric in /var/runtime and a bootstrap, under the name of Lambda's image."""
    if not (_BASE_SYSTEM / "ready").exists():
        shutil.rmtree(_BASE_SYSTEM, ignore_errors=True)
        _BASE_SYSTEM.parent.mkdir(exist_ok=True)
        options = ["--variant=minbase", "--include=python3,ca-certificates"]
        subprocess.run(["debootstrap", *options, "bookworm", str(_BASE_SYSTEM)], check=True, capture_output=True)
        runtime = _BASE_SYSTEM / "var" / "runtime"
        (_BASE_SYSTEM / "var" / "task").mkdir()
        uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python-version", "3.11"]
        subprocess.run([*uv, "--target", runtime, "awslambdaric"], check=True)
        bootstrap = runtime / "bootstrap"
        bootstrap.write_text('#!/bin/sh\nPYTHONPATH=/var/task:/var/runtime exec python3 -m awslambdaric "$_HANDLER"\n')
        bootstrap.chmod(0o755)
        (_BASE_SYSTEM / "ready").touch()
    with subprocess.Popen(["tar", "-C", _BASE_SYSTEM, "-c", "."], stdout=subprocess.PIPE) as tree:
        change = ["--change", "WORKDIR /var/task", "--change", "ENV LAMBDA_TASK_ROOT=/var/task LANG=C.UTF-8"]
        return engine.docker("import", *change, "-", IMAGE, stdin=tree.stdout).returncode == 0
