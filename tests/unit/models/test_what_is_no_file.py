"""Input must be a regular file: a pipe never ends by itself, and a device may never end."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kanmon.commands.score import opened
from kanmon.errors import BadInputError
from kanmon.models.datasets import data_files
from kanmon.models.drafting.sample import read_sample


@contextmanager
def refused(words: str) -> Iterator[None]:
    with pytest.raises(BadInputError) as raised:
        yield
    line = raised.value.line()
    assert words in line and len(line.splitlines()) == 1, line


def score(path: Path) -> None:
    with opened(str(path)) as lines:
        lines.read()


READERS: dict[str, Callable[[Path], object]] = {
    "put-data": lambda path: data_files([path], None),
    "new-model": read_sample,
    "score": score,
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "nothing", "long name"])
def test_what_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, reader: Callable[[Path], object], kind: str
) -> None:
    path, words = tmp_path / "rows.csv", "is not a regular file"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
        words = "is a folder"
    elif kind == "nothing":
        words = "there is no file"
    else:
        path, words = tmp_path / f"{'r' * 900}.csv", "file name too long"

    with refused(words):
        reader(path)
