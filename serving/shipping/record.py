"""release.json as Verify and packaging need it. Everything they do follows from this record."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
# What the bundle holds at its top besides the serving code, and what is made beside it.
RECORD, GOLDEN = "release.json", "golden.json"
WORK, VERIFIED = "work", "verified"
NOT_SOURCE = {RECORD, GOLDEN, WORK, VERIFIED}


class ReleaseError(Exception):
    """The release cannot go on; one line that says what does not fit and what to do."""


@dataclass(frozen=True)
class Place:
    """An object version in S3, with the digest that its content must have."""

    bucket: str
    key: str
    version: str
    sha256: str

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "Place":
        """Take {uri, version, sha256}."""
        bucket, _, key = entry["uri"].removeprefix("s3://").partition("/")
        return cls(bucket, key, entry["version"], entry["sha256"])


@dataclass(frozen=True)
class Record:
    """A release. `document` is the whole of release.json, `raw` the bytes it was read from."""

    raw: bytes
    document: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Read the bundle's release.json. Raises ReleaseError."""
        try:
            raw = (folder / RECORD).read_bytes()
            document = json.loads(raw)
        except FileNotFoundError:
            raise ReleaseError("the bundle holds no release.json; open the release again") from None
        except ValueError as error:
            raise ReleaseError(f"release.json is not JSON ({error}); open it again") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ReleaseError(
                f"release.json is not of format {FORMAT}; this code is not the release's own"
            )
        missing = {"model", "release", "stack", "artifact", "golden", "source", "serving", "task"}
        missing -= document.keys()
        if missing:
            raise ReleaseError(f"release.json lacks {', '.join(sorted(missing))}")
        return cls(raw, document)

    @property
    def name(self) -> str:
        """The release as people call it: abalone/7."""
        return f"{self.document['model']}/{self.document['release']}"

    @property
    def artifact(self) -> Place:
        """model.tar.gz."""
        return Place.of(self.document["artifact"])

    @property
    def features(self) -> list[dict[str, Any]]:
        """The bounds of model.yaml's features, if the record has them."""
        return [
            {key: entry.get(key) for key in ("name", "minimum", "maximum")}
            for entry in self.document.get("features") or ()
            if entry.get("minimum") is not None or entry.get("maximum") is not None
        ]


def sha256(content: bytes) -> str:
    """The digest by which a release knows its parts."""
    return hashlib.sha256(content).hexdigest()
