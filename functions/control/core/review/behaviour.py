"""How the candidate behaves: calibration or residuals, confusion, and what it looks at."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.definition.train import OWN
from core.reading import Document, finite, listed, mapping, mappings
from core.review.bars import BarsChart, bars_chart
from core.review.case import Case
from core.review.charts import Model
from core.review.histograms import counts_of, drawn
from core.review.plots import Histogram, Plot, calibration_plot, residual_plot
from core.review.tables import Cell, Column, Table, table
from core.words.catalogue import say
from core.words.formats import alike, clean, count, counted, interval, number, percent, text
from core.words.lists import clauses, sentences

# With more classes a matrix is hard to read; the most common mistakes are listed instead.
LARGEST_MATRIX = 12
# So many features are drawn; all are in the table.
MOST_BARS = 8


@dataclass(frozen=True)
class Calibration:
    """Predicted probability against what was observed."""

    chart: Plot
    table: Table
    sentence: str


@dataclass(frozen=True)
class Residuals:
    """Predicted minus actual: how much it is off, and where."""

    histogram: Histogram | None
    histogram_table: Table | None
    deciles: Plot | None
    deciles_table: Table | None


@dataclass(frozen=True)
class Confusion:
    """Actual classes against predicted ones."""

    sentence: str
    matrix: Table | None
    mistakes: Table | None
    classes: Table


def calibration(case: Case) -> Calibration | None:
    """Calibration of a binary model; None where the evaluation has none."""
    points = _calibrated(case.evaluation, case.limit)
    if not points:
        return None
    models: list[tuple[Model, list[tuple[float, float, float]]]] = [("candidate", points)]
    theirs = _calibrated(mapping(case.evaluation.get("champion")), case.limit)
    if theirs:
        models.insert(0, ("champion", theirs))
    rows = [
        (
            Cell(say(f"review.chart.model.{model}")),
            Cell(predicted),
            Cell(observed),
            Cell(count(held)),
        )
        for model, own in reversed(models)
        for predicted, observed, (_, _, held) in zip(
            alike([point[0] for point in own]),
            alike([point[1] for point in own]),
            own,
            strict=True,
        )
    ]
    columns = [
        Column(say("review.column.model")),
        Column(say("review.calibration.predicted"), "number"),
        Column(say("review.calibration.observed"), "number"),
        Column(say("review.column.test_rows"), "number"),
    ]
    caption = say("review.calibration.caption")
    told = say("review.calibration.summary", difference=_apart(points))
    if theirs:
        told = say(
            "review.calibration.compared", difference=_apart(points), champion=_apart(theirs)
        )
    return Calibration(
        calibration_plot(models),
        table("calibration-table", caption, columns, rows, case.limit, compact=True),
        told,
    )


def _calibrated(found: Document, limit: int) -> list[tuple[float, float, float]]:
    return [
        (predicted, observed, rows)
        for each in mappings(found.get("calibration"))
        if (predicted := finite(each.get("predicted"))) is not None
        and (observed := finite(each.get("observed"))) is not None
        and (rows := finite(each.get("rows"))) is not None
        and rows >= 0
    ][:limit]


def _apart(points: Sequence[tuple[float, float, float]]) -> str:
    """How far predicted and observed are apart on average, weighted by rows."""
    total = sum(held for _, _, held in points) or 1.0
    apart = sum(abs(observed - predicted) * (held / total) for predicted, observed, held in points)
    return number(apart, 2)


def residuals(case: Case) -> Residuals | None:
    """Residuals of a regression model; None where the evaluation has none."""
    found = mapping(case.evaluation.get("residuals"))
    if not found:
        return None
    theirs = mapping(mapping(case.evaluation.get("champion")).get("residuals"))
    across = say("review.residuals.across", target=text(case.definition.get("target")))
    histogram = drawn(found, case.limit, say("review.residuals.title"), across, theirs)
    deciles, deciles_table = _deciles(found, theirs, case.limit)
    if not histogram and not deciles:
        return None
    return Residuals(histogram, _residual_table(found, case.limit), deciles, deciles_table)


def _residual_table(found: Document, limit: int) -> Table | None:
    own = counts_of(found, limit)
    if own is None:
        return None
    edges, counts = own
    rows = [
        (Cell(interval(low, high)), Cell(count(held)))
        for (low, high), held in zip(pairwise(alike(edges, sign=True)), counts, strict=True)
    ]
    columns = [
        Column(say("review.residuals.residual")),
        Column(say("review.column.test_rows"), "number"),
    ]
    caption = say("review.residuals.caption")
    return table("residuals-table", caption, columns, rows, limit, thing="range")


def _deciles(found: Document, theirs: Document, limit: int) -> tuple[Plot | None, Table | None]:
    points = _by_decile(found, limit)
    if not points:
        return None, None
    models: list[tuple[Model, list[tuple[float, float]]]] = [
        ("candidate", [(predicted, mean) for predicted, mean, _ in points])
    ]
    others = _by_decile(theirs, limit)
    if others:
        models.insert(0, ("champion", [(predicted, mean) for predicted, mean, _ in others]))
    rows = [
        (Cell(predicted), Cell(mean), Cell(count(held)))
        for predicted, mean, (_, _, held) in zip(
            alike([point[0] for point in points]),
            alike([point[1] for point in points], sign=True),
            points,
            strict=True,
        )
    ]
    columns = [
        Column(say("review.residuals.mean_prediction"), "number"),
        Column(say("review.residuals.mean_residual"), "number"),
        Column(say("review.column.test_rows"), "number"),
    ]
    return residual_plot(models), table(
        "deciles-table", say("review.residuals.deciles_caption"), columns, rows, limit
    )


def _by_decile(found: Document, limit: int) -> list[tuple[float, float, object]]:
    return [
        (predicted, mean, each.get("rows"))
        for each in mappings(found.get("by_decile"))
        if (predicted := finite(each.get("predicted"))) is not None
        and (mean := finite(each.get("residual_mean"))) is not None
    ][:limit]


def confusion(case: Case) -> Confusion | None:
    """The confusion matrix of a classifier; None where there is none or it is not square."""
    found = mapping(case.evaluation.get("confusion"))
    labels = [text(label, say("review.missing_value")) for label in listed(found.get("labels"))]
    counts = [[finite(cell) or 0.0 for cell in listed(row)] for row in listed(found.get("counts"))]
    if not labels or len(counts) != len(labels) or any(len(row) != len(labels) for row in counts):
        return None
    threshold = finite(case.evaluation.get("threshold"))
    right = sum(counts[index][index] for index in range(len(labels)))
    total = sum(map(sum, counts))
    told = [say("review.confusion.right", right=count(right), rows=counted(total, "test_row"))]
    if threshold is not None:
        told += threshold_sentences(case, threshold)
    small = len(labels) <= min(LARGEST_MATRIX, case.limit)
    return Confusion(
        sentences(*told),
        _matrix(labels, counts) if small else None,
        None if small else _mistakes(labels, counts, case.limit),
        _classes(labels, counts, case.limit),
    )


def threshold_sentences(case: Case, threshold: float) -> list[str]:
    """The threshold, how it was chosen, and the champion's where it has another."""
    rule = mapping(case.definition.get("threshold"))
    missed, wrong = finite(rule.get("false_negative")), finite(rule.get("false_positive"))
    if missed is not None and wrong is not None:
        how = say(
            "review.confusion.by.cost", false_positive=number(wrong), false_negative=number(missed)
        )
    elif rule.get("value") is not None:
        how = say("review.confusion.by.fixed")
    else:
        how = say("review.confusion.by.f1")
    told = [say("review.confusion.threshold", threshold=number(threshold)), how]
    other = finite(mapping(case.evaluation.get("champion")).get("threshold"))
    if other is not None and other != threshold:
        told.append(say("review.confusion.threshold_of_champion", threshold=number(other)))
    return told


def _matrix(labels: Sequence[str], counts: Sequence[Sequence[float]]) -> Table:
    rows = []
    for label, row in zip(labels, counts, strict=True):
        actual = sum(row) or 1.0
        cells = [
            Cell(count(held), note=percent(held / actual), level=_level(held / actual))
            for held in row
        ]
        rows.append([Cell(say("review.confusion.actual_class", class_name=label)), *cells])
    return Table(
        "confusion-matrix",
        say("review.confusion.matrix_caption"),
        [
            Column(say("review.column.class")),
            *(
                Column(say("review.confusion.predicted_class", class_name=label), "number")
                for label in labels
            ),
        ],
        rows,
        matrix=True,
    )


def _level(share: float) -> int:
    """Five shades, none for an empty cell."""
    return 0 if share <= 0 else int(min(share, 0.99) * 5) + 1


def _mistakes(labels: Sequence[str], counts: Sequence[Sequence[float]], limit: int) -> Table:
    pairs = sorted(
        (
            (-held, row, column)
            for row, line in enumerate(counts)
            for column, held in enumerate(line)
            if row != column and held > 0
        ),
    )
    return table(
        "confusion-mistakes",
        say("review.confusion.mistakes_caption"),
        [
            Column(say("review.confusion.actual")),
            Column(say("review.confusion.predicted")),
            Column(say("review.column.test_rows"), "number"),
        ],
        [
            (Cell(labels[row]), Cell(labels[column]), Cell(count(-held)))
            for held, row, column in pairs
        ],
        min(limit, 20),
        thing="mistake",
    )


def _classes(labels: Sequence[str], counts: Sequence[Sequence[float]], limit: int) -> Table:
    rows = []
    for index, label in enumerate(labels):
        actual = sum(counts[index])
        predicted = sum(line[index] for line in counts)
        right = counts[index][index]
        rows.append(
            (
                Cell(label),
                Cell(count(actual)),
                Cell(percent(right / actual) if actual else say("review.confusion.none_actual")),
                Cell(
                    percent(right / predicted)
                    if predicted
                    else say("review.confusion.none_predicted")
                ),
            )
        )
    columns = [
        Column(say("review.column.class")),
        Column(say("review.column.test_rows"), "number"),
        Column(say("review.confusion.recall"), "number"),
        Column(say("review.confusion.precision"), "number"),
    ]
    return table(
        "classes-table",
        say("review.confusion.classes_caption"),
        columns,
        rows,
        limit,
        thing="label",
    )


@dataclass(frozen=True)
class Importance:
    """Features by their share of the predictions' movement: drawn, and in numbers."""

    chart: BarsChart
    table: Table


def importance(case: Case) -> Importance | None:
    """What the candidate looks at; None where the evaluation does not say it."""
    found = [
        (share, text(each.get("feature")))
        for each in mappings(case.evaluation.get("importance"))
        if (share := finite(each.get("share"))) is not None
    ]
    if not found:
        return None
    ordered = sorted(found, key=lambda each: (-each[0], each[1]))
    drawn_shares = [(name, share, percent(share)) for share, name in ordered[:MOST_BARS]]
    told = clauses(
        say("review.overview.row", name=clean(name), value=value) for name, _, value in drawn_shares
    )
    own = mapping(case.definition.get("trainer")).get("library") == OWN
    # Of the mean absolute SHAP value, or of how far the scores of a model without trees move.
    how = "moved" if own else "shap"
    description = say(f"review.importance.description_{how}", rows=told)
    chart = bars_chart(drawn_shares, say(f"review.importance.axis_{how}"), description)
    return Importance(
        chart,
        table(
            "importance-table",
            say("review.importance.caption"),
            [Column(say("review.column.feature")), Column(say("review.column.share"), "number")],
            [(Cell(name), Cell(percent(share))) for share, name in ordered],
            min(case.limit, 25),
            thing="feature",
            where=say("review.table.in_evaluation"),
        ),
    )
