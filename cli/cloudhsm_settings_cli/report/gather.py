"""Reads the evidence for a report: each source by itself, and what is denied is said."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.identity import declared_cluster, is_cluster_id
from cloudhsm_settings_cli.aws import Aws, Unread
from cloudhsm_settings_cli.deployed import Deployed, deployed, service_tokens
from cloudhsm_settings_cli.exits import Stopped
from cloudhsm_settings_cli.records import Records
from cloudhsm_settings_cli.report.evidence import STACK_TYPE, Decision, Evidence, StackEvent, Trail
from cloudhsm_settings_cli.side import Side
from cloudhsm_settings_cli.stack import Stack, read_stack, surroundings
from cloudhsm_settings_cli.template import RESOURCE_TYPE

_OF_CLUSTERS = (
    "ModifyCluster",
    "CreateHsm",
    "DeleteHsm",
    "DeleteCluster",
    "DeleteBackup",
    "ModifyBackupAttributes",
    "RestoreBackup",
)
_OF_STACKS = ("CreateStack", "UpdateStack", "ExecuteChangeSet", "CancelUpdateStack", "RollbackStack", "DeleteStack")
"""Each is asked for by its name: CloudTrail takes one attribute at a time, and reads would be most of the rest."""
_OURS = (STACK_TYPE, RESOURCE_TYPE, "AWS::CloudFormation::WaitCondition")


@dataclass(frozen=True)
class _Found:
    """What a report is about."""

    cluster_id: str
    stack_ids: tuple[str, ...]
    providers: tuple[Deployed, ...]
    records: tuple[Record, ...]


def gather(aws: Aws, *, stack: str, cluster_id: str, since: float, now: float) -> tuple[Evidence, ...]:
    """The evidence about each cluster of a stack, or about one; raises Stopped where there is nothing of the kind."""
    found = _of_stack(aws, stack) if stack else (_of_cluster(aws, cluster_id),)
    return tuple(_evidence(aws, each, since, now) for each in found)


def _of_stack(aws: Aws, name: str) -> tuple[_Found, ...]:
    stack = read_stack(aws, name)
    if not stack.stack_id:
        raise Stopped(f"There is no stack {name} in region {aws.region}. A deleted one is found by its ARN.")
    side = Side(stack.template, surroundings(aws, stack, stack.parameters))
    declared = {each: side.properties(each) for each in side.of_type(RESOURCE_TYPE)}
    tokens = [token for each in declared.values() if isinstance(token := each.get("ServiceToken"), str)]
    providers = _providers(aws, tokens)
    records = [record for each in providers for record in Records(aws, each.table).of_stack(stack.stack_id)]
    ids = [each.physical_resource_id for each in records] or list(_clusters(stack, declared))
    clusters = tuple(dict.fromkeys(each for each in ids if is_cluster_id(each)))
    if not clusters:
        raise Stopped(f"The stack {stack.name} has no {RESOURCE_TYPE}: name another stack, or use --cluster.")
    return tuple(
        _Found(each, (stack.stack_id,), providers, tuple(r for r in records if r.physical_resource_id == each))
        for each in clusters
    )


def _clusters(stack: Stack, declared: dict[str, dict[str, object]]) -> Iterator[str]:
    for name, properties in declared.items():
        yield stack.physical_ids.get(name) or declared_cluster(properties)


def _of_cluster(aws: Aws, cluster_id: str) -> _Found:
    providers = _providers(aws, [])
    records = tuple(record for each in providers for record in Records(aws, each.table).of_cluster(cluster_id))
    return _Found(cluster_id, tuple(dict.fromkeys(each.stack_id for each in records)), providers, records)


def _providers(aws: Aws, tokens: Iterable[str]) -> tuple[Deployed, ...]:
    found = (deployed(aws, each) for each in dict.fromkeys(tuple(tokens) or service_tokens(aws)))
    return tuple(each for each in found if each is not None and each.table)


def _evidence(aws: Aws, found: _Found, since: float, now: float) -> Evidence:
    decisions = [_decisions(aws, each.log_group, found.cluster_id, since) for each in found.providers if each.log_group]
    known = [each for each in decisions if each is not None]
    trail = _trail(aws, found, since)
    return Evidence(
        made_at=now,
        since=since,
        region=aws.region,
        cluster_id=found.cluster_id,
        cluster=_cluster(aws, found.cluster_id),
        records=found.records,
        events=tuple(each for stack_id in found.stack_ids for each in _events(aws, stack_id, since)),
        decisions=tuple(sorted((line for each in known for line in each), key=lambda each: each.at)) if known else None,
        trail=trail,
        functions=tuple(each.service_token.rpartition(":")[2] for each in found.providers),
        unread=tuple(dict.fromkeys(gap.because for gap in aws.gaps)),
    )


def _cluster(aws: Aws, cluster_id: str) -> Cluster | None:
    answer = aws.ask("cloudhsm:DescribeClusters", cluster_id, Filters={"clusterIds": [cluster_id]}) or {}
    return next((Cluster.from_api(each) for each in answer.get("Clusters") or ()), None)


def _events(aws: Aws, stack_id: str, since: float) -> list[StackEvent]:
    raw = aws.ask("cloudformation:DescribeStackEvents", f"stack {stack_id}", StackName=stack_id) or ()
    events = [StackEvent.from_api(each) for each in raw]
    told = [each for each in events if each.resource_type in _OURS or each.status.endswith("_FAILED")]
    return [each for each in reversed(told) if each.at >= since]


def _decisions(aws: Aws, log_group: str, cluster_id: str, since: float) -> list[Decision] | None:
    lines = aws.ask(
        "logs:FilterLogEvents",
        f"log group {log_group}",
        logGroupName=log_group,
        startTime=int(since * 1000),
        filterPattern=f'"decided" "{cluster_id}"',
    )
    return None if lines is None else [each for each in map(Decision.from_line, lines) if each is not None]


def _trail(aws: Aws, found: _Found, since: float) -> tuple[Trail, ...] | None:
    """What CloudTrail has of the cluster and of its stacks; None as soon as one look-up fails."""
    stacks = {name for each in found.stack_ids for name in (each, each.split("/")[1])}
    told: list[Trail] = []
    for name in (*_OF_CLUSTERS, *(_OF_STACKS if stacks else ())):
        try:
            raw = aws.read(
                "cloudtrail:LookupEvents",
                "the trail",
                LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
                StartTime=datetime.fromtimestamp(since, UTC),
            )
        except Unread as unread:
            aws.miss(unread)
            return None
        told += [each for each in map(Trail.from_api, raw) if each and each.subject in {found.cluster_id, *stacks}]
    return tuple(sorted(told, key=lambda each: each.at))
