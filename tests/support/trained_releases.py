"""A release as Open Release makes it, of a small model that is really trained."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from contract.artifact import Artifact
from contract.native_model import native_model
from contract.onnx_scoring import onnx_scores
from scorer.answering import Scorer
from scorer.model import Model
from shipping.record import NOT_SOURCE, Record, sha256
from shipping.source import LEFT_OUT, tree_digest
from shipping.verify import manifest, unpacked
from tests.support.training_cases import plan, rows
from train.model import train

ROOT = Path(__file__).parents[2]
BUCKET = "kanmon-test-data"
MODEL, RELEASE, STACK = "shells", 7, "kanmon-test"
CONTEXT = SimpleNamespace(
    aws_request_id="d5b6ab1a-0000-4000-8000-000000000000",
    function_name="kanmon-test-serving-shells",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:f:live",
)
# What the build project of the release pipeline sets.
ENVIRONMENT = {
    "DATA_BUCKET": BUCKET,
    "FUNCTION_ARCHITECTURE": "arm64",
    "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:notices",
    "LOG_RETENTION_DAYS": "30",
    "PERMISSIONS_BOUNDARY_ARN": "arn:aws:iam::123456789012:policy/boundary",
}
SERVING = {
    "memory_mb": 512,
    "timeout_seconds": 10,
    "concurrency": 10,
    "canary": "Canary10Percent5Minutes",
    "maximum_latency_ms": 500,
    "maximum_score_shift": 0.5,
    "capture_share": 0.1,
}
FEATURES = [
    {"name": "size", "kind": "numeric", "minimum": -50, "maximum": None, "nullable": True},
    {"name": "weight", "kind": "numeric", "minimum": -50, "maximum": 50, "nullable": True},
    {"name": "colour", "kind": "categorical", "minimum": None, "maximum": None, "nullable": True},
]


@cache
def trained(task: str = "regression", library: str = "lightgbm") -> Artifact:
    """A small model of the task, trained once."""
    return train(plan(task, library), rows(task, 300, 1), rows(task, 100, 2)).artifact


def sent(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows as a caller's JSON has them."""
    features: list[dict[str, Any]] = json.loads(json.dumps(frame.drop("target").to_dicts()))
    return features


def golden(artifact: Artifact, **changes: Any) -> bytes:
    """golden.json as the evaluate step writes it."""
    frame = rows(artifact.encoding.task, 40, 3)
    scores = onnx_scores(artifact, frame)
    native = native_model(artifact.library, artifact.native).scores(artifact.encoding.matrix(frame))
    document = {
        "format": 1,
        "task": artifact.encoding.task,
        "rows": sent(frame),
        "scores": scores.astype(float).tolist(),
        "native": np.reshape(native, (len(native), -1)).tolist(),
        "tolerance": 1e-4,
        "spread": float(scores.max(axis=1).std()),
        "mean": float(scores.max(axis=1).mean()),
    }
    return json.dumps(document | changes).encode()


def record(artifact: bytes, golden_content: bytes, source: str, **changes: Any) -> dict[str, Any]:
    """release.json, with the keys that serving needs."""

    def place(key: str, content: bytes, version: str = "v1") -> dict[str, str]:
        return {"uri": f"s3://{BUCKET}/{key}", "version": version, "sha256": sha256(content)}

    prefix = f"releases/{MODEL}/{RELEASE}"
    document = {
        "format": 1,
        "model": MODEL,
        "release": RELEASE,
        "stack": STACK,
        "run": "shells-1",
        "task": json.loads(golden_content)["task"],
        "artifact": place("runs/shells/shells-1/train/model.tar.gz", artifact),
        "golden": place(f"{prefix}/golden.json", golden_content),
        "champion": {"release": 6, "package_arn": "arn", "run": "shells-0"},
        "features": FEATURES,
        "serving": SERVING,
        "source": {"sha256": source},
    }
    return document | changes


def model_folder(
    folder: Path,
    task: str = "regression",
    features: Any = (),
    library: str = "lightgbm",
    key: Sequence[str] = (),
) -> str:
    """Lay out model/ of a release's package; returns the artifact's sha256."""
    artifact = trained(task, library)
    return laid_out(folder, artifact.pack(), golden(artifact), features, key)


def laid_out(
    folder: Path, content: bytes, known: bytes, features: Any = (), key: Sequence[str] = ()
) -> str:
    """The same for an artifact and its golden records."""
    document = record(content, known, "", features=list(features), key=list(key))
    folder.mkdir(parents=True)
    files = unpacked(content)
    more = {"golden.json": known, "files.json": manifest(Record(b"", document), files, leading=0)}
    for name, each in {**files, **more}.items():
        (folder / name).write_bytes(each)
    return sha256(content)


def scorer(
    folder: Path, task: str = "regression", features: Any = (), key: Sequence[str] = ()
) -> Scorer:
    """The scorer of a release of the task, as answer_requests.py makes it."""
    digest = model_folder(folder / "model", task, features, key=key)
    return Scorer(Model.load(folder / "model", digest, features), MODEL, RELEASE)


@dataclass
class Bundle:
    """A release's bundle in a folder, and what is in S3 of it."""

    folder: Path
    document: Mapping[str, Any]

    def write_record(self, s3: Any, **changes: Any) -> None:
        """Open the release anew with changes."""
        self.document = dict(self.document) | changes
        content = json.dumps(self.document).encode()
        (self.folder / "release.json").write_bytes(content)
        key = f"releases/{MODEL}/{RELEASE}/release.json"
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)


def opened(folder: Path, s3: Any, task: str = "regression") -> Bundle:
    """Open a release into the folder and the bucket; the serving code is the repository's own."""
    ignored = shutil.ignore_patterns(*LEFT_OUT, *NOT_SOURCE)
    shutil.copytree(ROOT / "serving", folder, ignore=ignored)
    artifact = trained(task)
    content, known = artifact.pack(), golden(artifact)
    (folder / "golden.json").write_bytes(known)
    document = record(content, known, tree_digest(folder, but=NOT_SOURCE))
    key = document["artifact"]["uri"].removeprefix(f"s3://{BUCKET}/")
    version = s3.put_object(Bucket=BUCKET, Key=key, Body=content)["VersionId"]
    document["artifact"]["version"] = version
    bundle = Bundle(folder, document)
    bundle.write_record(s3)
    return bundle
