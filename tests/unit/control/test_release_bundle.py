"""The bundle of a release: the same bytes each time, and nothing but what it needs."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.releases.bundle import (
    BundleError,
    ServingSourceError,
    member,
    pack,
    serving_tree,
    tree_digest,
    tree_of,
)
from core.releases.release_json import read_release

TREE = {"serving.yaml": b"a", "buildspec.yml": b"b", "scoring/answer_requests.py": b"c"}


def test_the_same_release_is_the_same_bytes_however_its_files_are_ordered() -> None:
    other = dict(reversed(TREE.items()))

    assert pack(b"{}", b"[]", TREE) == pack(b"{}", b"[]", other)
    assert tree_digest(TREE) == tree_digest(other)


def test_a_bundle_gives_back_what_was_packed() -> None:
    content = pack(b"{}", b"[]", TREE)

    assert (member(content, "release.json"), member(content, "golden.json")) == (b"{}", b"[]")
    assert tree_of(content) == TREE


def test_a_bundle_has_no_times_and_no_owners() -> None:
    with zipfile.ZipFile(io.BytesIO(pack(b"{}", b"[]", TREE))) as archive:
        entries = archive.infolist()

    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)


@given(st.binary(max_size=200))
def test_what_is_no_bundle_is_named_as_such(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"bundle.zip"):
        member(content, "release.json")
    assert read_release(content) is None


@pytest.mark.parametrize("change", [{"serving.yaml": b"x"}, {"more.py": b""}])
def test_any_change_of_the_serving_code_changes_its_digest(change: dict[str, bytes]) -> None:
    assert tree_digest({**TREE, **change}) != tree_digest(TREE)


def test_the_tree_leaves_out_what_no_release_needs(tmp_path: Path) -> None:
    for name in [*TREE, "scoring/__pycache__/answer_requests.pyc", ".DS_Store", ".aws-sam/build/x"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(TREE.get(name, b"junk"))

    assert serving_tree(tmp_path) == TREE


def test_a_function_without_its_layer_says_so(tmp_path: Path) -> None:
    with pytest.raises(ServingSourceError, match=r"no serving\.yaml and no buildspec\.yml there"):
        serving_tree(tmp_path)
