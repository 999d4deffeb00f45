"""The whole step on folders like those SageMaker mounts, with S3 played by moto."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import polars as pl
import pytest
from moto import mock_aws

from contract.paths import Paths
from contract.step import StepError
from preprocess.__main__ import main


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Paths]]:
    """Lay out a job: its plan, its snapshot and the objects behind it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        bucket = boto3.resource("s3", region_name="us-east-1").create_bucket(Bucket="data")
        bucket.Versioning().enable()

        def lay_out(contents: dict[str, str], folder: str = "job") -> Paths:
            paths = Paths(tmp_path / folder / "processing")
            objects = []
            for name, content in contents.items():
                stored = bucket.put_object(Key=f"datasets/abalone/{name}", Body=content.encode())
                version = stored.version_id
                objects.append({"key": stored.key, "version_id": version, "size": len(content)})
            write(paths.input("snapshot") / "s.json", {"bucket": "data", "objects": objects})
            write(paths.run_plan, RUN)
            return paths

        yield lay_out


def write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


RUN: dict[str, Any] = {
    "run": "abalone-261121055501-x7k",
    "model": "abalone",
    "champion": None,
    "definition": {
        "content": {
            "task": "regression",
            "target": "rings",
            "data": {"key": []},
            "features": [
                {"name": "sex", "kind": "categorical"},
                {"name": "length", "kind": "numeric"},
            ],
            "split": {"train": 0.6, "validation": 0.2, "test": 0.2},
            "trainer": {
                "library": "lightgbm",
                "rounds": 1,
                "early_stopping_rounds": 1,
                "seed": 7,
            },
            "metrics": {"primary": "rmse"},
            "gate": {},
            "resources": {"preprocess": {"memory_mb": 512}},
        }
    },
}


def test_the_step_writes_parts_and_reports(job: Callable[..., Paths], abalones: Any) -> None:
    paths = job({"a.csv": abalones(60)})

    main(paths)

    report = paths.output("report")
    parts = {
        part: pl.read_parquet(paths.output(part) / "*.parquet")
        for part in ("train", "validation", "test")
    }
    preprocess = json.loads((report / "preprocess.json").read_text())
    baseline = json.loads((report / "baseline.json").read_text())
    assert preprocess["rows_read"] == 60
    assert preprocess["rows_written"] == {part: frame.height for part, frame in parts.items()}
    assert (preprocess["rows_rejected"], preprocess["rejected"]) == (0, [])
    train = parts["train"]
    assert baseline["rows"] == train.height
    length = baseline["features"]["length"]
    assert length["missing"] == 0
    assert length["numeric"]["mean"] == pytest.approx(train["length"].mean())
    assert length["numeric"]["std"] == pytest.approx(train["length"].std(ddof=0))
    assert length["numeric"]["minimum"] == train["length"].min()
    counts = train["sex"].value_counts(normalize=True)
    assert baseline["features"]["sex"]["categories"] == dict(sorted(counts.iter_rows()))
    assert baseline["target"]["kind"] == "numeric"
    assert [
        path.name for path in paths.root.iterdir() if path.name not in ("input", "output")
    ] == []


def test_the_same_data_gives_the_same_bytes(job: Callable[..., Paths], abalones: Any) -> None:
    written = []
    for folder in ("first", "second"):
        paths = job({"a.csv": abalones(60), "b.csv": abalones(90)}, folder)
        main(paths)
        files = [*paths.root.glob("output/*/*.parquet"), *paths.root.glob("output/*/baseline.json")]
        written.append({file.relative_to(paths.root): file.read_bytes() for file in files})

    assert written[0] == written[1]


def test_hosts_read_all_rows_between_them(job: Callable[..., Paths], abalones: Any) -> None:
    names = []
    rows = 0
    for host in ("algo-1", "algo-2"):
        paths = job({f"{number}.csv": abalones(20 + number) for number in range(3)}, host)
        write(paths.resources, {"current_host": host, "hosts": ["algo-1", "algo-2"]})
        main(paths)
        names += [file.name for file in paths.root.glob("output/*/*")]
        rows += pl.read_parquet(paths.root / "output" / "t*" / "*.parquet").height
        rows += pl.read_parquet(paths.root / "output" / "validation" / "*.parquet").height

    assert rows == 20 + 21 + 22
    assert {"baseline.json", "preprocess.json", "baseline-001.json", "preprocess-001.json"} <= {
        *names
    }
    parts = [name for name in names if name.startswith("part-000-00000")]
    assert len(parts) == 3


def test_each_host_reads_the_times_of_all_files_first(job: Callable[..., Paths]) -> None:
    files = {
        f"{month}.csv": "sex,length,rings,month\n"
        + "".join(f"{'MFI'[n % 3]},{n},{n % 7},2026-{month:02d}\n" for n in range(40))
        for month in range(1, 11)
    }
    splits, written = [], {"train": 0, "validation": 0, "test": 0}
    for host in ("algo-1", "algo-2"):
        paths = job(files, host)
        run = json.loads(paths.run_plan.read_text())
        run["definition"]["content"]["split"]["by"] = {"group": None, "time": "month"}
        write(paths.run_plan, run)
        write(paths.resources, {"current_host": host, "hosts": ["algo-1", "algo-2"]})
        main(paths)
        [report] = paths.output("report").glob("preprocess*.json")
        document = json.loads(report.read_text())
        splits.append(document["split"])
        written = {part: rows + document["rows_written"][part] for part, rows in written.items()}

    assert splits[0] == splits[1]
    assert splits[0]["begins"] == {"validation": "2026-07-01", "test": "2026-09-01"}
    assert written == {"train": 240, "validation": 80, "test": 80}


def test_no_data_at_all_is_reported(job: Callable[..., Paths]) -> None:
    with pytest.raises(
        StepError, match=r"^abalone has no data; upload some with `kanmon put-data abalone FILE`"
    ):
        main(job({}))


@pytest.mark.parametrize("mounted", [".", "output", "../tmp"])
def test_scratch_goes_where_the_jobs_own_volume_is_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounted: str
) -> None:
    paths = Paths(tmp_path / "processing")
    (paths.root / "output").mkdir(parents=True)
    (tmp_path / "tmp").mkdir()
    volume = (paths.root / mounted).resolve()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(
        shutil, "disk_usage", lambda folder: SimpleNamespace(free=30 if folder == volume else 5)
    )

    assert paths.roomy_folder() == volume
