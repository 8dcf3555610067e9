"""The drift check: what it finds, what it says, how far it gets, and that it changes nothing."""

import json
import logging
from dataclasses import replace
from itertools import count

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from cloudhsm_settings.cluster import Hsm
from cloudhsm_settings.custom_resource.observability import logger, metrics
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.drift import Difference, compared
from cloudhsm_settings.drift_check import BATCH, MOST_LISTED, RESERVE, DriftCheck, _in_one_line
from cloudhsm_settings.handler import DRIFT_CHECK
from cloudhsm_settings.history import Memory, RetentionChange, TypeChange
from sandbox.cloudhsm import Fault, Fleet
from sandbox.cloudhsm.client import FleetClient
from sandbox.ministack import ROOT
from sandbox.table import make_table
from tests.isolated import run_isolated
from tests.unit.cases import ID, NEW, NOW, OLD, cluster
from tools.release.template import TEMPLATE, load

numbers = count()
DAYS = {"BackupRetentionPolicy": {"Type": "DAYS", "Value": "90"}}


def record(cluster_id: str = ID, name: str = "Settings", **more) -> Record:
    known = {"request_type": "Create", "ended": True, "settled": True, "declared": {"HsmType": OLD, **DAYS}}
    return Record("stack", name, f"request-{name}", physical_resource_id=cluster_id, **{**known, **more})


TYPE = Difference("HsmType", OLD, NEW)


class TestComparison:
    @pytest.mark.parametrize(
        ("seen", "differences"),
        [
            (cluster(), ()),
            (cluster("DEGRADED"), ()),
            (cluster(hsm_type=NEW), (TYPE,)),
            (cluster(retention="30"), (Difference("BackupRetentionPolicy", "90", "30"),)),
            (cluster(retention=None), (Difference("BackupRetentionPolicy", "90", ""),)),
            (cluster(hsm_type=NEW, retention="455"), (TYPE, Difference("BackupRetentionPolicy", "90", "455"))),
            (cluster(hsm_types=[OLD, NEW]), (TYPE,)),
            (cluster("MODIFY_IN_PROGRESS", hsm_type=NEW, hsm_types=[OLD, OLD]), (TYPE,)),
            (cluster("ROLLBACK_IN_PROGRESS", hsm_types=[OLD, NEW]), ()),
        ],
    )
    def test_every_setting_that_differs_is_named(self, seen, differences):
        finding = compared(record(), seen, NOW)
        assert (finding.differences, finding.unread) == (differences, "")

    @pytest.mark.parametrize("declared", [{"HsmType": NEW}, {**DAYS, "HsmTypeOnRollback": "Revert"}])
    def test_what_is_not_declared_is_not_compared(self, declared):
        seen = cluster(hsm_type=NEW, retention="90" if "BackupRetentionPolicy" in declared else "30")
        assert not compared(record(declared=declared), seen, NOW).drifted

    @pytest.mark.parametrize(
        ("declared", "seen", "because"),
        [
            ({"HsmType": "medium"}, cluster(), "HsmType is 'medium'"),
            ({}, cluster(), "Neither HsmType nor"),
            ({"HsmType": OLD}, None, "not there any more"),
            ({"HsmType": OLD}, cluster("DELETED"), "The cluster is DELETED"),
            ({"HsmType": OLD}, replace(cluster(), hsm_type="", hsms=(Hsm("a"), Hsm("b"))), "no HSM type"),
        ],
    )
    def test_what_cannot_be_compared_says_why(self, declared, seen, because):
        finding = compared(record(declared=declared), seen, NOW)
        assert because in finding.unread
        assert not finding.drifted

    def test_a_cluster_that_hides_its_type_still_shows_its_retention(self):
        finding = compared(record(), replace(cluster(retention="30"), hsm_type="", hsms=()), NOW)
        assert [each.setting for each in finding.differences] == ["BackupRetentionPolicy"]
        assert finding.unread

    def test_a_record_of_another_version_is_not_guessed_at(self):
        assert "Another version" in compared(record(readable=False), cluster(), NOW).unread

    @pytest.mark.parametrize(("age", "drifted"), [(60, False), (180, True)])
    def test_a_read_that_lags_behind_a_change_of_its_own_is_no_drift(self, age, drifted):
        memory = Memory(
            TypeChange(ID, OLD, NEW, NOW - age, answered=True),
            RetentionChange(ID, 30, NOW - age, previous=90, answered=True),
        )
        declared = {"HsmType": NEW, "BackupRetentionPolicy": {"Type": "DAYS", "Value": 30}}
        assert compared(record(declared=declared, memory=memory.to_json()), cluster(), NOW).drifted is drifted


class World:
    """A table, clusters, and a clock that ends the invocation after so many calls."""

    def __init__(self, table, capsys, monkeypatch):
        self.fleet, self.table, self.name = Fleet(), table, make_table(table, f"records-{next(numbers)}")
        self.calls_left = 10**9
        self.lines: list[dict] = []
        self._capsys = capsys
        formatter = logger.registered_formatter
        monkeypatch.setattr(
            logger.registered_handler, "emit", lambda line: self.lines.append(json.loads(formatter.format(line)))
        )
        monkeypatch.setattr(logger._logger, "level", logging.INFO)
        metrics.clear_metrics()

    def put(self, *records: Record) -> None:
        puts = [{"PutRequest": {"Item": each.to_item()}} for each in records]
        for first in range(0, len(puts), 25):
            self.table.batch_write_item(RequestItems={self.name: puts[first : first + 25]})

    def declare(self, number: int, **members) -> list:
        made = [self.fleet.seed(**members) for _ in range(number)]
        self.put(*(record(each.cluster_id, f"Settings{n}") for n, each in enumerate(made)))
        return made

    def check(self) -> dict:
        """What the line says."""

        def seconds_left() -> float:
            self.calls_left -= 1
            return RESERVE + 1 if self.calls_left >= 0 else RESERVE - 1

        check = DriftCheck(
            dynamodb=self.table,
            cloudhsm=FleetClient(self.fleet),
            table=self.name,
            clock=lambda: NOW,
            seconds_left=seconds_left,
        )
        check.run()
        return self.said("drift check")[0]

    def said(self, message: str) -> list[dict]:
        return [line for line in self.lines if line["message"] == message]

    @property
    def counted(self) -> dict:
        """Metrics of the provider as a whole."""
        blobs = [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]
        totals = {name: sum(each["Value"]) for name, each in metrics.provider.metric_set.items()}
        return totals | {"Drifted": sum(sum(blob["Drifted"]) for blob in blobs)}


@pytest.fixture(scope="module")
def table():
    with mock_aws():
        yield boto3.client("dynamodb", region_name="us-east-1")


@pytest.fixture
def world(table, capsys, monkeypatch):
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    yield World(table, capsys, monkeypatch)
    metrics.clear_metrics()


class TestCheck:
    def test_a_planted_difference_is_found_and_nothing_is_changed(self, world):
        drifted, _ = world.declare(2)
        drifted.retention = {"Type": "DAYS", "Value": "30"}
        items = world.table.scan(TableName=world.name)["Items"]
        said = world.check()
        assert (said["resources"], said["not_compared"]) == (2, "")
        assert said["drifted"] == f"{drifted.cluster_id}: BackupRetentionPolicy is 30, declared 90"
        (line,) = world.said("drifted")
        assert (line["ClusterId"], line["StackId"], line["LogicalResourceId"]) == (
            drifted.cluster_id,
            "stack",
            "Settings0",
        )
        assert line["level"] == "WARNING"
        assert {call.operation for call in world.fleet.calls} == {"DescribeClusters"}
        assert world.table.scan(TableName=world.name)["Items"] == items

    def test_a_drifted_cluster_is_counted_for_itself_and_for_the_provider(self, world, capsys):
        drifted = world.declare(2, hsm_type=NEW)
        world.check()
        blobs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [blob["ClusterId"] for blob in blobs] == [each.cluster_id for each in drifted]
        for blob in blobs:
            (emitted,) = blob["_aws"]["CloudWatchMetrics"]
            assert emitted["Dimensions"] == [["service"], ["service", "ClusterId"]]
            assert [each["Name"] for each in emitted["Metrics"]] == ["Drifted"]
            assert blob["Drifted"] == [1.0]
        counted = metrics.provider.serialize_metric_set()
        assert counted["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
        assert (counted["Compared"], counted["NotCompared"]) == ([2.0], [0.0])

    def test_a_thousand_resources_take_forty_calls_of_cloudhsm(self, world):
        clusters = world.declare(1000)
        clusters[777].hsm_type = NEW
        said = world.check()
        assert said["resources"] == 1000
        assert said["drifted"].startswith(clusters[777].cluster_id)
        asked = [call.members["Filters"]["clusterIds"] for call in world.fleet.calls]
        assert [len(each) for each in asked] == [BATCH] * (1000 // BATCH)

    def test_every_page_of_the_table_is_read(self, world, monkeypatch):
        world.declare(60, hsm_type=NEW)
        scan = world.table.scan
        monkeypatch.setattr(world.table, "scan", lambda **page: scan(**page, Limit=7))
        assert world.check()["drifted"].count("HsmType") == 60

    def test_every_page_of_cloudhsm_is_read(self, world, monkeypatch):
        world.declare(5)
        whole = FleetClient.describe_clusters

        def paged(client, **members):
            start = int(members.pop("NextToken", 0))
            rest = whole(client, **members)["Clusters"][start:]
            return {"Clusters": rest[:2], **({"NextToken": str(start + 2)} if len(rest) > 2 else {})}

        monkeypatch.setattr(FleetClient, "describe_clusters", paged)
        assert world.check()["not_compared"] == ""
        assert len(world.fleet.calls) == 3

    def test_resources_that_are_gone_are_skipped_and_those_in_flight_are_said(self, world):
        going, failed, other = (world.fleet.seed(hsm_type=NEW).cluster_id for _ in range(3))
        world.put(
            record(going, "A", request_type="Delete", ended=False),
            record(failed, "B", outcome="AccessDenied", expires_at=int(NOW) + 86400),
            record(other, "C", ended=False),
        )
        said = world.check()
        assert (said["resources"], said["in_flight"], said["drifted"]) == (1, 1, "")

    def test_an_operation_that_began_since_is_no_drift(self, world):
        (migrating,) = world.declare(1, hsm_type=NEW)
        begun = replace(record(migrating.cluster_id, "Settings0"), fence=1, ended=False)
        world.fleet.before_call = lambda _: world.put(begun)
        said = world.check()
        assert (said["in_flight"], said["drifted"]) == (1, "")

    def test_that_a_cluster_is_not_there_is_believed_the_second_time(self, world):
        world.declare(1)
        world.fleet.faults.append(Fault("DescribeClusters", empty=True))
        assert world.check()["not_compared"] == ""
        world.fleet.clusters.clear()
        world.lines.clear()
        assert "not there any more" in world.check()["not_compared"]
        assert world.said("not compared")[0]["level"] == "WARNING"

    def test_what_cloudhsm_does_not_tell_is_said(self, world):
        world.declare(30)
        world.fleet.faults.append(Fault("DescribeClusters", code="CloudHsmAccessDeniedException"))
        said = world.check()
        assert said["not_compared"].count("AWS denied cloudhsm:DescribeClusters") == BATCH
        assert said["drifted"] == ""
        assert world.counted == {"Compared": 5, "NotCompared": BATCH, "Drifted": 0}

    def test_a_table_that_may_not_be_read_is_said(self, world, monkeypatch):
        def denied(**_):
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "Scan")

        monkeypatch.setattr(world.table, "scan", denied)
        assert world.check()["resources"] == 0
        (line,) = world.said("drift check not finished")
        assert "AWS denied dynamodb:Scan" in line["because"]
        assert world.counted == {"Compared": 0, "NotCompared": 1, "Drifted": 0}

    def test_running_out_of_time_is_said_with_how_far_it_got(self, world):
        world.declare(60)
        # The table once, and of each batch before it and before its call.
        world.calls_left = 1 + 2 * 2
        assert world.check()["resources"] == 2 * BATCH
        (line,) = world.said("drift check not finished")
        assert (line["resources"], line["because"]) == (50, "cloudhsm:DescribeClusters: TimeIsUp")
        assert world.counted == {"Compared": 50, "NotCompared": 1, "Drifted": 0}

    def test_a_line_fits_into_a_log_event(self):
        line = _in_one_line([f"cluster-{'x' * 16}: {'x' * 150}"] * (MOST_LISTED + 2))
        assert line.endswith("; and 2 more")
        assert len(line) < 256 * 1024


def test_requests_do_not_import_it():
    program = (
        f"sys.path[:0] = {[str(ROOT / 'src'), *(p for p in __import__('sys').path if 'site-packages' in p)]!r}\n"
        "from cloudhsm_settings import handler\n"
        "print([name for name in sys.modules if name.startswith('cloudhsm_settings.drift')])"
    )
    environment = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_REGION": "us-east-1"}
    assert run_isolated(ROOT / "src", program, environment=environment) == "[]"


def test_the_templates_schedule_sends_the_event_that_is_recognised():
    target = load(TEMPLATE.read_text())["Resources"]["DriftCheckSchedule"]["Properties"]["Target"]
    assert json.loads(target["Input"]) == DRIFT_CHECK
