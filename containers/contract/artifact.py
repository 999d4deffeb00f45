"""model.tar.gz: the files of a trained model. The same content always gives the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.encoding import Encoding
from contract.feature_file import NAME
from contract.features import Features
from contract.own_model import OWN
from contract.step import StepError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

# A model of an own train step is its ONNX form alone.
NATIVE_FILES = {"lightgbm": "model.txt", "xgboost": "model.ubj", OWN: "model.onnx"}


@dataclass(frozen=True)
class Artifact:
    """A trained model: the library's own text or UBJ, ONNX, the encoding and a description.

    `code` is the features.py of a model that has one.
    """

    native: bytes
    onnx: bytes
    encoding: Encoding
    description: Mapping[str, Any]
    code: Features | None = None

    @property
    def library(self) -> str:
        """The library that trained it and computes its feature importance."""
        return str(self.description["library"])

    @property
    def threshold(self) -> float | None:
        """The score from which a row counts as positive; binary models only."""
        threshold = self.description["threshold"]
        return None if threshold is None else float(threshold)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that rows to score must have."""
        return self.encoding.columns if self.code is None else tuple(self.code.inputs)

    def matrix(self, frame: pl.DataFrame) -> NDArray[np.float32]:
        """Checked rows as the model's input, float32, shape [rows, features].

        The frame has the model's `columns` as they are in the data: what features.py computes is
        computed here. Raises StepError if that is not possible.
        """
        return self.encoding.matrix(self.with_features(frame))

    def with_features(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with the features that features.py computes from its columns, if any."""
        return frame if self.code is None else self.code.add(frame)

    def pack(self) -> bytes:
        """Return the bytes of model.tar.gz."""
        described = dict(self.description)
        files = {}
        if self.code is not None:
            files[NAME] = self.code.source
            inputs = [{"name": name, "kind": kind} for name, kind in self.code.inputs.items()]
            described["features_py"] = {"sha256": self.code.sha256, "inputs": inputs}
        description = json.dumps(described, ensure_ascii=False, indent=1, allow_nan=False)
        return _tar_gz(
            {
                NATIVE_FILES[self.library]: self.native,
                "model.onnx": self.onnx,
                "encoding.json": self.encoding.to_json().encode(),
                "model.json": (description + "\n").encode(),
                **files,
            }
        )

    @classmethod
    def unpack(cls, packed: bytes, where: str) -> Artifact:
        """Read model.tar.gz. `where` names it in the StepError raised when it cannot be read."""
        try:
            members = _members(packed)
            description = json.loads(members["model.json"])
            encoding = Encoding.from_json(members["encoding.json"])
            return cls(
                native=members[NATIVE_FILES[description["library"]]],
                onnx=members["model.onnx"],
                encoding=encoding,
                code=_code(members, description.pop("features_py", None), encoding, where),
                description=description,
            )
        except KeyError as error:
            raise StepError(f"{where}: the model has no {error}; train it again") from None
        except (
            *(OSError, EOFError, tarfile.TarError, zlib.error, ValueError),
            # Documents of another form, of an image that is not based on Kanmon's.
            *(TypeError, AttributeError),
        ) as error:
            raise StepError(f"{where}: not a readable model ({error}); train it again") from None

    @classmethod
    def read(cls, folder: Path, expected: str) -> Artifact:
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


def _code(
    members: Mapping[str, bytes], described: Any, encoding: Encoding, where: str
) -> Features | None:
    if described is None:
        return None
    source = members[NAME]
    if sha256(source) != described["sha256"]:
        raise StepError(f"{where}: {NAME} in it is not the one it was trained with; train it again")
    return Features(
        source,
        {entry["name"]: entry["kind"] for entry in described["inputs"]},
        {feature.name: feature.kind for feature in encoding.features},
    )


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
