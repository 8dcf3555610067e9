"""examples/monitoring watches what its README says, and only what the code emits."""

import json
import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from cfnlint.decode.cfn_yaml import loads

from cloudhsm_settings.custom_resource.observability import NAMESPACE, SERVICE
from cloudhsm_settings.errors import Failure
from sandbox.alarms import BROUGHT_ABOUT_BY, NOT_HERE
from tests.unit.test_pages import ROOT, cells, counted_by_the_code, section
from tools.dashboard import PICTURE, Graph, Seen, Series, draw

TEMPLATE = loads((ROOT / "examples" / "monitoring" / "template.yaml").read_text())["Resources"]
ROW = re.compile(r"\| (`\w+`(?:(?:, | or )`\w+`)*)(?: of `(\w+)` \(([\w/]+)\))? >= (\d)(?: in (\d+) minutes)? \|")
FILTER_ROW = re.compile(r"\| a metric filter on `(.+?)` >= (\d) \|")


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in TEMPLATE.items() if each["Type"] == kind}


ALARMS = of_type("AWS::CloudWatch::Alarm")
FILTERS = of_type("AWS::Logs::MetricFilter")


def name_in(value: Any) -> str:
    """What a dimension names: a resource of this template, or one that the provider's stack exports."""
    match value:
        case {"Fn::ImportValue": {"Fn::Sub": name}}:
            return str(name).removeprefix("${ProviderStack}-").removesuffix("Name")
        case {"Ref": name}:
            return str(name)
    return str(value)


def watched(alarm: dict[str, Any]) -> tuple[str, str, str, int, int]:
    dimensions = {each["Name"]: name_in(each["Value"]) for each in alarm.get("Dimensions", [])}
    of = "" if alarm["Namespace"] == NAMESPACE else next(iter(dimensions.values()))
    return (alarm["Namespace"], alarm["MetricName"], of, alarm["Threshold"], alarm["Period"])


def documented() -> set[tuple[str, str, str, int, int]]:
    rows = section("../examples/monitoring/README.md", "Alarms").splitlines()[3:]
    found = set()
    for row in filter(None, rows):
        if filtered := FILTER_ROW.match(row):
            (made,) = [each for each in FILTERS.values() if each["FilterPattern"] == filtered[1]]
            (metric,) = made["MetricTransformations"]
            found.add((metric["MetricNamespace"], metric["MetricName"], "", int(filtered[2]), 300))
            continue
        matched = ROW.match(row)
        assert matched, row
        names, of, namespace, threshold, minutes = matched.groups()
        period = int(minutes or 5) * 60
        for name in re.findall(r"\w+", names.replace(" or ", " ")):
            found.add((namespace or NAMESPACE, name, of or "", int(threshold), period))
    return found


def test_every_alarm_of_the_page_is_there_and_no_other():
    assert {watched(alarm) for alarm in ALARMS.values()} == documented()
    assert len(ALARMS) == len(documented())


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_watches_what_is_emitted(name):
    alarm = ALARMS[name]
    of_filters = {each["MetricTransformations"][0]["MetricName"] for each in FILTERS.values()}
    if alarm["Namespace"] != NAMESPACE:
        assert alarm["Namespace"] in ("AWS/Lambda", "AWS/Events")
    elif alarm["MetricName"] in of_filters:
        assert "Dimensions" not in alarm
    else:
        assert alarm["MetricName"] in counted_by_the_code()
        assert alarm["Dimensions"] == [{"Name": "service", "Value": SERVICE}]


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_the_topic_and_says_what_to_do(name):
    assert ALARMS[name]["AlarmActions"] == [{"Fn::If": ["MakesTopic", {"Ref": "Topic"}, {"Ref": "AlarmTopicArn"}]}]
    assert len(ALARMS[name]["AlarmDescription"].split(". ")) >= 2
    # Nothing happens to a provider that nobody uses.
    assert ALARMS[name]["TreatMissingData"] == "notBreaching"


def test_every_alarm_is_set_off_on_the_local_cloud_or_says_why_not():
    assert set(BROUGHT_ABOUT_BY) | set(NOT_HERE) == set(ALARMS)
    assert not set(BROUGHT_ABOUT_BY) & set(NOT_HERE)


QUERIES = {each["QueryString"] for each in of_type("AWS::Logs::QueryDefinition").values()}


def test_the_query_of_the_page_is_one_of_them():
    (query,) = re.findall(r"```logs-insights\n(.*?)```", (ROOT / "docs" / "operations.md").read_text(), re.DOTALL)
    assert query in QUERIES


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_fields_that_there_are(query):
    fields = {"@timestamp", "message", *cells(section("operations.md", "Log"))}
    asked = set(re.findall(r"@?[A-Za-z]\w*", re.sub(r'"[^"]*"', "", query)))
    assert asked - {"fields", "filter", "sort", "desc", "limit", "and", "like", "in"} <= fields


def dashboard() -> list[dict[str, Any]]:
    body, _ = of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    widgets: list[dict[str, Any]] = json.loads(body)["widgets"]
    return widgets


def shown(title: str) -> list[str]:
    (widget,) = [each for each in dashboard() if each["properties"]["title"] == title]
    return [metric[1] for metric in widget["properties"]["metrics"] if isinstance(metric[0], str)]


def test_the_dashboard_shows_the_state_of_every_alarm():
    assert dashboard()[0]["properties"]["alarms"] == [f"${{{name}.Arn}}" for name in ALARMS]


def test_the_dashboard_shows_every_outcome_and_every_metric_of_the_code():
    assert set(shown("Outcomes")) == {"Succeeded", "Drifted"} | {each.outcome for each in Failure.__subclasses__()}
    everything = {name for each in dashboard() for name in ("metrics" in each["properties"] and shown_in(each)) or ()}
    assert counted_by_the_code() - everything == {"Contested"}


def shown_in(widget: dict[str, Any]) -> list[str]:
    return shown(widget["properties"]["title"])


def test_widgets_lie_side_by_side():
    places = [
        (x, y)
        for each in dashboard()
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]
    assert len(places) == len(set(places)) == 24 * (max(y for _, y in places) + 1)


SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(picture).iter(f"{SVG}text")]


def test_the_picture_shows_every_alarm_and_every_graph_of_the_dashboard():
    picture = PICTURE.read_text()
    assert len(picture) < 60_000
    titles = [each["properties"]["title"] for each in dashboard() if each["type"] == "metric"]
    assert set(ALARMS) | set(titles) <= set(texts(picture)), "run `make generate ARGUMENTS=dashboard`"


def test_the_picture_is_in_the_colours_of_the_reader_and_loads_nothing():
    picture = PICTURE.read_text()
    assert "prefers-color-scheme: dark" in picture
    assert re.findall(r"https?://[^\s\"]+", picture) == ["http://www.w3.org/2000/svg"]


def test_a_picture_is_drawn_of_what_was_seen():
    counted = Series("Polls", ((0, 0), (3, 1234), (6, 600)))
    other = Series("a <label> that is too long for one line of the legend, and for two of them", ((3, 1),))
    silent = Series("Deleted", ((0, 0), (3, 0)))
    shown = Seen(
        9,
        (("Drifted", "ALARM"), ("Contested", "OK")),
        (Graph("Operations", 0, 3, (counted, other, silent)), Graph("Errors", 12, 3, ())),
        (("cluster-abcdefghijk", "Wait", "MODIFY_IN_PROGRESS", "x" * 200),),
    )
    picture = draw(shown)
    assert {"Drifted", "Contested", "Operations", "Errors", "Polls", "0", "617", "1,234", "cluster-abcdefghijk"} <= {
        *texts(picture)
    }
    assert "Deleted" not in texts(picture)
    assert "x" * 75 + "..." in texts(picture)
    lines = [each for each in ET.fromstring(picture).iter(f"{SVG}path") if "stroke" in each.attrib]
    heights = [float(y) for y in re.findall(r",(\d+)", lines[0].attrib["d"])]
    assert heights[1] < heights[2] < heights[0]
