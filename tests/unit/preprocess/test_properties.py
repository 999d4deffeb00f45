"""What holds for any data: stable splits, exact findings, shares that sum to 1."""

import math
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contract.histogram import histogram
from contract.plan import Feature, Plan, Split
from contract.split import ROW
from contract.step import StepError
from preprocess.baseline import Numbers, Sample, shares_of
from preprocess.splitting import Order, bounds, row_hash
from reading.csv_pieces import pieces

Preprocess = Callable[..., Any]
MakePlan = Callable[..., Plan]

GOLDEN = [7710818682973573276, 13162155133678686730, 726949657105694711]

few = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
# From one 32-bit number to the next, where they are smallest.
SMALLEST_STEP = 2.0**-149
TEXTS = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)


def hashes(frame: pl.DataFrame) -> list[int]:
    return frame.select(row_hash(frame.columns))[ROW].to_list()


def places(preprocess: Preprocess, plan: Plan, contents: dict[str, str]) -> dict[int, str]:
    with tempfile.TemporaryDirectory() as folder:
        result = preprocess(Path(folder), contents, plan)
    return {row: part for part, frame in result.parts.items() for row in frame[ROW]}


@given(st.lists(st.tuples(FINITE | st.none(), TEXTS), max_size=20))
def test_equal_rows_and_only_they_have_equal_hashes(rows: list[tuple[float | None, str | None]]):
    frame = pl.DataFrame(rows, {"a": pl.Float32, "b": pl.String}, orient="row")

    # 0.0 == -0.0 in Python as in the hash.
    assert len(set(hashes(frame))) == len(set(rows))


def test_the_hash_is_what_it_always_was():
    # These numbers decide which rows are test rows in models already running. If a library's new
    # version changes them, every test set changes: do not correct the numbers, pin the library.
    frame = pl.DataFrame(
        {"a": [0.5, None, -0.0], "b": ["M", None, ""]}, {"a": pl.Float32, "b": pl.String}
    )

    assert hashes(frame) == GOLDEN


@given(
    st.tuples(*[st.integers(1, 20)] * 3).map(lambda n: tuple(x / sum(n) for x in n)),
    st.integers(0, 1_000_000),
)
@few
def test_parts_have_their_shares(shares: tuple[float, float, float], seed: int):
    frame = pl.DataFrame({"a": [f"{seed}-{row}" for row in range(4_000)]})
    frame = frame.with_columns(row_hash(["a"]))

    parts = Order.of(Split(*shares), ["a"]).parts(frame)

    assert sum(part.height for part in parts.values()) == 4_000
    for part, share in zip(parts.values(), shares, strict=True):
        # Five standard deviations of a binomial share.
        assert abs(part.height / 4_000 - share) < 5 * math.sqrt(share * (1 - share) / 4_000)


@given(st.tuples(*[st.integers(1, 100)] * 3))
def test_the_hash_range_is_cut_in_order(parts: tuple[int, int, int]):
    first, second = bounds(Split(*(part / sum(parts) for part in parts)))

    assert 0 < first < second < 2**64


@given(data=st.data())
@few
def test_neither_order_nor_files_nor_batches_nor_more_rows_move_a_row(
    data: st.DataObject,
    preprocess_files: Preprocess,
    plan: MakePlan,
    abalones: Callable[..., str],
):
    lines = abalones(120).splitlines()
    header, rows = lines[0], lines[1:]
    whole = places(preprocess_files, plan(), {"a.csv": "\n".join(lines)})

    kept = data.draw(st.integers(100, 120))
    shuffled = data.draw(st.permutations(rows[:kept]))
    cuts = [0, *sorted(data.draw(st.lists(st.integers(1, kept - 1), max_size=3))), kept]
    files = {
        f"{number}.csv": "\n".join([header, *shuffled[start:end]]) + "\n"
        for number, (start, end) in enumerate(pairwise(cuts))
    }
    memory = data.draw(st.sampled_from([256, 4096]))
    some = places(preprocess_files, plan(memory_mb=memory), files)

    assert len(some) == kept
    assert some.items() <= whole.items()


@given(data=st.data())
@few
def test_exactly_the_planted_bad_cells_are_found(
    data: st.DataObject,
    preprocess_files: Preprocess,
    plan: MakePlan,
):
    rows = [[f"{row}", f"{row % 9}", f"{row % 7}"] for row in range(200)]
    cells = st.tuples(st.integers(0, 199), st.integers(0, 2))
    planted = data.draw(st.dictionaries(cells, st.sampled_from(list(BAD)), min_size=1, max_size=3))
    for (row, column), value in planted.items():
        rows[row][column] = value
    text = "a,b,y\n" + "\n".join(",".join(row) for row in rows)
    features = (
        Feature("a", "numeric", minimum=0, nullable=False),
        Feature("b", "numeric", maximum=100, minimum=0, nullable=False),
    )
    forgiving = plan(features=features, target="y", maximum_rejected_share=1.0)

    with tempfile.TemporaryDirectory() as folder:
        found = preprocess_files(Path(folder), {"a.csv": text}, forgiving).outcome

    # Three of a kind are kept as examples, so up to three planted cells are all reported.
    # The target has no bounds, so -1 is a fine target.
    wrong = {
        (row, column): BAD[value]
        for (row, column), value in planted.items()
        if not (column == 2 and value == "-1")
    }
    names = {"a": 0, "b": 1, "y": 2}
    assert found.rows_rejected == len({row for row, _ in wrong})
    assert {
        (problem["row"] - 1, names[problem["column"]]): problem["what"]
        for problem in found.rejected
    } == wrong


@given(data=st.data())
@few
def test_exactly_the_rows_of_another_width_are_lost_whichever_columns_are_ignored(
    data: st.DataObject, preprocess_files: Preprocess, plan: MakePlan
):
    order = data.draw(st.permutations(["a", "b", "y", "note", "remark"]))
    note = data.draw(st.sampled_from(["", "x", '"x, ""y"""', '"x\ny"']))
    kinds = {"a": "{}", "b": "{}.5", "y": "{}", "note": note, "remark": "-"}
    rows = [[kinds[name].format(row) for name in order] for row in range(100)]
    widths = st.sampled_from([2, 4, 6, 9])
    planted = data.draw(st.dictionaries(st.integers(0, 99), widths, max_size=3))
    for row, width in planted.items():
        rows[row] = [*rows[row], "1", "2", "3", "4"][:width]
    text = "\n".join(",".join(row) for row in [list(order), *rows])
    forgiving = plan(
        features=(Feature("a", "numeric"), Feature("b", "categorical")),
        target="y",
        ignore=("note", "remark"),
        null_values=data.draw(st.sampled_from([("",), ("NA",)])),
        maximum_rejected_share=1.0,
    )

    with tempfile.TemporaryDirectory() as folder:
        result = preprocess_files(Path(folder), {"a.csv": text}, forgiving)

    assert {problem["row"] - 1: problem["what"] for problem in result.outcome.rejected} == {
        row: f"has {width} cells where the header has 5" for row, width in planted.items()
    }
    kept = result.rows.select("a", "b", "y").sort("a").rows()
    assert kept == [(row, f"{row}.5", row) for row in range(100) if row not in planted]


BAD = {
    "x": "is not a number",
    "1 000": "is not a number",
    "NaN": "is not a finite number",
    "-inf": "is not a finite number",
    "-1": "is below the minimum 0",
    "": "is missing",
}


@given(st.lists(FINITE, min_size=1, max_size=200))
def test_a_histogram_is_ordered_and_its_shares_sum_to_1(values: list[float]):
    edges, shares = histogram(pl.Series(values), min(values), max(values))

    assert len(edges) == len(shares) + 1
    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (min(values), max(values))
    assert math.isclose(math.fsum(shares), 1)


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 1000), min_size=1))
def test_category_shares_sum_to_1(counts: dict[str, int]):
    assert math.isclose(math.fsum(shares_of(counts).values()), 1)


@given(st.data())
@few
def test_the_sample_depends_neither_on_order_nor_on_batches(data: st.DataObject):
    hashed = data.draw(st.lists(st.integers(0, 50), min_size=1, max_size=60))
    frame = pl.DataFrame({ROW: hashed, "a": range(len(hashed))}, {ROW: pl.UInt64, "a": pl.Int64})
    expected = frame.sort(ROW, "a").head(10)

    sample = Sample("a", rows=10)
    shuffled = frame[data.draw(st.permutations(range(len(hashed))))]
    for batch in shuffled.iter_slices(data.draw(st.integers(1, 60))):
        sample.add(batch)

    assert sample.frame is not None
    assert sample.frame.sort(ROW, "a").rows() == expected.rows()


RECORDS = st.lists(st.sampled_from(["1,2", '"a\nb",2', '"""",x', "", '"\n\n",y', "é,ü"]))


@given(
    records=RECORDS,
    size=st.integers(1, 40),
    end=st.sampled_from(["\n", "\r\n"]),
    closed=st.booleans(),
)
@few
def test_pieces_hold_whole_records_and_lose_nothing(
    records: list[str], size: int, end: str, closed: bool, tmp_path: Path
):
    text = end.join(["h,i", *records]) + (end if closed else "")
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())

    cut = [piece.data for piece in pieces(path, "a.csv", size)]

    assert b"".join(cut) == text.encode()
    assert all(data.count(b'"') % 2 == 0 for data in cut)


@given(values=st.lists(FINITE, min_size=1), split=st.integers(0, 100))
@example(values=[0.0, 3 * SMALLEST_STEP], split=0)  # whose mean no 32-bit number is
@example(values=[2.0**66, -(2.0**66)], split=0)  # whose squares no 32-bit number holds
def test_mean_and_deviation_of_any_numbers_are_numbers(values: list[float], split: int):
    frame = pl.DataFrame({"a": values}, {"a": pl.Float32})
    numbers = Numbers()
    for batch in (frame[:split], frame[split:]):
        summary = batch.select(Numbers.summary("a")).row(0, named=True)
        numbers.add("a", batch.height, summary)

    described = numbers.describe(frame["a"])["numeric"]

    assert all(math.isfinite(described[name]) for name in ("mean", "std"))
    noise = 1e-5 * max(map(abs, values)) + SMALLEST_STEP
    assert described["mean"] == pytest.approx(math.fsum(values) / len(values), abs=noise)


@pytest.mark.parametrize("memory_mb", [0, 100, 255])
def test_a_memory_setting_too_small_to_work_with_is_reported(
    memory_mb: int, preprocess_files: Preprocess, plan: MakePlan, tmp_path: Path
):
    with pytest.raises(StepError, match=r"memory_mb is \d+, but the step needs at least 256"):
        preprocess_files(tmp_path, {}, plan(memory_mb=memory_mb))
