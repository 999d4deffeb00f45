"""Compaction of a day's captured requests: nothing is lost, nothing counts twice."""

import polars as pl
import pytest

from observed.captured import read
from observed.compaction import Compaction, compact
from reading.source import SourceFile

DAY = "capture/churn/3/dt=2026-11-01"


@pytest.fixture
def folder(tmp_path):
    """Files of the day, by name and content."""

    def folder(contents):
        files = []
        for name, content in contents.items():
            path = tmp_path / f"{len(list(tmp_path.iterdir())):06d}"
            path.write_bytes(content)
            files.append(SourceFile(path, f"{DAY}/{name}"))
        return files

    return folder


@pytest.fixture
def two(line, written):
    return {
        "1.jsonl": written(line("r-1", 0), line("r-1", 1)),
        "2.jsonl": written(line("r-2", 0)),
    }


def test_a_day_becomes_one_file_that_replaces_the_others(folder, two):
    done = compact(folder(two))

    assert done.name is not None
    assert done.name.startswith("compacted-")
    assert (done.rows, done.replaced) == (3, ("1.jsonl", "2.jsonl"))


def test_the_same_files_give_the_same_name_and_bytes_in_any_order(folder, two):
    backwards = dict(reversed(two.items()))

    assert compact(folder(two)) == compact(folder(backwards))


def test_what_was_not_deleted_counts_once_and_is_deleted_the_next_time(folder, two, plan):
    first = compact(folder(two))
    left = {first.name: first.content, **two}

    assert read(folder(left), plan()).rows.height == 3
    assert compact(folder(left)) == Compaction(None, b"", 0, ("1.jsonl", "2.jsonl"))


def test_late_lines_are_read_beside_the_file_and_compacted_again(folder, two, plan, line, written):
    first = compact(folder(two))
    late = {first.name: first.content, "3.jsonl": written(line("r-3"))}

    second = compact(folder(late))

    assert read(folder(late), plan()).rows.height == 4
    assert (second.rows, second.replaced) == (4, ("3.jsonl", first.name))
    assert second.name != first.name
    everything = {**two, **late, second.name: second.content}
    assert read(folder(everything), plan()).rows.height == 4
    assert set(compact(folder(everything)).replaced) == {*two, "3.jsonl", first.name}


def test_files_that_two_monitorings_wrote_become_one(folder, two, plan, line, written):
    more = {**two, "3.jsonl": written(line("r-3"))}
    one, other = compact(folder(two)), compact(folder(more))
    both = {str(one.name): one.content, str(other.name): other.content}

    joined = compact(folder(both))

    assert read(folder(both), plan()).rows.height == 4
    assert (joined.rows, joined.replaced) == (4, tuple(sorted(both)))


def test_a_file_with_a_damaged_line_stays_as_it_is(folder, two, plan, line, written):
    torn = {**two, "3.jsonl": written(line("r-3"), '{"at":')}

    done = compact(folder(torn))

    assert (done.rows, done.replaced) == (3, ("1.jsonl", "2.jsonl"))
    found = read(folder({done.name: done.content, "3.jsonl": torn["3.jsonl"]}), plan())
    assert (found.rows.height, found.damage.count) == (4, 1)


def test_one_compacted_file_or_none_leaves_nothing_to_do(folder, two):
    first = compact(folder(two))

    assert compact(folder({first.name: first.content})) == Compaction(None, b"", 0, ())
    assert compact([]) == Compaction(None, b"", 0, ())


def test_empty_files_are_deleted(folder):
    assert compact(folder({"1.jsonl": b"\n"})) == Compaction(None, b"", 0, ("1.jsonl",))


def test_a_compacted_file_has_every_column_also_those_of_no_plan(folder, line, written, tmp_path):
    lines = written(line(features={"tariff": "gold", "age": 1}), line(row=1, features={"age": "x"}))
    done = compact(folder({"1.jsonl": lines}))
    (tmp_path / "one").write_bytes(done.content)

    found = pl.read_parquet(tmp_path / "one")

    assert found.select("feature_age", "feature_tariff").rows() == [("1", "gold"), ("x", None)]
