"""Duplicate keys are found in memory and on disk alike."""

from array import array
from pathlib import Path

import polars as pl
import pytest

from contract.key_file import COLUMNS, read_head
from preprocess.duplicates import KeyIndex
from preprocess.splitting import row_hash
from reading.columns import KEY, ROW_NUMBER


@pytest.mark.parametrize("limit", [1 << 30, 1_000])
def test_keys_used_twice_are_found_with_their_places(tmp_path: Path, limit: int) -> None:
    index = KeyIndex(("id",), tmp_path / "keys", limit, buckets=16)
    for start in range(0, 1_000, 100):
        index.add("a.csv", keyed([f"a{number}" for number in range(start, start + 100)]))
    index.add("b.csv", keyed(["b1", "a500", "a7", "a500"]))

    count, problems = index.duplicates()

    assert (tmp_path / "keys").exists() is (limit == 1_000)
    assert count == 2
    assert sorted((problem.value, problem.row, problem.what) for problem in problems) == [
        ("a500", 2, "occurs 3 times, first in a.csv row 1"),
        ("a7", 3, "occurs 2 times, first in a.csv row 8"),
    ]


def test_keys_of_several_columns_are_equal_only_as_a_whole(tmp_path: Path) -> None:
    index = KeyIndex(("a", "b"), tmp_path, 1 << 30, buckets=16)
    frame = keyed(["ab", "a"]).with_columns(pl.Series(KEY.format(1), ["c", "bc"]))

    index.add("a.csv", frame)

    assert index.duplicates() == (0, [])


@pytest.mark.parametrize("limit", [1 << 30, 1_000])
def test_the_hashes_of_all_keys_are_written_in_their_order(tmp_path: Path, limit: int) -> None:
    files = ("a.csv", "b.csv", "c.csv")
    index = KeyIndex(("id",), tmp_path / "keys", limit, buckets=16, shared=files)
    for file in ("c.csv", "a.csv"):
        for start in range(0, 500, 50):
            index.add(file, keyed([f"{file}{number}" for number in range(start, start + 50)]))

    index.write(tmp_path / "keys.bin")

    written = read_head(tmp_path / "keys.bin")
    columns = {
        name: array(code, written.path.read_bytes()[written.start[name] :][: 1_000 * width])
        for name, (code, width) in COLUMNS.items()
    }
    assert (written.rows, written.files) == (1_000, files)
    assert list(columns["hash"]) == sorted(columns["hash"])
    assert len({*zip(columns["hash"], columns["more"], strict=True)}) == 1_000
    assert {*columns["file"]} == {0, 2}
    assert sorted(columns["row"]) == sorted([*range(1, 51)] * 20)


def test_a_host_without_rows_writes_a_file_without_keys(tmp_path: Path) -> None:
    index = KeyIndex(("id",), tmp_path / "keys", 1_000, buckets=16, shared=("a.csv",))

    index.write(tmp_path / "keys.bin")

    assert read_head(tmp_path / "keys.bin").rows == 0


def keyed(keys: list[str]) -> pl.DataFrame:
    key = KEY.format(0)
    frame = pl.DataFrame({key: keys, ROW_NUMBER: range(1, len(keys) + 1)})
    return frame.with_columns(row_hash([key]))
