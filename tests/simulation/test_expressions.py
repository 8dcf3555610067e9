"""The evaluator is held against moto's DynamoDB, which others have held against AWS's."""

import re

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.simulation.expressions import Invalid, NotKnown, holds, updated

KEY = {"Id": {"S": "one"}}
ITEM = {
    **KEY,
    "Fence": {"N": "3"},
    "Settled": {"BOOL": True},
    "Owner": {"S": "b"},
    "Recent": {"L": [{"S": "a"}, {"S": "b"}]},
    "Nested": {"M": {"Leaf": {"S": "x"}}},
}
NAMES = {"#fence": "Fence", "#owner": "Owner", "#absent": "Absent"}
VALUES = {
    ":two": {"N": "2"},
    ":three": {"N": "3"},
    ":a": {"S": "a"},
    ":b": {"S": "b"},
    ":c": {"S": "c"},
    ":true": {"BOOL": True},
    ":none": {"L": []},
    ":list": {"L": [{"S": "c"}]},
}
CONDITIONS = [
    "attribute_exists(Fence)",
    "attribute_not_exists(Fence)",
    "attribute_not_exists(#absent)",
    "#fence = :three",
    "#fence <> :three",
    "#absent <> :three",
    "#absent = :three",
    "#absent <= :three",
    "Fence <= :three AND Fence > :two",
    "#owner = :b AND (Settled = :true OR attribute_not_exists(Fence))",
    "attribute_not_exists(Fence) OR (Settled = :true AND #owner <> :c AND Fence <= :three AND NOT contains(Recent, :a))",
    "NOT contains(Recent, :c)",
    "contains(Recent, :b)",
    "contains(#absent, :b)",
    "begins_with(#owner, :b)",
    "Nested.Leaf = :a",
    "attribute_exists(Nested.Leaf)",
    "#owner = :three",
]
UPDATES = [
    "SET #fence = #fence + :two",
    "ADD #fence :two",
    "ADD #absent :two",
    "SET #owner = :a, Nested.Leaf = :c REMOVE Settled",
    "SET Copied = #owner, #owner = :c",
    "SET Recent = list_append(if_not_exists(Recent, :none), :list)",
    "SET #absent = list_append(if_not_exists(#absent, :none), :list) REMOVE Recent, Settled ADD #fence :two",
    "SET #owner = if_not_exists(#absent, :c)",
    "REMOVE #absent, Nested.Nothing",
    "SET Nested.Nothing.Deeper = :a",
    "SET #owner = #absent",
]


@pytest.fixture
def dynamodb():
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="t",
            KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.put_item(TableName="t", Item=ITEM)
        yield client


def used(mapping, expression):
    return {name: value for name, value in mapping.items() if name in re.findall(r"[:#]\w+", expression)}


def of_moto(client, **members):
    expression = " ".join(members.values())
    members |= {
        name: found
        for name, known in (("ExpressionAttributeNames", NAMES), ("ExpressionAttributeValues", VALUES))
        if (found := used(known, expression))
    }
    try:
        return client.update_item(TableName="t", Key=KEY, ReturnValues="ALL_NEW", **members)["Attributes"]
    except ClientError as error:
        return error.response["Error"]["Code"]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_are_those_of_dynamodb(dynamodb, condition):
    answer = of_moto(dynamodb, UpdateExpression="SET Touched = :a", ConditionExpression=condition)
    assert holds(condition, ITEM, NAMES, VALUES) == (answer != "ConditionalCheckFailedException")


@pytest.mark.parametrize("update", UPDATES)
def test_updates_are_those_of_dynamodb(dynamodb, update):
    try:
        ours = updated(update, ITEM, NAMES, VALUES)
    except Invalid:
        ours = "ValidationException"
    assert ours == of_moto(dynamodb, UpdateExpression=update)


@pytest.mark.parametrize(
    "unknown", ["size(Recent) = :two", "Fence BETWEEN :two AND :three", "Recent[0] = :a", "Fence IN (:two)"]
)
def test_what_is_not_known_raises(unknown):
    with pytest.raises(NotKnown):
        holds(unknown, ITEM, NAMES, VALUES)
    with pytest.raises(NotKnown):
        updated("DELETE Recent :list", ITEM, NAMES, VALUES)
