"""Files without a person's rows: the others stay as they are, and where they are."""

import gzip
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanmon.labels import csv_rows, rewriting
from kanmon.labels.rewritten import Rewritten
from kanmon.labels.whose import Whose
from observed.compaction import compact
from reading.source import SourceFile
from tests.support.rewriting import Done, done, frame_of, line, parquet, whose

few = settings(max_examples=30, deadline=None)


def test_captured_lines_of_a_key_go_and_their_requests_are_known():
    meant = whose("7")
    content = line("a", id=7) + line("b", id="7.0") + line("c", id=8) + line("d")

    found = done(rewriting.json_lines, content, meant)

    assert found.said == Rewritten(2, 2, keyless=1)
    assert found.content == line("c", id=8) + line("d")
    assert meant.answers == {("a", 0), ("b", 0)}


def test_all_rows_of_a_request_go():
    found = done(
        rewriting.json_lines, line("a", 0) + line("a", 1) + line("b"), whose(requests=("a",))
    )

    assert (found.rows, found.content) == (2, line("b"))


def test_a_damaged_line_stays_and_is_named():
    content = b'{"at": 1\n' + line("a", id=7)

    found = done(rewriting.json_lines, content, whose("7"))

    assert found.content == b'{"at": 1\n'
    assert found.said == Rewritten(1, 1, "1 of its lines cannot be read")


def test_a_compacted_file_still_says_which_it_replaces(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(line("a", id=7) + line("b", id=8))
    written = compact([SourceFile(path, "dt=2026-11-21/101500-a.jsonl")])

    found = done(rewriting.compacted, written.content, whose("7"))

    assert frame_of(found.content)["request_id"].to_list() == ["b"]
    metadata = pl.read_parquet_metadata(io.BytesIO(found.content))
    assert metadata["kanmon.replaces"] == "[]"


def test_scores_of_a_key_go_whatever_its_column_is_called():
    scores = pl.DataFrame(
        {"id": ["7", "8"], "row_key": ["1", "1"], "file": ["a", "a"], "row": [1, 2]}
    )
    meant = Whose(("id", "row"), frozenset({("7", "1")}))

    found = done(rewriting.scores, parquet(scores), meant, "b1")

    assert (found.rows, frame_of(found.content)["id"].to_list()) == (1, ["8"])
    assert meant.answers == {("b1/a", 1)}


def test_a_key_named_like_a_probability_keeps_its_name_in_scores():
    scores = pl.DataFrame({"because_id": ["7", "8"], "file": ["a", "a"], "row": [1, 2]})

    found = done(
        rewriting.scores, parquet(scores), Whose(("because_id",), frozenset({("7",)})), "b1"
    )

    assert frame_of(found.content)["because_id"].to_list() == ["8"]


def test_scores_by_another_key_stay():
    scores = pl.DataFrame({"customer": ["7"], "file": ["a"], "row": [1]})

    assert done(rewriting.scores, parquet(scores), whose("7"), "b1").rows == 0


def test_an_input_keeps_the_places_of_its_other_rows():
    rows: set[int] = set()

    found = done(rewriting.inputs, b'id,note\r\n6,a\r\n7,"b\nc"\r\n8,d\r\n', whose("7"), ",", rows)

    assert found.content == b"id,note\r\n6,a\r\n\n8,d\r\n"
    assert rows == {2}


def test_an_input_of_parquet_keeps_the_places_of_its_other_rows():
    rows: set[int] = set()

    found = done(
        rewriting.inputs,
        parquet(pl.DataFrame({"id": [6, 7, 8], "age": [1.0, 2.0, 3.0]})),
        whose("7"),
        ",",
        rows,
    )

    assert frame_of(found.content).rows() == [(6, 1.0), (None, None), (8, 3.0)]
    assert rows == {2}


def test_a_file_of_a_batch_goes_as_the_request_that_it_is():
    meant = whose(requests=("b1/a.csv", "r"), columns=())
    scores = pl.DataFrame({"file": ["a.csv", "b.csv"], "row": [1, 1], "prediction": [3.0, 4.0]})
    rejected = pl.DataFrame({"file": ["a.csv", "b.csv"], "row": [1, 1], "value": ["x", "y"]})

    scored = done(rewriting.scores, parquet(scores), meant, "b1")
    refused = done(rewriting.rejects, parquet(rejected), meant, "b1", set())
    text = done(rewriting.whole_input, b"age\n\n61\n70\n", ",")
    table = parquet(pl.DataFrame({"age": [None, 61, 70]}))
    blanked = done(rewriting.whole_input, table, ",")

    assert frame_of(scored.content)["file"].to_list() == ["b.csv"]
    assert frame_of(refused.content)["file"].to_list() == ["b.csv"]
    assert (text.content, text.rows) == (b"age\n\n\n\n", 2)
    assert (frame_of(blanked.content).rows(), blanked.rows) == ([(None,)] * 3, 2)
    assert done(rewriting.scores, parquet(scores), meant, "b2").rows == 0


def test_rejects_go_by_their_places():
    rejected = pl.DataFrame({"file": ["a.csv", "a.csv"], "row": [1, 2], "value": ["x", "y"]})

    found = done(rewriting.rejects, parquet(rejected), whose("7"), "b1", {("a.csv", 2)})

    assert frame_of(found.content)["row"].to_list() == [1]
    assert found.said.keyless == 1


def test_rejects_go_by_their_keys():
    rejected = pl.DataFrame(
        {
            "value_key": ["7", "8", None],
            "file": ["a.csv"] * 3,
            "row": [1, 2, 3],
            "value": list("xyz"),
        }
    )

    found = done(
        rewriting.rejects, parquet(rejected), whose("7", columns=("value",)), "b1", {("a.csv", 4)}
    )

    assert frame_of(found.content)["row"].to_list() == [2, 3]
    assert (found.rows, found.said.keyless) == (1, 1)


def test_labels_go_by_key():
    found = done(rewriting.labels, gzip.compress(b"died,id\nyes,7.0\nno,8\n"), whose("7"), ",")

    assert gzip.decompress(found.content) == b"died,id\nno,8\n"
    assert found.said == Rewritten(1, 1)


def test_labels_by_request_go_where_the_request_is_about_the_key():
    meant = whose("7", requests=("b",))
    meant.answers.add(("a", 1))
    content = b"request_id,row,died\na,1,yes\na,0,no\nb,3,no\n"

    assert done(rewriting.labels, content, meant, ",").content == b"request_id,row,died\na,0,no\n"
    table = pl.read_csv(content)
    found = done(rewriting.labels, parquet(table), meant, ",")
    assert frame_of(found.content).rows() == [("a", 0, "no")]


def test_what_cannot_be_read_is_said_to_be():
    assert (
        done(rewriting.labels, b"id\n\xff\n", whose("7"), ",").said.unreadable
        == "it is no UTF-8 text"
    )
    assert (
        done(rewriting.scores, b"PAR1", whose("7"), "b1").said.unreadable == "it is damaged Parquet"
    )


CELLS = st.sampled_from(["7", "8", "7.0", "", 'a "b"', "x,y", "two\nlines", "ü"])


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
@few
def test_only_the_keys_rows_change(rows: list[tuple[str, str]]):
    frame = pl.DataFrame(rows, {"id": pl.String, "x": pl.String}, orient="row")
    content = frame.write_csv().encode()

    found = done(rewriting.labels, content, whose("7"), ",")

    kept = frame.filter(~pl.col("id").is_in(["7", "7.0"]))
    assert found.content == kept.write_csv().encode()
    assert found.rows == frame.height - kept.height
    # And what is written has none of them.
    assert done(rewriting.labels, found.content, whose("7"), ",").rows == 0


@pytest.mark.parametrize(("rows", "unreadable"), [(60, True), (2, False)])
def test_a_file_that_unpacks_to_fill_the_memory_is_named_and_not_searched(
    monkeypatch: pytest.MonkeyPatch, rows: int, unreadable: bool
) -> None:
    monkeypatch.setattr(csv_rows, "ALWAYS_UNPACKED", 1 << 20)
    packed = gzip.compress(b"id,size\n" + (b"7," + b"0" * (1 << 18) + b"\n") * rows)

    found = done(rewriting.inputs, packed, Whose(("id",), frozenset({("7",)})), ",", set())

    assert (found.said.unreadable == "it unpacks to over 100 times its size") is unreadable
    assert found.rows == (0 if unreadable else rows)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"\x1f\x8b broken", "its gzip ends early"),
        (b"\x1f\x8b broken, and longer than a header", "its gzip is damaged"),
        (gzip.compress(b"id\n7\n", mtime=0)[:-9], "its gzip ends early"),
        ("id\n7\n".encode("utf-16"), "it is UTF-16, not UTF-8"),
        (gzip.compress("id\n7\n".encode("utf-16"), mtime=0), "it is UTF-16, not UTF-8"),
        ("id\nü\n".encode("latin-1"), "it is no UTF-8 text"),
    ],
)
def test_a_file_that_is_damaged_or_no_utf_8_is_named(broken: bytes, why: str) -> None:
    found = done(rewriting.inputs, broken, Whose(("id",), frozenset({("7",)})), ",", set())

    assert found.said == Rewritten(0, unreadable=why)


def test_a_blank_captured_line_stays():
    assert done(rewriting.json_lines, line("a", id=7) + b"\n" + line("b"), whose("7")) == Done(
        Rewritten(1, 1, keyless=1), b"\n" + line("b")
    )


# Read as one record to the end of the file, so that none of its rows would be seen.
@pytest.mark.parametrize("rows", [b'6,"a\n7,b\n', b'6,"a\n7,b', b'6,a\n7,"'])
def test_a_quote_that_is_never_closed_hides_nobody(rows: bytes) -> None:
    found = done(rewriting.labels, b"id,died\n" + rows, whose("7"), ",")

    assert found.said.unreadable == "it begins a quote that is never closed"


@pytest.mark.parametrize("row", [b'6,"a"\n', b'6,5" disk\n', b'6,"a\nb"', b"6,a"])
def test_a_last_row_with_quotes_is_a_row(row: bytes) -> None:
    found = done(rewriting.labels, b"id,died\n7,yes\n" + row, whose("7"), ",")

    assert (found.said, found.content) == (Rewritten(1, 1), b"id,died\n" + row)


def test_a_record_that_is_longer_than_any_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "LONGEST_RECORD", 1 << 20)
    long = b'id,died\n6,"' + b"no\n" * (1 << 20) + b"7,yes\n"

    found = done(rewriting.labels, long, whose("7"), ",")

    assert str(found.said.unreadable).startswith("it has a row of over 1 MB")


def test_text_keeps_its_mark_and_its_line_breaks() -> None:
    content = '\ufeffid,died\r\n7,yes\r\n8,"a\r\nü"\r\n9,no\r10,x'.encode()

    found = done(rewriting.labels, content, whose("7"), ",")

    assert found.content == content.replace(b"7,yes\r\n", b"")


# Another name, another delimiter, and only some of the key.
@pytest.mark.parametrize(
    ("content", "columns", "why"),
    [
        (b"ID,age\n7,61\n", ("id",), "it has no column id, read with the delimiter ','"),
        (b"id;age\n7;61\n", ("id",), "it has no column id, read with the delimiter ','"),
        (b"id,age\n7,61\n", ("id", "day"), "it has no column day, read with the delimiter ','"),
        (parquet(pl.DataFrame({"age": [None, 2]})), ("id",), "it has no column id"),
    ],
)
def test_an_input_without_the_key_cannot_be_searched(
    content: bytes, columns: tuple[str, ...], why: str
) -> None:
    meant = Whose(columns, frozenset({("7",) * len(columns)}))

    found = done(rewriting.inputs, content, meant, ",", set())

    assert found.said == Rewritten(0, unreadable=why, lacks_key=True)


@pytest.mark.parametrize(
    "content",
    [b"", b"age\n", b"age\n\n\n", parquet(pl.DataFrame({"age": [None, None]}))],
)
def test_an_input_without_the_key_and_without_rows_has_nobody(content: bytes) -> None:
    found = done(rewriting.inputs, content, whose("7"), ",", set())

    assert (found.rows, found.said.unreadable) == (0, None)


def test_requests_are_not_looked_for_in_the_rows_of_inputs() -> None:
    found = done(rewriting.inputs, b"age\n61\n", whose(requests=("a",)), ",", set())

    assert found.said.unreadable is None
