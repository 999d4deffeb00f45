"""What a step left goes to S3 while there is time; and what a call left on the disk goes away."""

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from on_lambda import transfer
from on_lambda.limits import StepOutgrewError
from on_lambda.transfer import deliver, fetch

CONTAINERS = Path(__file__).parents[3] / "containers"


class Bucket:
    """Takes objects."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, Key: str, Body: Any, **_: str) -> None:  # noqa: N803
        self.objects[Key] = Body.read()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    for name, content in (("model/model.tar.gz", b"model"), ("model/deep/part", b"part")):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path


def test_every_file_is_stored_below_its_outputs_place(output: Path) -> None:
    bucket = Bucket()

    stored = deliver(bucket, {"model": "s3://b/at"}, output, time.monotonic() + 60)

    assert stored == 2
    assert bucket.objects == {"at/model.tar.gz": b"model", "at/deep/part": b"part"}


def test_what_there_is_no_time_for_is_left_to_a_job(output: Path) -> None:
    with pytest.raises(StepOutgrewError, match="0 MB of results are too much to store now"):
        deliver(Bucket(), {"model": "s3://b/at"}, output, time.monotonic() - 1)


def test_a_file_that_one_request_cannot_have_is_left_to_a_job(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "LARGEST", 4)

    with pytest.raises(StepOutgrewError, match="too much to store now"):
        deliver(Bucket(), {"model": "s3://b/at"}, output, time.monotonic() + 60)


def test_a_function_that_starts_empties_its_disk(
    tmp_path: Path,
) -> None:
    (tmp_path / "ml-left/processing").mkdir(parents=True)
    (tmp_path / "ml-left/processing/rows.parquet").write_bytes(b"rows of another model")
    (tmp_path / ".aws/models").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path.parent)
    environment = {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "PYTHONPATH": str(CONTAINERS),
        "KANMON_STEP": "evaluate",
        "KANMON_IMAGE": "steps@sha256:1",
        "KANMON_DISK_MB": "1",
        "AWS_REGION": "us-east-1",
    }

    subprocess.run([sys.executable, "-c", "import on_lambda.handler"], env=environment, check=True)

    assert list(tmp_path.iterdir()) == []
    assert tmp_path.parent.is_dir()


class Listed:
    """A bucket of many slow objects, of which one input cannot be listed."""

    def __init__(self) -> None:
        self.brought = 0

    def get_paginator(self, _: str) -> "Listed":
        return self

    def paginate(self, Prefix: str, **_: str) -> list[dict[str, Any]]:  # noqa: N803
        if Prefix == "closed":
            time.sleep(0.1)
            raise PermissionError("closed cannot be listed")
        return [{"Contents": [{"Key": f"open/{number}"} for number in range(200)]}]

    def get_object(self, **_: str) -> dict[str, Any]:
        self.brought += 1
        time.sleep(0.05)
        return {"Body": io.BytesIO(b"")}


def test_what_cannot_be_listed_is_said_before_everything_else_has_been_brought(
    tmp_path: Path,
) -> None:
    bucket = Listed()

    with pytest.raises(PermissionError, match="closed cannot be listed"):
        fetch(bucket, {"open": "s3://data/open", "closed": "s3://data/closed"}, tmp_path)

    assert bucket.brought < 100
