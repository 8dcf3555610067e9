"""The drift check as Scheduler invokes it, through the entry point, on a table and clusters that requests have left."""

import json
import logging
from dataclasses import replace

import pytest

from cloudhsm_settings import handler
from cloudhsm_settings.custom_resource.observability import logger
from events.situations import BY_EVENT, CLUSTER_ID
from sandbox.table import TABLE
from tests.harness import Context, Harness


@pytest.fixture
def declared(harness: Harness, monkeypatch) -> Harness:
    """A cluster that is as its template says, by a request of the whole life."""
    monkeypatch.setattr(handler, "environment", replace(handler.environment, table=TABLE))
    harness.run(harness.meet(BY_EVENT["create-migration"]))
    harness.fleet.calls.clear()
    return harness


@pytest.fixture
def lines(monkeypatch) -> list[dict]:
    said: list[dict] = []
    formatter = logger.registered_formatter
    monkeypatch.setattr(logger.registered_handler, "emit", lambda line: said.append(json.loads(formatter.format(line))))
    monkeypatch.setattr(logger._logger, "level", logging.INFO)
    return said


def test_a_cluster_that_is_as_declared_is_none(declared, lines):
    assert handler.lambda_handler(handler.DRIFT_CHECK, Context()) is None
    (line,) = lines
    assert (line["message"], line["resources"], line["drifted"], line["not_compared"]) == ("drift check", 1, "", "")


def test_a_planted_difference_is_found_and_nothing_is_changed(declared, lines):
    declared.fleet.clusters[CLUSTER_ID].retention = {"Type": "DAYS", "Value": "7"}
    before = declared.fleet.clusters[CLUSTER_ID].snapshot()
    handler.lambda_handler(handler.DRIFT_CHECK, Context())
    drifted = next(line for line in lines if line["message"] == "drifted")
    assert drifted["ClusterId"] == CLUSTER_ID
    assert drifted["because"] == f"{CLUSTER_ID}: BackupRetentionPolicy is 7, declared 30"
    assert {call.operation for call in declared.fleet.calls} == {"DescribeClusters"}
    assert declared.fleet.clusters[CLUSTER_ID] == before


@pytest.mark.parametrize(
    "forged",
    [
        {"DriftCheck": "true"},
        {"DriftCheck": True, "TableName": "other"},
        {"DriftCheck": True, "StackId": "stack", "LogicalResourceId": "Settings", "RequestId": "id"},
        {"DriftCheck": False},
    ],
)
def test_an_event_with_anything_else_in_it_is_no_check(declared, lines, forged):
    handler.lambda_handler(forged, Context())
    assert declared.fleet.calls == []
    assert [(line["level"], line["message"]) for line in lines] == [("ERROR", "standing down")]


def test_no_secret_is_read_for_it(declared, lines, monkeypatch):
    scanned = []
    make = handler.clients.for_reading

    def noting(service):
        client = make(service)
        client.meta.events.register("after-call.dynamodb.Scan", lambda parsed, **_: scanned.append(json.dumps(parsed)))
        return client

    monkeypatch.setattr(handler.clients, "for_reading", noting)
    handler.lambda_handler(handler.DRIFT_CHECK, Context())
    (read,) = scanned
    assert CLUSTER_ID in read
    assert "X-Amz-Signature" not in read
