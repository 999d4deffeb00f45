"""The plan of shards: whole, packed by bytes, the same on every host."""

from collections import Counter

import hypothesis.strategies as st
import pytest
from hypothesis import given

from reading.parquet_footer import RowGroup
from reading.shards import MOST_PARTS, Part, dealt, document, planned
from tests.unit.score.hypothesis_settings import few

SIZES = st.lists(st.integers(0, 500), max_size=40)


def groups(*sizes: int) -> tuple[RowGroup, ...]:
    """Row groups of these sizes, with a row for each byte, and a gap after each."""
    found, at = [], 4
    for size in sizes:
        found.append(RowGroup(size, at, at + size))
        at += size + 7
    return tuple(found)


@given(sizes=SIZES, shard_bytes=st.integers(1, 600), hosts=st.integers(1, 5))
@few
def test_every_file_is_in_one_shard_whatever_the_hosts(
    sizes: list[int], shard_bytes: int, hosts: int
) -> None:
    shards = planned(sizes, {}, shard_bytes, hosts)

    files = Counter(part.file for shard in shards for part in shard.parts)
    assert files == Counter(range(len(sizes)))
    assert [shard.parts for shard in shards] == [
        shard.parts for shard in planned(sizes, {}, shard_bytes, 1)
    ]
    assert [shard.bytes for shard in shards] == sorted((s.bytes for s in shards), reverse=True)
    assert [shard.number for shard in shards] == list(range(len(shards)))
    assert all(shard.bytes <= shard_bytes or len(shard.parts) == 1 for shard in shards)
    # Two neighbours that are packed do not fit into one shard.
    assert len(shards) <= 4 * sum(sizes) // shard_bytes + 1


@given(sizes=st.lists(st.integers(1, 500), min_size=1, max_size=30), bound=st.integers(1, 600))
@few
def test_a_cut_file_has_every_row_group_once(sizes: list[int], bound: int) -> None:
    shards = planned([10_000], {0: groups(*sizes)}, bound, 2)

    parts = sorted((part for shard in shards for part in shard.parts), key=lambda p: p.first_row)
    row = 1
    group = 0
    for part in parts:
        assert part.row_groups is not None
        assert (part.row_groups[0], part.first_row) == (group, row)
        assert part.rows == sum(sizes[slice(*part.row_groups)])
        group, row = part.row_groups[1], row + part.rows
    assert (group, row) == (len(sizes), sum(sizes) + 1)


def test_the_bytes_between_row_groups_are_fetched_with_them() -> None:
    [shard] = planned([100], {0: groups(10, 20)}, 50, 1)

    assert shard.parts == (Part(0, 30, (0, 2), 1, 30, (4, 41)),)


def test_many_small_files_share_few_shards() -> None:
    shards = planned([1000] * 5000, {}, 1 << 20, 4)

    assert len(shards) == 5
    assert len(planned([1] * (MOST_PARTS + 1), {}, 1 << 30, 1)) == 2


@given(sizes=SIZES, hosts=st.integers(1, 6))
@few
def test_no_host_has_a_shard_more_to_do_than_another(sizes: list[int], hosts: int) -> None:
    sizes = sorted(sizes, reverse=True)

    load = [0] * hosts
    for size, host in zip(sizes, dealt(sizes, hosts), strict=True):
        load[host] += max(size, 1)

    assert max(load) - min(load) <= max([1, *sizes])


@pytest.mark.parametrize("sizes", [[], [5]])
def test_the_document_names_every_part(sizes: list[int]) -> None:
    written = document(planned(sizes, {}, 10, 1))

    part = {"file": 0, "row_groups": None, "first_row": 1, "rows": None}
    shard = {"shard": 0, "host": 0, "bytes": 5, "parts": [part]}
    assert written == {"format": 1, "shards": [shard] * len(sizes)}
