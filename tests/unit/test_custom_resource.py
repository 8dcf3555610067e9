"""The package could be lifted out: it imports nothing from its parent. The responder needs the standard library alone."""

import ast
import shutil
from pathlib import Path

import pytest

from sandbox.ministack import ROOT
from tests.isolated import run_isolated
from tests.unit.test_responder_package import PACKAGE, SOURCE, shipped

HERE = f"{PACKAGE}.custom_resource"


@pytest.mark.parametrize(
    "path", sorted((SOURCE / PACKAGE / "custom_resource").glob("*.py")), ids=lambda path: path.stem
)
def test_it_imports_nothing_from_its_parent(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        for name in names:
            assert not name.startswith(PACKAGE) or name == HERE or name.startswith(f"{HERE}."), name


def test_the_responder_is_shipped_without_the_properties():
    assert not {"properties", "handler", "provider"} & shipped()


def test_what_it_is_shipped_with_imports_the_standard_library_alone(tmp_path: Path):
    for name in shipped():
        target = tmp_path / PACKAGE / f"{name}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / PACKAGE / f"{name}.py", target)
    assert run_isolated(tmp_path, f"import {PACKAGE}.responder; print('imported')") == "imported"


def test_the_root_is_that_of_the_sources():
    assert (ROOT / "src" / PACKAGE).is_dir()
