"""The data version: what it depends on, and what is not data."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.runs.snapshot import (
    EmptyDatasetError,
    Snapshot,
    UnknownFileKindError,
    take_snapshot,
)
from core.stage.bucket import DataObject

names = st.text(min_size=1, max_size=8).filter(lambda name: name[0] not in "._" and "/" not in name)
objects = st.lists(
    st.builds(
        DataObject,
        key=names.map(lambda name: f"datasets/abalone/{name}.csv"),
        version_id=st.text(min_size=1, max_size=3),
        size=st.integers(0, 10**12),
        checksum=st.text(alphabet="0123456789abcdef", min_size=4, max_size=4),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda each: each.key,
)
ONE = DataObject("datasets/abalone/a.csv", "v1", 10, "abcd")


def snapshot(listed: list[DataObject]) -> Snapshot:
    return take_snapshot("abalone", "bucket", "datasets/abalone/", listed)


@given(listed=objects, data=st.data())
def test_the_order_of_the_listing_does_not_matter(
    listed: list[DataObject], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(listed))

    assert snapshot(shuffled) == snapshot(listed)


@given(listed=objects)
def test_the_same_bytes_uploaded_again_are_the_same_data(listed: list[DataObject]) -> None:
    again = [replace(each, version_id=each.version_id + "x") for each in listed]

    assert snapshot(again).id == snapshot(listed).id
    assert snapshot(again) != snapshot(listed)


@pytest.mark.parametrize(
    "change", [{"key": "datasets/abalone/b.csv"}, {"size": 11}, {"checksum": "ef"}]
)
def test_another_name_size_or_content_is_other_data(change: dict[str, str]) -> None:
    assert snapshot([replace(ONE, **change)]).id != snapshot([ONE]).id  # type: ignore[arg-type]


def test_one_file_more_is_other_data() -> None:
    more = replace(ONE, key="datasets/abalone/b.parquet")

    assert snapshot([ONE, more]).id != snapshot([ONE]).id


def test_the_document_names_every_version() -> None:
    taken = snapshot([ONE])

    assert taken.document() == {
        "format": 1,
        "id": taken.id,
        "model": "abalone",
        "bucket": "bucket",
        "objects": [
            {"key": "datasets/abalone/a.csv", "version_id": "v1", "size": 10, "checksum": "abcd"}
        ],
    }
    assert len(taken.id) == 32
    assert taken.bytes == 10


def test_folder_markers_and_hidden_files_are_not_data() -> None:
    noise = [
        replace(ONE, key=f"datasets/abalone/{name}") for name in ("", "_SUCCESS", ".DS_Store", "x/")
    ]

    assert snapshot([*noise, ONE]) == snapshot([ONE])


@pytest.mark.parametrize("name", ["a 'b'.csv", 'quo"te.CSV', "ünï.csv.gz", "..", "../x.parquet"])
def test_a_file_name_is_only_a_name(name: str) -> None:
    listed = [replace(ONE, key=f"datasets/abalone/{name}"), ONE]

    # `..` itself is hidden; below a real name it is part of a key like any other text.
    assert len(snapshot(listed).objects) == (1 if name == ".." else 2)


def test_no_data_is_an_error_that_says_where_to_put_some() -> None:
    with pytest.raises(EmptyDatasetError) as raised:
        snapshot([])

    assert str(raised.value) == (
        "s3://bucket/datasets/abalone/: no data there for model abalone; "
        "put some with `kanmon put-data abalone FILE`"
    )


def test_a_file_no_step_can_read_is_not_skipped_unseen() -> None:
    with pytest.raises(UnknownFileKindError) as raised:
        snapshot([ONE, replace(ONE, key="datasets/abalone/old.xlsx")])

    assert str(raised.value) == (
        "s3://bucket/datasets/abalone/old.xlsx: not a .csv, .csv.gz, .parquet file; "
        "convert it or remove it from the dataset"
    )
