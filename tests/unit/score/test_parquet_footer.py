"""The row groups of a Parquet file are found from its footer alone."""

import io
from contextlib import suppress

import hypothesis.strategies as st
import polars as pl
import pytest
from hypothesis import given

from reading.parquet_footer import END, FooterError, footer_length, row_groups
from tests.unit.score.hypothesis_settings import few


def written(rows: int, size: int, columns: int = 3, compression: str = "zstd") -> bytes:
    frame = pl.DataFrame({f"c{at}": pl.int_range(rows, eager=True) % 7 for at in range(columns)})
    file = io.BytesIO()
    frame.write_parquet(file, row_group_size=size, compression=compression)  # type: ignore[arg-type]
    return file.getvalue()


def footer(content: bytes) -> bytes:
    length = footer_length(content)
    assert length is not None
    return content[-length - END : -END]


@given(rows=st.integers(0, 300), size=st.integers(1, 100), columns=st.integers(1, 20))
@few
def test_rows_and_bytes_of_each_group(rows: int, size: int, columns: int) -> None:
    content = written(rows, size, columns)

    found = row_groups(footer(content))

    assert sum(group.rows for group in found) == rows
    assert all(0 < group.rows <= size for group in found if rows)
    places = [4, *(place for group in found for place in (group.start, group.end)), len(content)]
    assert places == sorted(places)


@pytest.mark.parametrize("compression", ["uncompressed", "snappy", "gzip", "zstd"])
def test_the_bytes_of_a_group_are_enough_to_read_its_rows(compression: str) -> None:
    content = written(1000, 100, compression=compression)
    groups = row_groups(footer(content))
    part, end = bytearray(len(content)), len(footer(content)) + END
    part[:4], part[-end:] = b"PAR1", content[-end:]
    start, stop = groups[3].start, groups[4].end
    part[start:stop] = content[start:stop]

    read = pl.scan_parquet(io.BytesIO(bytes(part))).slice(300, 200).collect()

    assert read.equals(pl.read_parquet(io.BytesIO(content))[300:500])


@given(data=st.data())
@few
def test_a_damaged_footer_is_an_error_of_its_own(data: st.DataObject) -> None:
    damaged = bytearray(footer(written(50, 10)))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])

    with suppress(FooterError):
        row_groups(cut)


def test_what_is_no_parquet_file_has_no_footer() -> None:
    assert footer_length(b"") is None
    assert footer_length(b"a,b\n1,2\n") is None
