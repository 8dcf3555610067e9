"""The table: one item for each resource, written only under a condition, read consistently.

Why it is safe. Every write demands the fence that its writer has read, and raises it, so of two writers one loses.
Whoever loses stands down before its next effect, because each effect is preceded by a write. A claim is such a write
too: it takes the resource and returns what was there in one step. Reads are strongly consistent, so nobody acts on an
owner that has been replaced. What is not in the item is not believed.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from cloudhsm_settings.custom_resource.errors import Superseded
from cloudhsm_settings.custom_resource.event import Key
from cloudhsm_settings.custom_resource.record import MEMBERS, Record

BY_PHYSICAL_ID = "PhysicalResourceId"
"""The index in which the other owners of a cluster are found."""
KEY = ("StackId", "LogicalResourceId")
_REFUSED = "ConditionalCheckFailedException"
# What a claim leaves to the item itself.
_KEPT = ("Fence", "Memory", "Recent", *KEY)


class Refused(Exception):
    """The resource could not be claimed at once; `current` is the record as it is."""

    def __init__(self, current: Record) -> None:
        super().__init__("a record stands in the way")
        self.current = current


class Store(Protocol):
    """Where records are kept. All methods raise AccessDenied, or Transient for what may work later."""

    def claim(self, record: Record, latest: float, *, only_same_id: bool) -> Record:
        """Puts `record` in place of a settled one, or of none; returns it with fence and memory.

        Raises Refused when the record there is in flight, owes a signal, is of this very request, or was signed after
        `latest`; with `only_same_id` also when it is about another physical id.
        """

    def write(self, before: Record, after: Record) -> Record:
        """Puts `after` in place of `before`; raises Superseded when somebody else has written since."""

    def read(self, key: Key) -> Record | None:
        """The record as it is now."""

    def others(self, record: Record) -> list[Mapping[str, Any]]:
        """What other resources declare for the same physical id: members StackId, LogicalResourceId, Declared."""


def written_since(before: Record, current: Record) -> Superseded:
    """Why a write was refused."""
    return Superseded("the record has been written since", by_itself=current.request_id == before.request_id)


def may_be_claimed(current: Record, record: Record, latest: float, *, only_same_id: bool) -> bool:
    """The condition of a claim, as the table evaluates it."""
    return (
        current.settled
        and current.request_id != record.request_id
        and record.request_id not in current.recent
        and current.signed_at <= latest
        and (not only_same_id or current.physical_resource_id == record.physical_resource_id)
        and (record.request_type != "Update" or current.properties == record.old_properties)
    )


def claimed(record: Record, before: Record) -> Record:
    """`record` as it is in the table once it stands in place of `before`."""
    recent = (*before.recent, record.request_id)
    return replace(record, fence=before.fence + 1, memory=before.memory, recent=recent)


@dataclass(frozen=True, eq=False, repr=False)
class DynamoDbStore:
    """Records in a DynamoDB table."""

    client: Callable[[], Any]
    table: str

    def claim(self, record: Record, latest: float, *, only_same_id: bool) -> Record:
        item = record.to_item()
        changes = _Changes({name: item.get(name) for name in ("Version", *MEMBERS) if name not in _KEPT})
        me, latest_signed = changes.value({"S": record.request_id}), changes.value({"N": repr(latest)})
        free = (
            f"Settled = {changes.value({'BOOL': True})} AND RequestId <> {me} AND SignedAt <= {latest_signed} "
            f"AND NOT contains(Recent, {me})"
        )
        if only_same_id:
            free += f" AND PhysicalResourceId = {changes.value({'S': record.physical_resource_id})}"
        if record.request_type == "Update":
            # Only a predecessor is passed over unread: what follows upon what has to be on record with the claim.
            properties = MEMBERS["ResourceProperties"].to_item(record.old_properties)
            free += f" AND ResourceProperties = {changes.value(properties or {})}"
        ids, none = changes.value({"L": [{"S": record.request_id}]}), changes.value({"L": []})
        changes.sets.append(f"Recent = list_append(if_not_exists(Recent, {none}), {ids})")
        condition = f"attribute_not_exists(StackId) OR ({free})"
        before = self._update(record.key, changes, condition, Refused)
        if before.request_id == record.request_id:
            # An own write that was repeated: it is the record already.
            return before
        return claimed(record, before)

    def write(self, before: Record, after: Record) -> Record:
        old, new = before.to_item(), after.to_item()
        names = [name for name in ("Version", *MEMBERS) if name not in ("Fence", *KEY)]
        # What a claim found out by what it returned, the table has to be told with the next write.
        # What could not be read must not stay.
        changed = [name for name in names if new.get(name) != old.get(name) or not before.readable]
        changes = _Changes({name: new.get(name) for name in changed})
        condition = f"Fence = {changes.value({'N': repr(before.fence)})}"
        self._update(after.key, changes, condition, lambda current: written_since(before, current))
        return replace(after, fence=before.fence + 1)

    def read(self, key: Key) -> Record | None:
        with _translated("GetItem", self.table):
            item = self.client().get_item(TableName=self.table, Key=_key(key), ConsistentRead=True).get("Item")
        return Record.from_item(item) if item else None

    def others(self, record: Record) -> list[Mapping[str, Any]]:
        with _translated("Query", self.table):
            found = self.client().query(
                TableName=self.table,
                IndexName=BY_PHYSICAL_ID,
                KeyConditionExpression="PhysicalResourceId = :id",
                ExpressionAttributeValues={":id": {"S": record.physical_resource_id}},
            )
        records = [Record.from_item(item) for item in found.get("Items") or ()]
        return [
            {"StackId": each.stack_id, "LogicalResourceId": each.logical_resource_id, "Declared": each.declared}
            for each in records
            if each.key != record.key
        ]

    def _update(self, key: Key, changes: "_Changes", condition: str, refused: Callable[[Record], Exception]) -> Record:
        # Late: the responder imports this module too, and its boto3 is the runtime's.
        from botocore.exceptions import ClientError

        token = os.urandom(8).hex()
        changes.sets.append(f"Writer = {changes.value({'S': token})}")
        with _translated("UpdateItem", self.table):
            try:
                done = self.client().update_item(
                    TableName=self.table,
                    Key=_key(key),
                    UpdateExpression=changes.expression,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=changes.names,
                    ExpressionAttributeValues=changes.values,
                    ReturnValues="ALL_OLD",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != _REFUSED:
                    raise
                item = error.response.get("Item") or {}
                # botocore repeats a call whose answer was lost: then it is our own write that refuses it.
                if item.get("Writer") == {"S": token}:
                    return Record.from_item(item)
                raise refused(Record.from_item(item)) from None
        return Record.from_item(done.get("Attributes") or {})


class _Changes:
    """An UpdateExpression in the making: what is set, what is removed, and the fence that is raised."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.values: dict[str, Any] = {}
        # Every name goes by a placeholder: some are reserved words.
        self.names = {f"#{name}": name for name in members}
        self.sets = [f"#{name} = {self.value(each)}" for name, each in members.items() if each is not None]
        self._removed = [f"#{name}" for name, each in members.items() if each is None]

    def value(self, value: Mapping[str, Any]) -> str:
        """The placeholder of a value."""
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    @property
    def expression(self) -> str:
        """The whole expression."""
        raised = f"ADD #Fence {self.value({'N': '1'})}"
        self.names["#Fence"] = "Fence"
        sets = [f"SET {', '.join(self.sets)}"] if self.sets else []
        removed = [f"REMOVE {', '.join(self._removed)}"] if self._removed else []
        return " ".join([*sets, *removed, raised])


def _key(key: Key) -> dict[str, Any]:
    return {"StackId": {"S": key.stack_id}, "LogicalResourceId": {"S": key.logical_resource_id}}


def _translated(action: str, table: str) -> Any:
    from cloudhsm_settings.custom_resource.aws_errors import translated

    return translated(f"dynamodb:{action}", f"table {table}")
