"""Bad rows are rejected one by one, a missing column refuses the batch."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from contract.step import StepError
from score.batch_model import BatchModel
from tests.support.batch_rows import KEYED, table
from tests.support.trained_releases import trained


def test_bad_rows_are_rejected_with_reasons_and_stop_nothing(batch: Any) -> None:
    lines = table(400).write_csv(null_value="NA").splitlines()
    lines[3] = "1,2"
    lines[5] = "heavy,2,red,x"
    lines[8] = "1,inf,red,"
    job = batch({"a.csv": "\n".join(lines) + "\n"}, data=KEYED)

    job.run()

    [record] = job.done()
    [file] = record["files"]
    assert (file["rows_in"], file["scored"], file["rejected"]) == (400, 397, 3)
    assert set(job.frame("scores")["row"]) == set(range(1, 401)) - {3, 5, 8}
    rejects = job.frame("rejects").sort("row", "column")
    assert record["rejects"][0]["rows"] == rejects.height
    # The cells of row 3 are not where the header has them, and row 8 has no key.
    assert rejects.columns[:4] == ["id", "file", "row", "line"]
    assert rejects.select("id", "row", "line", "column", "value").rows() == [
        (None, 3, 4, None, None),
        ("x", 5, 6, "size", "heavy"),
        (None, 8, 9, "id", None),
        (None, 8, 9, "weight", "inf"),
    ]
    assert rejects["reason"].to_list() == [
        "has 2 cells where the header has 4",
        "is not a number",
        "is missing",
        "is not a finite number",
    ]
    assert rejects["fix"].null_count() == 0


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_reject_has_its_rows_key_as_scores_have_it(batch: Any, kind: str) -> None:
    frame = pl.DataFrame(
        {
            "value": [1.0, 2.0, 3.0],
            "id": ["x", "y\0", "z"],
            "size": ["1", "2", "heavy"],
            "weight": ["1", "2", "light"],
            "colour": ["red", "red", "red"],
        }
    )
    content = frame if kind == "parquet" else frame.write_csv()
    job = batch({"a": content}, data={"key": ["value", "id"]})

    job.run()

    assert job.frame("scores").select("value", "id").rows() == [("1", "x")]
    rejects = job.frame("rejects")
    # Another column of rejects is named value.
    assert rejects.columns == [
        "value_key", "id", "file", "row", "line", "column", "reason", "value", "fix",
    ]  # fmt: skip
    assert sorted(rejects.select("row", "value_key", "id", "column", "value").rows()) == [
        (2, "2", "y\0", "id", "y\0"),
        (3, "3", "z", "size", "heavy"),
        (3, "3", "z", "weight", "light"),
    ]


def test_every_problem_is_kept_however_many_there_are(batch: Any) -> None:
    frame = table(1000).with_columns(size=pl.lit("x"), weight=pl.lit("y"))
    job = batch({"a.csv": frame.write_csv()}, data=KEYED)

    job.run()

    assert job.frame("rejects").height == 2000
    assert job.frame("scores").height == 0
    assert job.done()[0]["files"][0]["rejected"] == 1000


def test_a_missing_column_ends_the_batch_before_anything_is_scored(batch: Any) -> None:
    job = batch(
        {
            "a.csv": table(20).write_csv(),
            "b.csv": table(20).rename({"size": "sizes"}).write_csv(),
            "c.parquet": table(5).drop("colour"),
        },
        data=KEYED,
    )

    with pytest.raises(StepError) as failed:
        job.run()

    assert str(failed.value) == (
        "2 problems with the data: (1) b.csv, column size: is missing; it has 'sizes': rename one "
        "of them, or score without it with `--allow-missing size` | (2) c.parquet, column colour: "
        "is missing; add it to the file, or score without it with `--allow-missing colour`"
    )
    assert job.names("scores") == job.names("done") == []


def test_a_missing_key_column_is_refused_even_if_allowed(batch: Any) -> None:
    job = batch(
        {"a.csv": table(5).drop("id").write_csv()},
        data=KEYED,
        options={"allow_missing": ["id"], "explain": 0},
    )

    with pytest.raises(StepError, match=r"a\.csv, column id: is missing; .*whose key does not"):
        job.run()


@pytest.mark.parametrize("kind", ["csv", "ragged", "parquet"])
def test_an_allowed_missing_column_is_scored_as_missing(batch: Any, kind: str) -> None:
    frame = table(50)
    without = frame.drop("size")
    ragged = without.write_csv() + "1,2\n"
    content = {"csv": without.write_csv(), "ragged": ragged, "parquet": without}[kind]
    features = [
        {"name": "size", "kind": "numeric", "nullable": False},
        {"name": "weight", "kind": "numeric"},
        {"name": "colour", "kind": "categorical"},
    ]
    job = batch(
        {"a": content, "b.csv": frame.write_csv()},
        data=KEYED,
        features=features,
        options={"allow_missing": ["size"], "explain": 0},
    )

    job.run()

    blank = frame.with_columns(size=pl.lit(None, pl.Float32))
    artifact = trained("regression")
    from contract.onnx_scoring import onnx_scores

    found = job.frame("scores").filter(file="a")
    assert found["prediction"].to_list() == onnx_scores(artifact, blank)[:, 0].tolist()
    # Where the column is there, a value may not be missing.
    files = {one["key"][-1]: one for one in job.done()[0]["files"]}
    assert files["v"]["rejected"] == frame["size"].null_count() > 0
    assert job.done()[0]["missing"]["size"] == 50


def test_a_row_whose_score_is_not_finite_is_rejected_with_its_key(
    batch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = BatchModel.scores

    def broken(self: BatchModel, matrix: Any, leading: int | None) -> Any:
        found = scores(self, matrix, leading)
        found[1] = np.nan
        return found

    monkeypatch.setattr(BatchModel, "scores", broken)
    job = batch({"a.csv": table(3).write_csv(null_value="NA")}, data=KEYED)

    job.run()

    rejects = job.frame("rejects").select("id", "file", "row", "reason").rows()
    assert rejects == [("1", "a.csv", 2, "the model's score is not a finite number")]
    assert job.frame("scores")["id"].to_list() == ["0", "2"]
