"""Workflows that hand out as little as they can: pinned actions, named permissions, no expression inside a script."""

import re
from typing import Any

import pytest
import yaml

from tools.release.template import ROOT

PATHS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
OURS = re.compile(r"\$/\.github/workflows/[a-z]+\.yml")


def parsed(path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


JOBS = [pytest.param(job, id=f"{path.stem}-{name}") for path in PATHS for name, job in parsed(path)["jobs"].items()]


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return job.get("steps", [])


def test_there_are_workflows():
    assert [path.stem for path in PATHS] == ["lint", "release", "test", "weekly"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit_and_says_which_version_that_is(path):
    used = [line.split("uses: ")[1].strip() for line in path.read_text().splitlines() if "uses: " in line]
    assert used
    assert [each for each in used if not PINNED.fullmatch(each) and not OURS.fullmatch(each)] == []


def test_one_action_is_one_version_everywhere():
    used = {use for path in PATHS for use in re.findall(r"uses: (\S+@.+)", path.read_text())}
    assert len({use.split("@")[0] for use in used}) == len(used)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_nothing_is_permitted_and_nothing_overlaps_unless_said(path):
    workflow = parsed(path)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]


@pytest.mark.parametrize("job", JOBS)
def test_every_job_names_its_permissions_and_ends(job):
    assert set(job["permissions"]) <= {"contents", "id-token", "attestations"}
    assert "uses" in job or job["timeout-minutes"] <= 60
    # Who may write sees no code but GitHub's own.
    if "write" in (job["permissions"].get("contents"), job["permissions"].get("attestations")):
        assert not [step for step in steps(job) if "actions/checkout@" in step.get("uses", "")]


@pytest.mark.parametrize("job", JOBS)
def test_a_checkout_leaves_no_token_behind(job):
    for step in steps(job):
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("job", JOBS)
def test_scripts_are_ours_and_hold_no_expression(job):
    for script in (step["run"] for step in steps(job) if "run" in step):
        assert "${{" not in script
        assert set(re.findall(r"\bmake (?:--\S+ )?([a-z-]+)", script)) <= TARGETS


def test_dependencies_are_not_taken_on_the_day_they_appear():
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    assert {update["package-ecosystem"] for update in updates} >= {"github-actions", "pip"}
    assert all(update["cooldown"]["default-days"] >= 7 for update in updates)
    directories = [each for update in updates for each in update.get("directories", [update.get("directory")])]
    assert all((ROOT / each.lstrip("/")).is_dir() for each in directories)
    locked = [path.parent for pattern in ("cdk/*", "examples/*/*") for path in ROOT.glob(f"{pattern}-lock.json")]
    assert {ROOT / each.lstrip("/") for each in directories} >= set(locked)
