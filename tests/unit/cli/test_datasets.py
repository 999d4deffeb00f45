"""Data files are checked before any is uploaded."""

import hashlib

import pytest

from contract import data_files
from kanmon.errors import BadInputError
from kanmon.models import datasets


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n")
    return path


@pytest.mark.parametrize(
    "name", ["a b.csv", 'it\'s "quoted".csv', "Größe 大きさ.csv", "x.CSV", "x.csv.gz", "x.parquet"]
)
def test_spaces_quotes_and_any_letters_are_fine_in_a_name(name):
    assert datasets.checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["..", "../a.csv", "a/b.csv", "a\\b.csv", "", "a\nb.csv", "a.txt", "a" * 252 + ".csv"],
)
def test_a_name_that_cannot_be_a_key_is_refused(name):
    with pytest.raises(BadInputError):
        datasets.checked_name(name)


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()

    with pytest.raises(BadInputError, match="is empty"):
        datasets.data_files([path], None)


def test_a_folder_is_refused_with_the_option_that_takes_it(tmp_path):
    (tmp_path / "x.csv").mkdir()

    with pytest.raises(BadInputError) as refused:
        datasets.data_files([tmp_path / "x.csv"], None)

    assert "--from" in refused.value.fix


def test_two_files_of_one_name_are_refused(table, tmp_path):
    other = tmp_path / "other" / "rows.csv"
    other.parent.mkdir()
    other.write_text("a\n")

    with pytest.raises(BadInputError, match="have the same name"):
        datasets.data_files([table, other], None)


def test_a_folders_data_is_taken_and_the_rest_named(table, tmp_path):
    (tmp_path / "notes.md").write_text("hello")

    files, skipped = datasets.data_files([], tmp_path)

    assert ([file.name for file in files], skipped) == (["rows.csv"], ["notes.md"])


def test_the_etag_is_the_one_s3_gives(table):
    assert data_files.etag_of(table) == hashlib.md5(b"a,b\n1,2\n").hexdigest()  # noqa: S324


def test_the_etag_of_several_parts_is_the_md5_of_their_md5s(table, monkeypatch):
    monkeypatch.setattr(data_files, "PART", 5)
    parts = hashlib.md5(b"a,b\n1").digest() + hashlib.md5(b",2\n").digest()  # noqa: S324

    assert data_files.etag_of(table) == hashlib.md5(parts).hexdigest() + "-2"  # noqa: S324
