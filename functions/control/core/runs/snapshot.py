"""A snapshot: the exact objects a run reads, and so the version of the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.canonical import digest
from core.runs.rungs import text_mb
from core.stage.bucket import DataObject
from core.words.catalogue import say
from core.words.lists import enumerated

DATA_SUFFIXES = (".csv", ".csv.gz", ".parquet")
PARQUET = "parquet"


class EmptyDatasetError(Exception):
    """There is nothing to train on."""


class UnknownFileKindError(Exception):
    """A file among the data that no step can read."""


@dataclass(frozen=True)
class Snapshot:
    id: str
    model: str
    bucket: str
    objects: tuple[DataObject, ...]
    # What the objects are, where their names do not say it: a query names its files as it likes.
    kind: str | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Snapshot:
        """From the content of snapshots/<model>/<id>.json."""
        objects = tuple(DataObject(**each) for each in document["objects"])
        return cls(
            id=document["id"],
            model=document["model"],
            bucket=document["bucket"],
            objects=objects,
            kind=document.get("kind"),
        )

    @property
    def bytes(self) -> int:
        return sum(each.size for each in self.objects)

    @property
    def text_mb(self) -> float:
        """About how many MB it would be as text without compression."""
        ending = f".{self.kind}" if self.kind else ""
        return round(text_mb((each.key + ending, each.size) for each in self.objects), 3)

    def document(self) -> dict[str, Any]:
        """The content of snapshots/<model>/<id>.json."""
        return {
            "format": 1,
            "id": self.id,
            "model": self.model,
            "bucket": self.bucket,
            **({"kind": self.kind} if self.kind else {}),
            "objects": [asdict(each) for each in self.objects],
        }


def take_snapshot(model: str, bucket: str, location: str, listed: Iterable[DataObject]) -> Snapshot:
    """The snapshot of the current objects below `location`, whatever their order.

    Its id follows from keys, sizes and checksums: the same bytes uploaded again are the same data,
    though their version ids differ. Folder markers and names that begin with `.` or `_` are not
    data; any other name that no step can read is an error, see `data_objects`.
    """
    objects = data_objects(bucket, listed, say("refused.convert"))
    if not objects:
        raise EmptyDatasetError(
            say("refused.no_data", where=f"s3://{bucket}/{location}", model=model)
        )
    identity = digest([[each.key, each.size, each.checksum] for each in objects])[:32]
    return Snapshot(identity, model, bucket, objects)


def data_objects(bucket: str, listed: Iterable[DataObject], fix: str) -> tuple[DataObject, ...]:
    """The data files among what was listed, by name, without folder markers and hidden files.

    Any other file that no step can read is an error, so that no file is skipped unseen.
    """
    objects = tuple(sorted(each for each in listed if not _is_marker(each)))
    for each in objects:
        if not each.key.lower().endswith(DATA_SUFFIXES):
            kinds = enumerated(DATA_SUFFIXES)
            where = f"s3://{bucket}/{each.key}"
            raise UnknownFileKindError(say("refused.file_kind", where=where, kinds=kinds, fix=fix))
    return objects


def _is_marker(each: DataObject) -> bool:
    name = each.key.rsplit("/", 1)[-1]
    return name == "" or name.startswith((".", "_"))
