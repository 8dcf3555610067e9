"""The one version, and whether the changelog, the tag and the repository agree with it."""

import re

UNRELEASED = "Unreleased"
_HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def sections(changelog: str) -> dict[str, str]:
    """The text below each heading of the changelog by its version, newest first; "Unreleased" for what is to come."""
    found = list(_HEADING.finditer(changelog))
    ends = [match.start() for match in found[1:]] + [len(changelog)]
    return {match["version"]: changelog[match.end() : end].strip() for match, end in zip(found, ends, strict=True)}


def changelog_faults(version: str, changelog: str) -> list[str]:
    """Where the changelog and the version contradict each other, a sentence for each.

    Either the version is the newest release of the changelog, or it is later and what it brings is in "Unreleased".
    """
    texts = sections(changelog)
    faults = [
        f"The heading of {match['version']} in CHANGELOG.md has no date."
        for match in _HEADING.finditer(changelog)
        if match["version"] != UNRELEASED and not match["date"]
    ]
    if not _VERSION.fullmatch(version):
        return [*faults, f"SemanticVersion {version} is not MAJOR.MINOR.PATCH."]
    released = [_number(each) for each in texts if each != UNRELEASED]
    if released != sorted(released, reverse=True):
        faults.append("The releases in CHANGELOG.md are not in order, newest first.")
    newest = max(released, default=(0, 0, 0))
    if _number(version) < newest:
        faults.append(f"SemanticVersion {version} is older than the newest release in CHANGELOG.md.")
    if _number(version) > newest and not texts.get(UNRELEASED):
        faults.append(f"CHANGELOG.md says nothing of {version}: neither under its heading nor under [{UNRELEASED}].")
    return faults


def release_faults(tag: str, repository: str, version: str, source_code_url: str, changelog: str) -> list[str]:
    """What speaks against releasing `tag` ("v1.2.3") from `repository` ("owner/name"), a sentence for each."""
    faults = changelog_faults(version, changelog)
    if tag != f"v{version}":
        faults.append(f"The tag is {tag}, SemanticVersion in template.yaml is {version}: expected v{version}.")
    if not sections(changelog).get(version):
        faults.append(f"CHANGELOG.md has no section [{version}]: give it the heading and the date of the release.")
    if source_code_url != f"https://github.com/{repository}":
        faults.append(
            f"SourceCodeUrl in template.yaml is {source_code_url}, this is https://github.com/{repository}: "
            "set Author, HomePageUrl and SourceCodeUrl to the owner who publishes."
        )
    return faults


def _number(version: str) -> tuple[int, ...]:
    match = _VERSION.fullmatch(version)
    return tuple(map(int, match.groups())) if match else ()
