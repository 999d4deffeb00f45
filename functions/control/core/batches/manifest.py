"""manifest.json: what a batch that was proven whole consists of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from core.batches.proof import Proof
from core.batches.results import Results
from core.cost.prices import Prices
from core.cost.reported import cost
from core.usage.places import LAMBDA
from core.usage.sizing import sizing
from core.words.formats import parsed, timestamp

FORMAT = 1
# What the records say of each object: rows and bytes, and the digest that a download is held to.
_OF_AN_OBJECT = ("key", "rows", "bytes", "sha256")


@dataclass(frozen=True)
class Work:
    """`host_seconds`: how long the batch's hosts worked in all; None where that is not known.
    `function_mb`: the memory of the function that was the host, if one was. `used`: what the host
    of the last attempt that used most has used."""

    host_seconds: float | None
    function_mb: float | None = None
    used: Mapping[str, float] = field(default_factory=dict)

    def place(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """What a host is."""
        if self.function_mb is not None:
            return {"rung": LAMBDA, "memory_mb": self.function_mb}
        return {"rung": "processing", **plan["resources"]}


def manifest_document(
    plan: Mapping[str, Any],
    results: Results,
    proof: Proof,
    now: datetime,
    work: Work,
    prices: Prices,
) -> dict[str, Any]:
    place, hosts = work.place(plan), {"instance_count": plan["hosts"]}
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
        "cost": cost({"score": {"seconds": work.host_seconds}}, {"score": place}, prices),
        "sizing": asdict(sizing(work.used, place | hosts, prices)),
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
