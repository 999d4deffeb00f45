"""A batch in a bucket that moto plays, and a small model that is really trained."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import polars as pl
import pytest
from moto import mock_aws

from contract.artifact import Artifact, sha256
from contract.paths import Paths
from score.__main__ import main
from tests.support.trained_releases import trained
from tests.support.training_cases import document

Content = bytes | str | pl.DataFrame
PREFIX = "batches/m/m-1"


@dataclass
class Batch:
    """A job of the Score step, and what it has written."""

    paths: Paths
    bucket: Any
    objects: list[dict[str, Any]]
    changes: dict[str, Any] = field(default_factory=dict)

    def run(self, host: str = "algo-1", hosts: Sequence[str] = ("algo-1",)) -> None:
        """Run one host's job."""
        write(self.paths.resources, {"current_host": host, "hosts": list(hosts)})
        main(self.paths)

    def names(self, folder: str) -> list[str]:
        prefix = f"{PREFIX}/{folder}/"
        return [
            found.key.removeprefix(prefix) for found in self.bucket.objects.filter(Prefix=prefix)
        ]

    def read(self, name: str) -> bytes:
        content: bytes = self.bucket.Object(f"{PREFIX}/{name}").get()["Body"].read()
        return content

    def document(self, name: str) -> Any:
        return json.loads(self.read(name))

    def frame(self, folder: str) -> pl.DataFrame:
        """All rows of a folder's files."""
        files = [self.read(f"{folder}/{name}") for name in self.names(folder)]
        return pl.concat([pl.read_parquet(io.BytesIO(file)) for file in files])

    def done(self) -> list[Any]:
        return [self.document(f"done/{name}") for name in self.names("done")]

    def plan(self, **changes: Any) -> None:
        """Write the plan again with changes."""
        path = self.paths.input("plan") / "plan.json"
        write(path, {**json.loads(path.read_text()), **changes})

    def put(self, name: str, content: Content) -> dict[str, Any]:
        """Put a file; return its entry in a plan."""
        body = as_bytes(content)
        stored = self.bucket.put_object(Key=f"inputs/m/{name}", Body=body)
        return {"key": stored.key, "version_id": stored.version_id, "size": len(body)}


def as_bytes(content: Content) -> bytes:
    if isinstance(content, pl.DataFrame):
        file = io.BytesIO()
        content.write_parquet(file)
        return file.getvalue()
    return content.encode() if isinstance(content, str) else content


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture
def batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Make a batch of files by name and content."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        bucket = boto3.resource("s3", region_name="us-east-1").create_bucket(Bucket="data")
        bucket.Versioning().enable()

        def make(
            contents: Mapping[str, Content],
            artifact: Artifact | None = None,
            task: str = "regression",
            data: Mapping[str, Any] | None = None,
            features: Sequence[Mapping[str, Any]] = (),
            options: Mapping[str, Any] | None = None,
            **changes: Any,
        ) -> Batch:
            made = Batch(Paths(tmp_path / "processing"), bucket, [])
            made.objects = [made.put(name, content) for name, content in contents.items()]
            artifact = artifact or trained(task)
            packed = artifact.pack()
            model = made.paths.input("model")
            model.mkdir(parents=True, exist_ok=True)
            (model / "model.tar.gz").write_bytes(packed)
            content = document(task)["definition"]["content"]
            content["data"] = dict(data or {})
            content["features"] = list(features) or content["features"]
            plan = {
                "format": 1,
                "batch": "m-1",
                "run": "m-1",
                "model": "m",
                "bucket": "data",
                "release": {"number": 7, "artifact_sha256": sha256(packed)},
                "definition": {"content": content},
                "objects": made.objects,
                "options": {"allow_missing": [], "explain": 0, **(options or {})},
                "hosts": 1,
                "shard_bytes": 1 << 20,
                "memory_mb": 1024,
                "prefix": PREFIX,
            }
            write(made.paths.input("plan") / "plan.json", {**plan, **changes})
            return made

        yield make
