"""The release's model in the function's package. Its digests are checked before it is loaded."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from scorer.encoding import Encoding, read_encoding

# `make verify` writes it beside the files: the artifact they come from, and their digests.
MANIFEST = "files.json"
# With fewer rows, sorting takes longer than it saves.
ROWS_WORTH_SORTING = 64


class ModelError(Exception):
    """The package does not contain its release's model, or the model cannot be used."""


@dataclass(frozen=True)
class Model:
    """A loaded model.

    threshold: the score from which a row is positive; binary only.
    leading: the position of the feature that moves the scores most.
    key: the columns that identify a row; a request may send them.
    private: the columns of a request that are not captured.
    batch_only: its features are computed by features.py, for which the function has no library.
    """

    encoding: Encoding
    threshold: float
    session: onnxruntime.InferenceSession
    leading: int = 0
    key: tuple[str, ...] = ()
    private: frozenset[str] = frozenset()
    batch_only: bool = False

    @classmethod
    def load(cls, folder: Path, sha256: str, bounds: Any = ()) -> "Model":
        """Load the files of the artifact with this digest. Raises ModelError for any other."""
        manifest = read_manifest(folder)
        files = _checked(folder, manifest, sha256)
        try:
            described = json.loads(files["model.json"])
            threshold = described["threshold"]
            return cls(
                encoding=read_encoding(files["encoding.json"], bounds),
                threshold=0.5 if threshold is None else float(threshold),
                session=_session(files["model.onnx"]),
                leading=int(manifest["leading"]),
                # Packages of earlier versions do not name them.
                key=tuple(manifest.get("key", ())),
                private=frozenset(manifest.get("private", ())),
                batch_only="features_py" in described,
            )
        except (KeyError, ValueError) as error:
            raise ModelError(f"{folder}: the model cannot be read ({error!r})") from error

    @property
    def not_captured(self) -> frozenset[str]:
        """The columns of a request that are no features to capture."""
        features = {feature.name for feature in self.encoding.columns}
        return self.private | ({*self.key} - features)

    def scores(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score encoded rows: float32 [rows, 1], for multiclass [rows, classes].

        Similar rows take similar paths through the trees, which a processor predicts well. So many
        rows are scored in the order of the leading feature: a third less time, the same scores.
        """
        if len(matrix) < ROWS_WORTH_SORTING:
            return self._run(matrix)
        order = matrix[:, self.leading].argsort()
        sorted_scores = self._run(matrix[order])
        scores = np.empty_like(sorted_scores)
        scores[order] = sorted_scores
        return scores

    def _run(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = self.session.run(["scores"], {"features": matrix})[0]
        return scores

    def moved(self, matrix: NDArray[np.float32]) -> list[float]:
        """For each feature, how much the scores change on average when its values swap rows."""
        before = self._run(matrix)
        found = []
        for position in range(matrix.shape[1]):
            other = matrix.copy()
            other[:, position] = np.roll(matrix[:, position], len(matrix) // 2)
            found.append(float(np.abs(self._run(other) - before).mean()))
        return found


def _checked(folder: Path, manifest: Mapping[str, Any], sha256: str) -> Mapping[str, bytes]:
    """The files that the manifest names. Raises ModelError if a digest differs."""
    if manifest["artifact"] != sha256:
        raise ModelError(
            f"the package has the artifact {manifest['artifact'][:12]}…, but the release has "
            f"{sha256[:12]}…; promote the release again"
        )
    files = {name: (folder / name).read_bytes() for name in manifest["files"]}
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != manifest["files"][name]:
            raise ModelError(
                f"{name} is not the release's (its sha256 differs); promote the release again"
            )
    return files


def read_manifest(folder: Path) -> dict[str, Any]:
    """files.json: the sha256 of artifact and files, the features' bounds, the leading feature, the
    key's columns, and which columns are private."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        return manifest
    except FileNotFoundError:
        raise ModelError(f"{folder}: there is no model; deploy the package of a release") from None


def _session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # More threads would add a row's trees in another order and change its last digit.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
