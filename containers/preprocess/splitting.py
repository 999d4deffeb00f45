"""Split rows into training, validation and test rows.

Rows have an order, and each part is a range of it. The order is that of time, from a column (see
times.py), or of a hash: of the row, or of its group, the value of a column. The row's hash is that
of its key, or of its feature values if the model has no key. A hash depends on the row alone, so a
row stays in its part when rows are added, and the order of rows, files and columns and the size of
batches do not matter. Without a key, rows with the same feature values are in the same part, so no
test row was seen in training. But if the set of features changes, so do the hashes. With a key or a
group, a row stays in its part even then.

polars-hash encodes each row without ambiguity (a null is not an empty text, "ab","c" is not
"a","bc"), in a versioned format that does not depend on storage. xxHash64 is a published standard.
Numbers are hashed at the precision the model sees (32 bits), with a single zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import polars_hash

from contract.plan import Split
from contract.split import PLACE, ROW, SplitRecord
from reading.columns import SPLIT_BY
from reading.times import TimeCounts, written

ROWS_IN_CACHE = 16_384
_ENCODING = 1
_RANGE = 2**64


def row_hash(columns: Sequence[str], name: str = ROW) -> pl.Expr:
    """The hash (UInt64) of these columns, in which numbers are already Float32."""
    encoded = polars_hash.hash_rows(*columns, version=_ENCODING)
    hashed: pl.Expr = encoded.nchash.xxhash64()
    return hashed.alias(name)


def row_hashes(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """The hash of each row, some rows after the other: what is made of their cells on the way then
    stays in the processor's cache, which takes a third less time."""
    # No rows are no slice.
    slices = list(frame.iter_slices(ROWS_IN_CACHE)) or [frame]
    hashed = row_hash(columns)
    return pl.concat([rows.select(hashed) for rows in slices]).to_series().rechunk()


def bounds(split: Split) -> tuple[int, int]:
    """Where the hash ranges of training and of validation end."""
    train = round(split.train * (_RANGE - 1))
    return train, min(_RANGE - 1, round((split.train + split.validation) * _RANGE))


@dataclass(frozen=True)
class Order(SplitRecord):
    """The order of a run's rows, and the places where validation and test begin.

    Both are None where too few times are known to part them: then all rows are training rows.
    """

    @classmethod
    def of(cls, split: Split, hashed: Sequence[str], times: TimeCounts | None = None) -> "Order":
        """The order that the plan asks for; `hashed` are the columns of the row's own hash, `times`
        those of all rows, which only a split by time needs."""
        if split.time is not None:
            return cls._by_time(split, split.time, times)
        if split.group is not None:
            return cls("group", (split.group,), *bounds(split))
        return cls("row", tuple(hashed), *bounds(split))

    @classmethod
    def _by_time(cls, split: Split, column: str, times: TimeCounts | None) -> "Order":
        begins = None if times is None else times.begins(split)
        if times is None or begins is None:
            return cls("time", (column,), None, None)
        first, second = begins
        words = {"validation": written(first, times.kinds), "test": written(second, times.kinds)}
        return cls("time", (column,), first, second, words, *times.kinds)

    def placed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with its rows' places. That of a time has been read with the row's check."""
        if self.by != "group":
            return frame
        return frame.with_columns(row_hash([SPLIT_BY], PLACE))

    def parts(self, frame: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
        """The frame's rows by part, in the same order."""
        if self.validation_from is None:
            return {"train": frame, "validation": frame.clear(), "test": frame.clear()}
        place, kind = pl.col(self.place), frame.schema[self.place]
        first, second = (pl.lit(each, kind) for each in (self.validation_from, self.test_from))
        conditions = {
            "train": place < first,
            "validation": (place >= first) & (place < second),
            "test": place >= second,
        }
        masks = frame.select(**conditions)
        return {part: frame.filter(masks[part]) for part in conditions}
