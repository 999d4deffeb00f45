"""manifest.json: what a batch that was proven whole consists of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.batches.proof import Proof
from core.batches.results import Results
from core.cost.prices import Prices
from core.cost.reported import cost
from core.words.formats import parsed, timestamp

FORMAT = 1
# What the records say of each object: rows and bytes, and the digest that a download is held to.
_OF_AN_OBJECT = ("key", "rows", "bytes", "sha256")


def manifest_document(
    plan: Mapping[str, Any],
    results: Results,
    proof: Proof,
    now: datetime,
    host_seconds: float | None,
    prices: Prices,
    function_mb: float | None = None,
) -> dict[str, Any]:
    """`host_seconds`: how long the batch's hosts worked in all; None where that is not known.
    `function_mb`: the memory of the function that was the host, if one was."""
    place: dict[str, Any] = {"instance_type": plan["resources"]["instance_type"]}
    if function_mb is not None:
        place = {"rung": "lambda", "memory_mb": function_mb}
    done = sorted(results.done, key=lambda record: int(record["shard"]))
    asked_at = parsed(plan["asked_at"])
    return {
        "format": FORMAT,
        "batch": plan["batch"],
        "model": plan["model"],
        "reason": plan["reason"],
        "asked_at": plan["asked_at"],
        "closed_at": timestamp(now),
        "release": plan["release"],
        "options": plan["options"],
        "rows": vars(proof.total),
        "files": [
            {**known, **vars(rows)}
            for known, rows in zip(plan["objects"], proof.files, strict=True)
        ],
        "shards": len(results.shards),
        "hosts": plan["hosts"],
        "scores": _objects(done, "scores"),
        "rejects": _objects(done, "rejects"),
        "missing": _sums(done, "missing"),
        "unknown": _sums(done, "unknown"),
        "bytes": sum(int(each["size"]) for each in plan["objects"]),
        "seconds": round((now - asked_at).total_seconds(), 1) if asked_at else None,
        "cost": cost({"score": {"seconds": host_seconds}}, {"score": place}, prices),
    }


def _objects(done: Sequence[Mapping[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [
        {name: each[name] for name in _OF_AN_OBJECT if name in each}
        for record in done
        for each in record[kind]
    ]


def _sums(done: Sequence[Mapping[str, Any]], kind: str) -> dict[str, int]:
    """Rows by feature, over all shards; the features of which there are none are left out."""
    found: dict[str, int] = {}
    for record in done:
        for feature, rows in record.get(kind, {}).items():
            found[feature] = found.get(feature, 0) + int(rows)
    return {feature: rows for feature, rows in sorted(found.items()) if rows}
