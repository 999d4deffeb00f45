"""What is done fast gives the same as what is done slowly."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.baseline_merge import COMMON_SHARE
from contract.histogram import common_values, histogram
from contract.plan import Feature, Plan
from contract.precision import _as_written, loss_of
from contract.step import StepError
from preprocess.census import Census
from preprocess.splitting import ROWS_IN_CACHE, row_hash, row_hashes
from reading.batch import Batch, no_line
from reading.columns import Layout
from reading.csv_pieces import Piece
from reading.csv_reader import read_csv
from reading.findings import FileError, Findings
from reading.validation import RowCheck

MakePlan = Callable[..., Plan]
Run = Callable[..., Any]

few = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
# Few enough to repeat, as numbers and their edges do in data.
VALUES = st.lists(FINITE | st.sampled_from([0.0, -0.0, 1.0, 2.5]), min_size=1, max_size=200)
CELLS = st.sampled_from(
    [
        "",
        " ",
        "NA",
        "NAN",
        "N",
        "A",
        "na",
        "-999",
        "1",
        "1.50",
        "nan",
        "inf",
        "x",
        "é",
        '"NA"',
        '""',
    ]
)
WORDS = st.lists(st.sampled_from(["", "NA", "-999", "é", "x y"]), max_size=3, unique=True)


def layout(**columns: Any) -> Layout:
    return Layout(key=(), numbers=("a",), texts=("b", "c"), ignore=(), **columns)


def batches(text: str, words: tuple[str, ...], folder: Path) -> list[Any]:
    path = folder / "a.csv"
    path.write_bytes(text.encode())
    try:
        return [
            (batch.frame.rows(), list(batch.rows), batch.lost)
            for batch in read_csv(path, "a.csv", layout(), ",", words, 40)
        ]
    except FileError as error:
        return [error.problems]


@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8), words=WORDS)
@few
def test_cells_are_the_same_whether_or_not_quotes_and_words_are_looked_for(
    rows: list[tuple[str, ...]], words: list[str], tmp_path: Path
):
    text = "a,b,c\n" + "".join(",".join(row) + "\n" for row in rows)
    fast = batches(text, tuple(words), tmp_path)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Piece, "may_have", lambda piece, word: True)
        patched.setattr(Piece, "__post_init__", _may_be_quoted, raising=False)
        slow = batches(text, tuple(words), tmp_path)

    assert repr(fast) == repr(slow)  # NaN is not equal to itself


def _may_be_quoted(piece: Piece) -> None:
    object.__setattr__(piece, "quoted", True)


@given(VALUES)
def test_the_shares_of_a_histogram_are_counts_between_its_edges(values: list[float]):
    edges, shares = histogram(pl.Series(values), min(values), max(values))

    inner = [float("-inf"), *edges[1:-1], float("inf")]
    counts = [sum(left < value <= right for value in values) for left, right in pairwise(inner)]
    assert shares == [count / len(values) for count in counts]


@given(VALUES)
def test_common_values_are_those_that_many_rows_have(values: list[float]):
    found = common_values(pl.Series(values))

    times = Counter(values)
    common = sorted(value for value in times if times[value] >= COMMON_SHARE * len(values))
    assert found["values"] == common
    counts = pl.Series([times[value] for value in common], dtype=pl.UInt32)
    assert found["shares"] == (counts / len(values)).to_list()


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_numbers_written_in_32_bits_are_never_more_than_they_were(values: list[float]):
    # So a column whose numbers stay apart need not be written as text to be found without a loss.
    numbers = pl.Series(values).unique()

    assert _as_written(numbers).n_unique() <= len(numbers)


def test_numbers_that_only_look_merged_have_no_loss():
    # 24.7 in 32 bits and in 64 bits: two numbers, which are written as one.
    narrow = pl.Series([index / 10 for index in range(200)], dtype=pl.Float32)
    both = pl.concat([narrow.cast(pl.Float64), pl.Series([index / 10 for index in range(200)])])

    assert loss_of(both) is None


@pytest.mark.parametrize("place", [0, 500, 999])
def test_a_nul_byte_is_found_in_whichever_piece_it_is(run: Run, plan: MakePlan, place: int):
    rows = [f"{'MFI'[row % 3]},{row + 0.5},{row % 7 + 3}" for row in range(1000)]
    rows[place] = "M\0" + rows[place][1:]
    text = "sex,length,rings\n" + "\n".join(rows) + "\n"

    with pytest.raises(StepError, match=rf"row {place + 1} .*has a NUL byte"):
        run({"a.csv": text}, plan(memory_mb=256))


def test_a_nul_byte_in_an_ignored_column_does_not_matter(run: Run, plan: MakePlan):
    rows = "".join(f"{'MFI'[row % 3]},{row + 0.5},{row % 7 + 3},\0\n" for row in range(60))

    result = run({"a.csv": "sex,length,rings,note\n" + rows}, plan(ignore=("note",)))

    assert result.outcome.rows_read == 60
    assert result.outcome.rows_rejected == 0


def test_checked_rows_are_in_one_piece_in_however_many_they_were_read(plan: MakePlan):
    # In how many depends on the processors, and would show in the bytes of the Parquet files.
    read = pl.DataFrame({"length": [1.0, -1.0, 2.0], "rings": [3.0] * 3, "sex": ["M"] * 3})
    frame = pl.concat([read, read, read], rechunk=False)
    declared = plan()
    check = RowCheck(declared, Layout.of(declared), Findings())

    rows = check.passed(Batch("a.csv", frame, range(1, 10), no_line))

    assert frame.n_chunks() == 3
    assert set(rows.n_chunks("all")) == {1}
    assert rows["__row_number"].to_list() == [1, 3, 4, 6, 7, 9]


@pytest.mark.parametrize("batches", [[1001], [600, 401], [600, 600], [1000], [400, 500]])
def test_distinct_rows_are_counted_as_long_as_they_are_few(plan: MakePlan, batches: list[int]):
    census = Census(plan(features=(Feature("length", "numeric"),)))
    hashes = iter(range(2000))

    for height in batches:
        rows = [next(hashes) for _ in range(height)]
        frame = pl.DataFrame(
            {"__row": rows, "length": [1.0] * height, "rings": [1.0] * height},
            schema_overrides={"__row": pl.UInt64},
        )
        census.add("train", frame)
        census.add("test", frame)  # no row is distinct a second time

    expected = list(range(sum(batches))) if sum(batches) <= 1000 else None
    assert census.counts().distinct == expected


@pytest.mark.parametrize("count", [0, 1, ROWS_IN_CACHE, 2 * ROWS_IN_CACHE + 1])
def test_rows_have_the_hashes_that_they_have_all_at_once(count: int):
    row = pl.int_range(count, dtype=pl.UInt32)
    frame = pl.select(
        (row % 977 / 7).cast(pl.Float32).alias("a"), (row % 13).cast(pl.String).alias("b")
    )

    found = row_hashes(frame, ["a", "b"])

    assert found.equals(frame.select(row_hash(["a", "b"])).to_series(), check_names=True)
    assert found.n_chunks() == 1  # in how many it were would show in the bytes of a Parquet file


def test_good_data_meets_no_pandera(tmp_path: Path):
    # It takes as long to import as all else that the step needs.
    program = """
import sys
from pathlib import Path
from tests.unit.preprocess.conftest import abalone_csv, make_plan, preprocess_in
preprocess_in(Path(sys.argv[1]), {"a.csv": abalone_csv()}, make_plan())
print("pandera" in sys.modules)
"""
    words = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(
        words, check=True, capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )

    assert done.stdout.strip() == "False"
