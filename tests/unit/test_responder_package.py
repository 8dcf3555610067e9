"""src/Makefile ships to the responder what it imports, and nothing else."""

import ast
import re
from pathlib import Path

from sandbox.ministack import ROOT

SOURCE = ROOT / "src"
PACKAGE = "cloudhsm_settings"


def imported_by(path: Path) -> set[str]:
    """Modules of the package that a module imports, here or there, with the packages that they are in."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == PACKAGE:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names if each.name.partition(".")[0] == PACKAGE}
    return {".".join(name.split(".")[:length]) for name in found for length in range(1, name.count(".") + 2)}


def file_of(module: str) -> Path | None:
    path = SOURCE / module.replace(".", "/")
    return next((each for each in (path / "__init__.py", path.with_suffix(".py")) if each.exists()), None)


def needed_by(module: str) -> set[str]:
    """Paths of the modules that `module` needs, as the Makefile writes them."""
    needed: set[Path] = set()
    pending = [SOURCE / PACKAGE / "__init__.py", SOURCE / PACKAGE / f"{module}.py"]
    while pending:
        path = pending.pop()
        if path not in needed:
            needed.add(path)
            pending += [file for name in imported_by(path) if (file := file_of(name))]
    return {str(path.relative_to(SOURCE / PACKAGE).with_suffix("")) for path in needed}


def shipped() -> set[str]:
    """The list RESPONDER."""
    value = re.search(r"^RESPONDER := (.*)\$\(addprefix custom_resource/,(.*)\)$", makefile(), re.MULTILINE)
    return {*value[1].split(), *(f"custom_resource/{name}" for name in value[2].split())}


def makefile() -> str:
    return (SOURCE / "Makefile").read_text().replace("\\\n", "")


def test_the_responder_has_what_it_imports_and_nothing_else():
    assert shipped() == needed_by("responder")
