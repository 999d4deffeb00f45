"""Files without a person's rows: the others stay as they are, and where they are."""

import gzip
import io
import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanmon.labels import rewriting
from kanmon.labels.rewriting import Whose
from observed.compaction import compact
from reading.source import SourceFile

few = settings(max_examples=30, deadline=None)


def whose(*keys: str, requests: tuple[str, ...] = (), columns: tuple[str, ...] = ("id",)) -> Whose:
    return Whose(columns, frozenset((key,) for key in keys), frozenset(requests))


def line(request: str, row: int = 0, **key: Any) -> bytes:
    document = {
        "at": "2026-11-21T10:15:00Z",
        "request_id": request,
        "model": "churn",
        "release": 7,
        "row": row,
        "prediction": "yes",
        "probability": 0.7,
        **({"key": key} if key else {}),
        "features": {"age": 30},
    }
    return json.dumps(document).encode() + b"\n"


def parquet(frame: pl.DataFrame) -> bytes:
    target = io.BytesIO()
    frame.write_parquet(target)
    return target.getvalue()


def frame_of(content: bytes) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(content))


def test_captured_lines_of_a_key_go_and_their_requests_are_known():
    meant = whose("7")
    content = line("a", id=7) + line("b", id="7.0") + line("c", id=8) + line("d")

    found = rewriting.json_lines(content, meant)

    assert (found.rows, found.left, found.keyless) == (2, 2, 1)
    assert found.content == line("c", id=8) + line("d")
    assert meant.answers == {("a", 0), ("b", 0)}


def test_all_rows_of_a_request_go():
    found = rewriting.json_lines(line("a", 0) + line("a", 1) + line("b"), whose(requests=("a",)))

    assert (found.rows, found.content) == (2, line("b"))


def test_a_damaged_line_stays_and_is_named():
    content = b'{"at": 1\n' + line("a", id=7)

    found = rewriting.json_lines(content, whose("7"))

    assert found.content == b'{"at": 1\n'
    assert (found.rows, found.unreadable) == (1, "1 of its lines cannot be read")


def test_a_compacted_file_still_says_which_it_replaces(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(line("a", id=7) + line("b", id=8))
    written = compact([SourceFile(path, "dt=2026-11-21/101500-a.jsonl")])

    found = rewriting.compacted(written.content, whose("7"))

    assert frame_of(found.content)["request_id"].to_list() == ["b"]
    metadata = pl.read_parquet_metadata(io.BytesIO(found.content))
    assert metadata["kanmon.replaces"] == "[]"


def test_scores_of_a_key_go_whatever_its_column_is_called():
    scores = pl.DataFrame(
        {"id": ["7", "8"], "row_key": ["1", "1"], "file": ["a", "a"], "row": [1, 2]}
    )
    meant = Whose(("id", "row"), frozenset({("7", "1")}))

    found = rewriting.scores(parquet(scores), meant, "b1")

    assert (found.rows, frame_of(found.content)["id"].to_list()) == (1, ["8"])
    assert meant.answers == {("b1/a", 1)}


def test_a_key_named_like_a_probability_keeps_its_name_in_scores():
    scores = pl.DataFrame({"because_id": ["7", "8"], "file": ["a", "a"], "row": [1, 2]})

    found = rewriting.scores(parquet(scores), Whose(("because_id",), frozenset({("7",)})), "b1")

    assert frame_of(found.content)["because_id"].to_list() == ["8"]


def test_scores_by_another_key_stay():
    scores = pl.DataFrame({"customer": ["7"], "file": ["a"], "row": [1]})

    assert rewriting.scores(parquet(scores), whose("7"), "b1").rows == 0


def test_an_input_keeps_the_places_of_its_other_rows():
    rows: set[int] = set()

    found = rewriting.inputs(b'id,note\r\n6,a\r\n7,"b\nc"\r\n8,d\r\n', whose("7"), ",", rows)

    assert found.content == b"id,note\r\n6,a\r\n\n8,d\r\n"
    assert rows == {2}


def test_an_input_of_parquet_keeps_the_places_of_its_other_rows():
    rows: set[int] = set()

    found = rewriting.inputs(
        parquet(pl.DataFrame({"id": [6, 7, 8], "age": [1.0, 2.0, 3.0]})), whose("7"), ",", rows
    )

    assert frame_of(found.content).rows() == [(6, 1.0), (None, None), (8, 3.0)]
    assert rows == {2}


def test_a_file_of_a_batch_goes_as_the_request_that_it_is():
    meant = whose(requests=("b1/a.csv", "r"), columns=())
    scores = pl.DataFrame({"file": ["a.csv", "b.csv"], "row": [1, 1], "prediction": [3.0, 4.0]})
    of_text: set[int] = set()
    of_parquet: set[int] = set()

    scored = rewriting.scores(parquet(scores), meant, "b1")
    text = rewriting.inputs(b"age\n\n61\n70\n", meant, ",", of_text, every=True)
    table = parquet(pl.DataFrame({"age": [None, 61, 70]}))
    blanked = rewriting.inputs(table, meant, ",", of_parquet, every=True)

    assert frame_of(scored.content)["file"].to_list() == ["b.csv"]
    assert (text.content, of_text) == (b"age\n\n\n\n", {2, 3})
    assert (frame_of(blanked.content).rows(), of_parquet) == ([(None,)] * 3, {2, 3})
    assert rewriting.scores(parquet(scores), meant, "b2").rows == 0


def test_rejects_go_by_their_places():
    rejected = pl.DataFrame({"file": ["a.csv", "a.csv"], "row": [1, 2], "value": ["x", "y"]})

    found = rewriting.rejects(parquet(rejected), whose("7"), {("a.csv", 2)})

    assert frame_of(found.content)["row"].to_list() == [1]
    assert found.keyless == 1


def test_rejects_go_by_their_keys():
    rejected = pl.DataFrame(
        {
            "value_key": ["7", "8", None],
            "file": ["a.csv"] * 3,
            "row": [1, 2, 3],
            "value": list("xyz"),
        }
    )

    found = rewriting.rejects(parquet(rejected), whose("7", columns=("value",)), {("a.csv", 4)})

    assert frame_of(found.content)["row"].to_list() == [2, 3]
    assert (found.rows, found.keyless) == (1, 1)


def test_labels_go_by_key():
    found = rewriting.labels(gzip.compress(b"died,id\nyes,7.0\nno,8\n"), whose("7"), ",")

    assert gzip.decompress(found.content) == b"died,id\nno,8\n"
    assert (found.rows, found.left) == (1, 1)


def test_labels_by_request_go_where_the_request_is_about_the_key():
    meant = whose("7", requests=("b",))
    meant.answers.add(("a", 1))
    content = b"request_id,row,died\na,1,yes\na,0,no\nb,3,no\n"

    assert rewriting.labels(content, meant, ",").content == b"request_id,row,died\na,0,no\n"
    table = pl.read_csv(content)
    found = rewriting.labels(parquet(table), meant, ",")
    assert frame_of(found.content).rows() == [("a", 0, "no")]


def test_what_cannot_be_read_is_said_to_be():
    assert rewriting.labels(b"id\n\xff\n", whose("7"), ",").unreadable == "it is no UTF-8 text"
    assert rewriting.scores(b"PAR1", whose("7"), "b1").unreadable == "it is damaged Parquet"


CELLS = st.sampled_from(["7", "8", "7.0", "", 'a "b"', "x,y", "two\nlines", "ü"])


@given(st.lists(st.tuples(CELLS, CELLS), max_size=6))
@few
def test_only_the_keys_rows_change(rows: list[tuple[str, str]]):
    frame = pl.DataFrame(rows, {"id": pl.String, "x": pl.String}, orient="row")
    content = frame.write_csv().encode()

    found = rewriting.labels(content, whose("7"), ",")

    kept = frame.filter(~pl.col("id").is_in(["7", "7.0"]))
    assert found.content == kept.write_csv().encode()
    assert found.rows == frame.height - kept.height
    # And what is written has none of them.
    assert rewriting.labels(found.content, whose("7"), ",").rows == 0


@pytest.mark.parametrize(("rows", "unreadable"), [(60, True), (2, False)])
def test_a_file_that_unpacks_to_fill_the_memory_is_named_and_not_searched(
    monkeypatch: pytest.MonkeyPatch, rows: int, unreadable: bool
) -> None:
    monkeypatch.setattr(rewriting, "ALWAYS_UNPACKED", 1 << 20)
    packed = gzip.compress(b"id,size\n" + (b"7," + b"0" * (1 << 18) + b"\n") * rows)

    found = rewriting.inputs(packed, Whose(("id",), frozenset({("7",)})), ",", set())

    assert (found.unreadable == "it unpacks to over 100 times its size") is unreadable
    assert found.rows == (0 if unreadable else rows)


@pytest.mark.parametrize("broken", [b"\x1f\x8b broken", gzip.compress(b"id\n7\n", mtime=0)[:-9]])
def test_a_damaged_gzip_file_is_named(broken: bytes) -> None:
    found = rewriting.inputs(broken, Whose(("id",), frozenset({("7",)})), ",", set())

    assert found.unreadable == "it is no UTF-8 text"
