"""What the model table holds about runs: the retrain lock, the runs, the current definition.

A model's items are `retrain-lock`, `definition`, `steps`, `run#<run>` and `fingerprint#<sha256>`;
those of its releases are in release_table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.stage.items import packed, unpacked

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LOCK = "retrain-lock"

# Statuses of a run that ended well.
CLOSED = ("SUCCEEDED", "NOTHING_NEW")


@dataclass(frozen=True)
class QueuedRequest:
    """Requests that came while another run held the lock, merged into one; `runs` made them."""

    reasons: tuple[str, ...]
    input: Mapping[str, Any]
    asked_at: int
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Handover:
    """Who passed the lock to whom, kept so that a repeat starts the same run again.

    The started run covers the requests of `runs`.
    """

    by: str
    to: str
    input: Mapping[str, Any]
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetrainLock:
    """The lock of one model; `until` is in epoch seconds, `revision` counts its writes."""

    holder: str | None = None
    until: int = 0
    queued: QueuedRequest | None = None
    handed: Handover | None = None
    revision: int = 0


class RunTable:
    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    # ---- the lock

    def lock(self, model: str) -> RetrainLock:
        return _lock(self._read(model, _LOCK) or {})

    def write_lock(self, model: str, seen: RetrainLock, wanted: RetrainLock) -> bool:
        """Write unless another write came between: then nothing is written and it is False."""
        item = {
            "model": model,
            "item": _LOCK,
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

    def run(self, model: str, run: str) -> dict[str, Any]:
        """A run's record; empty if there is none."""
        return self._read(model, f"run#{run}") or {}

    def write_run(self, model: str, run: str, fields: Mapping[str, str | None]) -> dict[str, Any]:
        """Add to a run's record, leaving out what is None; returns what it was before."""
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

    # ---- definitions and fingerprints

    def current_definition(self, model: str) -> str | None:
        """The sha256 of the definition that a run uses unless its request names another."""
        found = self._read(model, "definition")
        return str(found["sha256"]) if found else None

    def steps(self, model: str) -> dict[str, Any]:
        """What the last run that was closed has seen of each step; empty without one."""
        found = self._read(model, "steps")
        return dict(json.loads(found["seen"])) if found else {}

    def remember_steps(self, model: str, seen: Mapping[str, Any]) -> None:
        item = {"model": model, "item": "steps", "seen": json.dumps(seen, sort_keys=True)}
        self._client.put_item(TableName=self._table, Item=packed(item))

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


def _lock(item: Mapping[str, Any]) -> RetrainLock:
    queued, handed = item.get("queued"), item.get("handed")
    return RetrainLock(
        holder=item.get("holder"),
        until=int(item.get("until", 0)),
        queued=queued
        and QueuedRequest(
            tuple(queued["reasons"]),
            json.loads(queued["input"]),
            int(queued["asked_at"]),
            tuple(queued["runs"]),
        ),
        handed=handed
        and Handover(
            handed["by"], handed["to"], json.loads(handed["input"]), tuple(handed["runs"])
        ),
        revision=int(item.get("revision", 0)),
    )


# Inputs are kept as JSON text: a DynamoDB number would make a parameter of 1.0 into 1, and with it
# the run's fingerprint into another.
def _queued_item(queued: QueuedRequest) -> dict[str, Any]:
    return {
        "reasons": list(queued.reasons),
        "input": json.dumps(queued.input),
        "asked_at": queued.asked_at,
        "runs": list(queued.runs),
    }


def _handed_item(handed: Handover) -> dict[str, Any]:
    return {
        "by": handed.by,
        "to": handed.to,
        "input": json.dumps(handed.input),
        "runs": list(handed.runs),
    }
