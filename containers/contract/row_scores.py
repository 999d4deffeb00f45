"""scores.parquet: what a candidate said of each test row, so that two runs can be compared later.

A row is known by the hash of its key, as in the prepared rows, or without a key by that of its
feature values. Its label is kept beside it: a row whose label was corrected since is another one.
`score` is the prediction, or the probability of the positive class; of a multiclass model each
class has a column of its own. There is no value of a feature, and no key.

Of many rows, those with the largest hashes are kept. A hash says nothing of what is in a row, so
they are a random sample; and they are the same rows in every run, so that samples overlap.
"""

from collections.abc import Sequence

import polars as pl

from contract.metrics import Floats
from contract.split import ROW

ROW_HASH, LABEL, SCORE = "row", "label", "score"
# At about 12 bytes a row, or 8 and 4 for each class.
MOST_ROWS = 100_000


def score_columns(classes: Sequence[str] | None) -> list[str]:
    """The columns with scores: one, or one for each class of a multiclass model.

    >>> score_columns(None), score_columns(["low", "high"])
    (['score'], ['score:low', 'score:high'])
    """
    return [SCORE] if classes is None else [f"{SCORE}:{name}" for name in classes]


def row_scores(
    test: pl.DataFrame, target: str, scores: Floats, classes: Sequence[str] | None
) -> pl.DataFrame | None:
    """The content of scores.parquet, in the order of the rows.

    `scores` are [rows], of a multiclass model [rows, classes]. None where the prepared rows
    have no hash, which an earlier version of Preprocess left out.
    """
    if ROW not in test.columns:
        return None
    label = test.get_column(target)
    columns = score_columns(classes if scores.ndim > 1 else None)
    by_column = scores.reshape(len(scores), -1)
    frame = pl.DataFrame(
        [
            test.get_column(ROW).alias(ROW_HASH),
            (label if label.dtype.is_float() else label.cast(pl.String)).alias(LABEL),
            *(
                pl.Series(name, by_column[:, place]).cast(pl.Float32)
                for place, name in enumerate(columns)
            ),
        ]
    )
    if frame.height <= MOST_ROWS:
        return frame
    least = frame.get_column(ROW_HASH).top_k(MOST_ROWS).min()
    return frame.filter(pl.col(ROW_HASH) >= pl.lit(least, pl.UInt64))
