"""The drift check: reads the table and the clusters, says what differs, and changes nothing.

Nothing of the event that asks for it is read, so whoever forges one learns nothing and moves nothing. It needs
`dynamodb:Scan`, which the template grants only while `DriftCheck` is on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.aws_errors import translated
from cloudhsm_settings.custom_resource.observability import SERVICE, count, logger, metrics
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.custom_resource.store import KEY, DynamoDbStore
from cloudhsm_settings.drift import COMPARED, Finding, compared, is_gone, not_compared, sentence
from cloudhsm_settings.errors import Failure, Transient

BATCH = 25
"""Clusters that a page of DescribeClusters holds at most:
https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_DescribeClusters.html"""
RESERVE = 20
"""Seconds that are left when nothing new is begun: one slow call, and what is said after it."""
MOST_LISTED = 1000
"""Findings in the one line: a log event holds no more than 256 KB."""


@dataclass
class Report:
    """What the check has found by now."""

    resources: int = 0
    in_flight: int = 0
    findings: list[Finding] = field(default_factory=list)
    unfinished: str = ""
    """Why the rest of the table was not reached; empty once all was."""


@dataclass(frozen=True, eq=False, repr=False)
class DriftCheck:
    """One check of all records, every collaborator handed in. Clients should try a call again, but not for long."""

    dynamodb: Any
    cloudhsm: Any
    table: str
    clock: Callable[[], float]
    seconds_left: Callable[[], float]

    def run(self) -> None:
        """Reads, compares and reports; what cannot be read is reported too."""
        report = Report()
        try:
            for records in self._pages():
                present = [record for record in records if not is_gone(record)]
                for first in range(0, len(present), BATCH):
                    self._check(present[first : first + BATCH], report)
        except (Failure, Transient) as error:
            report.unfinished = str(error)
        _tell(report)

    def _pages(self) -> Iterator[list[Record]]:
        """The records of the table, as many at a time as DynamoDB returns."""
        names = {f"#{name}": name for name in (*KEY, *COMPARED)}
        page: dict[str, Any] = {"TableName": self.table, "ConsistentRead": True}
        page |= {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
        while True:
            self._require_time("dynamodb:Scan")
            with translated("dynamodb:Scan", f"table {self.table}"):
                answer = self.dynamodb.scan(**page)
            yield [Record.from_item(item) for item in answer.get("Items") or ()]
            if not answer.get("LastEvaluatedKey"):
                return
            page["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _check(self, records: Sequence[Record], report: Report) -> None:
        self._require_time("cloudhsm:DescribeClusters")
        settled = [record for record in records if record.ended]
        findings = [self._confirmed(record, finding) for record, finding in self._compared(settled)]
        report.findings += [finding for finding in findings if finding]
        report.resources += len(records)
        report.in_flight += len(records) - len(settled) + findings.count(None)

    def _compared(self, records: Sequence[Record]) -> list[tuple[Record, Finding]]:
        try:
            clusters = self._described({record.physical_resource_id for record in records})
        except (Failure, Transient) as error:
            return [(record, not_compared(record, str(error))) for record in records]
        now = self.clock()
        return [(record, compared(record, clusters.get(record.physical_resource_id), now)) for record in records]

    def _described(self, cluster_ids: set[str]) -> dict[str, Cluster]:
        """The clusters of these ids. That one is not there is believed the second time."""
        found = self._listed(cluster_ids)
        return found | self._listed(cluster_ids - found.keys())

    def _listed(self, cluster_ids: set[str]) -> dict[str, Cluster]:
        found: dict[str, Cluster] = {}
        page: dict[str, Any] = {"Filters": {"clusterIds": sorted(cluster_ids)}}
        # A page may be empty and not the last one, but there are no more of them than clusters.
        for _ in cluster_ids:
            self._require_time("cloudhsm:DescribeClusters")
            with translated("cloudhsm:DescribeClusters", f"{len(cluster_ids)} clusters"):
                answer = self.cloudhsm.describe_clusters(**page)
            clusters = [Cluster.from_api(each) for each in answer.get("Clusters") or ()]
            found |= {cluster.cluster_id: cluster for cluster in clusters}
            if not answer.get("NextToken"):
                break
            page["NextToken"] = answer["NextToken"]
        return found

    def _confirmed(self, record: Record, finding: Finding) -> Finding | None:
        """The finding; None where an operation has begun since the record was read."""
        if not finding.drifted:
            return finding
        try:
            self._require_time("dynamodb:GetItem")
            current = DynamoDbStore(lambda: self.dynamodb, self.table).read(record.key)
        except (Failure, Transient):
            return finding
        return finding if current and current.fence == record.fence else None

    def _require_time(self, action: str) -> None:
        if self.seconds_left() < RESERVE:
            raise Transient(action, "TimeIsUp", had_no_effect=True)


def _tell(report: Report) -> None:
    for finding in report.findings:
        _tell_one(finding)
    drifted = [finding for finding in report.findings if finding.drifted]
    unread = [finding for finding in report.findings if finding.unread]
    logger.info(
        "drift check",
        resources=report.resources,
        in_flight=report.in_flight,
        drifted=_in_one_line([sentence(finding) for finding in drifted]),
        not_compared=_in_one_line([f"{finding.cluster_id}: {finding.unread}" for finding in unread]),
    )
    if report.unfinished:
        logger.warning("drift check not finished", because=report.unfinished, resources=report.resources)
    count("Compared", len(report.findings) - len(unread))
    count("NotCompared", len(unread) + bool(report.unfinished))


def _tell_one(finding: Finding) -> None:
    stack_id, logical_id = finding.key.stack_id, finding.key.logical_resource_id
    ids: dict[str, Any] = {"ClusterId": finding.cluster_id, "StackId": stack_id, "LogicalResourceId": logical_id}
    if finding.unread:
        logger.warning("not compared", because=finding.unread, **ids)
    if finding.drifted:
        logger.warning("drifted", because=sentence(finding), **ids)
        count("Drifted")
        # Counted for the provider and for the cluster: an alarm watches all of them, a graph tells them apart.
        metrics.add_dimensions(service=SERVICE, ClusterId=finding.cluster_id)
        metrics.flush_metrics()


def _in_one_line(parts: Sequence[str]) -> str:
    more = [f"and {len(parts) - MOST_LISTED} more"] if len(parts) > MOST_LISTED else []
    return "; ".join([*parts[:MOST_LISTED], *more])
