"""plan.json of a batch, which Open Batch wrote: the release, the exact objects and the options."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from contract.plan import Plan
from contract.step import StepError
from reading.source import DataObject

FORMAT = 1


@dataclass(frozen=True)
class BatchPlan:
    """A batch. `plan` says how the release's model reads data; `prefix` is where results go."""

    batch: str
    bucket: str
    prefix: str
    release: int
    artifact_sha256: str
    objects: tuple[DataObject, ...]
    allow_missing: tuple[str, ...]
    explain: int
    shard_bytes: int
    memory_mb: int
    plan: Plan

    @classmethod
    def read(cls, path: Path) -> "BatchPlan":
        """Read plan.json. Raises StepError, which names what is wrong."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["format"] != FORMAT:
                raise StepError(
                    f"{path}: the plan has format {document['format']!r}, but this version reads "
                    f"{FORMAT}; start a new batch"
                )
            options, release, bucket = document["options"], document["release"], document["bucket"]
            memory_mb = int(document["memory_mb"])
            return cls(
                batch=document["batch"],
                bucket=bucket,
                prefix=document["prefix"].rstrip("/"),
                release=int(release["number"]),
                artifact_sha256=release["artifact_sha256"],
                objects=tuple(
                    DataObject(
                        entry.get("bucket", bucket),
                        entry["key"],
                        entry["version_id"],
                        int(entry["size"]),
                        listed="plan",
                        work="batch",
                    )
                    for entry in document["objects"]
                ),
                allow_missing=tuple(options["allow_missing"]),
                explain=int(options["explain"]),
                shard_bytes=int(document["shard_bytes"]),
                memory_mb=memory_mb,
                plan=dataclasses.replace(Plan.from_document(document), memory_mb=memory_mb),
            )
        except FileNotFoundError:
            raise StepError(f"{path}: there is no plan; start a new batch") from None
        except KeyError as error:
            raise StepError(
                f"{path}: the plan has no {error}: another version wrote it; start a new batch"
            ) from None
        except (AttributeError, TypeError, ValueError) as error:
            raise StepError(f"{path}: the plan is damaged ({error}); start a new batch") from None
