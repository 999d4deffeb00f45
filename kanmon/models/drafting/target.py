"""Judges the target column: the task, the positive value, thresholds for a first gate."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contract.whole_numbers import canonical
from core.words.formats import counted, percent
from kanmon.errors import BadInputError
from kanmon.models.drafting.reading import other_dates, signed_amounts

if TYPE_CHECKING:
    import polars as pl

# A few whole numbers are classes; many are a quantity.
MOST_NUMBERED_CLASSES = 10
MOST_CLASSES = 50
# As Preprocess has it.
MOST_TRAINABLE = 1_000
# Of the drafted split; a class with fewer expected test rows may have none.
TEST_SHARE = 0.15
FEW_TESTED = 3
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


def judge_target(
    values: "pl.Series", numbers: "pl.Series | None", task: str | None, positive: str | None
) -> Target:
    """Judge the target. The task follows from the values, unless it is given.

    `numbers` are the values as numbers; None if they are none.
    """
    name = values.name
    known = values.drop_nulls()
    different = known.n_unique()
    if different < 2:
        raise BadInputError(
            f"the target {name} is constant: there is nothing to predict", "Choose another column."
        )
    numbers = None if numbers is None else numbers.drop_nulls()
    if task == "regression" and numbers is None:
        raise BadInputError(
            f"the target {name} is {_what(known)}: not a regression", "Omit --task."
        )
    if task == "binary" and different != 2:
        raise BadInputError(f"the target {name} has {different} values: not binary", "Omit --task.")
    if task == "multiclass" and different > MOST_TRAINABLE:
        raise BadInputError(
            f"the target {name} has {different:,} classes, and at most {MOST_TRAINABLE:,} can be "
            "trained",
            "Merge its values into fewer, or choose another column.",
        )
    chosen = task or _task(known, numbers, different)
    missing = values.null_count() / len(values)
    notes = [f"{percent(missing)} of the rows have no target; they are rejected"] if missing else []
    if positive is not None and chosen != "binary":
        raise BadInputError(
            f"--positive is only for a binary target, and {name} has {different} values",
            "Omit --positive.",
        )
    if chosen == "regression" and numbers is not None:
        return _regression(name, numbers, different, missing, notes)
    return _classes(name, known, chosen, positive, missing, notes)


def _task(known: "pl.Series", numbers: "pl.Series | None", different: int) -> str:
    if different == 2:
        return "binary"
    if numbers is not None:
        whole = bool((numbers == numbers.round()).all())
        return "multiclass" if whole and different <= MOST_NUMBERED_CLASSES else "regression"
    if different <= MOST_CLASSES:
        return "multiclass"
    what = _what(known)
    if what != "text":
        raise BadInputError(
            f"the target {known.name} is {what}",
            "Write plain numbers or other classes in the data.",
        )
    if different > MOST_TRAINABLE or different > 0.5 * len(known):
        raise BadInputError(
            f"the target {known.name} has {different:,} different texts: neither a number nor a "
            "class",
            "Choose another column, or merge its values into fewer.",
        )
    raise BadInputError(
        f"the target {known.name} has {different:,} different texts, more than the {MOST_CLASSES} "
        "that are taken for classes by themselves",
        f"If they are classes, add --task multiclass (at most {MOST_TRAINABLE:,}); else choose "
        "another column.",
    )


def _what(known: "pl.Series") -> str:
    """What the values are that are no numbers."""
    signed = signed_amounts(known)
    if signed:
        return f"{signed}, such as {known[0]}"
    return f"dates such as {known[0]}" if other_dates(known) else "text"


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
    counts = value_counts(known)
    classes = [value for value, _ in counts]
    most, least = counts[0][1], counts[-1][1]
    if least < 10:
        notes = [
            *notes,
            f"class {classes[-1]} has {counted(least, 'row')}: too few to train or test on",
        ]
    elif least * TEST_SHARE < FEW_TESTED:
        notes = [*notes, _rarely_tested(classes[-1], least, len(known))]
    shares = ", ".join(f"{value} {percent(amount / len(known))}" for value, amount in counts[:5])
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


def _rarely_tested(name: str, rows: int, total: int) -> str:
    return (
        f"class {name} has {rows} of {total:,} rows ({percent(rows / total)}), about "
        f"{rows * TEST_SHARE:.0f} of them in the test part, perhaps none: add rows of it, or give "
        "the test part a larger share, such as split: {train: 0.5, validation: 0.2, test: 0.3}"
    )


def value_counts(known: "pl.Series") -> list[tuple[str, int]]:
    """Each value and how often it occurs, most frequent first, ties in order of value."""
    # Renamed, because polars cannot count the values of a column named count.
    counts = known.alias("value").value_counts()
    return counts.sort("count", "value", descending=[True, False]).rows()


def _positive(name: str, classes: list[str], given: str | None) -> str:
    if given is not None:
        if canonical(given) not in classes:
            raise BadInputError(
                f"the target {name} is never {given!r}", f"Its values are {', '.join(classes)}."
            )
        return canonical(given)
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
