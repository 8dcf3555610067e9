"""Samples of one quantity."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Self


@dataclass(frozen=True)
class Spread:
    """The median of samples, and the range that holds nine of ten."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Self:
        """Of at least one sample."""
        if len(samples) == 1:
            return cls(samples[0], samples[0], samples[0])
        cuts = quantiles(samples, n=20, method="inclusive")
        return cls(median(samples), cuts[0], cuts[-1])

    @classmethod
    def of_ratios(cls, samples: Sequence[float], others: Sequence[float]) -> Self:
        """Of pairs taken in the same round: what disturbs a round disturbs both."""
        return cls.of([each / other for each, other in zip(samples, others, strict=True)])

    def rounded(self, scale: float = 1) -> list[float]:
        """Low, median, high."""
        return [round(each * scale, 4) for each in (self.low, self.median, self.high)]
