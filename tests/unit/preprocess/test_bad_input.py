"""Every kind of bad data gets one clear line: what, where, how to fix it."""

import gzip
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from contract.plan import Feature, Plan
from contract.step import StepError

Run = Callable[..., Any]
MakePlan = Callable[..., Plan]

ROWS = "\n".join(f"{'MFI'[row % 3]},{row + 0.5},{row % 7 + 3}" for row in range(60)) + "\n"
HEAD = "sex,length,rings\n"
CELL = "correct it, leave it empty if unknown, or change model.yaml"
WORD = "correct it, leave it empty, or add it to data.null_values to read it as missing"
COLUMN = "add it to features or ignore, or remove it from the file"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "a.csv: is empty; add a header line and rows"),
        (HEAD, "there are no rows; put data in the model's location and run again"),
        (
            "sex,length\n" + "M,1\n" * 5,
            "a.csv, column rings: is missing; add it to the file, or change model.yaml",
        ),
        (
            HEAD.replace("rings", "rings,colour") + ROWS.replace("\n", ",red\n"),
            f"a.csv, column colour: is not in model.yaml; {COLUMN}",
        ),
        (
            "sex,sex,length,rings\n" + ROWS.replace("\n", ",1\n"),
            "a.csv, column sex: is in the header more than once; rename one",
        ),
        (
            HEAD.replace(",", ";") + ROWS.replace(",", ";"),
            "a.csv line 1: has one column in its header, so ',' is not its delimiter; "
            "set data.delimiter in model.yaml to the file's delimiter",
        ),
        (
            HEAD + ROWS + "M,long,5\n",
            f"a.csv row 61 (line 62), column length: 'long' is not a number; {CELL}",
        ),
        (
            HEAD + ROWS + "M,1.5,five\n",
            f"a.csv row 61 (line 62), column rings: 'five' is not a number; {CELL}",
        ),
        (
            HEAD + "M,NaN,5\n" + ROWS,
            f"a.csv row 1 (line 2), column length: 'NaN' is not a finite number; {WORD}",
        ),
        (
            HEAD + "M,inf,5\n" + ROWS,
            f"a.csv row 1 (line 2), column length: 'inf' is not a finite number; {WORD}",
        ),
        (
            HEAD + "M,1e200,5\n" + ROWS,
            f"a.csv row 1 (line 2), column length: '1e+200' does not fit a 32-bit number; {CELL}",
        ),
        (
            HEAD + "M,-0.5,5\n" + ROWS,
            f"a.csv row 1 (line 2), column length: '-0.5' is below the minimum 0; {CELL}",
        ),
        (
            HEAD + ROWS + "M,1.5,\n",
            "a.csv row 61 (line 62), column rings: is missing; fill it in, or remove the row",
        ),
        (
            HEAD + ROWS + "M,1.5\n",
            "a.csv row 61 (line 62): has 2 cells where the header has 3; "
            "quote cells that contain the delimiter, or correct the row",
        ),
        (
            HEAD + ROWS + "M,1,5,5\n",
            "a.csv row 61 (line 62): has 4 cells where the header has 3; "
            "quote cells that contain the delimiter, or correct the row",
        ),
        (
            HEAD + ROWS + 'M,1.5,"5\n' + ROWS,
            "a.csv row 61 (line 62), column rings: "
            + repr("5\n" + ROWS[:57] + "…")
            + f" is not a number; {CELL}",
        ),
        (
            HEAD + ROWS + '"M,1.5,5\n' + ROWS,
            "a.csv row 61 (line 62): has 1 cells where the header has 3; "
            "close the quote in it, or remove it",
        ),
        (
            HEAD + "".join(f"v{row},,{row % 7}\n" for row in range(60)),
            "column length: is missing in every row; "
            "fill it in, or remove the feature from model.yaml",
        ),
        (
            HEAD + "".join(f"M,{row},9\n" for row in range(60)),
            "column rings: '9' is the target's value in every row, so there is nothing to learn; "
            "check the target column and the data",
        ),
        (
            HEAD + "M,1,2\nF,2,3\n",
            "none of the 2 rows is in validation or test; "
            "add rows (at least some hundreds), or raise that part's share in split",
        ),
        (
            HEAD + ROWS + "x" * 10_000_000 + "\n" + ROWS,
            "a.csv line 62: is longer than 1 MB; "
            "check the line breaks and quotes; a row must fit into one line of that size",
        ),
        (
            "x" * 10_000_000,
            "a.csv line 1: is longer than 1 MB; "
            "check the line breaks and quotes; a row must fit into one line of that size",
        ),
        (
            (HEAD + ROWS + "café,1.5,5\n").encode("latin-1"),
            "a.csv line 62: is not UTF-8 (byte 0xe9); "
            "save the file as UTF-8; it may be Windows-1252, Latin-1 or Shift_JIS",
        ),
        ((HEAD + ROWS).encode("utf-16"), "a.csv: is UTF-16, not UTF-8; save it as UTF-8"),
    ],
)
def test_bad_text_gets_one_clear_line(run: Run, content: str | bytes, message: str) -> None:
    with pytest.raises(StepError) as failure:
        run({"a.csv": content})

    assert str(failure.value) == message


WITH_NOTE = [
    pytest.param("note,sex,length,rings", "Smith, J,M,1,5", id="ignored first"),
    pytest.param("sex,note,length,rings", "M,Smith, J,1,5", id="ignored in the middle"),
    pytest.param("sex,length,rings,note", "M,1,5,Smith, J", id="ignored last"),
    pytest.param("note,sex,length,rings", "Smith,M,1,5,6", id="too many at the end"),
]


@pytest.mark.parametrize(("header", "row"), WITH_NOTE)
@pytest.mark.parametrize(
    ("note", "repeats"),
    [
        pytest.param("x", 1, id="plain"),
        pytest.param('"a, ""b"""', 1, id="quoted"),
        pytest.param("a long note " * 5, 1_000, id="several pieces"),
    ],
)
def test_a_row_with_too_many_cells_is_refused_wherever_a_column_is_ignored(
    run: Run, plan: MakePlan, header: str, row: str, note: str, repeats: int
) -> None:
    place = header.split(",").index("note")
    good = ""
    for line in ROWS.splitlines():
        cells = line.split(",")
        good += ",".join([*cells[:place], note, *cells[place:]]) + "\n"
    count = 60 * repeats

    with pytest.raises(StepError) as failure:
        run(
            {"a.csv": f"{header}\n{good * repeats}{row}\n{good}"},
            plan(ignore=("note",), memory_mb=256),
        )

    assert str(failure.value) == (
        f"a.csv row {count + 1} (line {count + 2}): has 5 cells where the header has 4; "
        "quote cells that contain the delimiter, or correct the row"
    )


def test_a_row_with_too_few_cells_is_refused_where_an_empty_cell_is_a_value(
    run: Run, plan: MakePlan
) -> None:
    head = "length,rings,sex\n"
    rows = "".join(f"{row},{row % 7},{'MFI'[row % 3]}\n" for row in range(60))

    with pytest.raises(StepError, match=r"^a.csv row 61 \(line 62\): has 2 cells where"):
        run({"a.csv": head + rows + "1,5\n"}, plan(null_values=("NA",)))


def test_an_ignored_column_must_be_utf_8_too(run: Run, plan: MakePlan) -> None:
    text = HEAD.replace("\n", ",note\n") + ROWS.replace("\n", ",x\n") + "M,1.5,5,café\n"

    with pytest.raises(StepError, match=r"^a.csv line 62: is not UTF-8 \(byte 0xe9\); save the"):
        run({"a.csv": text.encode("latin-1")}, plan(ignore=("note",)))


def test_a_quote_that_never_closes_is_named_by_its_line(run: Run, plan: MakePlan) -> None:
    content = HEAD + ROWS + '"M,1,5\n' + ROWS * 20_000

    with pytest.raises(StepError, match=r"^a.csv line 62: begins a quote that is never closed"):
        run({"a.csv": content}, plan(memory_mb=256))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            HEAD.encode(),
            "a.csv.gz: is named .gz but is not gzip; compress it, or rename it to .csv",
        ),
        (
            gzip.compress((HEAD + ROWS).encode(), mtime=0)[:-20],
            "a.csv.gz line 1: gzip ends early; upload the whole file again",
        ),
        (
            gzip.compress((HEAD + ROWS).encode(), mtime=0)[:-8] + b"12345678",
            "a.csv.gz line 1: gzip is damaged (CRC check failed",
        ),
    ],
)
def test_gzip_that_is_not_is_reported(run: Run, content: bytes, message: str) -> None:
    with pytest.raises(StepError) as failure:
        run({"a.csv.gz": content})

    assert str(failure.value).startswith(message)


@pytest.mark.parametrize("content", [b"PAR1 and nothing else", b"length,sex,rings\n1,M,2\n"])
def test_damaged_parquet_is_reported(run: Run, content: bytes) -> None:
    with pytest.raises(StepError, match=r"^a.parquet: is damaged Parquet; write and upload it"):
        run({"a.parquet": content})


def test_a_parquet_column_that_holds_no_numbers_is_reported(run: Run) -> None:
    frame = pl.DataFrame({"sex": ["M"], "length": [[1.0]], "rings": [1]})

    with pytest.raises(StepError) as failure:
        run({"a.parquet": frame})

    assert str(failure.value) == (
        "a.parquet, column length: has the type List(Float64), which is not numbers; "
        "write the column as numbers, or move it to ignore in model.yaml"
    )


def test_all_problems_of_all_files_come_in_one_message(run: Run) -> None:
    with pytest.raises(StepError) as failure:
        run(
            {
                "a.csv": HEAD + ROWS + "M,x,5\nM,y,\n",
                "b.csv": "sex,Length,rings\nM,1,2\n",
                "c.csv": HEAD + "M,-1,5\n",
            }
        )

    assert str(failure.value) == (
        "5 problems with the data (3 of 63 rows are bad): "
        "(1) b.csv, column length: is missing; it has 'Length': rename one of them, "
        "or change model.yaml"
        f" | (2) b.csv, column Length: is not in model.yaml; {COLUMN}"
        f" | (3) a.csv row 61 (line 62), column length: 'x' is not a number; {CELL} "
        "(and 1 more like it)"
        " | (4) a.csv row 62 (line 63), column rings: is missing; fill it in, or remove the row"
        f" | (5) c.csv row 1 (line 2), column length: '-1.0' is below the minimum 0; {CELL}"
    )


def test_a_key_used_twice_is_reported_with_both_places(run: Run, plan: MakePlan) -> None:
    first = "id," + HEAD + "".join(f"a{row},M,{row},{row}\n" for row in range(50))
    second = "id," + HEAD + "a7,F,1,1\nb1,F,2,2\na7,F,3,3\n"

    with pytest.raises(StepError) as failure:
        run({"a.csv": first, "b.csv": second}, plan(key=("id",)))

    assert str(failure.value) == (
        "b.csv row 1, column id: 'a7' occurs 3 times, first in a.csv row 8; "
        "a key must identify one row: remove the other rows, or add a column to data.key"
    )


def test_a_key_that_is_missing_is_reported(run: Run, plan: MakePlan) -> None:
    content = "id," + HEAD + "".join(f"a{row},M,{row},{row}\n" for row in range(50))

    with pytest.raises(StepError) as failure:
        run({"a.csv": content + ",M,1,1\n"}, plan(key=("id",)))

    assert str(failure.value) == (
        "a.csv row 51 (line 52), column id: is missing; fill it in: every row needs a key"
    )


def test_a_class_with_one_row_is_named(run: Run, plan: MakePlan) -> None:
    rows = "".join(f"M,{row},{'no' if row % 2 else 'yes'}\n" for row in range(60))

    with pytest.raises(StepError) as failure:
        run({"a.csv": HEAD + rows + "M,61,maybe\n"}, plan(task="multiclass"))

    assert str(failure.value) == (
        "column rings: 'maybe' is a class with one row, which cannot be in both training and test; "
        "add rows of that class, or remove it"
    )


def test_a_binary_target_needs_its_positive_value(run: Run, plan: MakePlan) -> None:
    rows = "".join(f"M,{row},{'no' if row % 2 else 'yes'}\n" for row in range(60))

    with pytest.raises(StepError) as failure:
        run({"a.csv": HEAD + rows}, plan(task="binary", positive="Yes"))

    assert str(failure.value) == (
        "column rings: never has the positive value 'Yes'; it has 'no', 'yes'; "
        "correct positive in model.yaml"
    )


def test_a_feature_that_must_not_be_missing_is_reported(run: Run, plan: MakePlan) -> None:
    features = (Feature("sex", "categorical", nullable=False), Feature("length", "numeric"))

    with pytest.raises(StepError) as failure:
        run({"a.csv": HEAD + ROWS + "NA,1,5\n"}, plan(features=features))

    assert str(failure.value) == (
        "a.csv row 61 (line 62), column sex: is missing; "
        "fill it in, or make the feature nullable in model.yaml"
    )


def test_bad_rows_within_the_allowed_share_are_dropped_and_counted(
    run: Run, plan: MakePlan
) -> None:
    result = run({"a.csv": HEAD + ROWS + "M,x,5\nM,-2,5\nM\n"}, plan(maximum_rejected_share=0.05))

    outcome = result.outcome
    assert (outcome.rows_read, outcome.rows_rejected, sum(outcome.written.values())) == (63, 3, 60)
    assert outcome.warnings == ["3 of 63 rows were rejected and left out"]
    assert [(row["row"], row["line"], row["what"]) for row in outcome.rejected] == [
        (63, 64, "has 1 cells where the header has 3"),
        (61, 62, "is not a number"),
        (62, 63, "is below the minimum 0"),
    ]


def test_bad_rows_beyond_the_allowed_share_fail_the_run(run: Run, plan: MakePlan) -> None:
    with pytest.raises(StepError, match=r"'x' is not a number"):
        run({"a.csv": HEAD + ROWS + "M,x,5\n" * 4}, plan(maximum_rejected_share=0.05))


def test_a_message_names_few_examples_of_very_many_problems(run: Run) -> None:
    with pytest.raises(StepError) as failure:
        run({"a.csv": HEAD + ROWS + "M,x,5\n" * 50_000})

    assert str(failure.value) == (
        f"a.csv row 61 (line 62), column length: 'x' is not a number; {CELL} "
        "(and 49,999 more like it)"
    )
