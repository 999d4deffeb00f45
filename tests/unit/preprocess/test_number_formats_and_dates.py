"""Numbers as other countries write them, dates, offsets, inf and NUL: what model.yaml declares."""

import math
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from contract.number_format import NumberFormat
from contract.plan import Derivation, Feature
from contract.step import StepError

Run = Callable[..., Any]
SEX = Feature("sex", "categorical")


def test_decimal_commas_and_thousands_separators_are_read_as_declared(run: Run, plan: Any) -> None:
    rows = "".join(f"M;{row}.000,{row % 10};{row % 7},5\n" for row in range(1, 61))
    declared = plan(delimiter=";", number_format=NumberFormat(",", "."))

    written = run({"a.csv": "sex;length;rings\n" + rows}, declared).rows.sort("length")

    assert written["length"].to_list()[:2] == pytest.approx([1000.1, 2000.2])
    assert written["rings"].to_list()[:2] == [1.5, 2.5]


def test_a_number_in_another_format_is_a_rejected_row(run: Run, plan: Any) -> None:
    rows = "".join(f"M;{row},5;{row % 7}\n" for row in range(60))

    with pytest.raises(StepError, match=r"row 61 \(line 62\), column length: '1\.5' is not a num"):
        run(
            {"a.csv": "sex;length;rings\n" + rows + "M;1.5;3\n"},
            plan(delimiter=";", number_format=NumberFormat(",")),
        )


def dated(plan: Any, **changes: Any) -> Any:
    features = (
        SEX,
        Feature("caught_month", "numeric", derive=Derivation("caught", "month")),
        Feature(
            "caught_days", "numeric", derive=Derivation("caught", "days", "2026-01-01"), **changes
        ),
    )
    return plan(features=features)


def test_a_date_column_is_written_as_it_is_with_the_features_from_it(run: Run, plan: Any) -> None:
    rows = [f"M,2026-{row % 12 + 1:02}-{row % 28 + 1:02},{row % 7}" for row in range(84)]

    result = run({"a.csv": "sex,caught,rings\n" + "\n".join([*rows, "F,,5\n"])}, dated(plan))

    first = result.rows.filter(pl.col("caught") == "2026-02-02")
    assert first.row(0, named=True).items() >= {"caught_month": 2, "caught_days": 32}.items()
    assert result.rows.filter(pl.col("caught").is_null())["caught_month"].to_list() == [None]
    described = result.outcome.baseline["features"]
    assert set(described) == {"sex", "caught_month", "caught_days"}
    assert described["caught_month"]["numeric"]["maximum"] == 12


def test_csv_and_parquet_with_dates_give_the_same_rows(run: Run, plan: Any, tmp_path: Any) -> None:
    frame = pl.DataFrame(
        {
            "sex": ["M", "F"] * 30,
            "caught": pl.datetime_range(
                pl.datetime(2026, 1, 1), pl.datetime(2026, 3, 1), "1d", eager=True, time_zone="UTC"
            )[:60],
            "rings": [float(row % 7) for row in range(60)],
        }
    )
    text = frame.with_columns(pl.col("caught").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).write_csv()

    one = run({"a.parquet": frame}, dated(plan)).parts
    (tmp_path / "output").rename(tmp_path / "earlier")
    other = run({"a.csv": text}, dated(plan)).parts

    for part, rows in one.items():
        assert rows.drop("caught").equals(other[part].drop("caught")), part


def test_what_is_no_date_is_a_rejected_row(run: Run, plan: Any) -> None:
    rows = [f"M,2026-01-{row % 28 + 1:02},{row % 7}" for row in range(84)]
    text = "sex,caught,rings\n" + "\n".join([*rows, "M,2026-02-30,5\n"])

    with pytest.raises(StepError) as failure:
        run({"a.csv": text}, dated(plan))

    assert str(failure.value) == (
        "a.csv row 85 (line 86), column caught: '2026-02-30' is not a date; "
        "write 2026-01-31 or 2026-01-31T12:00:00, or leave it empty if unknown"
    )


def test_a_date_may_be_missing_only_if_every_feature_from_it_may(run: Run, plan: Any) -> None:
    rows = [f"M,2026-01-{row % 28 + 1:02},{row % 7}" for row in range(84)]
    text = "sex,caught,rings\n" + "\n".join([*rows, "M,,5\n"])

    with pytest.raises(StepError, match="column caught: is missing"):
        run({"a.csv": text}, dated(plan, nullable=False))


def test_a_number_with_an_offset_keeps_all_its_digits(run: Run, plan: Any) -> None:
    rows = "".join(f"{1_700_000_000 + row},{row % 7}\n" for row in range(200))
    feature = Feature("ts", "numeric", offset=1_700_000_000)

    result = run({"a.csv": "ts,rings\n" + rows}, plan(features=(feature,)))

    assert result.rows["ts"].dtype == pl.Float64
    assert sorted(result.rows["ts"]) == [1_700_000_000 + row for row in range(200)]
    assert all(part.height for part in result.parts.values())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_inf_is_missing_where_null_values_name_it(run: Run, plan: Any, kind: str) -> None:
    lengths = [math.inf, -math.inf, *(row + 0.5 for row in range(58))]
    frame = pl.DataFrame(
        {"sex": ["M", "F"] * 30, "length": lengths, "rings": [float(row % 7) for row in range(60)]}
    )
    content = frame if kind == "parquet" else frame.write_csv()
    declared = plan(null_values=("", "NA", "inf", "-inf"))

    assert run({f"a.{kind}": content}, declared).rows["length"].null_count() == 2
    with pytest.raises(StepError, match="'inf' is not a finite number; correct it, leave it empty"):
        run({f"a.{kind}": content}, plan())


def test_a_nul_byte_is_a_rejected_row_with_its_place(run: Run, plan: Any) -> None:
    rows = "".join(f"M,{row}.5,{row % 7}\n" for row in range(60))

    with pytest.raises(StepError) as failure:
        run({"a.csv": "sex,length,rings\n" + rows + "\0M,1.5,5\n"}, plan())

    assert str(failure.value) == (
        "a.csv row 61 (line 62), column sex: '\\x00M' has a NUL byte; remove the byte"
    )


def test_a_date_may_be_part_of_the_key(run: Run, plan: Any) -> None:
    rows = [f"{sex},2026-01-{day:02},{day % 7}" for sex in "MF" for day in range(1, 29)]
    declared = dated(lambda **changes: plan(key=("sex", "caught"), **changes))

    result = run({"a.csv": "sex,caught,rings\n" + "\n".join(rows) + "\n"}, declared)

    assert result.rows.height == 56
    assert result.rows["caught_days"].max() == 27
