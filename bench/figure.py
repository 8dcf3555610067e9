"""The picture of docs/performance.md."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.flight import POLICY_BYTES
from bench.results import Results

OURS, OTHER, WARN = "#1f6feb", "#8b949e", "#cf222e"
_COLOURS = {"ours": OURS, "ours_ready": OURS}
mpl.rcParams.update(
    {
        # Text stays text, and the same run gives the same bytes.
        "svg.fonttype": "none",
        "svg.hashsalt": "bench",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titleweight": "bold",
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
    }
)


def draw(results: Results, path: Path) -> None:
    """Writes an SVG with four panels."""
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    (starts, latency), (flight, sizes) = figure.subplots(2, 2)
    _starts(starts, results)
    _latency(latency, results)
    _flight(flight, results)
    _sizes(sizes, results)
    figure.savefig(path, format="svg", facecolor="white", metadata={"Date": None})


def _starts(axes: Axes, results: Results) -> None:
    names = list(results.contenders)[::-1]
    medians = [sorted(results.starts.cpu(name))[len(results.starts.cpu(name)) // 2] * 1000 for name in names]
    bars = axes.barh(
        [results.contenders[name].label for name in names],
        medians,
        color=[_COLOURS.get(name, OTHER) for name in names],
    )
    axes.bar_label(bars, fmt="%.0f", label_type="center", color="white")
    for height, name in enumerate(names):
        samples = results.starts.cpu(name)
        axes.plot([each * 1000 for each in samples], [height] * len(samples), "|", color="black", alpha=0.35)
    axes.margins(x=0.12)
    axes.set_title("INIT: CPU, ms (lines: samples)")


def _latency(axes: Axes, results: Results) -> None:
    rows = [
        ("retention:\nrequest to response", "retention"),
        ("migration:\nACTIVE to response", "migration"),
    ]
    for shift, (who, colour) in enumerate((("stock", OTHER), ("ours", OURS))):
        heights = [row + 0.38 * shift - 0.19 for row in range(len(rows))]
        bars = axes.barh(
            heights,
            [results.latency_of(who, kind).median for _, kind in rows],
            height=0.34,
            color=colour,
            label=who,
        )
        axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.legend(frameon=False, loc="upper right")
    axes.margins(x=0.15)
    axes.set_title("The stack waits: seconds")


def _flight(axes: Axes, results: Results) -> None:
    levels = [each.in_flight for each in results.levels]
    medians = [each.seconds.median * 1000 for each in results.levels]
    low = [(each.seconds.median - each.seconds.low) * 1000 for each in results.levels]
    high = [(each.seconds.high - each.seconds.median) * 1000 for each in results.levels]
    axes.errorbar(levels, medians, yerr=[low, high], marker="o", color=OURS, capsize=3)
    axes.axvline(results.ceiling_of_stock, color=WARN, linestyle="--")
    axes.annotate(
        f" stock ends at {results.ceiling_of_stock}:\n policy of {POLICY_BYTES:,} bytes is full",
        (results.ceiling_of_stock, 0),
        xytext=(0, 12),
        textcoords="offset points",
        color=WARN,
    )
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("other operations in flight")
    axes.set_title("One migration: ms of the function")


def _sizes(axes: Axes, results: Results) -> None:
    axes.set_title("First request, cold: seconds")
    if not results.sizes:
        axes.text(0.1, 0.5, "not measured: no control groups here", transform=axes.transAxes)
        return
    labels = [str(each.memory_size) for each in results.sizes]
    starts = [each.start for each in results.sizes]
    axes.bar(labels, starts, color=OTHER, label="INIT")
    axes.bar(labels, [each.request for each in results.sizes], bottom=starts, color=OURS, label="request")
    axes.set_xlabel("MB")
    axes.legend(frameon=False)
