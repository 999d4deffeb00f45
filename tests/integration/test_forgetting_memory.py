"""Forgetting needs little memory, however large a file is."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc"
)

MB = 1 << 20

# In a process of its own, whose peak is of nothing else. The small file first loads the libraries.
SEARCH_AND_REWRITE = """
import json, re, sys
from pathlib import Path
from kanmon.labels import parquet_rows, rewriting
from kanmon.labels.whose import Whose

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10

def both(source, target):
    whose = Whose(("id",), frozenset({("7",)}))
    how = rewriting.json_lines if source.suffix == ".jsonl" else rewriting.labels
    more = () if source.suffix == ".jsonl" else (",",)
    return [how(source, to, whose, *more).rows for to in (None, target)]

parquet_rows.PIECE = 1 << 20
small, large, target = map(Path, sys.argv[1:])
both(small, target)
before = peak()
rows = both(large, target)
print(json.dumps({"rows": rows, "grown": peak() - before}))
"""


def table(rows: int) -> pl.DataFrame:
    noise = np.random.default_rng(7)
    return pl.DataFrame(
        {"id": np.arange(rows), **{name: noise.normal(size=rows) for name in "abcdef"}}
    )


def as_parquet(path: Path, rows: int) -> None:
    table(rows).write_parquet(path, row_group_size=20_000)


def as_csv(path: Path, rows: int) -> None:
    table(rows).write_csv(path)


def as_gzip(path: Path, rows: int) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        table(rows).write_csv(file)


def as_lines(path: Path, rows: int) -> None:
    document = {"at": "2026-11-21T10:15:00Z", "release": 7, "row": 0, "prediction": "yes"}
    with path.open("w") as file:
        for number in range(rows):
            more = {"request_id": f"r{number}", "key": {"id": number}, "features": {"a": "x" * 300}}
            file.write(json.dumps({**document, **more}) + "\n")


@pytest.mark.parametrize(
    ("name", "write", "rows"),
    [
        ("a.parquet", as_parquet, 2_000_000),
        ("a.csv", as_csv, 300_000),
        # Half as large, and slow to pack.
        ("a.csv.gz", as_gzip, 300_000),
        ("a.jsonl", as_lines, 80_000),
    ],
)
def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, name: str, write: Callable[[Path, int], None], rows: int
) -> None:
    small, large = tmp_path / f"small-{name}", tmp_path / f"large-{name}"
    write(small, 4_000)
    write(large, rows)

    found = subprocess.run(
        [sys.executable, "-c", SEARCH_AND_REWRITE, small, large, tmp_path / "target"],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    said = json.loads(found.stdout)
    assert said["rows"] == [1, 1]
    # Read as a whole it would take its size at least, and several times that unpacked.
    assert said["grown"] < large.stat().st_size / 2
