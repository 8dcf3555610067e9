"""docs/performance.md, made of what was measured."""

import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench import costs
from bench.flight import OPERATIONS, POLICY_BYTES
from bench.results import Results
from bench.samples import Spread
from sandbox.emulator import MEMORY_SIZE

_MS = 1000
_KB = 1024
_MB = 1024**2
TEMPLATE = Path(__file__).with_name("performance.md.in")


def page(results: Results) -> str:
    """The whole page."""
    ours, stock = results.contenders["ours"], results.contenders["stock"]
    numbers = results.numbers()
    return TEMPLATE.read_text().format(
        machine=f"{os.cpu_count()} CPUs ({platform.machine()}), {platform.system()}",
        rounds=results.rounds,
        summary=_summary(results),
        starts=_starts(results),
        invocations=_invocations(results),
        calls=_calls(results),
        all_calls=_all_calls(results),
        latency=_latency(results),
        levels=_levels(results),
        sizes=_sizes(results),
        cost=_cost(results),
        table_start=_table_start(results),
        table_cents=f"{costs.table() * 100:.3f}",
        kb_of_item=costs.KB_OF_ITEM,
        writes=costs.WRITES,
        zip=f"{ours.zip_size / _MB:.1f}",
        unzipped=f"{ours.size / _MB:.1f}",
        stock_zip=f"{stock.zip_size / _MB:.1f}",
        stock_unzipped=f"{stock.size / _MB:.1f}",
        peak=f"{numbers['peak_memory_bytes'] / _MB:.0f}",
        memory_size=MEMORY_SIZE,
        operations=OPERATIONS,
        ceiling=results.ceiling_of_stock,
        policy_kb=POLICY_BYTES // _KB,
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, numbers to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _summary(results: Results) -> str:
    numbers = results.numbers()
    rows = [
        ("INIT, CPU, against the floor", f"{results.start_ratio('ours_ready', 'floor').told(digits=2)} x", "1.10 x"),
        ("INIT, CPU, against stock", f"{results.start_ratio('ours_ready', 'stock').told(digits=2)} x", "0.30 x"),
        (
            "retention change, request to response, against stock",
            f"{results.retention_ratio.told(digits=3)} x",
            "0.02 x",
        ),
        ("one operation beside 10,000 others against beside 10", f"{results.flatness:.2f} x", "1.1 x"),
        ("calls to CloudHSM: no-op, retention change, idle poll", _three(numbers, "calls"), "1, 2, 1"),
        ("calls to all other services", _three(numbers, "other_calls"), "2, 3, 1"),
        ("zip", f"{numbers['zip_bytes'] / _MB:.1f} MB", "2.6 MB"),
    ]
    return table(["", "measured", "at most"], rows)


def _three(numbers: dict[str, int], key: str) -> str:
    return ", ".join(str(numbers[f"{key}_{kind}"]) for kind in ("noop", "retention", "idle_poll"))


def _starts(results: Results) -> str:
    rows = []
    for name, contender in results.contenders.items():
        cpu, wall = Spread.of(results.starts.cpu(name)), Spread.of(results.starts.wall(name))
        ratio = results.start_ratio(name, "floor")
        rows.append((contender.label, cpu.told(_MS), wall.told(_MS), f"{ratio.told(digits=2)} x"))
    return table(["", "CPU, ms", "wall, ms", "CPU against the floor"], rows)


def _table_start(results: Results) -> str:
    """What the client of DynamoDB adds to the CPU of a start."""
    with_table, without = (results.starts.cpu(name) for name in ("ours_ready", "ours_ready_for_cloudhsm"))
    return Spread.of([each - other for each, other in zip(with_table, without, strict=True)]).told(_MS)


_KINDS = {
    "noop": "no-op, cold",
    "retention": "retention change, cold",
    "migration": "migration's request, cold",
    "cold poll": "idle poll, cold",
    "poll": "idle poll, warm",
}


def _invocations(results: Results) -> str:
    rows = []
    for kind, label in _KINDS.items():
        samples = [[each.wall_seconds for each in results.starts.invocations[who, kind]] for who in ("ours", "stock")]
        rows.append((label, *(Spread.of(each).told(_MS) for each in samples)))
    return table(["", "ours, ms", "stock, ms"], rows)


def _calls(results: Results) -> str:
    rows = []
    for kind in ("noop", "retention", "migration", "poll"):
        ours, stock = results.starts.calls["ours", kind], results.starts.calls["stock", kind]
        told = [f"{each.cloudhsm} + {each.others}" for each in (ours, stock)]
        rows.append((_KINDS[kind].partition(",")[0], *told))
    return table(["CloudHSM + all others", "ours", "stock"], rows)


def _all_calls(results: Results) -> str:
    rows = [
        (f"[{event}](../events/{event}.json)", str(calls.cloudhsm), str(calls.others))
        for event, calls in results.calls.items()
    ]
    return table(["event", "CloudHSM", "all others"], rows)


def _latency(results: Results) -> str:
    kinds = {"retention": "retention change, request to response", "migration": "migration, ACTIVE to response"}
    rows = [
        (label, *(results.latency_of(who, kind).told(digits=1) for who in ("ours", "stock")))
        for kind, label in kinds.items()
    ]
    return table(["", "ours, s", "stock, s"], rows)


def _levels(results: Results) -> str:
    rows = [
        (
            f"{each.in_flight:,}",
            each.seconds.told(_MS, 1),
            f"{each.items:,}",
            f"{each.schedules:,}",
            str(each.policy_bytes),
        )
        for each in results.levels
    ]
    return table(["others in flight", "one operation, ms", "items", "schedules", "bytes of resource policy"], rows)


def _sizes(results: Results) -> str:
    if not results.sizes:
        return "Not measured in this run: no control groups could be made."
    rows = []
    for size in results.sizes:
        cost = costs.migration(size)
        times = [f"{each:.2f}" for each in (size.start, size.request)]
        poll = f"{size.poll * _MS:.0f}"
        rows.append((f"{size.memory_size} MB", *times, poll, f"{cost.gb_seconds:.2f}", f"{cost.dollars * 100:.3f}"))
    head = ["", "INIT, s", "request, s", "idle poll, ms", "GB-seconds of 2 hours", "US cents of 2 hours"]
    return table(head, rows)


def _cost(results: Results) -> str:
    chosen = next((each for each in results.sizes if each.memory_size == MEMORY_SIZE), None)
    if chosen is None or results.size_of_stock is None:
        return ""
    rows = {
        "ours, arm64": costs.migration(chosen),
        "ours, arm64, every poll cold (the worst case)": costs.migration(chosen, cold_polls=True),
        "ours, x86_64": costs.migration(chosen, "x86_64"),
        "stock, x86_64": costs.migration(results.size_of_stock, "x86_64", stock=True),
    }
    told = [(label, f"{each.gb_seconds:.2f}", f"{each.dollars * 100:.3f}") for label, each in rows.items()]
    return table([f"2-hour migration at {MEMORY_SIZE} MB", "GB-seconds", "US cents"], told)
