"""The bill of materials of the function, CycloneDX 1.6: what is in its archive, as its packages say themselves."""

import zipfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def bill_of_materials(archive: Path, name: str, version: str, spdx_license: str) -> str:
    """The bill of an application with this archive; the same archive has the same bill."""
    bytes_of = archive.read_bytes()
    digest = sha256(bytes_of).hexdigest()
    application = Component(
        type=ComponentType.APPLICATION,
        name=name,
        version=version,
        bom_ref=name,
        licenses=[LicenseFactory().make_from_string(spdx_license)],
        components=[_file(archive.name, digest)],
    )
    # A serial number of its own for every archive, and no time: two builds are the same bytes.
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"{name}/{version}/{digest}"))
    bom.metadata.component, bom.metadata.timestamp = application, None  # type: ignore[assignment]
    packages = {_name(each): each for each in distributions(archive)}
    components = {each: _component(each, package) for each, package in packages.items()}
    bom.components.update(components.values())
    needed = {each: set(_requirements(package)) for each, package in packages.items()}
    for each, names in needed.items():
        bom.register_dependency(components[each], [components[one] for one in sorted(names & components.keys())])
    direct = components.keys() - set().union(*needed.values())
    bom.register_dependency(application, [components[each] for each in sorted(direct)])
    return f"{JsonV1Dot6(bom).output_as_string(indent=2)}\n"


def distributions(archive: Path) -> Iterator[Distribution]:
    """The packages in a zip, by what their METADATA says."""
    root = zipfile.Path(archive)
    for directory in sorted(root.iterdir(), key=lambda path: path.name):
        if directory.name.endswith(".dist-info"):
            yield PathDistribution(directory)


def _component(name: str, package: Distribution) -> Component:
    purl = PackageURL("pypi", None, name, package.version)
    told = package.metadata.json
    text = str(told.get("license_expression") or told.get("license") or "")
    return Component(
        name=name,
        version=package.version,
        purl=purl,
        bom_ref=str(purl),
        licenses=[LicenseFactory().make_from_string(text)] if text else [],
        description=str(told.get("summary", "")),
    )


def _file(name: str, digest: str) -> Component:
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest)]
    return Component(type=ComponentType.FILE, name=name, bom_ref=name, hashes=hashes)


def _requirements(package: Distribution) -> Iterator[str]:
    for line in package.requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)


def _name(package: Distribution) -> str:
    return canonicalize_name(package.metadata["Name"])
