"""Which rows stay together: those of a group, and those of a time."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.plan import Feature, Plan, Split
from contract.split import PLACE, ROW, SplitRecord
from contract.step import StepError
from preprocess.pipeline import preprocess, times_of
from reading import times as reading_times
from reading.source import SourceFile
from reading.times import TimeCounts, Times

Run = Callable[..., Any]
MakePlan = Callable[..., Plan]

few = settings(max_examples=10, deadline=None)
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


BY_DAY = Split(0.6, 0.2, 0.2, time="day")


def days(count: int = 50, per_day: int = 6) -> pl.DataFrame:
    """Rows that begin on 1 January 2026, some each day."""
    first = date(2026, 1, 1)
    rows = [(first + timedelta(days=day), n) for day in range(count) for n in range(per_day)]
    return pl.DataFrame(
        {
            "day": [day for day, _ in rows],
            "sex": ["MFI"[n % 3] for _, n in rows],
            "length": [float((day - first).days) for day, _ in rows],
            "rings": [float((n * 5) % 7) for _, n in rows],
        }
    )


def lengths(result: Any) -> dict[str, tuple[float, float]]:
    """The first and the last day of each part, as the days since the first."""
    return {
        part: (frame["length"].min(), frame["length"].max()) for part, frame in result.parts.items()
    }


DAYS = {"train": (0, 29), "validation": (30, 39), "test": (40, 49)}


@pytest.mark.parametrize(
    "written",
    [
        lambda day: day,
        lambda day: day.dt.to_string("%Y-%m-%d"),
        lambda day: day.dt.to_string("%Y/%m/%d"),
        lambda day: day.dt.to_string("%Y-%m-%dT08:30:00Z"),
        lambda day: day.dt.to_string("%Y-%m-%d 08:30:00.25+02:00"),
        lambda day: day.cast(pl.Datetime).dt.replace_time_zone("Asia/Tokyo"),
        lambda day: day.dt.to_string("%Y%m%d").cast(pl.Int64),
        lambda day: day.cast(pl.Datetime).dt.epoch("s"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_latest_rows_are_test_rows(run: Run, plan: MakePlan, written: Any, form: str) -> None:
    frame = days().with_columns(written(pl.col("day")).alias("day"))
    frame = frame.sample(fraction=1, shuffle=True, seed=1)
    content = frame.write_csv() if form == "csv" else frame

    result = run({f"a.{form}": content}, plan(split=BY_DAY))

    assert lengths(result) == DAYS
    assert result.rows.columns == [ROW, PLACE, "sex", "length", "rings"]


def test_the_report_says_when_each_part_begins(run: Run, plan: MakePlan) -> None:
    split = run({"a.parquet": days()}, plan(split=BY_DAY)).outcome.split

    assert split["begins"] == {"validation": "2026-01-31", "test": "2026-02-10"}
    assert (split["test_from"], split["times"]) == (1770681600e6, "dates")


def test_several_hosts_begin_the_parts_at_the_same_time(
    preprocess_files: Run, plan: MakePlan, tmp_path: Path
) -> None:
    frame = days()
    early, late = frame.filter(pl.col("length") < 45), frame.filter(pl.col("length") >= 45)
    files = []
    for number, each in enumerate((early, late)):
        path = tmp_path / f"{number}.parquet"
        each.write_parquet(path)
        files.append(SourceFile(path, path.name))
    times = times_of(plan(split=BY_DAY), files)

    ends = []
    for number, file in enumerate(files):
        output = partial(folder_of, tmp_path / f"host-{number}")
        options = {"host": (number, 2), "times": times}
        preprocess(plan(split=BY_DAY), [file], output, tmp_path / "scratch", **options)
        tests = sorted(output("test").glob("*.parquet"))
        ends.append(pl.concat([pl.read_parquet(each) for each in tests])["length"].unique().sort())

    assert [end.to_list() for end in ends] == [list(range(40, 45)), list(range(45, 50))]


def folder_of(root: Path, part: str) -> Path:
    (root / part).mkdir(parents=True, exist_ok=True)
    return root / part


def test_what_is_not_a_time_is_rejected_with_its_place(run: Run, plan: MakePlan) -> None:
    texts = days().with_columns(pl.col("day").cast(pl.String)).write_csv().splitlines()
    texts[3] = texts[3].replace("2026-01-01", "yesterday")

    with pytest.raises(StepError) as failure:
        run({"a.csv": "\n".join(texts)}, plan(split=BY_DAY))

    assert str(failure.value) == (
        "a.csv row 3 (line 4), column day: 'yesterday' is not a time; "
        "write 2026-01-31, 2026-01-31 12:30:00, 2026-01, or a number"
    )


def test_numbers_and_dates_have_no_common_order(run: Run, plan: MakePlan) -> None:
    texts = days().with_columns(pl.col("day").cast(pl.String)).write_csv()

    with pytest.raises(StepError, match=r"^column day: has both numbers and dates, .+ write all"):
        run({"a.csv": texts.replace("2026-01-02", "20260102")}, plan(split=BY_DAY))


def test_fewer_than_three_times_are_named_as_the_cause(run: Run, plan: MakePlan) -> None:
    with pytest.raises(StepError, match=r"in validation or test; day needs at least three differ"):
        run({"a.parquet": days(count=2)}, plan(split=BY_DAY))


@given(
    days_of=st.lists(st.integers(0, 12), min_size=3, max_size=80),
    shares=st.tuples(*[st.integers(1, 9)] * 3).map(lambda n: [x / sum(n) for x in n]),
)
@few
def test_each_part_has_rows_and_no_row_is_earlier_than_those_before_it(days_of, shares) -> None:
    split = Split(shares[0], shares[1], shares[2], time="day")
    counts = TimeCounts()
    counts.add(Times.of(pl.Series([str(day) for day in days_of])))

    begins = counts.begins(split)

    assert (begins is None) is (len(set(days_of)) < 3)
    if begins is not None:
        assert min(days_of) < begins[0] < begins[1] <= max(days_of)


@given(data=st.data())
@few
def test_many_times_are_counted_in_steps_that_no_order_changes(data: st.DataObject) -> None:
    times = data.draw(st.lists(st.floats(-1e6, 1e6), min_size=30, max_size=60, unique=True))
    shuffled = data.draw(st.permutations(times))
    found = []
    with patch.object(reading_times, "MOST_TIMES", 10):
        for order in (times, shuffled):
            counts = TimeCounts()
            for start in range(0, len(order), 7):
                values = pl.Series(order[start : start + 7], dtype=pl.Float64)
                counts.add(Times(values, frozenset({"numbers"})))
            found.append((counts.step, counts.counts.sort("time").rows()))

    assert found[0] == found[1]
    assert len(found[0][1]) <= 10
    assert sum(rows for _, rows in found[0][1]) == len(times)


def test_the_smallest_negative_time_is_in_the_step_below_zero_in_whatever_order_it_comes() -> None:
    found = []
    with patch.object(reading_times, "MOST_TIMES", 2):
        for order in ([-5e-324, 1.0, 2.0, 9.0], [1.0, 2.0, 9.0, -5e-324]):
            counts = TimeCounts()
            for value in order:
                counts.add(Times(pl.Series([value]), frozenset({"numbers"})))
            found.append(counts.counts.sort("time").rows())

    assert found[0] == found[1]
    assert found[0][0] == (-16.0, 1)
