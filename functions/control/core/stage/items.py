"""The model table's items: read one or several, change one under a condition.

A change states what must be true of the item for it to be made. That is how two functions that act
on the same release at once are kept apart: one of them finds that its condition no longer holds.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from core.stage.table_key import key_of, of_model, partition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
# The values one of which an attribute must have; None is its absence.
Expected = Mapping[str, tuple[Any, ...]]
# A model, its item, the fields to set or to remove, and what is expected.
Change = tuple[str, str, Mapping[str, Any], Expected | None]
# A model and its item.
Key = tuple[str, str]

# What BatchGetItem takes in a call.
KEYS_A_CALL = 100
# How often it is asked for what it left out, and a transaction is tried that others cross.
_MOST_REPEATS = 6


class ThrottledError(Exception):
    """The table answers only a part of what is asked of it, again and again; ask later."""


class Items:
    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, model: str, item: str) -> Item | None:
        found = self._client.get_item(
            TableName=self._table, Key=key_of(model, item), ConsistentRead=True
        )
        return of_model(unpacked(found["Item"])) if "Item" in found else None

    def beginning_with(self, model: str, prefix: str) -> Iterator[Item]:
        """The model's items whose names begin so, in the order of their names."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#model = :model AND begins_with(#item, :prefix)",
            ExpressionAttributeNames={"#model": "model", "#item": "item"},
            ExpressionAttributeValues=packed(
                {":model": partition(model, prefix), ":prefix": prefix}
            ),
            ConsistentRead=True,
        )
        for page in pages:
            yield from (of_model(unpacked(item)) for item in page["Items"])

    def between(
        self, model: str, first: str, last: str, fields: Sequence[str] = ()
    ) -> Iterator[Item]:
        """The model's items whose names are from the first to the last, in the order of names.

        With `fields`, only those and the key: the others are not sent.
        """
        names = {"#model": "model", "#item": "item"}
        named = names | {f"#f{number}": name for number, name in enumerate(fields)}
        shown: Any = {"ProjectionExpression": ", ".join(named)} if fields else {}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#model = :model AND #item BETWEEN :first AND :last",
            ExpressionAttributeNames=named,
            ExpressionAttributeValues=packed(
                {":model": partition(model, first), ":first": first, ":last": last}
            ),
            ConsistentRead=True,
            **shown,
        )
        for page in pages:
            yield from (of_model(unpacked(item)) for item in page["Items"])

    def of(self, whole: str) -> Iterator[Item]:
        """All the items of a whole partition, in the order of their names."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#model = :model",
            ExpressionAttributeNames={"#model": "model"},
            ExpressionAttributeValues=packed({":model": whole}),
            ConsistentRead=True,
        )
        for page in pages:
            yield from (unpacked(item) for item in page["Items"])

    def read_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """Those of the items that are there, a hundred by one call."""
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, Item] = {}
        for first in range(0, len(wanted), KEYS_A_CALL):
            for item in self._batch(wanted[first : first + KEYS_A_CALL]):
                found[item["model"], item["item"]] = item
        return found

    def _batch(self, keys: list[Key]) -> Iterator[Item]:
        asked: Any = [key_of(model, item) for model, item in keys]
        for repeat in range(_MOST_REPEATS):
            if repeat:
                time.sleep(0.05 * 2**repeat)
            answer = self._client.batch_get_item(
                RequestItems={self._table: {"Keys": asked, "ConsistentRead": True}}
            )
            yield from (
                of_model(unpacked(item)) for item in answer["Responses"].get(self._table, [])
            )
            left = answer.get("UnprocessedKeys", {}).get(self._table)
            if not left:
                return
            asked = left["Keys"]
        raise ThrottledError(f"{len(asked)} items of {self._table} could not be read")

    def change(
        self, model: str, item: str, fields: Mapping[str, Any], expected: Expected | None = None
    ) -> Item | None:
        """Set the fields, and remove those that are None, if the item is as expected.

        Returns the item as it is then; None, with nothing changed, if it is not.
        """
        request = self._update(model, item, fields, expected)
        try:
            changed = self._client.update_item(**request, ReturnValues="ALL_NEW")
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return of_model(unpacked(changed["Attributes"]))

    def change_all(self, changes: Iterable[Change]) -> bool:
        """Make all the changes at once, or none of them if one item is not as expected."""
        updates: Any = [{"Update": self._update(*change)} for change in changes]
        repeats = iter(range(1, _MOST_REPEATS))
        while True:
            try:
                self._client.transact_write_items(TransactItems=updates)
                return True
            except self._client.exceptions.TransactionCanceledException as error:
                reasons = error.response.get("CancellationReasons", [])
                codes = {one.get("Code") for one in reasons}
                if "ConditionalCheckFailed" in codes:
                    return False
                repeat = next(repeats, None)
                if "TransactionConflict" not in codes or repeat is None:
                    raise
                time.sleep(0.05 * 2**repeat)

    def _update(
        self, model: str, item: str, fields: Mapping[str, Any], expected: Expected | None
    ) -> Any:
        """What UpdateItem is asked."""
        names: dict[str, str] = {}
        values: dict[str, Any] = {}

        def name(attribute: str) -> str:
            return names.setdefault(attribute, f"#a{len(names)}")

        def value(content: Any) -> str:
            values[f":v{len(values)}"] = content
            return f":v{len(values) - 1}"

        sets = [f"{name(key)} = {value(one)}" for key, one in fields.items() if one is not None]
        removes = [name(key) for key, one in fields.items() if one is None]
        conditions = [
            f"({' OR '.join(_is(name(key), one, value) for one in allowed)})"
            for key, allowed in (expected or {}).items()
        ]
        update = f"SET {', '.join(sets)}" if sets else ""
        update += f" REMOVE {', '.join(removes)}" if removes else ""
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": key_of(model, item),
        }
        if update:
            request["UpdateExpression"] = update.strip()
        if conditions:
            request["ConditionExpression"] = " AND ".join(conditions)
        if values:
            request["ExpressionAttributeValues"] = packed(values)
        if names:
            request["ExpressionAttributeNames"] = {short: key for key, short in names.items()}
        return request

    def remove(self, model: str, item: str) -> None:
        """Delete the item, if it is there."""
        self._client.delete_item(TableName=self._table, Key=key_of(model, item))


def _is(name: str, allowed: Any, value: Any) -> str:
    return f"attribute_not_exists({name})" if allowed is None else f"{name} = {value(allowed)}"


def packed(item: Mapping[str, Any]) -> dict[str, Any]:
    """In DynamoDB's own form, without what is None."""
    serializer = TypeSerializer()
    return {name: serializer.serialize(value) for name, value in item.items() if value is not None}


def unpacked(item: Mapping[str, Any]) -> Item:
    """From DynamoDB's own form; whole numbers are int."""
    deserializer = TypeDeserializer()
    return {name: _plain(deserializer.deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    whole = isinstance(value, Decimal) and value == value.to_integral_value()
    return int(value) if whole else value
