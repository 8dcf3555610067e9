"""The files of a release: archives that are the same bytes whenever they are built, the template that names them."""

import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from sandbox.cloud import sam
from tools.release.archive import archive
from tools.release.sbom import bill_of_materials
from tools.release.template import ROOT, TEMPLATE, metadata

DIST = ROOT / "dist"
CHECKSUMS = "SHA256SUMS"
BILL = "cloudhsm-cluster-settings.cdx.json"
_FUNCTION = re.compile(
    r"^  (?P<name>\w+):\n    Type: AWS::Serverless::Function\n"
    r"(?P<metadata>    Metadata:\n)      BuildMethod: makefile\n(?P<kept>(?:      .*\n)*)"
    r"(?P<properties>    Properties:\n(?:      .*\n)*?      CodeUri: )src/$",
    re.MULTILINE,
)


def build(destination: Path = DIST) -> None:
    """Empties `destination`, then makes archives, checksums, bill of materials, template, licence and readme in it."""
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir(parents=True)
    template, functions = released(TEMPLATE.read_text())
    with tempfile.TemporaryDirectory() as directory:
        sam("build", "--build-dir", directory)
        for name in functions:
            archive(Path(directory) / name, destination / f"{name}.zip")
    # Before anything that is not needed for the archives has been run.
    write_checksums(destination)
    told = metadata()
    (destination / BILL).write_text(
        bill_of_materials(destination / "Function.zip", told["Name"], told["SemanticVersion"], told["SpdxLicenseId"])
    )
    for member in ("LicenseUrl", "ReadmeUrl"):
        file = ROOT / metadata()[member]
        shutil.copyfile(file, destination / file.name)
        template = template.replace(f"{member}: {metadata()[member]}", f"{member}: {file.name}")
    (destination / TEMPLATE.name).write_text(template)
    write_checksums(destination)


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
    """Writes SHA256SUMS over everything in `destination`, as `sha256sum --check` reads it.

    What has a checksum keeps it: raises ValueError where a file is another one now.
    """
    sums = destination / CHECKSUMS
    files = sorted(path for path in destination.iterdir() if not path.name.startswith(".") and path != sums)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    former = sums.read_text().splitlines(keepends=True) if sums.exists() else []
    if changed := sorted(set(former) - set(lines)):
        names = ", ".join(line.split()[1] for line in changed)
        raise ValueError(f"{names} in {destination} changed after its checksum was taken: do not release it.")
    sums.write_text("".join(lines))
