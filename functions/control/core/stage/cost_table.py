"""What the model table holds about costs.

A record (of a run, a batch, a monitoring) has an attribute `cost`, and `paid`: what was counted
when, a short list. A model has an item `cost#<YYYY-MM>` for each month, and an item `cost` with the
last costs of each work, the estimate that they give, and what people allowed on top of a month's
budget.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from core.stage.items import Items, packed
from core.stage.table_key import key_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LAST = "cost"


class CostTable:
    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table
        self._items = Items(client, table)

    def of_record(self, model: str, item: str) -> str | None:
        """A record's `cost` as it is."""
        found = (self._items.read(model, item) or {}).get("cost")
        return found if isinstance(found, str) else None

    def pay(
        self,
        model: str,
        item: str,
        month: str,
        at: str,
        seen: str | None,
        cost: str,
        usd: float,
        added: Mapping[str, Decimal],
    ) -> bool:
        """Give the record its new cost, with what was counted `at`, and add to the month: all or
        nothing.

        False where the record's cost is not what was seen any more, or somebody writes either item
        at this moment.
        """
        marked: dict[str, Any] = {
            "TableName": self._table,
            "Key": key_of(model, item),
            "UpdateExpression": "SET #cost = :cost, #usd = :usd",
            "ConditionExpression": "#cost = :seen" if seen else "attribute_not_exists(#cost)",
            "ExpressionAttributeNames": {"#cost": "cost", "#usd": "usd"},
            "ExpressionAttributeValues": packed(
                {":cost": cost, ":usd": Decimal(str(usd)), ":seen": seen}
            ),
        }
        if "usd" in added:
            marked["UpdateExpression"] += ", #paid = list_append(if_not_exists(#paid, :none), :new)"
            marked["ExpressionAttributeNames"]["#paid"] = "paid"
            marked["ExpressionAttributeValues"] |= packed(
                {":none": [], ":new": [{"at": at, "usd": added["usd"]}]}
            )
        changes: list[Any] = [{"Update": marked}]
        if added:
            changes.append({"Update": self._addition(model, month, added)})
        try:
            self._client.transact_write_items(TransactItems=changes)
        except self._client.exceptions.TransactionCanceledException as error:
            codes = {one.get("Code") for one in error.response.get("CancellationReasons", [])}
            if codes & {"ConditionalCheckFailed", "TransactionConflict"}:
                return False
            raise
        return True

    def _addition(self, model: str, month: str, added: Mapping[str, Decimal]) -> dict[str, Any]:
        names = {f"#{name}": name for name in added}
        return {
            "TableName": self._table,
            "Key": key_of(model, f"cost#{month}"),
            "UpdateExpression": "ADD " + ", ".join(f"#{name} :{name}" for name in added),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": packed({f":{name}": one for name, one in added.items()}),
        }

    def last(self, model: str, work: str) -> list[dict[str, Any]]:
        """The last costs of a work, the newest at the end."""
        found = (self._items.read(model, LAST) or {}).get(f"{work}_last")
        return list(json.loads(found)) if isinstance(found, str) else []

    def item(self, model: str) -> dict[str, Any] | None:
        """The model's item `cost`."""
        return self._items.read(model, LAST)

    def remember(
        self,
        model: str,
        work: str,
        seen: Sequence[object],
        latest: Sequence[object],
        estimate: float | None,
    ) -> bool:
        """Keep the last costs and the estimate, unless they are not what was seen any more."""
        fields = {
            f"{work}_last": json.dumps(latest),
            f"{work}_estimate_usd": None if estimate is None else Decimal(str(estimate)),
        }
        expected = {f"{work}_last": (json.dumps(seen),) if seen else (None,)}
        return self._items.change(model, LAST, fields, expected) is not None
