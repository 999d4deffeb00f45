"""Number formats, dates, offsets and models of earlier versions, as training reads them."""

from typing import Any

import polars as pl
import pytest

from contract.onnx_scoring import onnx_scores
from contract.plan import Plan
from tests.support.training_cases import document, rows
from train.model import train

FEATURES = [
    {"name": "size", "kind": "numeric"},
    {"name": "since", "kind": "numeric", "offset": 1.7e9},
    {"name": "month", "kind": "numeric", "derive": {"column": "day", "part": "month"}},
    {"name": "colour", "kind": "categorical"},
]


def dated(count: int, seed: int) -> pl.DataFrame:
    frame = rows("regression", count, seed)
    at = pl.int_range(pl.len())
    return frame.drop("weight").with_columns(
        since=(1.7e9 + at * 3).cast(pl.Float64),
        day=pl.format("2026-{}-11", (1 + at % 12).cast(pl.String).str.zfill(2)),
    )


def test_offsets_and_dates_are_read_as_in_training(batch: Any) -> None:
    run = document("regression")
    run["definition"]["content"]["features"] = FEATURES
    artifact = train(Plan.from_document(run), dated(300, 1), dated(100, 2)).artifact
    frame = dated(50, 3)
    text = frame.drop("target").write_csv(null_value="NA")
    job = batch({"a.csv": text, "b.csv": text.replace("2026-02-11", "soon", 1)}, artifact,
                features=FEATURES)  # fmt: skip

    job.run()

    found = job.frame("scores").filter(file="a.csv")
    assert found["prediction"].to_list() == onnx_scores(artifact, frame)[:, 0].tolist()
    rejects = job.frame("rejects").select("file", "row", "column", "value").rows()
    assert rejects == [("b.csv", 2, "day", "soon")]


def test_a_release_reads_its_own_number_format_and_delimiter(batch: Any) -> None:
    frame = rows("regression", 40, 3).drop("target")
    plain = frame.write_csv(separator=";", null_value="NA")
    data = {"delimiter": ";", "decimal": ",", "thousands": "."}
    job = batch({"a.csv": plain.replace(".", ",")}, data=data)
    job.run()
    other = batch({"a.csv": frame.write_csv(null_value="NA")}, prefix="batches/m/plain")
    other.run()

    [german] = job.names("scores")
    key = f"batches/m/plain/scores/{german}"
    other_rows = pl.read_parquet(other.bucket.Object(key).get()["Body"].read())
    assert job.frame("scores").equals(other_rows)


@pytest.mark.parametrize("memory_mb", [100, 255])
def test_too_little_memory_is_refused_in_one_line(batch: Any, memory_mb: int) -> None:
    job = batch({"a.parquet": rows("regression", 5)}, memory_mb=memory_mb)

    with pytest.raises(Exception, match=f"resources.score.memory_mb is {memory_mb}, but"):
        job.run()


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_a_model_of_the_earlier_form_is_scored(batch: Any, library: str) -> None:
    from tests.support import earlier_models

    artifact = earlier_models.artifact(library)
    kinds = {each.name: each.kind for each in artifact.encoding.features}
    columns = {
        name: [0.5, None, -1.25] if kind == "numeric" else ["blue", "never seen", None]
        for name, kind in kinds.items()
    }
    frame = pl.DataFrame(columns)
    features = [{"name": name, "kind": kind} for name, kind in kinds.items()]
    job = batch({"a.parquet": frame}, artifact, artifact.encoding.task, features=features)

    job.run()

    found = job.frame("scores")
    scores = [name for name in found.columns if name.startswith("probability")] or ["prediction"]
    assert found.select(scores).to_numpy().tolist() == onnx_scores(artifact, frame).tolist()
