"""The table of models: whose turn it is, which runs there were, which definition is current.

Items of one model share the partition key `model`; the sort key `item` is one of `turn`,
`definition`, `run#<run>` and `fingerprint#<sha256>`; those of releases are in
releases.release_ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from core.runs.lock import Asked, Handed, Queued, Turn, ask, hand_over
from core.stage.items import packed, unpacked

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Each lost race means that another run's write won, so this many runs would have to ask at once.
_MOST_RACES = 100

CLOSED = ("SUCCEEDED", "NOTHING_NEW")


class TurnContestedError(Exception):
    """Too many runs of one model asked for its turn at the same moment; ask again."""


class Ledger:
    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    # ---- the turn

    def turn(self, model: str) -> Turn:
        return _turn(self._read(model, "turn") or {})

    def ask_turn(
        self,
        model: str,
        run: str,
        now: int,
        seconds: int,
        request: Mapping[str, Any],
        has_ended: Callable[[str], bool],
    ) -> Asked:
        """Take the model's turn for `seconds`, or leave the request in its queue."""
        has_ended = cache(has_ended)  # asked about a holder once, however many races are lost
        for _ in range(_MOST_RACES):
            seen = self.turn(model)
            asked = ask(seen, run, now, seconds, request, has_ended)
            if self._write_turn(model, seen, asked.turn):
                return asked
        raise TurnContestedError(f"model {model}: too many runs ask for its turn at once; retry")

    def hand_over_turn(self, model: str, run: str, now: int) -> Handed | None:
        """Give the turn back if `run` holds it. Answers with the run to start next, if any."""
        for _ in range(_MOST_RACES):
            seen = self.turn(model)
            left, handed = hand_over(seen, run, model, now)
            if left == seen or self._write_turn(model, seen, left):
                return handed
        raise TurnContestedError(f"model {model}: too many runs ask for its turn at once; retry")

    def _write_turn(self, model: str, seen: Turn, wanted: Turn) -> bool:
        """Write unless another write came between: then nothing is written and it is False."""
        item = {
            "model": model,
            "item": "turn",
            "until": wanted.until,
            "revision": seen.revision + 1,
            "holder": wanted.holder,
            "queued": wanted.queued and _queued_item(wanted.queued),
            "handed": wanted.handed and _handed_item(wanted.handed),
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=packed(item),
                ConditionExpression="attribute_not_exists(#r) OR #r = :seen",
                ExpressionAttributeNames={"#r": "revision"},
                ExpressionAttributeValues={":seen": {"N": str(seen.revision)}},
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    # ---- runs

    def run_record(self, model: str, run: str) -> dict[str, Any]:
        """What is known of a run; empty if nothing is."""
        return self._read(model, f"run#{run}") or {}

    def write_run(self, model: str, run: str, fields: Mapping[str, str | None]) -> dict[str, Any]:
        """Add to a run's record, leaving out what is None; answers with what it was before."""
        given = {name: value for name, value in fields.items() if value is not None}
        names = {f"#{name}": name for name in given}
        before = self._client.update_item(
            TableName=self._table,
            Key={"model": {"S": model}, "item": {"S": f"run#{run}"}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in given),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{name}": {"S": value} for name, value in given.items()},
            ReturnValues="ALL_OLD",
        )
        return unpacked(before.get("Attributes", {}))

    # ---- the champion, definitions and fingerprints

    def champion(self, model: str) -> dict[str, Any] | None:
        """What the release pipeline promoted last; it alone writes this item."""
        return self._read(model, "champion")

    def current_definition(self, model: str) -> str | None:
        """The sha256 of the definition that runs without one of their own use."""
        found = self._read(model, "definition")
        return str(found["sha256"]) if found else None

    def run_with_fingerprint(self, model: str, fingerprint: str) -> str | None:
        """The earlier good run that had the same data, definition, code and parameters."""
        found = self._read(model, f"fingerprint#{fingerprint}")
        return str(found["run"]) if found else None

    def remember_fingerprint(self, model: str, fingerprint: str, run: str) -> None:
        item = {"model": model, "item": f"fingerprint#{fingerprint}", "run": run}
        self._client.put_item(TableName=self._table, Item=packed(item))

    def _read(self, model: str, item: str) -> dict[str, Any] | None:
        found = self._client.get_item(
            TableName=self._table,
            Key={"model": {"S": model}, "item": {"S": item}},
            ConsistentRead=True,
        )
        return unpacked(found["Item"]) if "Item" in found else None


def _turn(item: Mapping[str, Any]) -> Turn:
    queued, handed = item.get("queued"), item.get("handed")
    return Turn(
        holder=item.get("holder"),
        until=int(item.get("until", 0)),
        queued=queued
        and Queued(
            tuple(queued["reasons"]),
            json.loads(queued["input"]),
            int(queued["asked_at"]),
            # A turn written by an earlier version names no runs.
            tuple(queued.get("runs", ())),
        ),
        handed=handed
        and Handed(
            handed["by"], handed["to"], json.loads(handed["input"]), tuple(handed.get("runs", ()))
        ),
        revision=int(item.get("revision", 0)),
    )


# Inputs are kept as JSON text: a DynamoDB number would turn a parameter of 1.0 into 1, and with it
# the run's fingerprint into another.
def _queued_item(queued: Queued) -> dict[str, Any]:
    return {
        "reasons": list(queued.reasons),
        "input": json.dumps(queued.input),
        "asked_at": queued.asked_at,
        "runs": list(queued.runs),
    }


def _handed_item(handed: Handed) -> dict[str, Any]:
    return {
        "by": handed.by,
        "to": handed.to,
        "input": json.dumps(handed.input),
        "runs": list(handed.runs),
    }
