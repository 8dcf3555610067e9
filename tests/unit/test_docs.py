"""Documentation that cannot rot: snippets are files, commands exist, links lead somewhere."""

import re
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from cloudhsm_settings import cluster as states
from cloudhsm_settings import reasons, responder
from cloudhsm_settings.attributes import TRIMMED_FIRST, attributes
from cloudhsm_settings.cluster import Cluster, Hsm
from cloudhsm_settings.custom_resource.aws_errors import translated
from cloudhsm_settings.custom_resource.event import Delivery, Key
from cloudhsm_settings.decisions import Fail, ModifyHsmType, ModifyRetention, Wait
from cloudhsm_settings.errors import AccessDenied, InvalidProperties
from cloudhsm_settings.properties import PROPERTIES, Settings
from cloudhsm_settings.reconcile import decide
from cloudhsm_settings.request import Progress, Request, StackPhase

ROOT = Path(__file__).parent.parent.parent
PAGES = [path for folder in (".", "docs/**", "examples", "examples/*") for path in sorted(ROOT.glob(f"{folder}/*.md"))]
LINTED = [ROOT / ".cfnlintrc.yaml", *sorted((ROOT / "examples").glob("*/*.yaml"))]
EXAMPLES = [textwrap.dedent(path.read_text()) for path in LINTED]
LOCAL = ROOT / "docs" / "local.md"
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_yaml_snippet_is_part_of_an_example(page):
    for block in blocks(page, "yaml"):
        assert any(block in example for example in EXAMPLES), block


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_python_snippet_is_part_of_a_test_or_an_example(page):
    tests = [path.read_text() for files in ("tests/**/*.py", "examples/*/*.py") for path in ROOT.glob(files)]
    # tests/cloud/test_library.py runs the one of that page.
    for block in [] if page == LOCAL else blocks(page, "python"):
        for line in block.splitlines():
            assert any(line.strip() in test for test in tests), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_command_exists(page):
    commands = blocks(page, "console") + re.findall(r"(?<!`)`([^`\n]+)`", page.read_text())
    named = {target for command in commands for target in re.findall(r"\bmake ([a-z][a-z-]*)", command)}
    assert named <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", page.read_text()):
        path, _, fragment = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), target
        if file.is_dir():
            continue
        headings = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)}
        assert not fragment or fragment in headings, target


def test_the_reference_lists_every_property_and_no_other():
    text = (ROOT / "docs" / "resource.md").read_text()
    assert set(re.findall(r"^`(\w+)`\n: ", text, re.MULTILINE)) == {*PROPERTIES, "ServiceTimeout"}


def test_the_reference_lists_every_attribute_and_no_other():
    text = (ROOT / "docs" / "resource.md").read_text()
    rows = re.findall(r"^\| (`[^|]+) \|", text.split("### Fn::GetAtt")[1].split("## What")[0], re.MULTILINE)
    listed = re.findall(r"`([\w.]+)`", " ".join(rows))
    known = list(attributes(Cluster("cluster-abcdefghijk", "ACTIVE"), Progress()))
    assert listed == known
    assert f"[{len(known)} attributes]" in (ROOT / "README.md").read_text()


def test_the_reference_lists_what_is_trimmed_in_order():
    text = " ".join((ROOT / "docs" / "resource.md").read_text().split())
    assert ", ".join(f"`{name}`" for name in TRIMMED_FIRST) in text


SAID = {ModifyHsmType: "changed", ModifyRetention: "changed", Wait: "waited out", Fail: "FAILED"}
STATES = [name for name, value in vars(states).items() if value == name]


def states_of(row: str) -> list[str]:
    """The states that a row of the table is about; "another" are those of no row."""
    table = (ROOT / "docs" / "resource.md").read_text().split("### States")[1].split("\n## ")[0]
    named = re.findall(r"[A-Z]+(?:_[A-Z]+)*", row)
    return [each for each in STATES if each not in table] if row.startswith("another") else named


def test_the_reference_says_what_is_decided_in_each_state():
    table = (ROOT / "docs" / "resource.md").read_text().split("### States")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert sorted(state for row in rows for state in states_of(row[0])) == sorted(STATES)
    former = Cluster("cluster-abcdefghijk", "", hsm_type="hsm1.medium", hsms=(Hsm("a", "hsm1.medium"),))
    of_retention = Request(Settings(former.cluster_id, retention_days=30), 3600, 3600, phase=StackPhase.FORWARD)
    of_type = replace(of_retention, settings=Settings(former.cluster_id, "hsm2m.medium"))
    for said_of, retention, hsm_type in rows:
        for cluster in (replace(former, state=state) for state in states_of(said_of)):
            assert retention.startswith(SAID[type(decide(of_retention, cluster, Progress(), 0))]), cluster
            assert hsm_type.startswith(SAID[type(decide(of_type, cluster, Progress(), 0))]), cluster


def spoken() -> str:
    """Every reason that the function can give, for a cluster of three HSMs."""
    cluster = Cluster(
        "cluster-abcdefghijk", "MODIFY_IN_PROGRESS", hsm_type="hsm1.medium", hsms=(Hsm("a"), Hsm("b"), Hsm("c"))
    )
    request = Request(Settings("cluster-abcdefghijk", "hsm2m.medium"), 0, 0)
    waiting = replace(cluster, state="UNINITIALIZED", rollback_expires_at=0.0)
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "ModifyCluster")
    record = {"requestContext": {"condition": "RetriesExhausted"}}
    event = {"RequestType": "Update", "LogicalResourceId": "Settings", "PhysicalResourceId": request.cluster_id}
    delivery = Delivery(Key("stack", "Settings"), "id", "Update", "https://x", request.cluster_id, 0, 3600, event)
    said = [
        reason(request, waiting)
        for reason in (
            reasons.not_found,
            reasons.not_ready,
            reasons.handle_used,
            reasons.reverted,
            reasons.third_type,
            reasons.too_late_to_turn_back,
        )
    ]
    said += [reasons.turn_back_needs_consent(request, waiting, now) for now in (-1, 1)]
    said += [reasons.turn_back_needs_consent(request, cluster, 0), reasons.nobody_waits(request)]
    said += [reasons.wont_fit(request, cluster, 3000), reasons.time_is_up(request, cluster, "waits")]
    said += [reasons.begun_too_late(request, cluster, "it waits"), responder._reason(record, delivery)]
    said += [InvalidProperties(["x"]).reason, reasons.not_found(request, None)]
    with pytest.raises(AccessDenied) as caught, translated("a", "b"):
        raise denied
    return "\n".join([*said, caught.value.reason])


def test_the_runbook_quotes_what_the_function_says():
    rows = re.findall(r"^\| \*(.+?)\* \|", (ROOT / "docs" / "migrating.md").read_text(), re.MULTILINE)
    assert len(rows) == 3
    said = spoken()
    for row in rows:
        for part in row.split("..."):
            assert part.strip() in said, part


def test_the_first_screen_of_the_readme_is_a_screen():
    first = (ROOT / "README.md").read_text().split("## What you can rely on")[0]
    assert len(first.splitlines()) < 45


@pytest.mark.parametrize("page", ["README.md", "docs/install.md"])
def test_the_provider_is_installed_without_a_dialogue(page):
    commands = re.findall(r"^(?:sam build && )?(sam deploy.*)$", (ROOT / page).read_text(), re.MULTILINE)
    # The dialogue of sam asks for a signing profile, and takes no empty answer: the template could sign.
    assert commands
    assert [each for each in commands if "--guided" in each or "ClusterIdPattern=" not in each] == []
