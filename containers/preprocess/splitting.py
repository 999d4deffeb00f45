"""Which rows are for training, validation and test.

A row's place is the share of the hash range its hash lies in. The hash is made from the row alone:
from its key, or, where the model names no key, from its feature values. So a row stays where it
is when rows are added, and neither the order of rows, files or columns nor the size of batches
matters. Without a key, rows with the same feature values stand on the same side, so no test row was
seen in training; but where the set of features changes, so do the hashes. A key keeps every row in
its part even then.

polars-hash encodes each row without ambiguity (a null is not an empty text, "ab","c" is not
"a","bc") in a versioned way that storage does not change; xxHash64 is fixed by its publication.
Numbers are hashed at the precision the model sees (32 bits), with one zero.
"""

from collections.abc import Mapping, Sequence

import polars as pl
import polars_hash

from contract.plan import Split

ROW = "__row"
_ENCODING = 1
_RANGE = 2**64


def row_hash(columns: Sequence[str]) -> pl.Expr:
    """The hash (UInt64) of these columns, numbers being Float32 already."""
    encoded = polars_hash.hash_rows(*columns, version=_ENCODING)
    hashed: pl.Expr = encoded.nchash.xxhash64()
    return hashed.alias(ROW)


def bounds(split: Split) -> tuple[int, int]:
    """Where the hash range of training ends, and that of validation."""
    train = round(split.train * (_RANGE - 1))
    return train, min(_RANGE - 1, round((split.train + split.validation) * _RANGE))


def parts_of(frame: pl.DataFrame, split: Split) -> Mapping[str, pl.DataFrame]:
    """The frame's rows by part, in their order."""
    first, second = (pl.lit(bound, dtype=pl.UInt64) for bound in bounds(split))
    row = pl.col(ROW)
    conditions = {
        "train": row < first,
        "validation": (row >= first) & (row < second),
        "test": row >= second,
    }
    return {part: frame.filter(condition) for part, condition in conditions.items()}
