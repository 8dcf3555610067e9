"""Everything that must happen at least once in a run of the default size, with its count."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Sometimes:
    """How often each thing happened."""

    counts: Counter[str] = field(default_factory=Counter)

    def saw(self, what: str, times: int = 1) -> None:
        """Counts `what`."""
        self.counts[what] += times

    def add(self, other: "Sometimes") -> None:
        """Counts what another run saw."""
        self.counts.update(other.counts)

    def never(self, expected: tuple[str, ...]) -> list[str]:
        """What of `expected` did not happen."""
        return [row for row in expected if not self.counts[row]]

    def table(self) -> list[str]:
        """One line for each row, with its count."""
        return [f"  {self.counts[row]:>9}  {row}" for row in sorted(self.counts)]
