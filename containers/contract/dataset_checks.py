"""Checks of the dataset as a whole: what no single row can show.

With one Preprocess host, Preprocess runs them. With several, each host writes its counts to
census.json, Train checks their sum before it trains, and Evaluate adds the warnings.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contract.baseline_merge import MOST_CATEGORIES
from contract.plan import Plan
from contract.problem import Problem, counted, shown

PARTS = ("train", "validation", "test")
MOST_CLASSES = 1_000
# Up to so many distinct rows are told apart; below this many, a part can easily get none.
MOST_COMBINATIONS = 1_000
FEW_COMBINATIONS = 100
FEW_ROWS = 50
_NAME_A_KEY = "name the columns that identify a row in data.key"
_OF_POSITIVES = {"auc", "average_precision", "recall", "f1"}
_OF_NEGATIVES = {"auc"}
_EXAMPLES = 3


@dataclass(frozen=True)
class Counts:
    """The content of census.json.

    written: rows by part.
    present: rows with a value, by feature.
    values: how often each value occurs, by part and text column; None if there are too many.
    extremes: the lowest and highest value of a numeric target; empty without one.
    distinct: hashes of the rows' different combinations of features, if they are few and no key
        tells rows apart; else None.
    losses: what a number column loses as 32-bit numbers, and how to keep it.
    """

    written: Mapping[str, int]
    present: Mapping[str, int]
    values: Mapping[str, Mapping[str, Mapping[str, int] | None]]
    extremes: Sequence[float]
    distinct: Sequence[int] | None = None
    losses: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The census.json document."""
        return {"format": 1, **vars(self)}

    @classmethod
    def merged(cls, documents: Sequence[Mapping[str, Any]]) -> "Counts":
        """Add up the counts of all hosts."""
        first = documents[0]
        extremes = [value for document in documents for value in document["extremes"]]
        return cls(
            written=_sum([document["written"] for document in documents]),
            present=_sum([document["present"] for document in documents]),
            values={
                part: {
                    name: _values([document["values"][part][name] for document in documents])
                    for name in columns
                }
                for part, columns in first["values"].items()
            },
            extremes=[min(extremes), max(extremes)] if extremes else [],
            distinct=_distinct([document.get("distinct") for document in documents]),
            losses=_first_of([document.get("losses", {}) for document in documents]),
        )


def problems(plan: Plan, counts: Counts) -> Iterable[Problem]:
    """What makes the data unusable, whatever share of rows may be rejected."""
    if not sum(counts.written.values()):
        yield Problem("there are no rows", "put data in the model's location and run again")
        return
    for name, count in counts.present.items():
        if not count:
            yield Problem(
                "is missing in every row",
                "fill it in, or remove the feature from model.yaml",
                column=name,
            )
    if plan.task == "regression":
        if counts.extremes[0] == counts.extremes[1]:
            yield _constant(plan, f"{counts.extremes[0]:g}")
    else:
        yield from _class_problems(plan, counts)
    yield from _empty_parts(plan, counts)


def warnings(counts: Counts) -> Iterable[str]:
    """What deserves a look but does not stop the run."""
    for name, loss in counts.losses.items():
        yield f"{name} loses digits: {loss}"
    if _few_combinations(counts):
        yield f"{combinations(len(counts.distinct or ()), _rows(counts))}; {_NAME_A_KEY}"
    for name, known in counts.values["train"].items():
        if known is None:
            yield (
                f"{name} has more than {MOST_CATEGORIES:,} values in the training rows; "
                "check that it is a category and not an identifier"
            )
            continue
        for part in ("validation", "test"):
            found = counts.values[part][name] or {}
            unseen = sorted(value for value in found if value not in known)
            if unseen:
                rows = sum(found[value] for value in unseen)
                examples = ", ".join(shown(value) for value in unseen[:_EXAMPLES])
                yield (
                    f"{name}: {counted(len(unseen), 'value')} in {part} never in training, "
                    f"in {counted(rows, 'row')}, such as {examples}"
                )


def rejection(read: int, rejected: int) -> list[str]:
    """A warning if rows were left out."""
    were = "was" if rejected == 1 else "were"
    return (
        [f"{rejected:,} of {counted(read, 'row')} {were} rejected and left out"] if rejected else []
    )


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def _values(counts: Sequence[Mapping[str, int] | None]) -> dict[str, int] | None:
    known = [each for each in counts if each is not None]
    total = _sum(known)
    return total if len(known) == len(counts) and len(total) <= MOST_CATEGORIES else None


def _distinct(found: Sequence[Sequence[int] | None]) -> list[int] | None:
    known = [each for each in found if each is not None]
    together = {value for each in known for value in each}
    few = len(known) == len(found) and len(together) <= MOST_COMBINATIONS
    return sorted(together) if few else None


def _first_of(found: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: words for each in reversed(found) for name, words in each.items()}


def _class_problems(plan: Plan, counts: Counts) -> Iterable[Problem]:
    target = plan.target
    parts = {part: columns[target] for part, columns in counts.values.items()}
    known = {part: values for part, values in parts.items() if values is not None}
    classes = sorted({value for values in known.values() for value in values})
    if len(known) < len(parts) or len(classes) > MOST_CLASSES:
        yield Problem(
            f"has more than {MOST_CLASSES:,} classes",
            "set task: regression, or choose another target column",
            column=target,
        )
        return
    if len(classes) == 1:
        yield _constant(plan, classes[0])
        return
    if plan.task == "binary":
        yield from _binary_problems(plan, classes)
        yield from _unmeasured(plan, counts, known)
    for name in classes:
        times = {part: values.get(name, 0) for part, values in known.items()}
        yield from _rare_class(plan, name, times)


def _binary_problems(plan: Plan, classes: Sequence[str]) -> Iterable[Problem]:
    found = ", ".join(shown(name) for name in classes[:_EXAMPLES])
    if len(classes) > 2:
        yield Problem(
            f"has {len(classes)} classes, such as {found}, but a binary task has two",
            "set task: multiclass, or remove the rows of the other classes",
            column=plan.target,
        )
    if plan.positive not in classes:
        yield Problem(
            f"never has the positive value {shown(str(plan.positive))}; it has {found}",
            "correct positive in model.yaml",
            column=plan.target,
        )


def _unmeasured(
    plan: Plan, counts: Counts, known: Mapping[str, Mapping[str, int]]
) -> Iterable[Problem]:
    """A metric needs test rows that it can be wrong about."""
    total = sum(known["test"].values())
    positives = known["test"].get(str(plan.positive), 0)
    needing = _OF_POSITIVES if not positives else _OF_NEGATIVES if positives == total else set()
    unmeasured = [name for name in plan.metrics if name in needing]
    if not unmeasured or not total:
        return
    classes = sorted({value for values in known.values() for value in values})
    absent = [name for name in classes if name not in known["test"]]
    for name in absent:
        rows = sum(values.get(name, 0) for values in known.values())
        yield Problem(
            f"has {rows:,} of {sum(counts.written.values()):,} rows, but none of the {total:,} "
            f"test rows, so {', '.join(unmeasured)} cannot be measured",
            "add rows of that class, or give the test part a larger share in split, such as "
            "{train: 0.5, validation: 0.2, test: 0.3}",
            column=plan.target,
            value=name,
        )


def _rare_class(plan: Plan, name: str, times: Mapping[str, int]) -> Iterable[Problem]:
    total = sum(times.values())
    if total == 1:
        what = "is a class with one row, which cannot be in both training and test"
    elif not times["train"]:
        what = f"is a class with {total:,} rows, none of them in training"
    else:
        return
    fix = "add rows of that class, or remove it"
    yield Problem(what, fix, column=plan.target, value=name)


def _constant(plan: Plan, value: str) -> Problem:
    return Problem(
        "is the target's value in every row, so there is nothing to learn",
        "check the target column and the data",
        column=plan.target,
        value=value,
    )


def _few_combinations(counts: Counts) -> bool:
    known = counts.distinct
    return known is not None and are_few(len(known), _rows(counts))


def _rows(counts: Counts) -> int:
    return sum(counts.written.values())


def are_few(found: int, rows: int) -> bool:
    """Are there many rows, but few different ones?"""
    return rows >= FEW_ROWS and found < min(FEW_COMBINATIONS, rows / 2)


def combinations(found: int, rows: int) -> str:
    """Why few different rows do not divide well.

    >>> combinations(3, 600)[:66]
    'the features have only 3 different combinations in 600 rows, and w'
    """
    each = "combination" if found == 1 else "combinations"
    return (
        f"the features have only {found} different {each} in {rows:,} rows, and without a "
        "key all rows of one are in the same part"
    )


def _empty_parts(plan: Plan, counts: Counts) -> Iterable[Problem]:
    rows = sum(counts.written.values())
    empty = [part for part, count in counts.written.items() if not count]
    if empty and _few_combinations(counts):
        what = f"none of the {rows:,} rows is in {' or '.join(empty)}: " + combinations(
            len(counts.distinct or ()), rows
        )
        merged = [name for name in counts.losses if name != plan.target]
        if merged:
            fixes = ", ".join(f"{name} loses digits: {counts.losses[name]}" for name in merged)
            yield Problem(what, fixes)
        else:
            yield Problem(what, _NAME_A_KEY)
    elif empty:
        fix = "add rows (at least some hundreds), or raise that part's share in split"
        if plan.split.group is not None:
            fix = f"too few values of split.by.group share the rows: {fix}"
        if plan.split.time is not None:
            fix = f"{plan.split.time} needs at least three different times: add older or newer rows"
        yield Problem(f"none of the {rows:,} rows is in {' or '.join(empty)}", fix)
