"""The same rows come out, whatever the file looks like."""

import gzip
import math
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from contract.plan import Feature, Plan
from contract.problem import counted
from contract.step import StepError

Run = Callable[..., Any]
MakePlan = Callable[..., Plan]

ROWS = [("MFI"[row % 3], row + 0.5, row % 7 + 3) for row in range(60)]
TEXT = "sex,length,rings\n" + "".join(f"{sex},{length},{rings}\n" for sex, length, rings in ROWS)
QUOTED = "\n".join('"' + line.replace(",", '","') + '"' for line in TEXT.splitlines())
SPACED = "sex,length,rings\n" + "".join(f"{a}, {b} ,{c}\n" for a, b, c in ROWS)
FRAME = pl.DataFrame(ROWS, schema=["sex", "length", "rings"], orient="row")


def sorted_rows(result: Any) -> pl.DataFrame:
    return result.rows.sort("__row")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbf" + TEXT.encode(), id="a byte order mark"),
        pytest.param(TEXT.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(TEXT.rstrip("\n"), id="no last line break"),
        pytest.param(TEXT + "\n\n", id="blank lines at the end"),
        pytest.param(TEXT.replace("\nF", "\n\nF"), id="blank lines in between"),
        pytest.param(QUOTED, id="every cell quoted"),
        pytest.param(gzip.compress(TEXT.encode(), mtime=0), id="gzip under any name"),
        pytest.param(
            gzip.compress(TEXT[:200].encode(), mtime=0)
            + gzip.compress(TEXT[200:].encode(), mtime=0),
            id="gzip of two members",
        ),
        pytest.param(SPACED, id="spaces around numbers"),
        pytest.param(FRAME, id="Parquet"),
        pytest.param(FRAME.cast({"rings": pl.String, "length": pl.String}), id="Parquet of text"),
        pytest.param(FRAME.cast({"sex": pl.Categorical, "length": pl.Float32}), id="narrow types"),
        pytest.param(FRAME.cast({"length": pl.Decimal(12, 3)}), id="decimal numbers"),
        pytest.param(FRAME.select("rings", "sex", "length"), id="another order of columns"),
    ],
)
def test_a_row_is_the_same_row_in_every_format(run: Run, content: Any) -> None:
    plain = sorted_rows(run({"plain.csv": TEXT}))

    result = run({"a": content})

    assert_frame_equal(sorted_rows(result), plain)
    assert result.outcome.rows_read == 60


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("id", range(60)),
        pl.Series("id", [float(number) for number in range(60)]),
        pl.Series("id", [str(number) for number in range(60)]),
        pl.Series("id", [f"{number}.0" for number in range(60)]),
        pl.Series("id", range(60)).cast(pl.Decimal(38, 0)),
        pl.Series("id", range(60)).cast(pl.Decimal(12, 2)),
    ],
)
def test_a_key_is_the_same_key_as_number_and_as_text(
    run: Run, plan: MakePlan, column: pl.Series
) -> None:
    lines = TEXT.splitlines()
    text = "\n".join(["id," + lines[0], *(f"{row},{line}" for row, line in enumerate(lines[1:]))])
    keyed = plan(key=("id",))
    plain = sorted_rows(run({"plain.csv": text}, keyed))

    result = run({"a.parquet": FRAME.with_columns(column)}, keyed)

    assert_frame_equal(sorted_rows(result), plain)


def test_a_leading_zero_belongs_to_the_key(run: Run, plan: MakePlan) -> None:
    rows = "".join(f"{row},M,{row},{row}\n0{row},M,{row},{row}\n" for row in range(40))

    result = run({"a.csv": "id,sex,length,rings\n" + rows}, plan(key=("id",)))

    assert result.rows["__row"].n_unique() == 80


def test_a_key_may_be_a_feature_too(run: Run, plan: MakePlan) -> None:
    result = run({"a.csv": TEXT}, plan(key=("length",)))

    assert sorted(result.rows["length"].to_list()) == [row + 0.5 for row in range(60)]


def test_parts_have_the_row_hash_the_features_and_the_target(run: Run) -> None:
    result = run({"a.csv": TEXT})

    assert result.rows.schema == {
        "__row": pl.UInt64,
        "sex": pl.String,
        "length": pl.Float32,
        "rings": pl.Float32,
    }


def test_ignored_columns_may_be_there_or_not(run: Run, plan: MakePlan) -> None:
    header, *lines = TEXT.splitlines()
    content = "\n".join([f"{header},remark", *(f'{line},"a, ""b""\nc"' for line in lines)])

    result = run({"a.csv": TEXT, "b.csv": content}, plan(ignore=("remark",)))

    assert result.rows.height == 120
    assert result.rows.unique().height == 60


def test_written_null_values_are_missing(run: Run) -> None:
    result = run({"a.csv": TEXT + "NA,NA,5\n,,6\n"})

    missing = result.rows.filter(pl.col("length").is_null())
    assert sorted(missing["rings"].to_list()) == [5.0, 6.0]
    assert missing["sex"].to_list() == [None, None]


def test_nan_is_missing_in_parquet_where_it_is_a_null_value(run: Run, plan: MakePlan) -> None:
    frame = FRAME.with_columns(length=pl.Series([math.nan, *FRAME["length"][1:]]))

    result = run({"a.parquet": frame}, plan(null_values=("", "NaN")))

    assert result.rows["length"].null_count() == 1
    with pytest.raises(StepError, match=r"column length: 'NaN' is not a finite number"):
        run({"a.parquet": frame})


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_number_that_is_a_null_value_is_missing_in_every_kind_of_file(
    run: Run, plan: MakePlan, kind: str
) -> None:
    # 999.5 is another number, and 99 is a category where sex is coded.
    lengths = [999, 999.5, *FRAME["length"][2:]]
    frame = FRAME.with_columns(
        length=pl.Series(lengths, dtype=pl.Float64),
        sex=pl.Series([99, 7, *([1, 2] * 29)]),
    )
    declared = plan(null_values=("", "999", "99"))
    text = frame.write_csv().replace("999.0", "999")
    content = frame if kind == "parquet" else text

    rows = sorted_rows(run({f"a.{kind}": content}, declared))

    assert rows["length"].null_count() == rows["sex"].null_count() == 1
    assert rows.filter(pl.col("length").is_null())["sex"].null_count() == 1
    assert rows["length"].max() == 999.5


def test_damaged_parquet_is_named_as_that_however_its_name_is_written(run: Run) -> None:
    with pytest.raises(StepError, match=r"a.PARQUET: is damaged Parquet"):
        run({"a.PARQUET": "no parquet"})


def test_line_numbers_count_line_breaks_in_quoted_cells(run: Run, plan: MakePlan) -> None:
    content = 'sex,length,rings\n"M\nM",1,5\n"F",2,5\nM,x,5\n' + TEXT.split("\n", 1)[1]

    with pytest.raises(Exception, match=r"^a.csv row 3 \(line 5\), column length: 'x'"):
        run({"a.csv": content})


@pytest.mark.parametrize("name", ["a b.csv", 'it\'s "q".csv', "naïve 数据.csv", "../../up.csv"])
def test_odd_file_names_are_only_names(run: Run, name: str) -> None:
    with pytest.raises(Exception) as failure:
        run({name: TEXT + "M,x,5\n"})

    assert str(failure.value).startswith(f"{name} row 61 (line 62), column length: 'x'")


@pytest.mark.parametrize(
    "odd", [('the "sex", quoted', "längé\nth", "ri.ng$"), ("count", "column_1", "value")]
)
def test_headers_with_odd_names_are_read(
    run: Run, plan: MakePlan, odd: tuple[str, str, str]
) -> None:
    header = ",".join('"' + name.replace('"', '""') + '"' for name in odd)
    features = (Feature(odd[0], "categorical"), Feature(odd[1], "numeric"))

    result = run(
        {"a.csv": TEXT.replace("sex,length,rings", header)}, plan(features=features, target=odd[2])
    )

    assert result.rows.columns == ["__row", *odd]
    assert result.rows.height == 60


def test_an_unseen_category_is_accepted_and_reported(run: Run) -> None:
    rows = "".join(f"rare{row},{row},{row % 5}\n" for row in range(60))

    result = run({"a.csv": TEXT + rows})

    assert result.outcome.rows_read == 120
    parts = {part: frame["sex"] for part, frame in result.parts.items()}
    for part in ("validation", "test"):
        unseen = sorted(set(parts[part]) - set(parts["train"]))
        examples = ", ".join(repr(value) for value in unseen[:3])
        assert (
            f"sex: {counted(len(unseen), 'value')} in {part} never in training, "
            f"in {counted(len(unseen), 'row')}, such as {examples}"
        ) in result.outcome.warnings


def test_other_delimiters_are_read(run: Run, plan: MakePlan) -> None:
    result = run({"a.csv": TEXT.replace(",", "\t")}, plan(delimiter="\t"))

    assert result.rows.height == 60


def test_classes_stay_text(run: Run, plan: MakePlan) -> None:
    frame = FRAME.with_columns(pl.Series("rings", [True, False] * 30))

    result = run({"a.parquet": frame}, plan(task="binary", positive="true"))

    assert set(result.rows["rings"]) == {"true", "false"}


def test_more_rows_than_memory_allows_at_once_are_taken_in_turns(run: Run, plan: MakePlan) -> None:
    head, body = TEXT.split("\n", 1)
    text = head + "\n" + body * 20_000

    result = run({"a.csv": text}, plan(memory_mb=256))

    assert result.outcome.rows_read == 1_200_000
    assert result.outcome.written == {part: rows.height for part, rows in result.parts.items()}
    # More than one batch of what fits in memory.
    assert result.files["train"] > 2


def test_parquet_is_taken_in_turns_too(run: Run, plan: MakePlan) -> None:
    frame = pl.concat([FRAME] * 10_000)

    result = run({"a.parquet": frame}, plan(memory_mb=256))

    assert result.outcome.rows_read == 600_000
    assert result.files["train"] > 2


def test_reordering_the_features_moves_no_row(run: Run, plan: MakePlan) -> None:
    features = plan().features
    before = run({"a.csv": TEXT})

    after = run({"a.csv": TEXT}, plan(features=tuple(reversed(features))))

    assert set(after.parts["test"]["__row"]) == set(before.parts["test"]["__row"])


def test_the_order_of_key_columns_moves_no_row(run: Run, plan: MakePlan) -> None:
    before = run({"a.csv": TEXT}, plan(key=("sex", "length")))

    after = run({"a.csv": TEXT}, plan(key=("length", "sex")))

    assert set(after.parts["test"]["__row"]) == set(before.parts["test"]["__row"])


def test_long_decimal_keys_keep_every_digit(run: Run, plan: MakePlan) -> None:
    # As floats all of them are 1.2345678901234567e19.
    ids = pl.Series("id", [str(12345678901234567890 + row) for row in range(60)])
    frame = FRAME.with_columns(ids)
    text = sorted_rows(run({"a.csv": frame.write_csv()}, plan(key=("id",))))

    decimal = frame.with_columns(pl.col("id").cast(pl.Decimal(38, 0)))

    assert_frame_equal(sorted_rows(run({"a": decimal}, plan(key=("id",)))), text)


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum(["M", "F", "I", "NA"])])
def test_a_word_for_missing_is_missing_whatever_type_the_texts_have(run: Run, dtype: Any) -> None:
    frame = FRAME.with_columns(
        pl.when(pl.col("sex") == "M").then(pl.lit("NA")).otherwise("sex").alias("sex")
    )
    text = sorted_rows(run({"a.csv": frame.write_csv()}))

    assert_frame_equal(sorted_rows(run({"a": frame.cast({"sex": dtype})})), text)
    assert text["sex"].null_count() == 20
