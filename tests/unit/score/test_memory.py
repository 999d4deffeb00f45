"""What is in memory at once depends on the memory setting, not on the size of a file."""

import io
from collections.abc import Iterator
from threading import Lock
from typing import Any

import polars as pl
import pytest

import score.pipeline
from reading.batch import Batch
from reading.csv_reader import read_csv
from reading.memory import MemoryBudget
from score.storage import Results
from tests.support.training_cases import rows

# So that a file of a megabyte is to it as one of two gigabytes is to the usual 32 MB.
BATCH = 1 << 14


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are read at once."""
    monkeypatch.setattr(MemoryBudget, "LARGEST_BATCH", BATCH)


class InFlight:
    """How many rows have been read and are not yet written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.most = self.largest_batch = 0
        self.lock = Lock()
        written = Results.write

        def read(*asked: Any) -> Iterator[Batch]:
            for batch in read_csv(*asked):
                self.largest_batch = max(self.largest_batch, batch.frame.height)
                self.add(batch.frame.height)
                yield batch

        def write(results: Results, name: str, content: bytes) -> dict[str, Any]:
            if name.startswith("scores/"):
                self.add(-pl.read_parquet(io.BytesIO(content)).height)
            return written(results, name, content)

        monkeypatch.setattr(score.pipeline, "read_csv", read)
        monkeypatch.setattr(Results, "write", write)

    def add(self, count: int) -> None:
        with self.lock:
            self.now += count
            self.most = max(self.most, self.now)


def test_a_file_of_thirty_batches_is_never_held(
    batch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = InFlight(monkeypatch)
    content = rows("regression", 25_000, 1).drop("target").write_csv()
    assert len(content) > 30 * BATCH
    job = batch({"a.csv": content}, shard_bytes=1 << 30)

    job.run()

    assert counted.now == 0
    # One is read ahead, one checked, up to two are held, and the two before are written.
    assert counted.most <= 6 * counted.largest_batch
    [record] = job.done()
    assert sum(entry["rows"] for entry in record["scores"]) == 25_000


def test_rows_of_long_texts_are_written_sooner(batch: Any) -> None:
    frame = rows("regression", 200, 1).drop("target")
    keyed = frame.with_columns(id=pl.int_range(200).cast(pl.String) + "k" * 2000)
    job = batch({"a.csv": keyed.write_csv()}, data={"key": ["id"]})

    job.run()

    [record] = job.done()
    assert sum(entry["rows"] for entry in record["scores"]) == 200
    assert max(entry["rows"] for entry in record["scores"]) <= 2 * BATCH / 2000
