"""No model is compared on rows it was trained on."""

from dataclasses import replace

import polars as pl
import pytest

from contract.split import PLACE, ROW, SplitRecord
from contract.step import StepError
from evaluate.evaluation import Evidence, Models, evaluate
from evaluate.unseen import unseen
from tests.support.training_cases import plan, rows
from train.model import train

GROUPS = SplitRecord("group", ("customer",), 60, 80)
ROWS = SplitRecord("row", ("size", "weight"), 60, 80)
TEST = pl.DataFrame({ROW: range(70, 100), PLACE: range(70, 100)})


def test_rows_before_the_champions_test_part_are_left_out() -> None:
    earlier = replace(GROUPS, test_from=70)

    assert unseen(TEST, earlier, GROUPS)[PLACE].to_list() == list(range(80, 100))
    assert unseen(TEST, GROUPS, replace(earlier, test_from=60)).height == TEST.height
    assert unseen(TEST, replace(ROWS, test_from=70), ROWS)[ROW].to_list() == list(range(80, 100))


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (GROUPS, None, "were split by the hash of each row, this run's by group (customer)"),
        (GROUPS, ROWS, "were split by the hash of each row, this run's by group (customer)"),
        (ROWS, GROUPS, "were split by group (customer), this run's by the hash of each row"),
        (replace(GROUPS, columns=("shop",)), GROUPS, "by group (customer), this run's by group (s"),
        (
            SplitRecord("time", ("day",), 6, 8, {}, "dates"),
            SplitRecord("time", ("day",), 6, 8, {}, "numbers"),
            "by time (day, as numbers), this run's by time (day, as dates)",
        ),
        (GROUPS, replace(GROUPS, test_from=100), "trained on all of these test rows; set the sh"),
    ],
)
def test_where_the_champion_may_have_seen_all_rows_there_is_no_comparison(
    now: SplitRecord, before: SplitRecord | None, words: str
) -> None:
    with pytest.raises(StepError) as refused:
        unseen(TEST, now, before)

    assert words in str(refused.value)


def test_a_champion_trained_up_to_now_has_no_later_rows_to_be_compared_on() -> None:
    days = SplitRecord("time", ("day",), 60, 80, {"validation": "2026-01-31", "test": "2026-02-10"})
    later = replace(days, test_from=100, begins={"test": "2026-03-01"})

    assert unseen(TEST, days, days)[PLACE].to_list() == list(range(80, 100))
    with pytest.raises(StepError, match="trained with rows up to 2026-03-01, and no test row is"):
        unseen(TEST, days, later)


# Documented: rows move when the key or the features change, and that favours the champion.
@pytest.mark.parametrize(
    ("now", "before"), [(ROWS, None), (None, None), (ROWS, replace(ROWS, columns=("size",)))]
)
def test_a_split_by_row_is_compared_on_all_rows_where_the_order_is_another(now, before) -> None:
    assert unseen(TEST, now, before).height == TEST.height


REPORT = {
    "rows_read": 500,
    "rows_written": {"train": 300, "validation": 100, "test": 120},
    "rows_rejected": 0,
}
CHAMPION = {"run": "r-0", "package_arn": "arn:x", "version": 3}


def evaluated(now: SplitRecord, before: SplitRecord | None) -> dict:
    test = rows("regression", 120, seed=2).with_columns(pl.Series(PLACE, range(120)))
    model = train(plan(), rows(), rows(count=100, seed=1)).artifact
    evidence = Evidence(REPORT, {"features": {}}, {"features": {}}, now, before)
    return evaluate(plan(champion=CHAMPION), test, Models(model, model), evidence).document


def test_both_models_are_measured_on_the_rows_that_neither_has_seen() -> None:
    document = evaluated(replace(GROUPS, test_from=0), GROUPS)

    assert document["rows"]["test"] == document["parity"]["rows"] == 40
    assert document["data"]["warnings"] == [
        "80 test rows were left out, because the champion was trained on them"
    ]
    assert document["difference"]["rmse"]["value"] == 0


def test_the_reference_is_compared_on_the_rows_that_it_has_not_seen_either() -> None:
    test = rows("regression", 120, seed=2).with_columns(pl.Series(PLACE, range(120)))
    model = train(plan(), rows(), rows(count=100, seed=1)).artifact
    now, later = replace(GROUPS, test_from=0), replace(GROUPS, test_from=119)
    known = {"release": 1, "why": "approved", **CHAMPION}
    evidence = Evidence(REPORT, {"features": {}}, {"features": {}}, now, now, later)
    asked = replace(plan(champion=CHAMPION), reference=known)

    document = evaluate(asked, test, Models(model, model, model), evidence).document

    # One row has no interval.
    assert document["difference"]["rmse"]["low"] == 0
    assert document["reference"]["difference"]["rmse"]["value"] == 0
    assert document["reference"]["metrics"]["rmse"] != document["champion"]["metrics"]["rmse"]


def test_a_reference_of_another_split_is_an_obstacle() -> None:
    test = rows("regression", 120, seed=2).with_columns(pl.Series(PLACE, range(120)))
    model = train(plan(), rows(), rows(count=100, seed=1)).artifact
    known = {"release": 1, "why": "approved", **CHAMPION}
    evidence = Evidence(REPORT, {"features": {}}, {"features": {}}, GROUPS, GROUPS, ROWS)
    asked = replace(plan(champion=CHAMPION), reference=known)

    document = evaluate(asked, test, Models(model, model, model), evidence).document

    assert document["reference"]["obstacle"].startswith(
        "the reference could not be compared: its rows were split by the hash of each row, "
    )


def test_a_champion_of_another_split_is_an_obstacle_and_no_failure() -> None:
    document = evaluated(GROUPS, ROWS)

    assert document["rows"]["test"] == 120
    assert document["champion"]["obstacle"].startswith(
        "the champion could not be compared: its rows were split by the hash of each row, "
    )
    assert document["difference"]["rmse"]["value"] is None
