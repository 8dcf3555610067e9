"""One mutant, and how it gets into a copy of the function."""

from pathlib import Path
from typing import NamedTuple


class Moved(Exception):
    """The place in which a mutant is planted is not there any more, or more than once."""


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
    tests: tuple[str, ...]
    """Modules of tests/unit that have to catch it, the fastest first."""

    def plant(self, source: Path) -> None:
        """Changes the copy of `src` in `source`; raises Moved."""
        module = source / "cloudhsm_settings" / f"{self.module}.py"
        text = module.read_text()
        if text.count(self.sound) != 1:
            raise Moved(f"MOVED: {self.module}.py has it {text.count(self.sound)} times")
        module.write_text(text.replace(self.sound, self.mutated))
