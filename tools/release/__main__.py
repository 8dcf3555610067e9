"""`python -m tools.release`: builds dist/, and checks a tag before it is released."""

import argparse
import sys

from tools.release.dist import build, write_checksums
from tools.release.template import ROOT, metadata
from tools.release.version import release_faults, sections


def main() -> int:
    """Runs a command; the exit code is 0 when nothing speaks against the release."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description="The files of a release.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("dist", help="build the archives and the template into dist/")
    commands.add_parser("checksums", help="write dist/SHA256SUMS over everything in dist/")
    commands.add_parser("notes", help="print what the changelog says about the present version")
    check = commands.add_parser("check", help="say what speaks against releasing a tag")
    check.add_argument("tag", help="such as v1.2.3")
    check.add_argument("repository", help="owner/name on GitHub")
    arguments = parser.parse_args()
    application, changelog = metadata(), (ROOT / "CHANGELOG.md").read_text()
    match arguments.command:
        case "dist":
            build()
        case "checksums":
            write_checksums()
        case "notes":
            print(_notes(changelog, application["SemanticVersion"]))
        case "check":
            faults = release_faults(
                arguments.tag,
                arguments.repository,
                application["SemanticVersion"],
                application["SourceCodeUrl"],
                changelog,
            )
            print(*faults or [f"{arguments.tag} can be released."], sep="\n")
            return 1 if faults else 0
    return 0


def _notes(changelog: str, version: str) -> str:
    try:
        return sections(changelog)[version]
    except KeyError:
        raise SystemExit(f"CHANGELOG.md has no section [{version}].") from None


if __name__ == "__main__":
    sys.exit(main())
