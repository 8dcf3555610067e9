"""The provider's table, made from template.yaml by API where no stack is deployed."""

from typing import Any

from tools.release.template import TEMPLATE, load

TABLE = "records"
_MEMBERS = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


def make_table(client: Any, name: str = TABLE) -> str:
    """Creates it by a boto3 client of DynamoDB; returns its name."""
    declared = load(TEMPLATE.read_text())["Resources"]["Table"]["Properties"]
    client.create_table(TableName=name, **{member: declared[member] for member in _MEMBERS})
    return name
