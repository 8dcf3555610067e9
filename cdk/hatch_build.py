"""Puts the built functions into the wheel, so that its users need neither Docker nor pip to synthesize."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Functions(BuildHookInterface):
    """Runs `make functions`; a source distribution has them already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatch calls it so
        """`version` is "editable" when the package stays in its checkout, where synthesis builds on demand."""
        in_checkout = (Path(self.root).parent / "src" / "Makefile").exists()
        if in_checkout and version != "editable":
            subprocess.run(["make", "-C", self.root, "functions", f"PYTHON={sys.executable}"], check=True)
