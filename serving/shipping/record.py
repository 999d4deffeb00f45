"""release.json, the record that Verify and packaging work from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
# What the bundle's top folder has besides the serving code, and what is written beside it.
RECORD, GOLDEN = "release.json", "golden.json"
WORK, VERIFIED = "work", "verified"
NOT_SOURCE = {RECORD, GOLDEN, WORK, VERIFIED}


class ReleaseError(Exception):
    """The release cannot continue. One line says what is wrong and what to do."""


@dataclass(frozen=True)
class Place:
    """An object version in S3, with the digest of its content."""

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
            raise ReleaseError("the bundle has no release.json; open a new release") from None
        except ValueError as error:
            raise ReleaseError(f"release.json is not JSON ({error}); open a new release") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ReleaseError(
                f"release.json is not of format {FORMAT}; verify it with the code of its own bundle"
            )
        missing = {"model", "release", "stack", "artifact", "golden", "source", "serving", "task"}
        missing -= document.keys()
        if missing:
            raise ReleaseError(
                f"release.json has no {', '.join(sorted(missing))}; open a new release"
            )
        return cls(raw, document)

    @property
    def name(self) -> str:
        """The release's name, such as abalone/7."""
        return f"{self.document['model']}/{self.document['release']}"

    @property
    def artifact(self) -> Place:
        """model.tar.gz."""
        return Place.of(self.document["artifact"])

    @property
    def features(self) -> list[dict[str, Any]]:
        """The features that have bounds in model.yaml, if the record has them."""
        return [
            {key: entry.get(key) for key in ("name", "minimum", "maximum")}
            for entry in self.document.get("features") or ()
            if entry.get("minimum") is not None or entry.get("maximum") is not None
        ]

    @property
    def key(self) -> list[str]:
        """The columns that identify a row. Records of earlier versions do not name them."""
        return list(self.document.get("key") or ())

    @property
    def private(self) -> list[str]:
        """The columns of a request that model.yaml calls private."""
        return sorted(
            {
                (entry.get("derive") or {}).get("column") or entry["name"]
                for entry in self.document.get("features") or ()
                if entry.get("private")
            }
        )


def sha256(content: bytes) -> str:
    """The digest that identifies the parts of a release."""
    return hashlib.sha256(content).hexdigest()
