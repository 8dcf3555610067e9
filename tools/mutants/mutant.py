"""One mutant, and how it gets into a copy of the function."""

import sys
from pathlib import Path
from typing import NamedTuple


class Mutant(NamedTuple):
    """A change of one place of one module."""

    what: str
    """What is wrong with it, in words."""
    module: str
    """Path below cloudhsm_settings, without its ending."""
    sound: str
    """The place as it is; it is there exactly once."""
    mutated: str
    """What stands there instead."""

    def plant(self, source: Path) -> None:
        """Changes the copy of `src` in `source`; ends the run where the place is not found."""
        module = source / "cloudhsm_settings" / f"{self.module}.py"
        text = module.read_text()
        if text.count(self.sound) != 1:
            sys.exit(f"{self.module}.py has changed: {self.sound!r} is there {text.count(self.sound)} times")
        module.write_text(text.replace(self.sound, self.mutated))
