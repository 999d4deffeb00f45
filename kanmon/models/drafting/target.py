"""Judges the target column: the task, the positive value, thresholds for a first gate."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contract.spelling import spelled
from kanmon.errors import BadInputError

if TYPE_CHECKING:
    import polars as pl

# A few whole numbers are classes; many are a quantity.
MOST_NUMBERED_CLASSES = 10
MOST_CLASSES = 50
POSITIVE_WORDS = ("yes", "true", "1", "y", "t", "positive", "churn", "churned", "fraud")


@dataclass(frozen=True)
class Threshold:
    """A gate's floor for a metric, and where the number comes from."""

    metric: str
    value: float
    why: str


@dataclass(frozen=True)
class Target:
    """The column to predict."""

    name: str
    task: str
    why: str
    positive: str | None
    primary: str
    also: list[str]
    floor: Threshold
    margin: float
    segment_margin: float
    missing_share: float
    notes: list[str] = field(default_factory=list)


def judge_target(values: "pl.Series", name: str, task: str | None, positive: str | None) -> Target:
    """Judge the target. The task follows from the values, unless it is given."""
    import polars as pl

    known = values.drop_nulls()
    different = known.n_unique()
    if different < 2:
        raise BadInputError(
            f"the target {name} is constant: there is nothing to predict", "Choose another column."
        )
    numbers = known.cast(pl.Float64, strict=False)
    numeric = numbers.null_count() == 0 and bool(numbers.is_finite().all())
    if task == "regression" and not numeric:
        raise BadInputError(f"the target {name} is text: not a regression", "Omit --task.")
    if task == "binary" and different != 2:
        raise BadInputError(f"the target {name} has {different} values: not binary", "Omit --task.")
    chosen = task or _task(name, numbers, different, numeric)
    missing = values.null_count() / len(values)
    notes = [f"{missing:.1%} of the rows have no target; they are rejected"] if missing else []
    if positive is not None and chosen != "binary":
        raise BadInputError(
            f"--positive is only for a binary target, and {name} has {different} values",
            "Omit --positive.",
        )
    if chosen == "regression":
        return _regression(name, numbers, different, missing, notes)
    return _classes(name, known, chosen, positive, missing, notes)


def _task(name: str, numbers: "pl.Series", different: int, numeric: bool) -> str:
    if different == 2:
        return "binary"
    if numeric:
        whole = bool((numbers == numbers.round()).all())
        return "multiclass" if whole and different <= MOST_NUMBERED_CLASSES else "regression"
    if different <= MOST_CLASSES:
        return "multiclass"
    raise BadInputError(
        f"the target {name} has {different:,} different texts: neither a number nor a class",
        "Choose another column, or merge its values into fewer.",
    )


def _regression(
    name: str, numbers: "pl.Series", different: int, missing: float, notes: list[str]
) -> Target:
    spread = float(numbers.std() or 0.0)  # type: ignore[arg-type]
    low, high = float(numbers.min()), float(numbers.max())  # type: ignore[arg-type]
    return Target(
        name,
        "regression",
        f"{different:,} different numbers, {low:g} to {high:g}",
        None,
        "rmse",
        ["mae", "r2"],
        Threshold("rmse", rounded(spread), "always predicting the mean scores about this"),
        rounded(0.02 * spread),
        rounded(0.1 * spread),
        missing,
        notes,
    )


def _classes(
    name: str,
    known: "pl.Series",
    task: str,
    positive: str | None,
    missing: float,
    notes: list[str],
) -> Target:
    counts = counted(known)
    classes = [value for value, _ in counts]
    most, least = counts[0][1], counts[-1][1]
    if least < 10:
        notes = [*notes, f"class {classes[-1]} has {least} rows: too few to train or test on"]
    shares = ", ".join(f"{value} {amount / len(known):.0%}" for value, amount in counts[:5])
    if task == "binary":
        floor = Threshold("auc", 0.6, "0.5 is guessing")
        chosen = _positive(name, classes, positive)
        return Target(
            name, task, shares, chosen, "auc", ["log_loss", "precision", "recall"],
            floor, 0.01, 0.05, missing, notes,
        )  # fmt: skip
    floor = Threshold(
        "accuracy", round(most / len(known), 3), f"always predicting {classes[0]} scores this"
    )
    return Target(
        name, task, shares, None, "accuracy", ["macro_f1", "log_loss"],
        floor, 0.01, 0.05, missing, notes,
    )  # fmt: skip


def counted(known: "pl.Series") -> list[tuple[str, int]]:
    """Each value and how often it occurs, most frequent first, ties in order of value."""
    # Renamed, because polars cannot count the values of a column named count.
    counts = known.alias("value").value_counts()
    return counts.sort("count", "value", descending=[True, False]).rows()


def _positive(name: str, classes: list[str], given: str | None) -> str:
    if given is not None:
        if spelled(given) not in classes:
            raise BadInputError(
                f"the target {name} is never {given!r}", f"Its values are {', '.join(classes)}."
            )
        return spelled(given)
    for word in POSITIVE_WORDS:
        for value in classes:
            if value.lower() == word:
                return value
    return classes[-1]  # the rarer one


def rounded(value: float) -> float:
    """Three significant digits, upwards.

    >>> rounded(3.22416), rounded(0.0644)
    (3.23, 0.0644)
    """
    if value <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.ceil(round(value / unit, 6)) * unit:.6g}")
