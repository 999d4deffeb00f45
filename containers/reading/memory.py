"""How the memory setting is divided, and how reading runs ahead within it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from contract.step import StepError

Item = TypeVar("Item")


@dataclass(frozen=True)
class MemoryBudget:
    """How much is read at once. Sizes are in bytes of text.

    piece: how much text is parsed at once.
    pieces: how many pieces are checked, split and written together, as one batch.
    keys: how many bytes of keys are held before they are written to disk.
    """

    piece: int
    pieces: int
    keys: int

    # Interpreter, polars and pandera, before any data.
    FIXED_MB: ClassVar[int] = 200
    # Three batches are in flight (read, checked, written), each in its own column types. At the
    # peak that took ten times the text of a batch; the rest is a reserve for wider rows.
    PEAK_PER_BATCH: ClassVar[int] = 14
    SMALLEST_BATCH: ClassVar[int] = 1 << 20
    LARGEST_BATCH: ClassVar[int] = 16 << 20
    LARGEST_PIECE: ClassVar[int] = 8 << 20
    LEAST_MB: ClassVar[int] = 256

    @classmethod
    def of(cls, memory_mb: int, step: str = "preprocess") -> MemoryBudget:
        """Divide the setting. Raises StepError if it is too small for the smallest batches."""
        if memory_mb < cls.LEAST_MB:
            raise StepError(
                f"resources.{step}.memory_mb is {memory_mb}, but the step needs at least "
                f"{cls.LEAST_MB}; raise it in model.yaml"
            )
        spare = (memory_mb - cls.FIXED_MB) << 20
        keys = spare // 16
        batch = (spare - 2 * keys) // cls.PEAK_PER_BATCH
        batch = min(cls.LARGEST_BATCH, max(cls.SMALLEST_BATCH, batch))
        pieces = -(-batch // cls.LARGEST_PIECE)
        return cls(piece=batch // pieces, pieces=pieces, keys=keys)

    @property
    def batch(self) -> int:
        """The size of a batch."""
        return self.piece * self.pieces


def ahead(items: Iterator[Item], worker: Executor) -> Generator[Item, None, None]:
    """Yield the items while the worker prepares the next one."""
    ready = worker.submit(next, items, None)
    while (item := ready.result()) is not None:
        ready = worker.submit(next, items, None)
        yield item
