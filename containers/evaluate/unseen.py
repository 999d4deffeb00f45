"""The test rows that the champion was not trained on, which both models are compared on. Pure.

Training, early stopping and the threshold use the rows before a run's test part. In the same order
of rows, the champion has therefore not seen those from where its own run's test part began.
"""

import polars as pl

from contract.split import SplitRecord
from contract.step import StepError


def unseen(test: pl.DataFrame, now: SplitRecord | None, before: SplitRecord | None) -> pl.DataFrame:
    """The test rows without those that the champion may have seen.

    `before` is the split of the champion's run; None was a split by row, whose test part is not
    recorded. Raises StepError if that cannot be told, or if no row is left.
    """
    kinds = {"row" if split is None else split.by for split in (now, before)}
    same = now is not None and before is not None and _order(now) == _order(before)
    if kinds == {"row"} and not same:
        return test  # they may have moved since; it favours the champion, so it is no risk
    if now is None or before is None or len(kinds) > 1 or not same:
        raise StepError(
            f"its rows were split by {_words(before)}, this run's by {_words(now)}, so it was "
            "trained on some of these test rows"
        )
    if before.test_from is None:
        return test
    start = pl.lit(before.test_from, test.schema[now.place])
    kept = test.filter(pl.col(now.place) >= start)
    if not kept.height:
        raise StepError(
            f"it was trained with rows up to {_start(before)}, and no test row is from then on; "
            "add newer data"
            if now.by == "time"
            else "it was trained on all of these test rows; set the shares in split back"
        )
    return kept


def _order(split: SplitRecord) -> tuple[object, ...]:
    return split.columns, split.times


def _words(split: SplitRecord | None) -> str:
    if split is None or split.by == "row":
        return "the hash of each row"
    names = ", ".join(split.columns)
    return f"{split.by} ({names}{f', as {split.times}' if split.times else ''})"


def _start(split: SplitRecord) -> str:
    return (split.begins or {}).get("test", f"{split.test_from:g}")
