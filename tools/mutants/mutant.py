"""One mutant, and how it gets into a copy of the function."""

from pathlib import Path
from typing import NamedTuple


class Moved(Exception):
    """The place in which a mutant is planted is not there any more, or more than once."""


class Mutant(NamedTuple):
    """A change of one place, or of all that guard the same."""

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
    also: tuple[tuple[str, str, str], ...] = ()
    """Further places, each a module, the place and what stands there instead: where two lines guard the same."""

    def plant(self, source: Path) -> None:
        """Changes the copy of `src` in `source`; raises Moved."""
        for name, sound, mutated in ((self.module, self.sound, self.mutated), *self.also):
            module = source / "cloudhsm_settings" / f"{name}.py"
            text = module.read_text()
            if text.count(sound) != 1:
                raise Moved(f"MOVED: {name}.py has it {text.count(sound)} times")
            module.write_text(text.replace(sound, mutated))
