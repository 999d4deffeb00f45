"""Reads items of the stage's model table as plain values."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from core.stage.table_key import key_of, of_model, partition

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


def plain_item(item: Any) -> dict[str, Any]:
    """An item of the model table as plain values."""
    return of_model({name: _plain(value) for name, value in item.items()})


def items_of(connection: "Connection", model: str, prefix: str) -> list[dict[str, Any]]:
    """The model's items whose sort key begins so, in its order."""
    begins = {":prefix": {"S": prefix}}
    return _queried(connection, partition(model, prefix), "begins_with(#item, :prefix)", begins)


def items_between(
    connection: "Connection", model: str, first: str, last: str
) -> list[dict[str, Any]]:
    """The model's items from one sort key to another, in its order."""
    ends = {":first": {"S": first}, ":last": {"S": last}}
    return _queried(connection, partition(model, first), "#item BETWEEN :first AND :last", ends)


def items_back(
    connection: "Connection", model: str, last: str, first: str
) -> Iterator[dict[str, Any]]:
    """The model's items from one sort key back to another; pages are read as they are needed."""
    ends = {":first": {"S": first}, ":last": {"S": last}}
    which = "#item BETWEEN :first AND :last"
    yield from _pages(connection, partition(model, last), which, ends, back=True)


def _queried(
    connection: "Connection", where: str, which: str, values: dict[str, Any]
) -> list[dict[str, Any]]:
    return list(_pages(connection, where, which, values))


def _pages(
    connection: "Connection",
    where: str,
    which: str,
    values: dict[str, Any],
    *,
    back: bool = False,
) -> Iterator[dict[str, Any]]:
    pages = connection.dynamodb.get_paginator("query").paginate(
        TableName=connection.table,
        KeyConditionExpression=f"model = :model AND {which}",
        ExpressionAttributeNames={"#item": "item"},
        ExpressionAttributeValues={":model": {"S": where}, **values},
        ConsistentRead=True,
        ScanIndexForward=not back,
    )
    for page in pages:
        yield from (plain_item(item) for item in page["Items"])


def item_of(connection: "Connection", model: str, name: str) -> dict[str, Any] | None:
    """One item of the model; None when it is not there."""
    item = connection.dynamodb.get_item(
        TableName=connection.table,
        Key=key_of(model, name),
        ConsistentRead=True,
    ).get("Item")
    return plain_item(item) if item else None


def items_named(connection: "Connection", names: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Those of the items (model, name) that are there, a hundred by one request."""
    found: list[dict[str, Any]] = []
    for first in range(0, len(names), 100):
        asked: Any = {
            connection.table: {
                "Keys": [key_of(model, name) for model, name in names[first : first + 100]]
            }
        }
        while asked:
            answer = connection.dynamodb.batch_get_item(RequestItems=asked)
            found += [plain_item(one) for one in answer["Responses"].get(connection.table, [])]
            asked = answer.get("UnprocessedKeys")
    return found


def _plain(value: Any) -> Any:
    """A value that DynamoDB writes as {"N": "7"}; what boto3 has for it takes long to import."""
    [(kind, content)] = value.items()
    if kind == "N":
        number = float(content)
        return int(number) if number.is_integer() else number
    if kind == "M":
        return {name: _plain(one) for name, one in content.items()}
    if kind == "L":
        return [_plain(one) for one in content]
    return None if kind == "NULL" else content
