"""Everything that was measured in one run, and the numbers that stand for it: [low, median, high] where three are."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.contenders import Contender
from bench.flight import Level
from bench.latency import Seconds
from bench.samples import Spread
from bench.sizes import Size
from bench.starts import PROVIDERS, Starts

STARTS = ("floor", "ours_ready", "ours_uncompiled", "stock")
"""Contenders whose starts are told."""


@dataclass(frozen=True)
class Results:
    """One run."""

    contenders: Mapping[str, Contender]
    rounds: int
    starts: Starts
    sizes: Sequence[Size]
    levels: Sequence[Level]
    ceiling_of_stock: int
    latency: Seconds

    def start_ratio(self, name: str, other: str) -> Spread:
        """CPU of one start as a multiple of another's."""
        return Spread.of_ratios(self.starts.cpu(name), self.starts.cpu(other))

    def latency_of(self, who: str, kind: str) -> Spread:
        """Seconds."""
        return Spread.of(self.latency[who, kind])

    @property
    def retention_ratio(self) -> Spread:
        """Seconds from request to response as a multiple of stock's."""
        return Spread.of_ratios(self.latency["ours", "retention"], self.latency["stock", "retention"])

    @property
    def flatness(self) -> float:
        """Time of an operation on top of 10,000 others as a multiple of that on top of 10."""
        return self.levels[-1].seconds.median / self.levels[0].seconds.median

    def numbers(self) -> dict[str, Any]:
        """What bench/results.json holds. INIT counts with the first clients, as it does for the floor."""
        calls = self.starts.calls
        kinds = {"noop": "noop", "retention": "retention", "idle_poll": "poll"}
        return {
            "init_cpu_vs_floor": _rounded(self.start_ratio("ours_ready", "floor").median),
            "init_cpu_vs_stock": _rounded(self.start_ratio("ours_ready", "stock").median),
            "retention_seconds_vs_stock": _rounded(self.retention_ratio.median),
            **{f"calls_{key}": calls["ours", kind].cloudhsm for key, kind in kinds.items()},
            **{f"other_calls_{key}": calls["ours", kind].others for key, kind in kinds.items()},
            "per_operation_10000_vs_10": _rounded(self.flatness),
            "zip_bytes": self.contenders["ours"].zip_size,
            "peak_memory_bytes": self.starts.peak("ours"),
            "stock_operations_in_flight_at_most": self.ceiling_of_stock,
            "rounds": self.rounds,
            "machine": f"{os.cpu_count()} CPUs ({platform.machine()}), {platform.system()}",
            "spread": {
                "init_cpu_vs_floor": _range(self.start_ratio("ours_ready", "floor")),
                "init_cpu_vs_stock": _range(self.start_ratio("ours_ready", "stock")),
                "retention_seconds_vs_stock": _range(self.retention_ratio),
            },
            "init_cpu_ms": {name: Spread.of(self.starts.cpu(name)).rounded(1000) for name in STARTS},
            "retention_seconds": {who: self.latency_of(who, "retention").rounded() for who in PROVIDERS},
            "migration_seconds": {who: self.latency_of(who, "migration").rounded() for who in PROVIDERS},
            "operation_ms": {str(each.in_flight): each.seconds.rounded(1000) for each in self.levels},
            "first_response_seconds": {str(each.memory_size): _rounded(each.first_response) for each in self.sizes},
            "stock_zip_bytes": self.contenders["stock"].zip_size,
        }

    def json(self) -> str:
        """The file's text."""
        return json.dumps(self.numbers(), indent=2) + "\n"


def _rounded(ratio: float) -> float:
    return round(ratio, 4)


def _range(spread: Spread) -> list[float]:
    return [_rounded(spread.low), _rounded(spread.high)]
