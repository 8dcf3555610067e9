"""A picture of the dashboard of examples/monitoring: `make generate` lives through a little on the local cloud.

What is drawn is what the deployed dashboard names, as GetMetricData has it, and what the log says. Nothing is made up;
only the time is short: CloudHSM's clock runs 600 times as fast, and Scheduler polls every second.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from sandbox.alarms import Conditions, physical_ids
from sandbox.cloud import Cloud
from sandbox.cloudhsm import Clock, Fleet
from sandbox.stacks import Stacks

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "dashboard.svg"
TEMPLATE = ROOT / "examples" / "monitoring" / "template.yaml"
STACK = "cloudhsm-monitoring"
SPEED = 600
SECONDS_PER_POINT = 3
WIDTH, MARGIN, ROW = 1000, 12, 18
COLOURS = ("#1f77d4", "#e8710a", "#2e9e44", "#d1372f", "#9467d8", "#a0705f", "#d65fb5", "#7f7f7f", "#a8a820", "#1cabc4")
STYLE = """\
text { font: 12px sans-serif; fill: #1f2328 } .title { font-weight: bold; font-size: 13px } .dim { fill: #59636e }
.panel { fill: #ffffff; stroke: #d1d9e0 } .page { fill: #f6f8fa } .grid { stroke: #d1d9e0 }
path { fill: none; stroke-width: 1.8 }
.ALARM { fill: #d1372f } .OK { fill: #2e9e44 } .INSUFFICIENT_DATA { fill: #6e7781 } .on { fill: #ffffff }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .dim { fill: #9198a1 } .on { fill: #ffffff }
.panel { fill: #0d1117; stroke: #3d444d } .page { fill: #010409 } .grid { stroke: #3d444d } }"""


@dataclass(frozen=True)
class Series:
    """One line of a graph: (seconds since the beginning, value)."""

    label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Graph:
    """One widget with metrics. Places and sizes are in the dashboard's grid of 24 columns."""

    title: str
    x: int
    y: int
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Seen:
    """All that the picture shows."""

    seconds: float
    alarms: tuple[tuple[str, str], ...]
    """(name, state)"""
    graphs: tuple[Graph, ...]
    steps: tuple[tuple[str, ...], ...]
    """(cluster, step, state, why), latest first."""


def main() -> None:
    """Lives through it and draws it."""
    with Cloud(Fleet(Clock(speed=SPEED)), seconds_between_polls=1) as cloud:
        cloud.deploy_provider(DriftCheck="rate(20 minutes)")
        Stacks(cloud).create(STACK, TEMPLATE, AlarmEmail="oncall@example.com")
        # The picture begins once the function is warm.
        cloud.client("lambda").invoke(FunctionName=Conditions(cloud).names["Function"], Payload='{"DriftCheck": true}')
        began = time.time()
        live(cloud)
        PICTURE.write_text(draw(seen(cloud, began)))


def live(cloud: Cloud) -> None:
    """Migrations side by side, then drift, then some trouble."""
    conditions = Conditions(cloud)
    with ThreadPoolExecutor(3) as pool:
        for example, hsms in (("migration", 1), ("long-migration", 3), ("retention", 2)):
            cluster = cloud.fleet.seed(hsms=hsms, seconds_per_hsm=6000)
            template = ROOT / "examples" / example / "template.yaml"
            pool.submit(Stacks(cloud).create, f"day-{example}", template, ClusterId=cluster.cluster_id)
            time.sleep(SECONDS_PER_POINT)
    conditions.contest()
    conditions.drift()
    for trouble in (conditions.deny, conditions.wait_in_vain, conditions.refuse, conditions.forge):
        trouble()
        time.sleep(SECONDS_PER_POINT)


def seen(cloud: Cloud, began: float) -> Seen:
    """What the dashboard shows since `began`."""
    ids = physical_ids(cloud, STACK)
    names = {physical: name for name, physical in ids.items()}
    client, until = cloud.client("cloudwatch"), time.time()
    body = json.loads(client.get_dashboard(DashboardName=ids["Dashboard"])["DashboardBody"])
    states = {names[each["AlarmName"]]: each["StateValue"] for each in client.describe_alarms()["MetricAlarms"]}
    graphs = [each for each in body["widgets"] if each["type"] == "metric"]
    return Seen(
        until - began,
        tuple(states.items()),
        tuple(
            Graph(each["properties"]["title"], each["x"], each["y"], tuple(_series(client, each, began, until)))
            for each in graphs
        ),
        _latest_steps(cloud),
    )


def _series(client: Any, widget: Mapping[str, Any], began: float, until: float) -> Iterator[Series]:
    for row in widget["properties"]["metrics"]:
        if isinstance(row[0], str):
            options = row[-1] if isinstance(row[-1], dict) else {}
            named = row[2:-1] if options else row[2:]
            dimensions = [{"Name": name, "Value": value} for name, value in zip(named[::2], named[1::2], strict=True)]
            metrics = [({"Namespace": row[0], "MetricName": row[1], "Dimensions": dimensions}, options.get("label"))]
        else:
            # The one search of the dashboard: each cluster that drifted.
            found = client.list_metrics(Namespace="CloudHSMClusterSettings", MetricName="Drifted")["Metrics"]
            metrics = [(each, each["Dimensions"][-1]["Value"]) for each in found if len(each["Dimensions"]) == 2]
            options = {}
        for metric, label in metrics:
            stat = options.get("stat") or widget["properties"]["stat"]
            yield Series(label or metric["MetricName"], tuple(_points(client, metric, stat, began, until)))


def _points(
    client: Any, metric: Mapping[str, Any], stat: str, began: float, until: float
) -> Iterator[tuple[float, float]]:
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": SECONDS_PER_POINT, "Stat": stat}}
    answer = client.get_metric_data(MetricDataQueries=[query], StartTime=began, EndTime=until)["MetricDataResults"][0]
    found = {each.timestamp(): value for each, value in zip(answer["Timestamps"], answer["Values"], strict=True)}
    first = began // SECONDS_PER_POINT * SECONDS_PER_POINT
    for at in range(int(first), int(until), SECONDS_PER_POINT):
        # Of what is counted, nothing is none; of what is measured, it is unknown.
        if at in found or stat == "Sum":
            yield max(at - began, 0), found.get(at, 0)


def _latest_steps(cloud: Cloud) -> tuple[tuple[str, ...], ...]:
    client = cloud.client("logs")
    latest: dict[str, tuple[datetime, tuple[str, ...]]] = {}
    for group in client.describe_log_groups()["logGroups"]:
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for line in (event["message"] for page in pages for event in page["events"]):
            said = json.loads(line) if line.startswith("{") else {}
            if said.get("message") == "decided":
                step = (said["ClusterId"], said["decision"], said.get("State") or "", said["because"])
                latest[said["ClusterId"]] = (datetime.fromisoformat(said["timestamp"]), step)
    return tuple(step for _, step in sorted(latest.values(), reverse=True))


def draw(shown: Seen) -> str:
    """The SVG: as the dashboard lays it out, in the colours of the reader's light or dark."""
    graphs_top, height = 98, 224
    rows = [each.y for each in shown.graphs]
    places = {y: graphs_top + height * index for index, y in enumerate(sorted(set(rows)))}
    table_top = graphs_top + height * len(places)
    whole = table_top + 34 + ROW * len(shown.steps) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {whole}" role="img">',
        "<title>Dashboard of examples/monitoring</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{whole}"/>',
        *_alarms(shown.alarms),
        *(part for graph in shown.graphs for part in _graph(graph, places[graph.y], height, shown.seconds)),
        *_table(shown.steps, table_top),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _alarms(alarms: Sequence[tuple[str, str]]) -> Iterator[str]:
    per_row = -(-len(alarms) // 3)
    width = (WIDTH - MARGIN) / per_row
    for index, (name, state) in enumerate(alarms):
        x, y = MARGIN + width * (index % per_row), 10 + 28 * (index // per_row)
        yield f'<rect class="{state}" x="{x:.0f}" y="{y}" width="{width - 8:.0f}" height="22" rx="3"/>'
        yield f'<text class="on" x="{x + 6:.0f}" y="{y + 15}">{escape(name)}</text>'


def _graph(graph: Graph, top: int, height: int, seconds: float) -> Iterator[str]:
    half = (WIDTH - MARGIN) / 2
    left = MARGIN + half * (graph.x // 12)
    yield f'<rect class="panel" x="{left:.0f}" y="{top}" width="{half - MARGIN:.0f}" height="{height - 10}"/>'
    yield f'<text class="title" x="{left + 10:.0f}" y="{top + 20}">{escape(graph.title)}</text>'
    drawn = [each for each in graph.series if any(value for _, value in each.points)]
    highest = max((value for each in drawn for _, value in each.points), default=1)
    x0, y0, w, h = left + 50, top + 34, half - MARGIN - 62, height - 104
    for share in (0, 0.5, 1):
        y = y0 + h * (1 - share)
        yield f'<path class="grid" d="M{x0:.0f},{y:.0f}h{w:.0f}"/>'
        yield f'<text class="dim" x="{x0 - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">{_short(highest * share)}</text>'
    for moment in range(0, int(seconds) + 1, 20):
        x = x0 + w * moment / seconds
        yield f'<text class="dim" x="{x:.0f}" y="{y0 + h + 15:.0f}" text-anchor="middle">{moment} s</text>'
    across, down = left + 10, top + height - 40
    for colour, each in zip(COLOURS * 2, drawn, strict=False):
        places = [(x0 + w * at / seconds, y0 + h * (1 - value / highest)) for at, value in each.points]
        line = "L".join(f"{x:.0f},{y:.0f}" for x, y in places)
        # A line of one point is a dot.
        yield f'<path stroke="{colour}" stroke-linecap="round" d="M{line}h.1"/>'
        width = 26 + 6.6 * len(each.label)
        if across + width > left + half - MARGIN:
            across, down = left + 10, down + 17
        yield f'<circle cx="{across + 4:.0f}" cy="{down - 4}" r="4" fill="{colour}"/>'
        yield f'<text x="{across + 12:.0f}" y="{down}">{escape(each.label)}</text>'
        across += width


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(steps: Sequence[tuple[str, ...]], top: int) -> Iterator[str]:
    high = 24 + ROW * len(steps)
    yield f'<rect class="panel" x="{MARGIN}" y="{top}" width="{WIDTH - 2 * MARGIN}" height="{high + 4}"/>'
    yield f'<text class="title" x="{MARGIN + 10}" y="{top + 18}">Latest step of each cluster</text>'
    for index, (cluster, step, state, because) in enumerate(steps):
        y = top + 18 + ROW * (index + 1)
        told = because.removeprefix(f"{cluster}: ")
        short = told if len(told) <= 78 else told[:75] + "..."
        for x, text in ((10, cluster), (160, step), (250, state), (430, short)):
            yield f'<text x="{MARGIN + x}" y="{y}">{escape(text)}</text>'


if __name__ == "__main__":
    main()
