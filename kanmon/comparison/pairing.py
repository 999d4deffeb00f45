"""The difference of two runs' metrics on the test rows that both were judged on.

Each run's Evaluate keeps a score for each of its test rows (see contract.row_scores). Two runs are
compared where both have the same row with the same label: both had it as a test row, so neither
model was trained on it. The difference and its interval are those of the gate: the paired bootstrap
of contract.bootstrap. A run beside the champion of its day gets the very numbers of its review
page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.reading import finite, listed, mapping
from core.words.formats import count
from kanmon.comparison.sides import Side

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from contract.bootstrap import Comparison, Estimate
    from contract.metrics import Floats, Scored

# With fewer shared rows an interval says little. It is the gate's default for segments.
FEW_ROWS = 30


class NotPairedError(Exception):
    """Two runs cannot be compared row by row; the text says why, without a full stop."""


@dataclass(frozen=True)
class Paired:
    """The run's metrics minus the base's, on the shared rows.

    relabelled: rows of both whose label is not the same any more; they are left out.
    """

    base: str
    run: str
    rows: int
    base_rows: int
    run_rows: int
    relabelled: int
    values: "dict[str, Estimate]"
    base_values: "dict[str, Estimate]"
    differences: "dict[str, Estimate]"


def check_pairable(base: Side, side: Side) -> None:
    """Raise NotPairedError if their rows, or their scores, do not mean the same."""
    for each in (base, side):
        if not each.judged:
            why = "its evaluation is gone" if each.record.verdict else each.outcome
            raise NotPairedError(f"{each.run} has no metrics: {why}")
    asked: dict[str, list[Any]] = {
        "target": [each.definition.get("target") for each in (base, side)],
        "positive class": [each.definition.get("positive") for each in (base, side)],
        "key": [listed(mapping(each.definition.get("data")).get("key")) for each in (base, side)],
    }
    if base.record.model != side.record.model:
        # Keys of other data may be the same by chance: 1, 2, 3.
        asked["data"] = [_location(each) for each in (base, side)]
    for name, (was, now) in asked.items():
        if was != now:
            raise NotPairedError(f"the {name} of {base.run} is {_words(was)}, here {_words(now)}")


def pair(base: Side, side: Side, scores: "tuple[pl.DataFrame, pl.DataFrame]") -> Paired:
    """Compare a run with the base, each with its rows' scores.

    Raises NotPairedError if they share no row, or no metric.
    """
    from contract.bootstrap import compare

    check_pairable(base, side)
    metrics = _shared_metrics(base, side)
    if not metrics:
        raise NotPairedError(f"{side.run} and {base.run} have no metric in common")
    before, now = scores
    there, here = shared_rows(before, now)
    if not len(here):
        raise NotPairedError(f"{side.run} and {base.run} share no test rows")
    classes = _classes(before, now)
    found: Comparison = compare(
        _scored(side, now[here], classes), _scored(base, before[there], classes), metrics
    )
    return Paired(
        base.run,
        side.run,
        len(here),
        before.height,
        now.height,
        _relabelled(before, now),
        found.candidate,
        found.champion or {},
        found.difference or {},
    )


def shared_rows(
    before: "pl.DataFrame", now: "pl.DataFrame"
) -> tuple["NDArray[np.int64]", "NDArray[np.int64]"]:
    """Where the rows are that both have with the same label, in the order of `now`: in `before`,
    and in `now`.

    Without a key several rows may be the same: as many are shared as both have.
    """
    import numpy as np
    import polars as pl

    from contract.row_scores import LABEL, ROW_HASH

    if before.schema[LABEL] != now.schema[LABEL]:
        return np.array([], dtype=np.int64), np.array([], dtype=np.int64)
    # Of rows that nothing tells apart, the first of one run goes with the first of the other.
    nth = pl.int_range(pl.len()).over(ROW_HASH, LABEL).alias("nth")
    there, here = (
        frame.select(ROW_HASH, LABEL, nth).with_row_index(name)
        for name, frame in (("before", before), ("now", now))
    )
    found = here.join(there, on=[ROW_HASH, LABEL, "nth"], maintain_order="left")
    return found["before"].to_numpy().astype(np.int64), found["now"].to_numpy().astype(np.int64)


def _relabelled(before: "pl.DataFrame", now: "pl.DataFrame") -> int:
    """Rows of `now` that `before` has only with other labels."""
    from contract.row_scores import LABEL, ROW_HASH

    there = now.join(before, on=ROW_HASH, how="semi")
    if before.schema[LABEL] != now.schema[LABEL]:
        return there.height
    return there.join(before, on=[ROW_HASH, LABEL], how="anti").height


def _scored(side: Side, rows: "pl.DataFrame", classes: Sequence[str]) -> "Scored":
    """One run's scores of the shared rows, in the form that the metrics take."""
    import numpy as np

    from contract.metrics import Scored
    from contract.plan import Plan
    from contract.row_scores import LABEL, SCORE

    plan = Plan.from_document(dict(side.plan))
    labels = rows.get_column(LABEL)
    if plan.task == "regression":
        truth = labels.to_numpy().astype(np.float64)
        return Scored(plan.task, truth, _column(rows, SCORE))
    if plan.task == "binary":
        threshold = finite(side.evaluation.get("threshold"))
        truth = (labels == plan.positive).to_numpy().astype(np.float64)
        made = Scored(plan.task, truth, _column(rows, SCORE), costs=plan.costs)
        return made if threshold is None else replace(made, threshold=threshold)
    positions = {name: float(place) for place, name in enumerate(classes)}
    truth = np.array([positions[name] for name in labels.to_list()])
    # A class that the model does not know gets probability 0, as in Evaluate.
    scores = np.zeros((rows.height, len(classes)))
    for place, name in enumerate(classes):
        if f"{SCORE}:{name}" in rows.columns:
            scores[:, place] = _column(rows, f"{SCORE}:{name}")
    return Scored(plan.task, truth, scores)


def _column(rows: "pl.DataFrame", name: str) -> "Floats":
    import numpy as np

    return rows.get_column(name).to_numpy().astype(np.float64)


def _classes(before: "pl.DataFrame", now: "pl.DataFrame") -> tuple[str, ...]:
    """The classes of the run, then those that only the base knows, as in Evaluate."""
    from contract.row_scores import SCORE

    start = f"{SCORE}:"
    names = [name for frame in (now, before) for name in frame.columns if name.startswith(start)]
    return tuple(dict.fromkeys(name.removeprefix(start) for name in names))


def _shared_metrics(base: Side, side: Side) -> list[str]:
    """What both were measured by, the run's primary metric first; costs only where they are the
    same, for they are in a unit of their own."""
    both = set(listed(base.evaluation.get("metrics")))
    metrics = [str(name) for name in listed(side.evaluation.get("metrics")) if name in both]
    same_costs = base.definition.get("threshold") == side.definition.get("threshold")
    return [name for name in metrics if name != "cost" or same_costs]


def _location(side: Side) -> str:
    return str(mapping(side.definition.get("data")).get("location"))


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "all feature values"
    return f"'{value}'"


def rows_words(paired: Paired) -> str:
    """How many rows were shared, and which were not.

    >>> rows_words(Paired("a", "b", 620, 629, 700, 3, {}, {}, {}))
    '620 shared test rows, of 629 and 700; 3 were left out because their label was changed'
    """
    words = f"{count(paired.rows)} shared test rows"
    if not paired.rows == paired.base_rows == paired.run_rows:
        words += f", of {count(paired.base_rows)} and {count(paired.run_rows)}"
    if paired.relabelled:
        words += f"; {count(paired.relabelled)} were left out because their label was changed"
    if paired.rows < FEW_ROWS:
        words += "; so few that the intervals say little"
    return words
