"""What a batch's documents say of its files, after some were written again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanmon.stage.connection import objects_under

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection


# A batch's documents that name files, besides done/. Others, as usage.json, are about machines.
NAMING_FILES = ("plan.json", "shards.json", "manifest.json")


@dataclass(frozen=True)
class Current:
    """An object as it is now. Of inputs, no document has rows or digest."""

    version: str
    size: int
    sha256: str
    rows: int | None

    @classmethod
    def of(cls, version: str, path: Path, kind: str) -> "Current":
        """Its digest, and how many rows a Parquet file has."""
        import polars as pl

        rows = None
        if kind in ("scores", "rejects"):
            rows = pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(version, path.stat().st_size, digest, rows)


def update_batch(connection: "Connection", folder: str, objects: Mapping[str, Current]) -> None:
    """Write the documents of a batch that say something else of these objects again."""
    for one in objects_under(connection, f"{folder}/"):
        name = one["Key"].removeprefix(f"{folder}/")
        if name not in NAMING_FILES and not name.startswith("done/"):
            continue
        found = connection.s3.get_object(Bucket=connection.bucket, Key=one["Key"])
        document = json.loads(found["Body"].read())
        updated = renewed(document, objects)
        if one["Key"] == f"{folder}/manifest.json":
            forgotten = [each.get("forgotten", 0) for each in updated.get("scores", ())]
            if any(forgotten):
                updated["forgotten"] = sum(forgotten)
        if updated != document:
            connection.s3.put_object(
                Bucket=connection.bucket,
                Key=one["Key"],
                Body=json.dumps(updated, indent=1, ensure_ascii=False).encode(),
                ContentType="application/json",
            )


def renewed(document: Any, objects: Mapping[str, Current]) -> Any:
    """The document with these objects as they are now. What was counted stays: `forgotten` says by
    how many rows a file became shorter.

    >>> now = Current("v2", 90, "0b", 8)
    >>> renewed([{"key": "a", "rows": 10, "bytes": 99, "sha256": "0a"}], {"a": now})
    [{'key': 'a', 'rows': 8, 'bytes': 90, 'sha256': '0b', 'forgotten': 2}]
    >>> renewed({"objects": [{"key": "a", "version_id": "v1", "size": 99}]}, {"a": now})
    {'objects': [{'key': 'a', 'version_id': 'v2', 'size': 90}]}
    """
    if isinstance(document, list):
        return [renewed(each, objects) for each in document]
    if not isinstance(document, dict):
        return document
    current = objects.get(str(document.get("key")))
    if current is None:
        return {name: renewed(value, objects) for name, value in document.items()}
    return _of_file(document, current)


def _of_file(entry: dict[str, Any], current: Current) -> dict[str, Any]:
    if "sha256" in entry and entry["sha256"] != current.sha256:
        fewer = int(entry.get("rows", 0)) - (current.rows or 0)
        return {
            **entry,
            **({"rows": current.rows} if "rows" in entry else {}),
            **({"bytes": current.size} if "bytes" in entry else {}),
            "sha256": current.sha256,
            "forgotten": int(entry.get("forgotten", 0)) + fewer,
        }
    if "version_id" in entry:
        size = {"size": current.size} if "size" in entry else {}
        return {**entry, "version_id": current.version, **size}
    return entry
