"""A release of a small model, with all that its run left, and days of requests that it answered.

The release is made by the real steps, once for each task; a bucket of its own holds what it
answered and the labels.
"""

import datetime
import io
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl
import pytest
from botocore.exceptions import ClientError

import evaluate.__main__
import monitor.__main__
import preprocess.__main__
import train.__main__
from contract.artifact import Artifact, sha256
from contract.onnx_scoring import onnx_scores
from contract.paths import Paths
from tests.support.training_cases import document, rows

RELEASE = 7
FIRST = datetime.date(2026, 11, 1)
SETTINGS = {
    "window_days": 7,
    "minimum_rows": 100,
    "minimum_labels": 100,
    "drift": 0.1,
    "prediction_drift": 0.1,
    "missing": 0.05,
    "unknown": 0.05,
    "invalid": 0.01,
    "quality": {"regression": 0.3, "binary": 0.05, "multiclass": 0.05},
    "capture_share": 0.1,
}


FEATURES = """
import polars as pl

def features(frame):
    return frame.with_columns(sum=pl.col("size") + pl.col("weight"))
"""


class Bucket:
    """An S3 client over contents by key, without versions."""

    def __init__(self, contents: Mapping[str, bytes] | None = None) -> None:
        self.contents = dict(contents or {})
        self.calls: list[tuple[str, str]] = []
        # Of objects that were written again.
        self.versions: dict[str, str] = {}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        if Key not in self.contents:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "gone"}}, "GetObject")
        return {"Body": io.BytesIO(self.contents[Key])}

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key not in self.contents:
            raise ClientError({"Error": {"Code": "404", "Message": "gone"}}, "HeadObject")
        return {"VersionId": self.versions[Key]} if Key in self.versions else {}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.calls.append(("put", Key))
        self.contents[Key] = Body

    def delete_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        self.calls.append(("delete", Key))
        del self.contents[Key]

    def objects(self, prefix: str) -> list[dict[str, Any]]:
        """What lies below a prefix, as a plan lists it."""
        return [
            {"key": key, "version_id": "null", "size": len(content)}
            for key, content in sorted(self.contents.items())
            if key.startswith(prefix)
        ]


def customers(task: str, count: int, seed: int, first: int = 0, **settings: Any) -> pl.DataFrame:
    """Rows with a key."""
    frame = rows(task, count, seed, **settings)
    ids = pl.Series("id", [f"c{first + number}" for number in range(count)])
    return frame.with_columns(ids)


def dated(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows with a date, with a long number, and with a column named like one of ours."""
    size = pl.col("size").fill_null(0)
    return frame.with_columns(
        (pl.date(2026, 6, 15) + pl.duration(days=(size * 60).round()))
        .cast(pl.String)
        .alias("joined"),
        (1_700_000_000 + (size * 1000).round()).cast(pl.Float64).alias("stamp"),
        pl.col("colour").alias("day"),
    ).drop("size", "weight", "colour")


def run_plan(task: str, variant: str = "plain") -> dict[str, Any]:
    """A run's plan; its model is plain, has features.py, or is of `dated` rows."""
    plan = document(task, segments=["day" if variant == "dated" else "colour"])
    content = plan["definition"]["content"]
    content["data"] = {"key": ["id"]}
    if variant == "computed":
        content["inputs"] = content["features"]
        content["features"] = [{"name": "sum", "kind": "numeric"}, content["inputs"][2]]
    if variant == "dated":
        month = {"column": "joined", "part": "month"}
        content["features"] = [
            {"name": "month", "kind": "numeric", "derive": month},
            {"name": "stamp", "kind": "numeric", "offset": 1.7e9},
            {"name": "day", "kind": "categorical"},
        ]
    return plan


@cache
def released(task: str, variant: str = "plain") -> Path:
    """The folder with what the run of a release left: model, report, evaluation and test rows."""
    folder = Path(mkdtemp(prefix="released-"))
    frame = customers(task, 2000, 0)
    frame = dated(frame) if variant == "dated" else frame
    bucket = Bucket({"data.csv": frame.write_csv().encode()})
    paths = Paths(folder / "processing")
    write_json(paths.run_plan, run_plan(task, variant))
    if variant == "computed":
        paths.input("definition").mkdir()
        (paths.input("definition") / "features.py").write_text(FEATURES)
    write_json(
        paths.input("snapshot") / "s.json", {"bucket": "data", "objects": bucket.objects("")}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(preprocess.__main__, "s3_client", lambda: bucket)
        preprocess.__main__.main(paths)
    for part in ("train", "validation", "test", "report"):
        shutil.copytree(paths.output(part), paths.input(part))
    train.__main__.main(paths)
    shutil.copytree(paths.output("model"), paths.input("model"))
    evaluate.__main__.main(paths)
    shutil.copytree(paths.output("evaluation"), paths.input("evaluation"))
    return paths.root / "input"


@dataclass
class World:
    """A release in service, the bucket, and the monitorings of it."""

    task: str
    folder: Path
    bucket: Bucket = field(default_factory=Bucket)
    labels: list[dict[str, Any]] = field(default_factory=list)
    batches: list[dict[str, Any]] = field(default_factory=list)
    monitorings: int = 0
    variant: str = "plain"

    @property
    def run(self) -> Path:
        """What the release's run left."""
        return released(self.task, self.variant)

    @property
    def artifact(self) -> Artifact:
        packed = (self.run / "model/model.tar.gz").read_bytes()
        return Artifact.unpack(packed, "model.tar.gz")

    def answer(self, day: int, frame: pl.DataFrame, release: int = RELEASE, size: int = 50) -> None:
        """Answer these rows on a day, as requests of `size` rows each."""
        date = FIRST + datetime.timedelta(days=day)
        folder = f"capture/m/{release}/dt={date}"
        for number, part in enumerate(frame.iter_slices(size)):
            request = f"r-{release}-{day}-{number}"
            at = f"{date}T{8 + number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
            facts = {"at": at, "request_id": request, "model": "m", "release": release}
            lines = [
                json.dumps({**facts, **answered})
                for answered in answers(self.artifact, part, self.task)
            ]
            self.bucket.contents[f"{folder}/{number:06d}-{request}.jsonl"] = (
                "\n".join(lines) + "\n"
            ).encode()

    def label(self, name: str, frame: pl.DataFrame, received: str = "2026-11-08") -> None:
        """Put a file of labels."""
        key = f"labels/m/{name}"
        self.bucket.contents[key] = frame.write_csv().encode()
        self.labels.append({"key": key, "received": f"{received}T12:00:00Z"})

    def score(
        self, day: int, frame: pl.DataFrame, release: int = RELEASE, rejected: Sequence[int] = ()
    ) -> None:
        """Score these rows in a batch on a day, but for some, by their position."""
        date = FIRST + datetime.timedelta(days=day)
        batch = f"m-b{len(self.batches)}"
        prefix, name = f"batches/m/{batch}", f"inputs/m/{batch}/rows.csv"
        self.bucket.contents[name] = frame.drop("target").write_csv().encode()
        answered = list(answers(self.artifact, frame, self.task))
        scores = pl.DataFrame(
            [
                {**each["key"], "file": "rows.csv", "row": each["row"] + 1, **flat(each)}
                | {"release": release}
                for each in answered
                if each["row"] not in rejected
            ]
        )
        written = io.BytesIO()
        scores.write_parquet(written)
        self.bucket.contents[f"{prefix}/scores/00000-0000.parquet"] = written.getvalue()
        plan = {
            **run_plan(self.task, self.variant),
            "batch": batch,
            "asked_at": f"{date}T09:00:00Z",
            "release": {"number": release},
            "objects": self.bucket.objects(name),
            "options": {"allow_missing": []},
            "memory_mb": 512,
        }
        self.bucket.contents[f"{prefix}/plan.json"] = json.dumps(plan).encode()
        self.batches.append(
            {
                "batch": batch,
                "plan_key": f"{prefix}/plan.json",
                "scores": self.bucket.objects(f"{prefix}/scores/"),
                "objects": plan["objects"],
                "rejected": len(rejected),
            }
        )

    def document(self, **changes: Any) -> dict[str, Any]:
        """The plan of a monitoring of the first seven days."""
        packed = (self.run / "model/model.tar.gz").read_bytes()
        settings = {**SETTINGS, "quality": SETTINGS["quality"][self.task]}
        plan = {
            "format": 1,
            "monitoring": "m-1",
            "reason": "a test",
            "asked_at": "2026-11-08T06:00:00Z",
            "bucket": "data",
            "stack": "kanmon-test",
            "window": {"from": "2026-11-01", "to": "2026-11-08"},
            "release": {"number": RELEASE, "run": "r-1", "artifact_sha256": sha256(packed)},
            "capture": self.bucket.objects("capture/"),
            "batches": self.batches,
            "labels": [
                {**entry, **found}
                for entry in self.labels
                for found in self.bucket.objects(entry["key"])
            ],
            "prefix": "monitoring/m/m-1",
            **run_plan(self.task, self.variant),
        }
        return {
            **plan,
            **changes,
            "settings": {**settings, **changes.get("settings", {})},
        }

    def job(self, **changes: Any) -> Paths:
        """The folders of a job."""
        self.monitorings += 1
        paths = Paths(self.folder / f"monitoring-{self.monitorings}" / "processing")
        shutil.copytree(self.run, paths.root / "input")
        write_json(paths.input("plan") / "plan.json", self.document(**changes))
        return paths

    def monitor(self, **changes: Any) -> dict[str, Any]:
        """Run the step; return report.json."""
        paths = self.job(**changes)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(monitor.__main__, "s3_client", lambda: self.bucket)
            monitor.__main__.main(paths)
        report: dict[str, Any] = json.loads((paths.output("report") / "report.json").read_text())
        return report


def answers(artifact: Artifact, frame: pl.DataFrame, task: str) -> Iterable[dict[str, Any]]:
    """What the scorer writes for each row besides the request's facts."""
    scores = onnx_scores(artifact, frame)
    classes = artifact.encoding.classes or ()
    asked = frame.select(artifact.columns).iter_rows(named=True)
    for number, (row, key, score) in enumerate(
        zip(asked, frame["id"], scores.tolist(), strict=True)
    ):
        answer: dict[str, Any] = {"row": number, "key": {"id": key}}
        if task == "regression":
            answer |= {"prediction": score[0]}
        elif task == "binary":
            positive = score[0] >= (artifact.threshold or 0.5)
            answer |= {"prediction": classes[positive], "probability": score[0]}
        else:
            best = max(range(len(classes)), key=score.__getitem__)
            probabilities = dict(zip(classes, score, strict=True))
            answer |= {"prediction": classes[best], "probabilities": probabilities}
        yield {**answer, "features": row}


def flat(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer's prediction and scores as columns of a batch's scores."""
    classes = answer.get("probabilities", {})
    return {
        **{name: answer[name] for name in ("prediction", "probability") if name in answer},
        **{f"probability_{name}": score for name, score in classes.items()},
    }


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
