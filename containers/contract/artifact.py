"""model.tar.gz: the files of a trained model. The same content always gives the same bytes."""

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.encoding import Encoding
from contract.step import StepError

NATIVE_FILES = {"lightgbm": "model.txt", "xgboost": "model.ubj"}


@dataclass(frozen=True)
class Artifact:
    """A trained model: the library's own text or UBJ, ONNX, the encoding and a description."""

    native: bytes
    onnx: bytes
    encoding: Encoding
    description: Mapping[str, Any]

    @property
    def library(self) -> str:
        """The library that trained it and computes its feature importance."""
        return str(self.description["library"])

    @property
    def threshold(self) -> float | None:
        """The score from which a row counts as positive; binary models only."""
        threshold = self.description["threshold"]
        return None if threshold is None else float(threshold)

    def pack(self) -> bytes:
        """Return the bytes of model.tar.gz."""
        description = json.dumps(self.description, ensure_ascii=False, indent=1, allow_nan=False)
        return _tar_gz(
            {
                NATIVE_FILES[self.library]: self.native,
                "model.onnx": self.onnx,
                "encoding.json": self.encoding.to_json().encode(),
                "model.json": (description + "\n").encode(),
            }
        )

    @classmethod
    def unpack(cls, packed: bytes, where: str) -> "Artifact":
        """Read model.tar.gz. `where` names it in the StepError raised when it cannot be read."""
        try:
            members = _members(packed)
            description = json.loads(members["model.json"])
            return cls(
                native=members[NATIVE_FILES[description["library"]]],
                onnx=members["model.onnx"],
                encoding=Encoding.from_json(members["encoding.json"]),
                description=description,
            )
        except KeyError as error:
            raise StepError(f"{where}: the model has no {error}; train it again") from None
        except (OSError, EOFError, tarfile.TarError, zlib.error, ValueError) as error:
            raise StepError(f"{where}: not a readable model ({error}); train it again") from None

    @classmethod
    def read(cls, folder: Path, expected: str) -> "Artifact":
        """Read model.tar.gz. Raises StepError unless it has the digest that was recorded."""
        packed = folder / "model.tar.gz"
        try:
            content = packed.read_bytes()
        except FileNotFoundError:
            raise StepError(
                f"{packed}: there is no model; run the step that writes it again"
            ) from None
        if sha256(content) != expected:
            raise StepError(
                f"{packed}: its sha256 is {sha256(content)}, but {expected} was recorded: the file "
                "was changed after training; restore the recorded version or train again"
            )
        return cls.unpack(content, str(packed))


def sha256(content: bytes) -> str:
    """The digest that identifies an artifact in the plan, the registry and the release."""
    return hashlib.sha256(content).hexdigest()


def _tar_gz(members: Mapping[str, bytes]) -> bytes:
    """Pack in sorted order, without times, owners or a name in the gzip header."""
    tar_bytes = io.BytesIO()
    with tarfile.open(fileobj=tar_bytes, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(members):
            entry = tarfile.TarInfo(name)
            entry.size = len(members[name])
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(members[name]))
    return gzip.compress(tar_bytes.getvalue(), compresslevel=6, mtime=0)


def _members(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        return {
            entry.name: archive.extractfile(entry).read()  # type: ignore[union-attr]
            for entry in archive
            if entry.isfile()
        }
