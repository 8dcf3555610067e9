"""What is installed is pinned by hash, and whatever is pinned has its updates."""

import re
import subprocess
import tomllib
from pathlib import PurePosixPath

import pytest
import yaml

from tools.install import seeds
from tools.release.template import ROOT

LOCKS = [*sorted((ROOT / "requirements").glob("*.txt")), ROOT / "src" / "requirements.txt"]
PIN = re.compile(
    r"[a-z0-9-]+==\S+(?: ; [^\\]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64} \\\n)*    --hash=sha256:[0-9a-f]{64}"
)
OURS = {"examples/cdk", "examples/cdk-long-migration"}
"""They install the package of this checkout, and nothing else."""


def tracked(*patterns: str) -> list[PurePosixPath]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, check=True, capture_output=True, text=True)
    return [PurePosixPath(line) for line in listed.stdout.split()]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_has_its_hashes(lock):
    text = lock.read_text()
    assert PIN.search(text)
    assert PIN.sub("", text).strip() == ""


def test_every_group_has_its_lock():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert {lock.stem for lock in LOCKS[:-1]} == set(groups)


def test_nothing_is_installed_without_hashes():
    installer, makefile = (ROOT / "tools" / "install.py").read_text(), (ROOT / "Makefile").read_text()
    assert installer.count('"install"') == installer.count('"--require-hashes"') == 1
    assert [line for line in makefile.splitlines() if "uv build" in line and "--require-hashes" not in line] == []
    assert not re.search(r"pip install", makefile)


def test_pip_and_uv_come_first_and_by_hash():
    seed = seeds((ROOT / "requirements" / "dev.txt").read_text())
    assert re.findall(r"^[a-z]+(?===)", seed, re.MULTILINE) == ["pip", "uv"]
    assert PIN.sub("", seed).strip() == ""


def test_what_wheels_are_built_with_is_pinned():
    pinned = set(re.findall(r"^([a-z-]+)==", (ROOT / "requirements" / "build.txt").read_text(), re.MULTILINE))
    for project in tracked("*pyproject.toml"):
        required = tomllib.loads((ROOT / project).read_text())["build-system"]["requires"]
        assert set(required) <= pinned, project


def test_every_manifest_has_its_updates():
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    covered = {
        (each["package-ecosystem"], directory.strip("/"))
        for each in updates
        for directory in each.get("directories", [each.get("directory")])
        if directory
    }
    kinds = {"pip": ["*pyproject.toml", "*requirements*.txt", "requirements/*.txt"], "npm": ["*package.json"]}
    manifests = {(kind, str(path.parent).strip(".")) for kind, patterns in kinds.items() for path in tracked(*patterns)}
    assert ("pip", "requirements") in manifests
    assert ("npm", "cdk") in manifests
    assert {directory for _, directory in manifests - covered} == OURS
    assert {(ROOT / directory / "requirements.txt").read_text() for directory in OURS} == {"../../cdk\n"}
    assert ("github-actions", "") in covered
