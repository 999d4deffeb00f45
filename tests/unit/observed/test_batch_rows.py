"""The rows of a batch are observed as they were read and scored, without a copy of them."""

import datetime
from collections.abc import Callable

import polars as pl
import pytest

from observed import batch_rows
from observed.batch_rows import ScoredBatch, frames
from observed.captured import read
from reading.memory import MemoryBudget
from reading.source import SourceFile
from tests.support.training_cases import document

PREFIX = "inputs/churn/b-1/"
BATCH = "churn-261101080000-abc"
CSV = """customer,age,contract,joined,income
1.0,41,yearly,2026-03-05,5
2,old,yearly,2026-03-05,5
3,,1.0,,
"""


def plan_of(*keys: str, **options: object) -> dict:
    whole = document("binary", features={"age": "numeric", "contract": "categorical"})
    content = whole["definition"]["content"]
    content["data"] = {"key": ["customer"]}
    content["features"] += [
        {
            "name": "month",
            "kind": "numeric",
            "derive": {"column": "joined", "part": "month"},
        },
        {"name": "income", "kind": "numeric", "private": True},
    ]
    return whole | {
        "batch": BATCH,
        "asked_at": "2026-11-01T23:30:00+00:00",
        "release": {"number": 4},
        "objects": [{"key": key, "version_id": "1", "size": 1} for key in keys],
        "options": options,
        "memory_mb": 512,
    }


@pytest.fixture
def observed(tmp_path) -> Callable[..., list[pl.DataFrame]]:
    """The frames of a batch with these objects and these scores: one Parquet file for each list of
    (file, row)."""

    def observed(contents, *scores, compute=None, **options):
        files, written = [], []
        for number, (key, content) in enumerate(contents.items()):
            path = tmp_path / f"{number:06d}"
            if isinstance(content, pl.DataFrame):
                content.write_parquet(path)
            else:
                path.write_text(content)
            files.append(SourceFile(path, key))
        for number, rows in enumerate(scores):
            written.append(tmp_path / f"scores-{number}.parquet")
            pl.DataFrame(
                {
                    "customer": [str(row) for _, row in rows],
                    "probability_key": ["not a score" for _ in rows],
                    "file": [file for file, _ in rows],
                    "row": [row for _, row in rows],
                    "prediction": ["yes" for _ in rows],
                    "probability": [row / 8 for _, row in rows],
                    "release": [4 for _ in rows],
                }
            ).write_parquet(written[-1])
        batch = ScoredBatch(plan_of(*contents, **options), files, written)
        return list(frames(batch, compute))

    return observed


def test_a_scored_row_has_its_input_and_its_answer_and_a_rejected_one_is_left_out(observed):
    [found] = observed({f"{PREFIX}a.csv": CSV}, [("a.csv", 1), ("a.csv", 3)])

    assert found.to_dicts() == [
        {
            "at": datetime.datetime(2026, 11, 1, 23, 30, tzinfo=datetime.UTC),
            "day": datetime.date(2026, 11, 1),
            "release": 4,
            "request_id": f"{BATCH}/a.csv",
            "row": 1,
            "__key_0": "1",
            "age": 41.0,
            "contract": "yearly",
            "joined": "2026-03-05",
            "month": 3.0,
            "income": 5.0,
            "prediction": "yes",
            "probability": 1 / 8,
        },
        {
            "at": datetime.datetime(2026, 11, 1, 23, 30, tzinfo=datetime.UTC),
            "day": datetime.date(2026, 11, 1),
            "release": 4,
            "request_id": f"{BATCH}/a.csv",
            "row": 3,
            "__key_0": "3",
            "age": None,
            "contract": "1",
            "joined": None,
            "month": None,
            "income": None,
            "prediction": "yes",
            "probability": 3 / 8,
        },
    ]


def test_the_form_is_that_of_captured_requests_and_has_private_columns_too(
    observed, plan, line, written, tmp_path
):
    [batch] = observed({f"{PREFIX}a.csv": CSV}, [("a.csv", 1)])
    (tmp_path / "line").write_bytes(written(line()))

    online = read([SourceFile(tmp_path / "line", "dt=2026-11-01/1.jsonl")], plan()).rows

    assert batch["income"].to_list() == [5]
    assert batch.drop("income").schema == online.schema


def test_files_share_scores_and_a_file_may_have_several(observed):
    table = pl.DataFrame(
        {
            "customer": [1, 2],
            "age": [41.0, None],
            "contract": ["yearly", "monthly"],
            "joined": [datetime.date(2026, 3, 5), None],
            "income": [1, 2],
        }
    )
    files = {f"{PREFIX}b/table.parquet": table, f"{PREFIX}a.csv": CSV, f"{PREFIX}none.csv": CSV}

    found = pl.concat(
        observed(files, [("a.csv", 1), ("b/table.parquet", 1)], [("b/table.parquet", 2)])
    )

    assert found.sort("request_id", "row").select("request_id", "row", "joined").rows() == [
        (f"{BATCH}/a.csv", 1, "2026-03-05"),
        (f"{BATCH}/b/table.parquet", 1, "2026-03-05"),
        (f"{BATCH}/b/table.parquet", 2, None),
    ]


def test_a_file_whose_key_ends_like_the_folder_of_another_keeps_its_own_scores(observed):
    # Below the common folder "in/" they are a.csv and in/a.csv, which is also the first one's key.
    files = {"in/a.csv": CSV, "in/in/a.csv": CSV.replace("41", "99")}

    found = pl.concat(observed(files, [("a.csv", 1), ("in/a.csv", 1)]))

    assert found.sort("request_id").select("request_id", "age").rows() == [
        (f"{BATCH}/a.csv", 41.0),
        (f"{BATCH}/in/a.csv", 99.0),
    ]


def test_of_a_large_files_scores_only_those_of_the_rows_at_hand_are_in_memory(
    observed, monkeypatch
):
    count, held = 120_000, []
    long = "customer,age,contract,joined,income\n" + "".join(
        f"{row},41,a contract of many words,2026-03-05,5\n" for row in range(1, count + 1)
    )
    read = batch_rows._Scores.of

    def watched(scores, name, rows):
        answers = read(scores, name, rows)
        held.append(answers.height)
        return answers

    monkeypatch.setattr(batch_rows._Scores, "of", watched)
    monkeypatch.setattr(MemoryBudget, "LARGEST_BATCH", 1 << 20)
    # As a cut Parquet file's shards are numbered: by size, not by row.
    parts = [range(60_001, count + 1), range(1, 30_001), range(30_001, 60_001)]
    found = pl.concat(observed({"a.csv": long}, *([("a.csv", row) for row in p] for p in parts)))

    assert found["row"].to_list() == list(range(1, count + 1))
    assert (found["probability"] == found["row"] / 8).all()
    assert len(held) > 2
    assert max(held) < count


def test_a_column_that_the_batch_allowed_to_be_missing_is_null(observed):
    narrow = "customer,age,joined,income\n1,41,2026-03-05,5\n"
    [found] = observed({f"{PREFIX}a.csv": narrow}, [("a.csv", 1)], allow_missing=["contract"])

    assert found.select("age", "contract").rows() == [(41.0, None)]


def test_computed_features_are_computed(observed):
    def older(frame):
        return frame.with_columns(pl.col("age") + 1)

    [found] = observed({f"{PREFIX}a.csv": CSV}, [("a.csv", 1)], compute=older)

    assert found["age"].to_list() == [42.0]


def test_a_batch_that_scored_nothing_has_no_frames(observed):
    assert observed({f"{PREFIX}a.csv": CSV}) == []
