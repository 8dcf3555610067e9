"""docs/performance.md, made of bench/results.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MB = 1024**2
TEMPLATE = Path(__file__).with_name("performance.md.in")
PROMISED = {
    "init_cpu_vs_floor": 1.10,
    "init_cpu_vs_stock": 0.30,
    "retention_seconds_vs_stock": 0.02,
    "per_operation_10000_vs_10": 1.1,
    "calls_noop": 1,
    "calls_retention": 2,
    "calls_idle_poll": 1,
    "other_calls_noop": 2,
    "other_calls_retention": 3,
    "other_calls_idle_poll": 1,
    "zip_bytes": 2.6 * _MB,
}
"""Members of bench/results.json, and the most that each may be."""
_RATIOS = {
    "init_cpu_vs_floor": "CPU of a start, against the floor",
    "init_cpu_vs_stock": "CPU of a start, against stock",
    "retention_seconds_vs_stock": "retention change, request to response, against stock",
    "per_operation_10000_vs_10": "one operation beside 10,000 others, against beside 10",
}
_KINDS = ("noop", "retention", "idle_poll")


def page(numbers: Mapping[str, Any]) -> str:
    """The whole page; `numbers` are what bench/results.json holds."""
    sizes = [f"{seconds:.1f} s at {size} MB" for size, seconds in numbers["first_response_seconds"].items()]
    return TEMPLATE.read_text().format(
        summary=_summary(numbers),
        rounds=numbers["rounds"],
        machine=numbers["machine"],
        uncompiled=f"{numbers['init_cpu_ms']['ours_uncompiled'][1]:.0f}",
        ours=f"{numbers['init_cpu_ms']['ours_ready'][1]:.0f}",
        ceiling=numbers["stock_operations_in_flight_at_most"],
        sizes=", ".join(sizes) or "not measured in this run",
    )


def _summary(numbers: Mapping[str, Any]) -> str:
    rows: list[tuple[str, ...]] = [
        (label, _ratio(numbers, name), f"{PROMISED[name]:.2f} x") for name, label in _RATIOS.items()
    ]
    for key, label in (("calls", "CloudHSM"), ("other_calls", "all other services")):
        names = [f"{key}_{kind}" for kind in _KINDS]
        told = [", ".join(str(of[name]) for name in names) for of in (numbers, PROMISED)]
        rows.append((f"calls to {label}: no-op, retention change, idle poll", *told))
    rows.append(("zip", *(f"{of['zip_bytes'] / _MB:.1f} MB" for of in (numbers, PROMISED))))
    return "\n".join(f"| {' | '.join(row)} |" for row in [("", "measured", "at most"), ("---", "--:", "--:"), *rows])


def _ratio(numbers: Mapping[str, Any], name: str) -> str:
    told = f"{numbers[name]:.3g}"
    if name in numbers["spread"]:
        low, high = numbers["spread"][name]
        told += f" ({low:.3g} to {high:.3g})"
    return f"{told} x"
