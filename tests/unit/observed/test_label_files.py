"""Reading label files: what counts as a label, and what is said about the rest."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.number_format import NumberFormat
from contract.plan import Plan
from observed.labels import LabelFile, Labels, read
from tests.support.training_cases import plan as any_plan

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
few = settings(max_examples=20, deadline=None)


def plan(task: str = "binary", **changes: Any) -> Plan:
    return replace(any_plan(task), **{"key": ("id",), "target": "died", **changes})


def read_text(
    folder: Path, content: str | bytes | pl.DataFrame, wanted: Plan, name: str = "labels.csv"
) -> Labels:
    path = folder / "file"
    if isinstance(content, pl.DataFrame):
        content.write_parquet(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read([LabelFile(path, name, NOW)], wanted, ("no", "yes"))


def pairs(labels: Labels) -> list[tuple[Any, ...]]:
    return labels.frame.select("__key_0", "label").rows()


def test_labels_have_the_key_as_text_and_when_and_where_they_came(tmp_path: Path):
    labels = read_text(tmp_path, "site,id,died\nx,1.0,yes\nx,2,no\n", plan())

    assert labels.frame.rows() == [
        ("1", None, None, "yes", NOW, "labels.csv", 1, False),
        ("2", None, None, "no", NOW, "labels.csv", 2, False),
    ]
    assert (labels.rows, labels.invalid, labels.problems) == (2, 0, [])


def test_without_the_key_labels_name_requests_and_their_rows(tmp_path: Path):
    labels = read_text(tmp_path, "request_id,row,died\nr1,,yes\nr1,1,no\n", plan())

    found = labels.frame.select("__key_0", "request_id", "row", "label").rows()
    assert found == [(None, "r1", 0, "yes"), (None, "r1", 1, "no")]


def test_a_key_of_several_columns_is_read_in_its_order(tmp_path: Path):
    labels = read_text(tmp_path, "day,died,id\n2,yes,7\n", plan(key=("id", "day")))

    assert labels.frame.select("__key_0", "__key_1").rows() == [("7", "2")]


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_every_kind_of_file_gives_the_same_labels(tmp_path: Path, ending: str):
    frame = pl.DataFrame({"id": [1, 2], "died": [0.5, 2.0]})
    text = frame.write_csv().encode()
    content = {"csv": text, "csv.gz": gzip.compress(text), "parquet": frame}[ending]

    labels = read_text(tmp_path, content, plan("regression"), f"a.{ending}")

    assert pairs(labels) == [("1", 0.5), ("2", 2.0)]


def test_a_file_with_correction_in_its_name_is_one(tmp_path: Path):
    labels = read_text(tmp_path, "id,died\n1,yes\n", plan(), "may.correction.csv")

    assert labels.frame["correction"].to_list() == [True]


def test_numbers_are_read_in_the_models_format(tmp_path: Path):
    german = plan("regression", number_format=NumberFormat(",", "."), delimiter=";")

    assert pairs(read_text(tmp_path, "id;died\n1;1.234,5\n", german)) == [("1", 1234.5)]


@pytest.mark.parametrize(
    ("task", "row", "problem"),
    [
        ("binary", ",yes", "labels.csv row 1 (line 2), column id: is missing; fill it in, "),
        ("binary", "1,", "labels.csv row 1 (line 2), column died: is missing; fill it in, "),
        ("binary", "1,dunno", "column died: 'dunno' is not one of the model's classes ('no', "),
        ("binary", "1,\0no", "column died: '\\x00no' has a NUL byte; remove the byte"),
        ("binary", "\0,no", "column id: '\\x00' has a NUL byte; remove the byte"),
        ("multiclass", "1,\0no", "column died: '\\x00no' has a NUL byte; remove the byte"),
        ("regression", "1,three", "column died: 'three' is not a number; correct it, "),
        ("regression", "1,inf", "column died: 'inf' is not a finite number; correct it, "),
        ("regression", "1,nan", "column died: 'nan' is not a finite number; correct it, "),
        ("regression", "1,2,3", "labels.csv row 1 (line 2): has 3 cells where the header has 2; "),
    ],
)
def test_a_bad_row_is_named_and_the_good_ones_stay(
    tmp_path: Path, task: str, row: str, problem: str
):
    good = "0.5" if task == "regression" else "yes"

    labels = read_text(tmp_path, f"id,died\n{row}\n9,{good}\n", plan(task))

    (line,) = map(str, labels.problems)
    assert problem in line
    assert [name for name, _ in pairs(labels)] == ["9"]
    assert (labels.rows, labels.invalid) == (2, 1)


@pytest.mark.parametrize("row", ["-1", "x", "1.5"])
def test_a_row_of_a_request_is_a_whole_number(tmp_path: Path, row: str):
    labels = read_text(tmp_path, f"request_id,row,died\nr,{row},yes\n", plan())

    assert [str(one) for one in labels.problems] == [
        f"labels.csv row 1 (line 2), column row: '{row}' is no row of a request; "
        "write 0 for its first row"
    ]


def test_a_class_that_the_release_does_not_know_is_kept_and_reported(tmp_path: Path):
    labels = read_text(tmp_path, "id,died\n1,yes\n2,later\n3,later\n", plan("multiclass"))

    assert len(pairs(labels)) == 3
    assert labels.new_classes == {"later": 2}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "labels.csv: is empty; "),
        ("id,dead\n1,yes\n", "labels.csv, column died: is missing; it has 'dead': rename it"),
        ("id,x\n1,yes\n", "labels.csv, column died: is missing; add it to the file"),
        # The only column is one of the file's, so the delimiter is not to blame.
        ("id\n1\n", "labels.csv, column died: is missing; add it to the file"),
        ("died\nyes\n", "labels.csv: has neither the key's columns ('id') nor request_id, only "),
        ("id,died,died\n1,yes,no\n", "column died: is in the header more than once; rename one"),
        ("id,died\n1,\xff\n".encode("latin-1"), "labels.csv line 2: is not UTF-8 (byte 0xff)"),
        (b"PAR1 and no more", "labels.csv: is damaged Parquet"),
        (b"\x1f\x8b and no more", "labels.csv line 1: gzip "),
    ],
)
def test_a_file_that_cannot_be_read_gives_no_labels_and_one_reason(
    tmp_path: Path, content: str | bytes, problem: str
):
    labels = read_text(tmp_path, content, plan())

    assert problem in str(labels.problems[0])
    assert labels.unreadable == ["labels.csv"]
    assert labels.frame.height == 0


def test_a_key_with_one_of_its_columns_missing_is_no_key(tmp_path: Path):
    labels = read_text(tmp_path, "id,died\n1,yes\n", plan(key=("id", "day")))

    assert [str(one) for one in labels.problems] == [
        "labels.csv, column day: is missing; add it to the file"
    ]


def test_one_percent_of_bad_rows_are_all_counted(tmp_path: Path):
    rows = [f"{row},{'oops' if row % 100 == 7 else row / 2}" for row in range(20_000)]

    labels = read_text(tmp_path, "\n".join(["id,died", *rows]) + "\n", plan("regression"))

    assert (labels.rows, labels.invalid, labels.frame.height) == (20_000, 200, 19_800)
    assert [one.row for one in labels.problems[:2]] == [8, 108]


def test_a_bad_file_does_not_spoil_the_others(tmp_path: Path):
    for name, text in (("a.csv", ""), ("b.csv", "id,died\n1,yes\n")):
        (tmp_path / name).write_text(text)

    labels = read([LabelFile(tmp_path / name, name, NOW) for name in ("a.csv", "b.csv")], plan())

    assert pairs(labels) == [("1", "yes")]
    assert labels.unreadable == ["a.csv"]


CELLS = st.sampled_from(["1", "yes", "no", "", "maybe", "\0", " ", '"', "ü", "NA", "1,2"])


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8), st.sampled_from(["binary", "regression"]))
@few
def test_every_row_of_any_file_is_a_label_or_bad(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], task: str
):
    text = "id,died\n" + "".join(f"{one},{other}\n" for one, other in rows)

    labels = read_text(tmp_path_factory.mktemp("any"), text, plan(task))

    assert labels.frame.height == labels.rows - labels.invalid
    assert bool(labels.problems) == (labels.invalid > 0 or bool(labels.unreadable))
