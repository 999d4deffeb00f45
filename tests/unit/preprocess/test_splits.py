"""Which rows stay together: those of a group, and those of a time."""

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from contract.plan import Feature, Plan, Split
from contract.split import PLACE, ROW, SplitRecord
from contract.step import StepError

Run = Callable[..., Any]
MakePlan = Callable[..., Plan]

BY_CUSTOMER = Split(0.6, 0.2, 0.2, group="customer")


def visits(customers: int = 80, months: int = 6, first: int = 0) -> pl.DataFrame:
    """A row for each customer and month."""
    rows = [(c, m) for m in range(first, first + months) for c in range(customers)]
    return pl.DataFrame(
        {
            "customer": [f"c{c}" for c, _ in rows],
            "sex": ["MFI"[(c + m) % 3] for c, m in rows],
            "length": [c + m / 10 for c, m in rows],
            "rings": [float((c * 7 + m) % 11) for c, m in rows],
        }
    )


def sides(result: Any, original: pl.DataFrame) -> dict[str, set[str]]:
    """The customers of each part, found again by their rows' values."""
    names = original.with_columns(pl.col("length").cast(pl.Float32))
    return {
        part: set(frame.join(names, on=["sex", "length", "rings"])["customer"])
        for part, frame in result.parts.items()
    }


def test_all_rows_of_a_group_are_in_one_part_and_stay_there(run: Run, plan: MakePlan) -> None:
    by_customer = plan(split=BY_CUSTOMER)
    before = run({"a.parquet": visits()}, by_customer)
    more = pl.concat([visits(months=9), visits(customers=120).filter(pl.col("length") > 85)])

    after = run({"b.csv": more.sample(fraction=1, shuffle=True, seed=1).write_csv()}, by_customer)

    was, now = sides(before, visits()), sides(after, more)
    assert all(was.values())
    for found in (was, now):
        assert len(set.union(*found.values())) == sum(map(len, found.values()))
    assert all(customers <= now[part] for part, customers in was.items())
    assert after.outcome.rows_read == sum(after.outcome.written.values()) == more.height


def test_a_group_is_no_feature_unless_it_is_declared(run: Run, plan: MakePlan) -> None:
    alone = run({"a.parquet": visits()}, plan(split=BY_CUSTOMER))
    features = (Feature("customer", "categorical"), Feature("length", "numeric"))
    both = run({"a.parquet": visits().drop("sex")}, plan(split=BY_CUSTOMER, features=features))

    assert alone.rows.columns == [ROW, PLACE, "sex", "length", "rings"]
    assert set(alone.outcome.baseline["features"]) == {"sex", "length"}
    assert both.rows.columns == [ROW, PLACE, "customer", "length", "rings"]


def test_a_group_of_numbers_is_the_same_in_any_spelling_and_as_a_feature(
    run: Run, plan: MakePlan
) -> None:
    numbered = visits().with_columns(pl.col("customer").str.slice(1).cast(pl.Int64))
    texts = numbered.with_columns(pl.col("customer").cast(pl.Float64).cast(pl.String))
    features = (Feature("customer", "numeric"), Feature("sex", "categorical"))

    as_numbers = run({"a.parquet": numbered}, plan(split=BY_CUSTOMER))
    as_texts = run({"a.csv": texts.write_csv()}, plan(split=BY_CUSTOMER))
    as_feature = run(
        {"a.csv": numbered.drop("length").write_csv()}, plan(split=BY_CUSTOMER, features=features)
    )

    written = [one.outcome.written for one in (as_numbers, as_texts, as_feature)]
    assert written[0] == written[1] == written[2]
    assert as_feature.rows["customer"].dtype == pl.Float32


def test_a_row_without_its_group_is_rejected_with_its_place(run: Run, plan: MakePlan) -> None:
    text = visits().with_columns(
        pl.when(pl.int_range(pl.len()) != 4).then(pl.col("customer")).alias("customer")
    )

    with pytest.raises(StepError) as failure:
        run({"a.csv": text.write_csv()}, plan(split=BY_CUSTOMER))

    assert str(failure.value) == (
        "a.csv row 5 (line 6), column customer: is missing; "
        "fill it in: split.by needs it in every row"
    )


def test_too_few_groups_for_three_parts_are_named_as_the_cause(run: Run, plan: MakePlan) -> None:
    with pytest.raises(StepError, match=r"none of the 12 rows is in .+; too few values of split.b"):
        run({"a.parquet": visits(customers=2)}, plan(split=BY_CUSTOMER))


def test_the_report_says_how_rows_were_split(run: Run, plan: MakePlan) -> None:
    report = run({"a.parquet": visits()}, plan(split=BY_CUSTOMER)).outcome.split
    by_row = run({"a.parquet": visits()}, plan(ignore=("customer",))).outcome.split

    read = SplitRecord.read({"split": report})
    assert read is not None
    assert (read.by, read.columns, read.place) == ("group", ("customer",), PLACE)
    assert (by_row["by"], by_row["columns"]) == ("row", ["length", "sex"])
    assert SplitRecord.read({}) is None  # a report of an earlier version
