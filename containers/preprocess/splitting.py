"""Split rows into training, validation and test rows.

A row's part depends on where its hash lies in the hash range. The hash depends on the row alone: on
its key, or on its feature values if the model has no key. So a row stays in its part when rows are
added, and the order of rows, files and columns and the size of batches do not matter. Without a
key, rows with the same feature values are in the same part, so no test row was seen in training.
But if the set of features changes, so do the hashes. With a key, a row stays in its part even then.

polars-hash encodes each row without ambiguity (a null is not an empty text, "ab","c" is not
"a","bc"), in a versioned format that does not depend on storage. xxHash64 is a published standard.
Numbers are hashed at the precision the model sees (32 bits), with a single zero.
"""

from collections.abc import Mapping, Sequence

import polars as pl
import polars_hash

from contract.plan import Split

ROW = "__row"
_ENCODING = 1
_RANGE = 2**64


def row_hash(columns: Sequence[str]) -> pl.Expr:
    """The hash (UInt64) of these columns, in which numbers are already Float32."""
    encoded = polars_hash.hash_rows(*columns, version=_ENCODING)
    hashed: pl.Expr = encoded.nchash.xxhash64()
    return hashed.alias(ROW)


def bounds(split: Split) -> tuple[int, int]:
    """Where the hash ranges of training and of validation end."""
    train = round(split.train * (_RANGE - 1))
    return train, min(_RANGE - 1, round((split.train + split.validation) * _RANGE))


def parts_of(frame: pl.DataFrame, split: Split) -> Mapping[str, pl.DataFrame]:
    """The frame's rows by part, in the same order."""
    first, second = (pl.lit(bound, dtype=pl.UInt64) for bound in bounds(split))
    row = pl.col(ROW)
    conditions = {
        "train": row < first,
        "validation": (row >= first) & (row < second),
        "test": row >= second,
    }
    return {part: frame.filter(condition) for part, condition in conditions.items()}
