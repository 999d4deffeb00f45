"""The paired difference of two runs: on which rows, and that it is the gate's."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from contract.artifact import Artifact
from contract.split import ROW
from evaluate.evaluation import Evaluated, Models, evaluate
from kanmon.comparison.display import difference_rows, document, lines
from kanmon.comparison.facts import facts
from kanmon.comparison.pairing import NotPairedError, Paired, check_pairable, pair, rows_words
from kanmon.comparison.sides import Side
from kanmon.runs.records import RunRecord
from tests.support.training_cases import TASKS, plan, rows
from tests.support.training_cases import document as plan_document
from tests.unit.evaluate.test_evaluation import CHAMPION, EVIDENCE, model

# One that learns badly, so that the difference is clear.
WEAK = {"min_data_in_leaf": 140}


def prepared(task: str, count: int = 200, first: int = 0) -> pl.DataFrame:
    """Test rows with hashes; those of a later `first` share only some with others."""
    made = rows(task, 300, seed=2).slice(first, count)
    hashes = np.arange(first + 1, first + 1 + made.height, dtype=np.uint64) << np.uint64(40)
    return made.with_columns(pl.Series(ROW, hashes))


def judged(
    task: str, candidate: Artifact, test: pl.DataFrame, champion: Artifact | None = None
) -> Evaluated:
    changes = {"champion": CHAMPION if champion else None}
    return evaluate(plan(task, **changes), test, Models(candidate, champion), EVIDENCE)


def side(run: str, task: str, found: Evaluated | None = None, **definition: Any) -> Side:
    plan = plan_document(task)
    plan["definition"]["content"] |= definition
    fields = {"status": "SUCCEEDED", "opened_at": "2026-11-21T05:55:01Z"}
    if found is None:
        fields["status"] = "FAILED"
    return Side(RunRecord(run, "m", fields), plan, found.document if found else {}, {})


@pytest.mark.parametrize("task", TASKS)
def test_a_run_and_its_champion_differ_by_what_the_gate_found(task: str) -> None:
    test, strong, weak = prepared(task), model(task), model(task, parameters=WEAK)
    before, now = judged(task, weak, test), judged(task, strong, test, champion=weak)

    found = pair(
        side("old", task, before), side("new", task, now), (before.row_scores, now.row_scores)
    )

    written = {
        name: {"value": each.value, "low": each.low, "high": each.high}
        for name, each in found.differences.items()
    }
    assert written == now.document["difference"]
    assert (found.rows, found.relabelled) == (200, 0)


def test_only_rows_that_both_were_tested_on_are_compared() -> None:
    strong, weak = model("regression"), model("regression", parameters=WEAK)
    before = judged("regression", weak, prepared("regression", 200))
    now = judged("regression", strong, prepared("regression", 150, first=120))

    found = pair(
        side("old", "regression", before),
        side("new", "regression", now),
        (before.row_scores, now.row_scores),
    )

    alone = judged("regression", strong, prepared("regression", 80, first=120), champion=weak)
    assert found.rows == 80
    assert found.differences["rmse"].value == pytest.approx(
        alone.document["difference"]["rmse"]["value"]
    )
    assert rows_words(found) == "80 shared test rows, of 200 and 150"


def test_runs_that_share_no_test_row_are_not_paired() -> None:
    one, other = (
        judged("binary", model("binary"), prepared("binary", 100, first=at)) for at in (0, 150)
    )

    with pytest.raises(NotPairedError, match="new and old share no test rows"):
        pair(
            side("old", "binary", one),
            side("new", "binary", other),
            (one.row_scores, other.row_scores),
        )


def test_a_row_whose_label_was_changed_is_left_out_and_counted() -> None:
    test = prepared("binary")
    changed = test.with_columns(
        pl.when(pl.int_range(pl.len()) < 3)
        .then(pl.col("target").replace({"yes": "no", "no": "yes"}))
        .otherwise(pl.col("target"))
        .alias("target")
    )
    before, now = (judged("binary", model("binary"), each) for each in (test, changed))

    found = pair(
        side("old", "binary", before),
        side("new", "binary", now),
        (before.row_scores, now.row_scores),
    )

    assert (found.rows, found.relabelled) == (197, 3)
    assert "3 were left out because their label was changed" in rows_words(found)
    assert found.differences["auc"].value == 0


def test_of_rows_that_nothing_tells_apart_as_many_are_shared_as_both_have() -> None:
    def scores(*labels: float) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "row": pl.Series([7] * len(labels), dtype=pl.UInt64),
                "label": pl.Series(labels, dtype=pl.Float32),
                "score": pl.Series([1.0] * len(labels), dtype=pl.Float32),
            }
        )

    whole = judged("regression", model("regression"), prepared("regression"))
    sides = side("old", "regression", whole), side("new", "regression", whole)

    found = pair(*sides, (scores(1, 1, 2), scores(1, 1, 1, 3)))

    assert (found.rows, found.relabelled) == (2, 1)


def test_a_class_that_one_model_does_not_know_has_probability_0_there() -> None:
    test = prepared("multiclass")
    whole = judged("multiclass", model("multiclass"), test)
    # The model of before knew two classes.
    before = whole.row_scores.drop("score:high")
    sides = side("old", "multiclass", whole), side("new", "multiclass", whole)

    found = pair(*sides, (before, whole.row_scores))

    assert found.rows == 200
    assert found.differences["log_loss"].value < 0


def test_few_shared_rows_are_said_to_say_little() -> None:
    assert rows_words(Paired("a", "b", 9, 9, 9, 0, {}, {}, {})) == (
        "9 shared test rows; so few that the intervals say little"
    )


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        ({"target": "other"}, "the target of old is 'target', here 'other'"),
        ({"positive": "no"}, "the positive class of old is 'yes', here 'no'"),
        ({"data": {"key": ["id"]}}, "the key of old is all feature values, here id"),
    ],
)
def test_rows_that_do_not_mean_the_same_are_not_paired(definition: dict, words: str) -> None:
    found = judged("binary", model("binary"), prepared("binary"))

    with pytest.raises(NotPairedError, match=f"^{words}$"):
        check_pairable(side("old", "binary", found), side("new", "binary", found, **definition))


def test_runs_of_two_models_are_paired_only_over_the_same_data() -> None:
    found = judged("binary", model("binary"), prepared("binary"))
    base, other = (
        side(name, "binary", found, data={"location": f"datasets/{name}/"}) for name in ("a", "b")
    )
    object.__setattr__(other, "record", RunRecord("b", "another", {}))

    with pytest.raises(NotPairedError, match="the data of a is 'datasets/a/', here 'datasets/b/'"):
        check_pairable(base, other)


def test_costs_are_compared_only_where_a_wrong_decision_costs_the_same() -> None:
    found = judged("binary", model("binary"), prepared("binary"))
    found.document["metrics"].append("cost")
    costs = {"false_positive": 1, "false_negative": 5}
    sides = [
        side(name, "binary", found, threshold=costs | {"false_positive": price})
        for name, price in (("a", 1), ("b", 1), ("c", 2))
    ]
    scores = (found.row_scores, found.row_scores)

    assert "cost" in pair(sides[0], sides[1], scores).differences
    assert "cost" not in pair(sides[0], sides[2], scores).differences


def test_a_run_that_failed_stands_beside_the_other_without_metrics() -> None:
    found = judged("regression", model("regression"), prepared("regression"))
    sides = side("a", "regression", found), side("b", "regression")

    with pytest.raises(NotPairedError, match="b has no metrics: failed") as reason:
        check_pairable(*sides)

    shown = "\n".join(lines(sides, facts(sides), [], [("b", str(reason.value))]))
    assert "B − A     no paired difference: b has no metrics: failed" in shown
    assert "failed" in shown.splitlines()[1]


def test_a_run_whose_evaluation_was_removed_is_not_paired() -> None:
    found = judged("regression", model("regression"), prepared("regression"))
    gone = side("b", "regression")
    gone.record.fields["verdict"] = "promote"

    with pytest.raises(NotPairedError, match="b has no metrics: its evaluation is gone"):
        check_pairable(side("a", "regression", found), gone)


def test_a_clear_difference_is_called_better_or_worse_by_the_metrics_direction() -> None:
    test, strong, weak = prepared("regression"), model("regression"), model("regression", rounds=1)
    before, now = judged("regression", weak, test), judged("regression", strong, test)
    sides = side("old", "regression", before), side("new", "regression", now)

    found = pair(*sides, (before.row_scores, now.row_scores))
    back = pair(*sides[::-1], (now.row_scores, before.row_scores))

    assert {row[0]: row[-1] for row in difference_rows(*sides, found)}["RMSE"] == "better"
    assert {row[0]: row[-1] for row in difference_rows(*sides, found)}["R²"] == "better"
    assert {row[-1] for row in difference_rows(*sides[::-1], back)} == {"worse"}


def test_the_document_has_every_number() -> None:
    found = judged("regression", model("regression"), prepared("regression"))
    sides = side("a", "regression", found), side("b", "regression", found)
    paired = pair(*sides, (found.row_scores, found.row_scores))

    written = document(sides, facts(sides), [paired], [])

    assert [one["run"] for one in written["runs"]] == ["a", "b"]
    assert written["paired"][0]["metrics"]["rmse"]["difference"] == {
        "value": 0.0,
        "low": 0.0,
        "high": 0.0,
    }
    assert (written["facts"], written["not_paired"]) == ({}, [])
