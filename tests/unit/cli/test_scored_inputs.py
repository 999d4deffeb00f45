"""The inputs of a batch beside the scores of their rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from core.definition.parse import parse_definition
from kanmon.labels.model_plan import plan_of
from kanmon.labels.new_data import Columns
from kanmon.labels.scored_inputs import joined
from reading.source import SourceFile

MODEL = """
name: churn
task: binary
target: left
positive: "yes"
data: {key: [KEY]}
features: [{name: age, kind: numeric}]
metrics: {primary: auc}
"""


def ages_by_key(
    folder: Path,
    key: str,
    files: Mapping[str, str],
    scores: Mapping[str, list[object]],
    scored_with: Sequence[str] | None = None,
) -> list[tuple[str, float]]:
    """A batch's ages by key: files by their keys, and the columns of its scores.

    `scored_with`: the key of the release that scored it, if that was another one.
    """
    plan = plan_of(parse_definition(MODEL.replace("KEY", key), "model.yaml"))
    inputs = []
    for number, (name, text) in enumerate(files.items()):
        path = folder / f"{number}"
        path.write_text(text)
        inputs.append(SourceFile(path, name))
    scored = folder / "scores"
    pl.DataFrame(scores).write_parquet(scored)
    objects = [{"key": name} for name in files]
    content = {"data": {"key": list(scored_with or [key])}}
    document = {"batch": "b1", "asked_at": "2026-11-22T06:00:00Z", "objects": objects} | {
        "definition": {"content": content}
    }
    frames = joined(document, [SourceFile(scored, "scores")], inputs, plan, Columns.of(plan))
    return pl.concat(frames).select("__key_0", "data_age").rows()


def test_a_file_named_like_the_end_of_another_keeps_its_own_scores(tmp_path: Path):
    # Below the common folder "in/" they are a.csv and in/a.csv, which is also the first one's key.
    files = {"in/a.csv": "id,age\n1,41\n", "in/in/a.csv": "id,age\n2,99\n"}
    scores = {"id": ["1", "2"], "file": ["a.csv", "in/a.csv"], "row": [1, 1]}

    assert ages_by_key(tmp_path, "id", files, scores) == [("1", 41.0), ("2", 99.0)]


def test_a_key_is_found_under_the_name_that_the_scores_have_for_it(tmp_path: Path):
    files = {"in/a.csv": "probability_id,age\n7,41\n"}
    scores = {"probability_id": ["7"], "file": ["a.csv"], "row": [1], "probability": [0.7]}

    assert ages_by_key(tmp_path, "probability_id", files, scores) == [("7", 41.0)]


def test_a_key_that_became_shorter_is_found_among_the_columns_of_the_earlier_one(tmp_path: Path):
    files = {"in/a.csv": "id,shop,age\n7,n,41\n"}
    scores = {"shop": ["n"], "id": ["7"], "file": ["a.csv"], "row": [1]}

    assert ages_by_key(tmp_path, "id", files, scores, ["shop", "id"]) == [("7", 41.0)]
