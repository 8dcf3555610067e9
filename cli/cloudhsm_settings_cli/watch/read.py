"""Reads what `watch` shows. What cannot be read now is shown as it was, and said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from cloudhsm_settings.cluster import Cluster
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.identity import is_cluster_id
from cloudhsm_settings_cli import stack as stacks
from cloudhsm_settings_cli.aws import Aws, Refused, Unread
from cloudhsm_settings_cli.deployed import Deployed
from cloudhsm_settings_cli.exits import Stopped
from cloudhsm_settings_cli.records import Records
from cloudhsm_settings_cli.template import RESOURCE_TYPE
from cloudhsm_settings_cli.watch.events import of_the_operation, stack_name, status_by_events
from cloudhsm_settings_cli.watch.log import pattern, poll_of
from cloudhsm_settings_cli.watch.observed import Observed, Poll, Sighting, Stack
from cloudhsm_settings_cli.watch.provider import providers

T = TypeVar("T")
_MOST_EVENTS = 300
"""Newest events of a stack that are looked through for the beginning of its operation."""
_OVERLAP = 60
"""Seconds of the log that are read again: its lines may come late and out of order."""


@dataclass(frozen=True)
class Asked:
    """What is to be watched: a stack, by name or ARN, or a cluster; `logical_id` chooses among several resources."""

    stack: str = ""
    cluster_id: str = ""
    logical_id: str = ""


@dataclass
class _Followed:
    """What is remembered of one resource between reads."""

    polls: dict[tuple[float, str], Poll] = field(default_factory=dict)
    sightings: list[Sighting] = field(default_factory=list)


@dataclass(frozen=True)
class _Resource:
    """One of the resources that are watched."""

    logical_id: str = ""
    cluster_id: str = ""
    record: Record | None = None


class Reader:
    """Reads again and again. It may be begun late: what happened before comes from the events and the log."""

    def __init__(self, aws: Aws, asked: Asked) -> None:
        self._aws = aws
        self._asked = asked
        self._stack_id = asked.stack
        self._candidates: tuple[Deployed, ...] = ()
        self._deployed: Deployed | None = None
        self._last: dict[str, Any] = {}
        self._followed: dict[str, _Followed] = {}

    def observe(self, now: float) -> tuple[Observed, ...]:
        """All resources that are watched; raises Stopped where there is nothing of the kind."""
        aws = self._aws.afresh()
        records = self._records(aws)
        if not self._stack_id:
            self._stack_id = _latest(records).stack_id if records else ""
        stack = self._stack(aws)
        if stack is not None and not records:
            records = self._records(aws)
        found = [self._one(aws, stack, each, now) for each in self._chosen(aws, stack, records)]
        unknown = tuple(dict.fromkeys(gap.because for gap in aws.gaps))
        if not any(each.stack or each.cluster or each.record for each in found):
            raise Stopped(" ".join(unknown) or f"{self._name} is not there: check the name, --region and --profile.")
        return tuple(replace(each, unknown=unknown) for each in found)

    @property
    def _name(self) -> str:
        return self._asked.stack or self._asked.cluster_id

    # What AWS says ------------------------------------------------------------------------------------

    def _kept(self, name: str, aws: Aws, read: Callable[[], T | None]) -> T | None:
        """What `read` gives; where it leaves a gap, what it gave the last time."""
        before = len(aws.gaps)
        value = read()
        if len(aws.gaps) > before:
            last: T | None = self._last.get(name)
            return last if value is None else value
        self._last[name] = value
        return value

    def _stack(self, aws: Aws) -> Stack | None:
        if not self._stack_id:
            return None
        described = self._kept("stack", aws, lambda: self._described(aws))
        raw = self._kept("events", aws, lambda: self._raw_events(aws)) or []
        if described is None and not raw:
            return None
        described = described or {}
        first = raw[0] if raw else {}
        # An ARN finds a stack that was deleted meanwhile, its name does not.
        self._stack_id = str(described.get("StackId") or first.get("StackId") or self._stack_id)
        events = of_the_operation(raw)
        status = str(described.get("StackStatus") or status_by_events(events))
        return Stack(self._stack_id, stack_name(self._stack_id), status, events)

    def _described(self, aws: Aws) -> dict[str, Any] | None:
        try:
            found = aws.read("cloudformation:DescribeStacks", self._stack_id, StackName=self._stack_id)
        except Unread as unread:
            if isinstance(unread, Refused) and not self._last.get("stack"):
                raise Stopped(f"There is no stack {self._name} in region {aws.region}.") from None
            aws.miss(unread)
            return None
        return found[0] if found else None

    def _raw_events(self, aws: Aws) -> list[dict[str, Any]] | None:
        most = {"MaxItems": _MOST_EVENTS}
        found: list[dict[str, Any]] | None = aws.ask(
            "cloudformation:DescribeStackEvents", self._stack_id, StackName=self._stack_id, PaginationConfig=most
        )
        return found

    def _resources(self, aws: Aws) -> list[dict[str, Any]]:
        """The resources of the stack."""
        permission = "cloudformation:ListStackResources"
        listed = self._kept("resources", aws, lambda: aws.ask(permission, self._stack_id, StackName=self._stack_id))
        return listed or []

    def _records(self, aws: Aws) -> list[Record]:
        """The records of the stack, or of the cluster, that is watched."""
        if self._deployed is None:
            return self._discovered(aws)
        records = Records(aws, self._deployed.table)
        return self._kept("records", aws, lambda: self._of(records) or None) or []

    def _discovered(self, aws: Aws) -> list[Record]:
        """The same, at first: of the provider that has any."""
        served = None
        if self._asked.stack:
            if not self._stack_id.startswith("arn:"):
                return []
            served = self._served(aws)
        self._candidates = self._candidates or tuple(providers(aws, served))
        for found in self._candidates:
            if found.table and (records := self._of(Records(aws, found.table))):
                self._deployed = found
                self._last["records"] = records
                return records
        return []

    def _served(self, aws: Aws) -> stacks.Stack:
        """The stack as its template is resolved with."""
        described = self._last.get("stack") or {}
        listed = self._resources(aws)
        return stacks.Stack(
            name=stack_name(self._stack_id),
            stack_id=self._stack_id,
            parameters=stacks.values_of(described.get("Parameters") or ()),
            physical_ids={str(each["LogicalResourceId"]): str(each.get("PhysicalResourceId") or "") for each in listed},
            template=stacks.read_template(aws, f"stack {self._name}", StackName=self._stack_id),
        )

    def _of(self, records: Records) -> list[Record]:
        return records.of_stack(self._stack_id) if self._asked.stack else records.of_cluster(self._asked.cluster_id)

    def _cluster(self, aws: Aws, cluster_id: str) -> Cluster | None:
        def read() -> Cluster | None:
            answer = aws.ask("cloudhsm:DescribeClusters", cluster_id, Filters={"clusterIds": [cluster_id]})
            listed = (answer or {}).get("Clusters") or ()
            return next((Cluster.from_api(each) for each in listed if each.get("ClusterId") == cluster_id), None)

        return self._kept(f"cluster {cluster_id}", aws, read) if cluster_id else None

    def _read_polls(self, aws: Aws, followed: _Followed, record: Record | None) -> bool:
        """Adds what the log has of new; False where the log is not read."""
        group = self._deployed.log_group if self._deployed else ""
        if not group or record is None:
            return False
        latest = max((at for at, _ in followed.polls), default=0.0)
        lines = aws.ask(
            "logs:FilterLogEvents",
            group,
            logGroupName=group,
            startTime=int(max(record.signed_at, latest - _OVERLAP) * 1000),
            filterPattern=pattern(record.stack_id),
        )
        for line in lines or ():
            poll = poll_of(line, record.request_id)
            if poll is not None:
                followed.polls[(poll.at, str(line.get("eventId")))] = poll
        return lines is not None

    # One resource -------------------------------------------------------------------------------------

    def _chosen(self, aws: Aws, stack: Stack | None, records: list[Record]) -> list[_Resource]:
        """The resources that are watched; one of which nothing is known where nothing tells them."""
        found = [_Resource(each.logical_resource_id, each.physical_resource_id, each) for each in records]
        if self._asked.cluster_id:
            latest = _latest(records) if records else None
            return [_Resource(latest.logical_resource_id if latest else "", self._asked.cluster_id, latest)]
        for resource in () if records else self._resources(aws):
            name, physical_id = str(resource.get("LogicalResourceId")), str(resource.get("PhysicalResourceId") or "")
            if resource.get("ResourceType") == RESOURCE_TYPE:
                found.append(_Resource(name, physical_id if is_cluster_id(physical_id) else ""))
        chosen = [each for each in found if self._asked.logical_id in ("", each.logical_id)]
        # A stack that was begun a moment ago has no resource yet.
        begins = stack is not None and stack.in_progress and not found
        if not chosen and not aws.gaps and not begins:
            wanted = self._asked.logical_id or RESOURCE_TYPE
            raise Stopped(f"The stack {self._name} has no resource {wanted}: name another stack, or use --cluster.")
        return chosen or [_Resource()]

    def _one(self, aws: Aws, stack: Stack | None, resource: _Resource, now: float) -> Observed:
        cluster = self._cluster(aws, resource.cluster_id)
        followed = self._followed.setdefault(f"{resource.logical_id} {resource.cluster_id}", _Followed())
        is_read = self._read_polls(aws, followed, resource.record)
        polls = tuple(poll for _, poll in sorted(followed.polls.items(), key=lambda each: each[0]))
        if cluster is not None:
            followed.sightings.append(Sighting(now, cluster.state, cluster.hsm_types))
        seen = [*(Sighting(each.at, each.state, each.hsm_types) for each in polls if each.state), *followed.sightings]
        return Observed(
            cluster_id=resource.cluster_id,
            logical_id=resource.logical_id,
            stack=stack,
            cluster=cluster,
            record=resource.record,
            polls=polls if is_read or polls else None,
            sightings=tuple(sorted(seen, key=lambda each: each.at)),
            region=self._aws.region,
        )


def _latest(records: Iterable[Record]) -> Record:
    return max(records, key=lambda each: (not each.ended, each.signed_at))
