"""How the candidate behaves: calibration or residuals, confusion, and what it looks at."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.reading import Document, finite, listed, mapping, mappings
from core.review.case import Case
from core.review.charts import (
    Bar,
    HistogramChart,
    ScatterChart,
    calibration_chart,
    histogram_chart,
    residual_chart,
)
from core.review.tables import Cell, Column, Table, table
from core.words.catalogue import say
from core.words.formats import alike, count, counted, interval, number, percent, text

# With more classes a matrix is hard to read; the most common mistakes are listed instead.
LARGEST_MATRIX = 12


@dataclass(frozen=True)
class Calibration:
    """Predicted probability against what was observed."""

    chart: ScatterChart
    table: Table
    sentence: str


@dataclass(frozen=True)
class Residuals:
    """Predicted minus actual: how much it is off, and where."""

    histogram: HistogramChart | None
    histogram_table: Table | None
    deciles: ScatterChart | None
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
    points = [
        (predicted, observed, rows)
        for each in mappings(case.evaluation.get("calibration"))
        if (predicted := finite(each.get("predicted"))) is not None
        and (observed := finite(each.get("observed"))) is not None
        and (rows := finite(each.get("rows"))) is not None
        and rows >= 0
    ][: case.limit]
    if not points:
        return None
    numbers = [
        (Cell(predicted), Cell(observed), Cell(count(held)))
        for predicted, observed, (_, _, held) in zip(
            alike([point[0] for point in points]),
            alike([point[1] for point in points]),
            points,
            strict=True,
        )
    ]
    columns = [
        Column(say("review.calibration.predicted"), "number"),
        Column(say("review.calibration.observed"), "number"),
        Column(say("review.column.test_rows"), "number"),
    ]
    total = sum(held for _, _, held in points) or 1.0
    apart = sum(abs(observed - predicted) * (held / total) for predicted, observed, held in points)
    return Calibration(
        calibration_chart(points),
        table("calibration-table", say("review.calibration.caption"), columns, numbers, case.limit),
        say("review.calibration.summary", difference=number(apart)),
    )


def residuals(case: Case) -> Residuals | None:
    """Residuals of a regression model; None where the evaluation has none."""
    found = mapping(case.evaluation.get("residuals"))
    if not found:
        return None
    histogram, histogram_table = _histogram(found, case.limit)
    deciles, deciles_table = _deciles(found, case.limit)
    if not histogram and not deciles:
        return None
    return Residuals(histogram, histogram_table, deciles, deciles_table)


def _histogram(found: Document, limit: int) -> tuple[HistogramChart | None, Table | None]:
    edges = [finite(edge) for edge in listed(found.get("edges"))]
    counts = [finite(rows) for rows in listed(found.get("counts"))]
    known = [edge for edge in edges if edge is not None]
    heights = [rows for rows in counts if rows is not None and rows >= 0]
    complete = len(known) == len(edges) and len(heights) == len(counts)
    rising = all(low < high for low, high in pairwise(known))
    if not complete or not rising or not heights or len(known) != len(heights) + 1:
        return None, None
    if len(heights) > limit:
        return None, None
    rows = [
        (Cell(interval(low, high)), Cell(count(held)))
        for (low, high), held in zip(pairwise(alike(known, sign=True)), heights, strict=True)
    ]
    columns = [
        Column(say("review.residuals.residual")),
        Column(say("review.column.test_rows"), "number"),
    ]
    caption = say("review.residuals.caption")
    return histogram_chart(known, heights), table(
        "residuals-table", caption, columns, rows, limit, thing="range"
    )


def _deciles(found: Document, limit: int) -> tuple[ScatterChart | None, Table | None]:
    points = [
        (predicted, mean, each.get("rows"))
        for each in mappings(found.get("by_decile"))
        if (predicted := finite(each.get("predicted"))) is not None
        and (mean := finite(each.get("residual_mean"))) is not None
    ][:limit]
    if not points:
        return None, None
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
    return residual_chart([(predicted, mean) for predicted, mean, _ in points]), table(
        "deciles-table", say("review.residuals.deciles_caption"), columns, rows, limit
    )


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
    sentences = [say("review.confusion.right", right=count(right), rows=counted(total, "test_row"))]
    if threshold is not None:
        sentences += threshold_sentences(case, threshold)
    small = len(labels) <= min(LARGEST_MATRIX, case.limit)
    return Confusion(
        " ".join(sentences),
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
    sentences = [say("review.confusion.threshold", threshold=number(threshold)), how]
    other = finite(mapping(case.evaluation.get("champion")).get("threshold"))
    if other is not None and other != threshold:
        sentences.append(say("review.confusion.threshold_of_champion", threshold=number(other)))
    return sentences


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


def importance(case: Case) -> Table | None:
    """Features by their share of the predictions' movement."""
    found = [
        (share, text(each.get("feature")))
        for each in mappings(case.evaluation.get("importance"))
        if (share := finite(each.get("share"))) is not None
    ]
    if not found:
        return None
    ordered = sorted(found, key=lambda each: (-each[0], each[1]))
    most = max(abs(share) for share, _ in ordered) or 1.0
    rows = [
        (Cell(name), Cell(percent(share), drawing=Bar(round(100 * abs(share) / most, 1))))
        for share, name in ordered
    ]
    return table(
        "importance-table",
        say("review.importance.caption"),
        [Column(say("review.column.feature")), Column(say("review.column.share"), "number")],
        rows,
        min(case.limit, 25),
        thing="feature",
        where=say("review.table.in_evaluation"),
    )
