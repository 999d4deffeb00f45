"""The scores that a run kept, as they are read; and who may name what."""

import io
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from kanmon.cli import main
from kanmon.comparison.pairing import NotPairedError
from kanmon.comparison.scores import scores_of
from kanmon.comparison.sides import Side
from kanmon.runs.records import RunRecord
from tests.support.standin import refusal

SIDE = Side(RunRecord("churn-1", "churn", {}), {}, {}, {})


class Bucket:
    """S3's client, which has one object or refuses it."""

    def __init__(self, content: bytes | str) -> None:
        self.content = content

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Key == "runs/churn/churn-1/evaluate/scores.parquet"
        if isinstance(self.content, str):
            raise refusal(self.content, "GetObject")
        return {"Body": io.BytesIO(self.content)}


def connection(content: bytes | str) -> Any:
    return SimpleNamespace(s3=Bucket(content), bucket="data")


def test_a_runs_scores_are_read() -> None:
    kept = pl.DataFrame({"row": [1], "label": ["yes"], "score": [0.5]})
    content = io.BytesIO()
    kept.write_parquet(content)

    assert scores_of(connection(content.getvalue()), SIDE).equals(kept)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("NoSuchKey", "churn-1 kept no scores of its test rows: it was made by an earlier version"),
        ("AccessDenied", "the scores of test rows are for data scientists"),
        (b"no parquet", "s3://data/runs/churn/churn-1/evaluate/scores.parquet is damaged"),
    ],
)
def test_scores_that_cannot_be_read_are_a_reason_and_no_failure(
    content: bytes | str, words: str
) -> None:
    with pytest.raises(NotPairedError, match=words):
        scores_of(connection(content), SIDE)


def test_another_failure_of_the_stage_is_not_hidden() -> None:
    with pytest.raises(Exception, match="SlowDown"):
        scores_of(connection("SlowDown"), SIDE)


def test_one_run_alone_is_no_comparison() -> None:
    done = CliRunner().invoke(main, ["compare", "churn-1"])

    assert done.exit_code == 2
    assert "1 named, where two to 26 runs can be compared" in done.stderr
