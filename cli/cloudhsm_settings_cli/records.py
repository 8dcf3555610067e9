"""The provider's record, read without the secrets in it.

ResponseURL, handle and signals are bearer credentials. They are not asked for, so that nothing can show them; a
policy may deny them to the reader with the condition key dynamodb:Attributes.
"""

from dataclasses import dataclass

from cloudhsm_settings.custom_resource.record import MEMBERS, Record
from cloudhsm_settings.custom_resource.store import BY_PHYSICAL_ID, KEY
from cloudhsm_settings_cli.aws import Aws

SECRET = ("ResponseURL", "HandleURL", "ResourceProperties", "OldResourceProperties", "Signals")
"""Members that have, or may have, a signed URL in them."""
PUBLIC = tuple(name for name in MEMBERS if name not in SECRET)
_NAMES = {f"#{name}": name for name in PUBLIC}
_PROJECTION = {"ProjectionExpression": ", ".join(_NAMES), "ExpressionAttributeNames": _NAMES}


@dataclass(frozen=True)
class Records:
    """The record's table; every method gives what can be read, and leaves a gap in `aws` for what cannot."""

    aws: Aws
    table: str

    def of(self, stack_id: str, logical_resource_id: str) -> Record | None:
        """The record of one resource; `stack_id` is the stack's ARN."""
        answer = self.aws.ask(
            "dynamodb:GetItem",
            f"table {self.table}",
            TableName=self.table,
            Key={"StackId": {"S": stack_id}, "LogicalResourceId": {"S": logical_resource_id}},
            ConsistentRead=True,
            **_PROJECTION,
        )
        item = (answer or {}).get("Item")
        return Record.from_item(item) if item else None

    def of_stack(self, stack_id: str) -> list[Record]:
        """The records of all resources of one stack."""
        items = self.aws.ask(
            "dynamodb:Query",
            f"table {self.table}",
            TableName=self.table,
            KeyConditionExpression="StackId = :stack",
            ExpressionAttributeValues={":stack": {"S": stack_id}},
            ConsistentRead=True,
            **_PROJECTION,
        )
        return [Record.from_item(item) for item in items or ()]

    def of_cluster(self, cluster_id: str) -> list[Record]:
        """The records of all resources that declare something for one cluster, each as it is now."""
        items = self.aws.ask(
            "dynamodb:Query",
            f"table {self.table}",
            TableName=self.table,
            IndexName=BY_PHYSICAL_ID,
            KeyConditionExpression="PhysicalResourceId = :id",
            ExpressionAttributeValues={":id": {"S": cluster_id}},
        )
        found = (self.of(*(item[name]["S"] for name in KEY)) for item in items or ())
        return [record for record in found if record is not None]
