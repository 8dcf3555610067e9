"""The table and the clock in memory, for `sam local` and for tests: twins of `store` and `schedules`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cloudhsm_settings.custom_resource.event import Key, poll_event
from cloudhsm_settings.custom_resource.record import Record
from cloudhsm_settings.custom_resource.store import Refused, claimed, may_be_claimed, written_since


@dataclass
class MemoryStore:
    """Records as they would be in the table: written as items, under the same conditions."""

    items: dict[Key, dict[str, Any]] = field(default_factory=dict)

    def claim(self, record: Record, latest: float, *, only_same_id: bool) -> Record:
        current = self.read(record.key)
        if current and not may_be_claimed(current, record, latest, only_same_id=only_same_id):
            raise Refused(current)
        before = current or Record(record.stack_id, record.logical_resource_id, "")
        return self._keep(claimed(record, before))

    def write(self, before: Record, after: Record) -> Record:
        current = self.read(before.key)
        if current is None or current.fence != before.fence:
            raise written_since(before, current or before)
        return self._keep(replace(after, fence=before.fence + 1))

    def read(self, key: Key) -> Record | None:
        item = self.items.get(key)
        return Record.from_item(item) if item else None

    def others(self, record: Record) -> list[Mapping[str, Any]]:
        records = [Record.from_item(item) for item in self.items.values()]
        return [
            {"StackId": each.stack_id, "LogicalResourceId": each.logical_resource_id, "Declared": each.declared}
            for each in records
            if each.physical_resource_id == record.physical_resource_id and each.key != record.key
        ]

    def _keep(self, record: Record) -> Record:
        self.items[record.key] = record.to_item()
        return Record.from_item(self.items[record.key])


@dataclass
class MemorySchedules:
    """Polls that are due, by the request that they belong to."""

    polls: dict[tuple[Key, str], dict[str, Any]] = field(default_factory=dict)

    def create(self, key: Key, request_id: str, until: float) -> None:
        self.polls[key, request_id] = poll_event(key, request_id)

    def delete(self, key: Key, request_id: str) -> None:
        self.polls.pop((key, request_id), None)
