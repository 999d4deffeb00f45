"""A batch as Open Batch plans it and as the job leaves it, for tests to bend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.batches.results import Results

if TYPE_CHECKING:
    from tests.support.stage_in_memory import Stage

BATCH = "churn-261122055501-b7h"
FOLDER = f"batches/churn/{BATCH}"
RELEASE = {
    "number": 3,
    "run": "churn-261121055501-x7k",
    "artifact_uri": "s3://kanmon-test-data/runs/churn/churn-261121055501-x7k/train/model.tar.gz",
    "artifact_version": "v1",
    "artifact_sha256": "a" * 64,
    "definition_sha256": "d" * 64,
    "promoted_at": "2026-11-21T06:10:00Z",
}


def plan(files: int = 2) -> dict[str, Any]:
    return {
        "format": 1,
        "batch": BATCH,
        "run": BATCH,
        "model": "churn",
        "reason": "manual",
        "asked_at": "2026-11-22T05:55:01Z",
        "release": dict(RELEASE),
        "objects": [
            {"key": f"datasets/churn/{index}.csv", "version_id": f"v{index}", "size": 100}
            for index in range(files)
        ],
        "options": {"allow_missing": [], "explain": 0},
        "hosts": 2,
        "prefix": FOLDER,
        "resources": {"instance_type": "ml.m5.large", "volume_gb": 30, "timeout_seconds": 7200},
    }


def shards(files: int = 2) -> list[dict[str, Any]]:
    """A shard for each file."""
    return [
        {
            "shard": index,
            "host": index % 2,
            "bytes": 100,
            "parts": [{"file": index, "row_groups": None, "first_row": 1, "rows": None}],
        }
        for index in range(files)
    ]


def done(shard: int, rows_in: int = 10, rejected: int = 1) -> dict[str, Any]:
    """The record of the shard that has one whole file."""
    scored = rows_in - rejected
    name = f"{shard:05}-0000.parquet"
    return {
        "format": 1,
        "shard": shard,
        "release": RELEASE["number"],
        "artifact_sha256": RELEASE["artifact_sha256"],
        "files": [
            {
                "file": shard,
                "key": f"datasets/churn/{shard}.csv",
                "version_id": f"v{shard}",
                "first_row": 1,
                "rows_in": rows_in,
                "scored": scored,
                "rejected": rejected,
            }
        ],
        "scores": [
            {"key": f"{FOLDER}/scores/{name}", "rows": scored, "bytes": 50, "sha256": "b" * 64}
        ],
        "rejects": [
            {"key": f"{FOLDER}/rejects/{name}", "rows": rejected, "bytes": 5, "sha256": "c" * 64}
        ],
        "missing": {"tenure": 2},
        "unknown": {},
        "host": 0,
    }


def parts(records: list[dict[str, Any]]) -> dict[str, int]:
    """The objects that the records name, and their bytes."""
    named = [one for record in records for one in (*record["scores"], *record["rejects"])]
    return {one["key"]: one["bytes"] for one in named}


def results(files: int = 2) -> Results:
    records = [done(index) for index in range(files)]
    return Results(shards(files), records, parts(records))


def leave_scored(stage: Stage, record: dict[str, Any] | None = None) -> None:
    """Write what the job leaves of the one file of a plan."""
    [planned] = stage.get_json(f"{FOLDER}/plan.json")["objects"]
    found = record or done(0)
    found["files"][0] |= {"key": planned["key"], "version_id": planned["version_id"]}
    part = {"file": 0, "row_groups": None, "first_row": 1, "rows": None}
    shard = {"shard": 0, "host": 0, "bytes": 1, "parts": [part]}
    stage.put(f"{FOLDER}/shards.json", {"format": 1, "shards": [shard]})
    for one in (*found["scores"], *found["rejects"]):
        stage.put(one["key"], b"x" * one["bytes"])
    stage.put(f"{FOLDER}/done/00000.json", found)
