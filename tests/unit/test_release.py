"""The version lives in one place, the changelog agrees with it, and dist/ is the same bytes whenever it is built."""

import re
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

from tools.release.archive import archive
from tools.release.dist import released, write_checksums
from tools.release.template import ROOT, TEMPLATE, load, metadata
from tools.release.version import changelog_faults, release_faults, sections

CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
VERSION = metadata()["SemanticVersion"]
TWO_RELEASES = "# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2027-02-01\n\n- b\n\n## [1.0.0] - 2027-01-01\n\n- a\n"


def test_the_changelog_agrees_with_the_version():
    assert changelog_faults(VERSION, CHANGELOG) == []


def test_the_version_is_written_once():
    pattern = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["version"]["pattern"]
    assert [match["version"] for match in re.finditer(pattern, TEMPLATE.read_text())] == [VERSION]
    tracked = subprocess.run(
        ["git", "ls-files", "*.py", "*.toml"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    for name in tracked.stdout.split():
        assert not re.search(rf'(__version__|^version) = "{VERSION}"', (ROOT / name).read_text(), re.MULTILINE), name


@pytest.mark.parametrize(
    ("version", "changelog", "fault"),
    [
        ("1.1.0", TWO_RELEASES, None),
        ("1.2.0", TWO_RELEASES.replace("[Unreleased]\n", "[Unreleased]\n\n- c\n"), None),
        ("1.2.0", TWO_RELEASES, "says nothing of 1.2.0"),
        ("1.0.0", TWO_RELEASES, "older than the newest release"),
        ("1.1", TWO_RELEASES, "not MAJOR.MINOR.PATCH"),
        ("1.1.0", TWO_RELEASES.replace(" - 2027-02-01", ""), "1.1.0 in CHANGELOG.md has no date"),
        ("1.10.0", TWO_RELEASES.replace("1.0.0", "1.10.0"), "not in order"),
    ],
)
def test_a_changelog_that_does_not_agree_is_told(version, changelog, fault):
    faults = changelog_faults(version, changelog)
    assert faults == [] if fault is None else any(fault in each for each in faults)


def test_a_release_needs_its_tag_its_section_and_its_owner():
    url = "https://github.com/somebody/somewhere"
    assert release_faults("v1.1.0", "somebody/somewhere", "1.1.0", url, TWO_RELEASES) == []
    faults = release_faults("1.0.0", "else/where", "1.2.0", url, TWO_RELEASES.replace("]\n", "]\n- c\n", 1))
    assert [
        any(word in each for each in faults) for word in ("The tag is 1.0.0", "no section [1.2.0]", "SourceCodeUrl")
    ]
    assert len(faults) == 3


def test_the_notes_of_a_release_are_its_section_alone():
    assert sections(TWO_RELEASES) == {"Unreleased": "", "1.1.0": "- b", "1.0.0": "- a"}


def test_the_application_is_described_as_the_repository_wants_it():
    # https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-template-publishing-applications-metadata-properties.html
    told = metadata()
    assert re.fullmatch(r"[a-zA-Z0-9\-]{1,140}", told["Name"])
    assert 1 <= len(told["Description"]) <= 256
    assert re.fullmatch(r"[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?", told["Author"])
    assert len(told["Author"]) <= 127
    assert len(told["Labels"]) <= 10
    assert all(re.fullmatch(r"[a-zA-Z0-9+\-_:/@]{1,127}", label) for label in told["Labels"])
    assert told["SpdxLicenseId"] == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]
    assert told["SourceCodeUrl"] == told["HomePageUrl"]
    assert told["SourceCodeUrl"].split("/")[3].lower() == told["Author"]


def test_the_owner_is_the_same_everywhere():
    repository = metadata()["SourceCodeUrl"].removeprefix("https://github.com/")
    assert f"--repo {repository}\n" in (ROOT / "SECURITY.md").read_text()


def test_the_readme_of_the_repository_needs_no_other_file():
    text = (ROOT / metadata()["ReadmeUrl"]).read_text()
    assert re.findall(r"\]\((?!https://)[^)]*\)", text) == []


def test_nothing_is_asked_for_that_the_repository_refuses():
    """Overly broad permissions: https://docs.aws.amazon.com/serverlessrepo/latest/devguide/using-aws-sam.html"""
    template = TEMPLATE.read_text()
    assert not re.search(
        r"ManagedPolicyArns: (?!!If \[InVpc, \[!Ref NetworkPolicy\])|AWSLambda_FullAccess|iam:(?!PassRole|PassedToService|:)|\bPolicies: \[",
        template,
    )
    roles = [each for each in load(template)["Resources"].values() if each["Type"] == "AWS::IAM::Role"]
    assert not [role for role in roles if "RoleName" in role["Properties"]], "named roles need CAPABILITY_NAMED_IAM"


def test_the_released_template_has_an_archive_for_each_function():
    template, functions = released(TEMPLATE.read_text())
    assert functions == ["Function", "Responder"]
    code = {name: load(template)["Resources"][name]["Properties"]["CodeUri"] for name in functions}
    assert code == {"Function": "Function.zip", "Responder": "Responder.zip"}
    assert "BuildMethod" not in template
    with pytest.raises(ValueError, match="Only Responder"):
        released(TEMPLATE.read_text().replace("BuildMethod: makefile", "BuildMethod: other", 1))


def test_an_archive_depends_on_content_alone(tmp_path: Path):
    for name, mode in (("a", 0o600), ("b", 0o755)):
        directory = tmp_path / name / "package"
        directory.mkdir(parents=True)
        for file in ("z.py", "a.py") if name == "a" else ("a.py", "z.py"):
            (directory / file).write_text(file)
            (directory / file).chmod(mode)
        archive(directory.parent, tmp_path / f"{name}.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as zipped:
        assert [entry.filename for entry in zipped.infolist()] == ["package/a.py", "package/z.py"]
        assert {entry.external_attr >> 16 for entry in zipped.infolist()} == {0o100644}


def test_checksums_are_what_sha256sum_reads(tmp_path: Path):
    (tmp_path / "one").write_text("1")
    (tmp_path / "two").write_text("2")
    for _ in range(2):
        write_checksums(tmp_path)
        subprocess.run(
            ["sha256sum", "--strict", "--check", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True
        )
    (tmp_path / "three").write_text("3")
    write_checksums(tmp_path)
    (tmp_path / "two").write_text("3")
    with pytest.raises(ValueError, match=r"^two in .* changed after its checksum was taken"):
        write_checksums(tmp_path)
    assert subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, check=False, capture_output=True
    ).returncode
