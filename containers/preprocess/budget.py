"""How the memory setting is spent, and how reading runs ahead within it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from contract.step import StepError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Budget:
    """How much is read at once. Sizes are in bytes of text.

    Text is parsed in small pieces, and `pieces` of them are checked, split and written together.
    """

    piece: int
    pieces: int
    keys: int

    # Interpreter, polars and pandera, before any data.
    FIXED_MB: ClassVar[int] = 200
    # Three batches are in flight (read, checked, written), each as its own kind of columns: at the
    # peak that took ten times the text of a batch. The rest is reserve for wider rows.
    PEAK_PER_BATCH: ClassVar[int] = 14
    SMALLEST_BATCH: ClassVar[int] = 1 << 20
    LARGEST_BATCH: ClassVar[int] = 32 << 20
    LARGEST_PIECE: ClassVar[int] = 8 << 20
    LEAST_MB: ClassVar[int] = 256

    @classmethod
    def of(cls, memory_mb: int) -> Budget:
        """Divide the setting; refuse one that not even the smallest batches fit in."""
        if memory_mb < cls.LEAST_MB:
            raise StepError(
                f"resources.preprocess.memory_mb is {memory_mb}, but the step needs "
                f"{cls.LEAST_MB} at least; raise it in model.yaml"
            )
        spare = (memory_mb - cls.FIXED_MB) << 20
        keys = spare // 16
        batch = (spare - 2 * keys) // cls.PEAK_PER_BATCH
        batch = min(cls.LARGEST_BATCH, max(cls.SMALLEST_BATCH, batch))
        pieces = -(-batch // cls.LARGEST_PIECE)
        return cls(piece=batch // pieces, pieces=pieces, keys=keys)

    @property
    def batch(self) -> int:
        """The size of a batch, of several pieces."""
        return self.piece * self.pieces


def ahead(items: Iterator[Item], worker: Executor) -> Generator[Item, None, None]:
    """Yield the items, having the worker prepare each next one meanwhile."""
    ready = worker.submit(next, items, None)
    while (item := ready.result()) is not None:
        ready = worker.submit(next, items, None)
        yield item
