"""The files of a release: archives that are the same bytes whenever they are built, the template that names them."""

import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from sandbox.cloud import sam
from tools.release.archive import archive
from tools.release.template import ROOT, TEMPLATE, metadata

DIST = ROOT / "dist"
CHECKSUMS = "SHA256SUMS"
_FUNCTION = re.compile(
    r"^  (?P<name>\w+):\n    Type: AWS::Serverless::Function\n"
    r"(?P<metadata>    Metadata:\n)      BuildMethod: makefile\n(?P<kept>(?:      .*\n)*)"
    r"(?P<properties>    Properties:\n(?:      .*\n)*?      CodeUri: )src/$",
    re.MULTILINE,
)


def build(destination: Path = DIST) -> None:
    """Empties `destination` and fills it with the functions' archives, the template, licence and readme."""
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir(parents=True)
    template, functions = released(TEMPLATE.read_text())
    with tempfile.TemporaryDirectory() as directory:
        sam("build", "--build-dir", directory)
        for name in functions:
            archive(Path(directory) / name, destination / f"{name}.zip")
    for member in ("LicenseUrl", "ReadmeUrl"):
        file = ROOT / metadata()[member]
        shutil.copyfile(file, destination / file.name)
        template = template.replace(f"{member}: {metadata()[member]}", f"{member}: {file.name}")
    (destination / TEMPLATE.name).write_text(template)


def released(template: str) -> tuple[str, list[str]]:
    """The template with each function's code in an archive beside it, and the functions' names.

    Raises ValueError where a function is declared in a way that this does not know.
    """
    functions = [match["name"] for match in _FUNCTION.finditer(template)]
    if len(functions) != template.count("Type: AWS::Serverless::Function"):
        raise ValueError(f"Only {', '.join(functions) or 'none'} of template.yaml's functions could be read.")
    return _FUNCTION.sub(_with_archive, template), functions


def _with_archive(function: re.Match[str]) -> str:
    metadata = function["metadata"] + function["kept"] if function["kept"] else ""
    head = f"  {function['name']}:\n    Type: AWS::Serverless::Function\n"
    return f"{head}{metadata}{function['properties']}{function['name']}.zip"


def write_checksums(destination: Path = DIST) -> None:
    """Writes SHA256SUMS over everything in `destination`, as `sha256sum --check` reads it."""
    files = sorted(path for path in destination.iterdir() if not path.name.startswith(".") and path.name != CHECKSUMS)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (destination / CHECKSUMS).write_text("".join(lines))
