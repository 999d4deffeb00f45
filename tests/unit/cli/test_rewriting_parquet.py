"""Parquet files without a person's rows, rewritten in pieces."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from kanmon.labels import parquet_rows, rewriting
from kanmon.labels.rewritten import Rewritten
from tests.support.rewriting import done, frame_of, parquet, whose


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that each piece has a row or two, and each row group a row."""
    monkeypatch.setattr(parquet_rows, "PIECE", 16)


def every_type() -> pl.DataFrame:
    words = ["a", None, "ü", "a", "b"]
    return pl.DataFrame(
        {
            "id": pl.Series([5, 6, 7, 8, None], dtype=pl.Int32),
            "short": pl.Series([1, 2, None, 4, 5], dtype=pl.UInt8),
            "money": pl.Series(["1.10", "2.20", None, "0.00", "5"]).cast(pl.Decimal(38, 2)),
            "kind": pl.Series(words, dtype=pl.Categorical),
            "level": pl.Series(words, dtype=pl.Enum(["a", "b", "ü"])),
            "day": pl.Series([1, 2, 3, None, 5], dtype=pl.Int32).cast(pl.Date),
            "at": pl.Series([1, 2, 3, None, 5]).cast(pl.Datetime("ns", "Asia/Tokyo")),
            "took": pl.Series([1, 2, 3, None, 5]).cast(pl.Duration("ms")),
            "raw": pl.Series([b"a", b"", None, b"\xff", b"x"]),
            "many": pl.Series([[1, 2], [], None, [None], [5]]),
            "pair": pl.Series([{"x": 1, "y": "a"}, None, {"x": 3, "y": None}, None, None]),
            "real": pl.Series([0.1, float("nan"), None, float("inf"), -0.0], dtype=pl.Float32),
        }
    )


@pytest.mark.usefixtures("few_at_once")
def test_every_type_of_parquet_stays_what_it_is() -> None:
    frame = every_type()

    kept = frame_of(done(rewriting.labels, parquet(frame), whose("7"), ",").content)
    blanked = frame_of(done(rewriting.inputs, parquet(frame), whose("7"), ",", set()).content)

    assert_frame_equal(kept, frame[[0, 1, 3, 4]])
    assert_frame_equal(blanked, pl.concat([frame[:2], frame.clear(1), frame[3:]]))


@pytest.mark.usefixtures("few_at_once")
def test_rows_keep_their_numbers_over_all_pieces() -> None:
    frame = pl.DataFrame({"id": [str(number % 10) for number in range(50)]})
    rows: set[int] = set()

    found = done(rewriting.inputs, parquet(frame), whose("7"), ",", rows)

    assert rows == {8, 18, 28, 38, 48}
    assert frame_of(found.content)["id"].to_list() == [
        None if one == "7" else one for one in frame["id"]
    ]


def test_row_groups_say_between_which_values_they_are() -> None:
    """So that a reader can skip those it does not need."""
    content = parquet(pl.DataFrame({"id": [str(number) for number in range(100, 200)]}))

    found = done(rewriting.labels, content, whose("150"), ",")

    assert b"100" in (end := found.content[-600:]) and b"199" in end


def test_parquet_that_is_damaged_outside_of_the_key_is_found_before_it_is_written() -> None:
    frame = pl.DataFrame({"id": ["7", "8"], "note": ["a" * 90 + "1", "b" * 90 + "2"]})
    content = parquet(frame)
    at = content.index(b"\x28\xb5\x2f\xfd", content.index(b"\x28\xb5\x2f\xfd") + 4)

    found = done(rewriting.labels, content[:at] + b"\0\0\0\0" + content[at + 4 :], whose("7"), ",")

    assert found.said == Rewritten(0, unreadable="it is damaged Parquet")
