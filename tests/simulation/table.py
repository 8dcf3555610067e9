"""The table as DynamoDB keeps it: conditional writes, faults with and without effect, TTL."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.agenda import Defect
from tests.simulation.boundary import Boundary, Invocation, client_error
from tests.simulation.expressions import Invalid, Item, holds, updated

Key = tuple[str, str]
_TTL_TAKES = 6 * 3600
"""Seconds after its expiration until an item is deleted; DynamoDB says "within a few days"."""


@dataclass
class Table:
    """The part of boto3's dynamodb client that the provider calls."""

    boundary: Boundary
    name: str
    written: Callable[[Invocation, Key, Item], None]
    """Told of each write that took effect."""
    items: dict[Key, Item] = field(default_factory=dict)
    unreadable: Callable[[str], None] = lambda _: None
    """Told the RequestId of each record that another version wrote so that this one cannot read it."""

    def get_item(self, **members: Any) -> dict[str, Any]:
        """GetItem, which has to be consistent."""
        self._expect(
            members, {"TableName", "Key", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"}
        )
        if not members.get("ConsistentRead"):
            raise Defect("the record is read inconsistently")
        key = _key(members["Key"])

        def carry_out() -> dict[str, Any]:
            item = self.items.get(key)
            return {} if item is None else {"Item": item}

        return self._call("GetItem", carry_out)

    def update_item(self, **members: Any) -> dict[str, Any]:
        """UpdateItem."""
        self._expect(
            members,
            {
                "TableName",
                "Key",
                "UpdateExpression",
                "ConditionExpression",
                "ExpressionAttributeNames",
                "ExpressionAttributeValues",
                "ReturnValues",
                "ReturnValuesOnConditionCheckFailure",
            },
        )
        return self._call("UpdateItem", lambda: self._updated(members))

    def query(self, **members: Any) -> dict[str, Any]:
        """Query of the index."""
        names, values = members.get("ExpressionAttributeNames", {}), members["ExpressionAttributeValues"]
        if members["IndexName"] != "PhysicalResourceId" or members.get("ConsistentRead"):
            raise Defect(f"a query that cannot be made: {members}")
        condition = members["KeyConditionExpression"]
        projected = ("StackId", "LogicalResourceId", "PhysicalResourceId", "Declared")

        def carry_out() -> dict[str, Any]:
            found = [
                {name: item[name] for name in projected if name in item}
                for _, item in sorted(self.items.items())
                if "PhysicalResourceId" in item and holds(condition, item, names, values)
            ]
            return {"Items": found, "Count": len(found)}

        return self._call("Query", carry_out)

    def expire(self) -> None:
        """Deletes what TTL says."""
        now = self.boundary.agenda.now
        for key, item in list(self.items.items()):
            if "ExpiresAt" in item and float(item["ExpiresAt"]["N"]) + _TTL_TAKES < now:
                del self.items[key]

    def written_by_another_version(self) -> None:
        """Some records are as the next version writes them, a few of them unreadable to this one."""
        random = self.boundary.swarm.random
        for key, item in sorted(self.items.items()):
            chance = random.random()
            if chance < 0.5:
                self.items[key] = {**_written(item), "FromTheFuture": {"S": "unknown here"}}
            elif chance < 0.6:
                self.boundary.sometimes.saw("fault: an unreadable record")
                self.items[key] = {**_written(item), "Progress": {"B": "encrypted"}}
                self.unreadable(item["RequestId"]["S"])

    def _updated(self, members: dict[str, Any]) -> dict[str, Any]:
        key = _key(members["Key"])
        names, values = members.get("ExpressionAttributeNames", {}), members.get("ExpressionAttributeValues", {})
        before = self.items.get(key)
        condition = members.get("ConditionExpression")
        if condition and not holds(condition, before or {}, names, values):
            self.boundary.sometimes.saw("condition failed")
            shown = members.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and before is not None
            extra = {"Item": before} if shown else {}
            raise client_error(
                "ConditionalCheckFailedException", "UpdateItem", "The conditional request failed", **extra
            )
        try:
            after = updated(members.get("UpdateExpression", ""), before or dict(members["Key"]), names, values)
        except Invalid as invalid:
            raise client_error("ValidationException", "UpdateItem", str(invalid)) from invalid
        self.items[key] = after
        self.written(self.boundary.invocation, key, after)
        match members.get("ReturnValues", "NONE"):
            case "ALL_OLD":
                return {"Attributes": before} if before is not None else {}
            case "ALL_NEW":
                return {"Attributes": after}
            case "NONE":
                return {}
            case other:
                raise Defect(f"ReturnValues {other}")

    def _call(self, action: str, carry_out: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self.expire()
        answer: dict[str, Any] = self.boundary.call("table", f"dynamodb:{action}", carry_out)
        return answer

    def _expect(self, members: dict[str, Any], known: set[str]) -> None:
        if members["TableName"] != self.name or set(members) - known:
            raise Defect(f"a call that is not known: {sorted(members)}")


def _written(item: Item) -> Item:
    """An item that the next version has written: it raises the fence as this one does."""
    return {**item, "Version": {"N": "2"}, "Fence": {"N": str(int(item["Fence"]["N"]) + 1)}}


def _key(key: dict[str, Any]) -> Key:
    return key["StackId"]["S"], key["LogicalResourceId"]["S"]
