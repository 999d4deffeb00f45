"""The baselines of several hosts, merged, are the baseline of all their rows."""

import json
import math
from itertools import accumulate
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.baseline_merge import NAMED_CATEGORIES, merge_baselines
from drift.baselines import drift
from preprocess.baseline import Categories, Profile

NUMBERS = st.none() | st.floats(-1e6, 1e6, width=32) | st.integers(0, 4).map(float)
ROWS = st.lists(st.tuples(NUMBERS, st.none() | st.sampled_from("abcde")), max_size=40)
SHARDS = st.lists(ROWS, min_size=2, max_size=4).filter(any)


def baseline(rows: list[tuple[float | None, str | None]]) -> dict[str, Any]:
    """The baseline as one Preprocess host writes it; the target only shows how many rows."""
    frame = pl.DataFrame(rows, {"x": pl.Float32, "c": pl.String}, orient="row").with_columns(
        pl.lit(1.0, pl.Float32).alias("y"), pl.int_range(pl.len(), dtype=pl.UInt64).alias("__row")
    )
    categories = Categories()
    categories.add(frame["c"])
    profile = Profile(["x", "y"], {"c": categories}, "y")
    profile.add(frame)
    document: dict[str, Any] = json.loads(json.dumps(profile.document(["x", "c"], "y")))
    return document


def up_to(numeric: dict[str, Any]) -> list[float]:
    return [0.0, *accumulate(numeric["shares"])]


@given(shards=SHARDS)
def test_merging_hosts_gives_the_baseline_of_all_rows(shards: list[Any]) -> None:
    rows = [row for shard in shards for row in shard]
    whole = baseline(rows)
    hosts = [baseline(shard) for shard in shards]

    merged = merge_baselines(hosts)

    assert merged["rows"] == whole["rows"]
    assert merged["features"]["c"] == whole["features"]["c"]
    assert merged["target"]["missing"] == 0
    now, before = merged["features"]["x"], whole["features"]["x"]
    assert now["missing"] == before["missing"]
    for name in ("minimum", "maximum"):
        assert now["numeric"][name] == before["numeric"][name]
    if before["missing"] < 1:
        values = [x for x, _ in rows if x is not None]
        # Polars takes the mean of 32-bit numbers in 32 bits.
        near = {"rel": 1e-6, "abs": 1e-6 * max(map(abs, values))}
        for name in ("mean", "std"):
            assert now["numeric"][name] == pytest.approx(before["numeric"][name], **near)
        edges = now["numeric"]["edges"]
        assert edges == sorted(edges)
        assert len(now["numeric"]["shares"]) == len(edges) - 1 <= 10
        assert math.fsum(now["numeric"]["shares"]) == pytest.approx(1)
        assert min(now["numeric"]["shares"]) >= 0
        # Interpolating can misplace no more than what lies in one bin of each host.
        largest = max(max(host["features"]["x"]["numeric"]["shares"], default=0) for host in hosts)
        for edge, share in list(zip(edges, up_to(now["numeric"]), strict=True))[1:]:
            really = sum(value <= edge for value in values) / len(values)
            assert share == pytest.approx(really, abs=largest + 1e-9)


@given(shards=SHARDS, data=st.data())
def test_the_order_of_hosts_makes_no_difference(shards: list[Any], data: st.DataObject) -> None:
    hosts = [baseline(shard) for shard in shards]

    assert merge_baselines(data.draw(st.permutations(hosts))) == merge_baselines(hosts)


@given(rows=ROWS, idle=st.integers(0, 2))
def test_one_host_with_rows_is_left_as_it_is(rows: list[Any], idle: int) -> None:
    alone = baseline(rows)

    assert merge_baselines([*[baseline([])] * idle, alone]) == alone


def test_what_hosts_saw_of_one_distribution_has_not_drifted_from_the_whole() -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    shards = [[(float(x), None) for x in values[part::4]] for part in range(4)]
    whole = baseline([row for shard in shards for row in shard])
    merged = merge_baselines([baseline(shard) for shard in shards])

    assert next(entry for entry in drift(whole, merged) if entry["feature"] == "x")["psi"] < 0.001
    assert next(entry for entry in drift(merged, whole) if entry["feature"] == "x")["psi"] < 0.001


def test_files_sorted_by_a_value_are_distinguished() -> None:
    months = [baseline([(float(month), "a")] * 5 * month) for month in (1, 2, 3)]

    merged = merge_baselines(months)["features"]["x"]["numeric"]

    assert merged["edges"] == [1.0, 1.5, 2.5, 3.0]
    assert merged["shares"] == pytest.approx([1 / 6, 2 / 6, 3 / 6])


def test_two_hosts_with_one_bin_for_each_value_have_so_together() -> None:
    merged = merge_baselines([baseline([(x, None) for x in (0, 1, 2)]), baseline([(0, None)] * 3)])

    assert merged["features"]["x"]["numeric"]["edges"] == [0.0, 0.5, 1.5, 2.0]
    assert merged["features"]["x"]["numeric"]["shares"] == pytest.approx([4 / 6, 1 / 6, 1 / 6])


def test_what_a_host_left_unnamed_stays_unnamed() -> None:
    def host(categories: dict[str, float], other: float) -> dict[str, Any]:
        entry = {"kind": "categorical", "missing": 0.0, "categories": categories, "other": other}
        return {"format": 1, "rows": 100, "features": {"c": entry}, "target": entry}

    many = {f"v{number:04d}": 0.9 / NAMED_CATEGORIES for number in range(NAMED_CATEGORIES)}
    merged = merge_baselines([host({"a": 0.5}, 0.5), host(many, 0.1)])["features"]["c"]

    assert len(merged["categories"]) == NAMED_CATEGORIES
    assert merged["categories"]["a"] == 0.25
    assert math.fsum([*merged["categories"].values(), merged["other"]]) == pytest.approx(1)
