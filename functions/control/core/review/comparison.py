"""Candidate against champion: the metrics over all test rows, by segment, and between groups."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.reading import Document, Estimate, estimate, finite, mapping, mappings
from core.review.case import Case, Direction
from core.review.charts import (
    Bar,
    DifferenceChart,
    IntervalChart,
    Model,
    difference_chart,
    interval_chart,
    reach,
    strip,
)
from core.review.tables import Cell, Column, Table, Tone, table
from core.words.catalogue import say
from core.words.formats import MINUS, alike, apart, count, sentence, text
from core.words.metrics import MetricFormat, metric_label, metric_meaning


@dataclass(frozen=True)
class MetricCard:
    """One metric, drawn and in a sentence."""

    id: str
    label: str
    meaning: str
    direction: str
    primary: bool
    chart: IntervalChart
    difference: DifferenceChart | None
    tone: Tone
    words: str
    sentence: str


@dataclass(frozen=True)
class Compared:
    """Candidate minus champion: a tone, the result in a word or two, and a sentence."""

    tone: Tone
    words: str
    sentence: str


def direction_words(case: Case, metric: str) -> str:
    """Which way the metric is better, in words."""
    return say(f"review.direction.{case.better(metric) or 'unknown'}")


def compared(case: Case, metric: str, difference: Estimate | None) -> Compared:
    """How the candidate compares with the champion by a difference in a metric."""
    better = case.better(metric)
    if difference is None:
        words = say("review.reading.not_compared")
        return Compared("unclear", words, say("review.compared.none"))
    value, interval = case.write(metric).difference(difference)
    if better is None:
        sentence = say("review.compared.direction_unknown", difference=value)
        return Compared("even", say("review.reading.different"), sentence)
    if difference.value == 0:
        moved = say("review.compared.same")
    else:
        side = "lower" if difference.value < 0 else "higher"
        moved = say(f"review.compared.moved.{side}", difference=value.lstrip("+" + MINUS))
    if difference.low is None or difference.high is None:
        sentence = say("review.compared.no_interval", moved=moved)
        return Compared("unclear", say("review.reading.no_interval"), sentence)
    if difference.low <= 0 <= difference.high:
        sentence = say("review.compared.includes_zero", moved=moved, interval=interval)
        return Compared("even", say("review.reading.no_clear_difference"), sentence)
    # The interval, not the value, decides: a broken evaluation may have the two disagree.
    won = (difference.high < 0) == (better == "lower")
    tone: Tone = "good" if won else "bad"
    result = "better" if won else "worse"
    sentence = say(f"review.compared.whole.{result}", moved=moved, interval=interval)
    return Compared(tone, say(f"review.reading.{result}"), sentence)


def metric_cards(case: Case) -> list[MetricCard]:
    """A card for each metric, the primary one first."""
    return [_metric_card(case, metric, place) for place, metric in enumerate(case.metrics, start=1)]


def _metric_card(case: Case, metric: str, place: int) -> MetricCard:
    label, write, better = metric_label(metric), case.write(metric), case.better(metric)
    candidate, difference = case.scored("candidate", metric), case.difference(metric)
    models: list[tuple[Model, Estimate | None]] = [("candidate", candidate)]
    result, drawing = Compared("", "", _alone(candidate, write)), None
    if case.compares:
        models.append(("champion", case.scored("champion", metric)))
        result = compared(case, metric, difference)
        if difference and better:
            drawing = difference_chart(label, difference, better, write)
    return MetricCard(
        f"metric-{place}",
        label,
        metric_meaning(metric),
        direction_words(case, metric),
        place == 1,
        interval_chart(label, models, write),
        drawing,
        result.tone,
        result.words,
        result.sentence,
    )


def _alone(candidate: Estimate | None, write: MetricFormat) -> str:
    if candidate is None:
        return say("review.metrics.not_computed")
    value, interval = write.value(candidate), write.interval(candidate)
    if interval:
        return say("review.metrics.with_interval", value=value, interval=interval)
    return say("review.metrics.without_interval", value=value)


def metric_table(case: Case) -> Table:
    """The cards' numbers as a table."""
    columns = [
        Column(say("review.column.metric")),
        Column(say("review.column.candidate"), "number"),
    ]
    if case.compares:
        columns += _compared_columns()
    rows = []
    for metric in case.metrics:
        write = case.write(metric)
        row = [
            Cell(sentence(metric_label(metric)), note=direction_words(case, metric)),
            _value(write, case.scored("candidate", metric)),
        ]
        if case.compares:
            difference = case.difference(metric)
            result = compared(case, metric, difference)
            row += [
                _value(write, case.scored("champion", metric)),
                _difference_cell(write, difference),
                Cell(result.words, tone=result.tone),
            ]
        rows.append(row)
    caption = say("review.metrics.caption")
    return table("metric-table", caption, columns, rows, case.limit, thing="metric")


def _compared_columns() -> tuple[Column, ...]:
    return (
        Column(say("review.column.champion"), "number"),
        Column(say("review.column.difference"), "number"),
        Column(say("review.column.reading"), "rest"),
    )


def _value(write: MetricFormat, each: Estimate | None) -> Cell:
    return Cell(write.value(each), note=write.interval(each))


def _difference_cell(write: MetricFormat, each: Estimate | None) -> Cell:
    value, interval = write.difference(each)
    return Cell(value, note=interval)


def segment_tables(case: Case) -> list[Table]:
    """One table for the primary metric and each other one with a margin by segment, worst first."""
    found = mappings(case.evaluation.get("segments"))
    if not found:
        return []
    judged = set(case.gate("segment_margins"))
    metrics = [m for index, m in enumerate(case.metrics) if index == 0 or m in judged]
    return [
        _segment_table(case, metric, found, index + 1) for index, metric in enumerate(metrics[:4])
    ]


def _segment_table(case: Case, metric: str, found: Sequence[Document], place: int) -> Table:
    better = case.better(metric)
    fewest = case.fewest_segment_rows
    ordered = sorted(found, key=lambda each: _standing(each, metric, better, fewest))
    differences = [_difference(each, metric) for each in ordered]
    # Small segments have intervals so wide that they would flatten all others.
    farthest = reach(
        [
            difference
            for each, difference in zip(ordered, differences, strict=True)
            if difference and (finite(each.get("rows")) or 0.0) >= fewest
        ]
    )
    columns = [
        Column(say("review.column.segment")),
        Column(say("review.column.test_rows"), "number"),
        Column(say("review.column.candidate"), "number"),
    ]
    if case.compares:
        columns += _compared_columns()
    rows = [
        _segment_row(case, metric, each, difference, farthest, fewest)
        for each, difference in zip(ordered, differences, strict=True)
    ]
    order = "compared" if case.compares else "alone"
    caption = say(
        f"review.segments.caption_{order}",
        metric=sentence(metric_label(metric)),
        direction=direction_words(case, metric),
    )
    return table(
        f"segments-{place}",
        caption,
        columns,
        rows,
        case.limit,
        thing="segment",
        where=say("review.table.in_evaluation"),
    )


def _difference(segment: Document, metric: str) -> Estimate | None:
    return estimate(mapping(segment.get("difference")).get(metric))


def _standing(
    segment: Document, metric: str, better: Direction | None, fewest: float
) -> tuple[bool, bool, float, str]:
    """Sorts judged segments before small ones, and the worst of them first."""
    small = _few(segment, fewest)
    measured = _difference(segment, metric) or estimate(
        mapping(segment.get("candidate")).get(metric)
    )
    value = 0.0 if measured is None else measured.value
    sign = -1.0 if better == "lower" else 1.0
    # A segment without a number is the first thing to look at.
    return small, measured is not None, sign * value, str(segment.get("value"))


def _segment_row(
    case: Case,
    metric: str,
    segment: Document,
    difference: Estimate | None,
    farthest: float,
    fewest: float,
) -> list[Cell]:
    few, write = _few(segment, fewest), case.write(metric)
    row = [
        Cell(
            text(segment.get("value"), say("review.missing_value")),
            note=text(segment.get("column")),
        ),
        Cell(
            count(segment.get("rows")),
            note=say("review.segments.too_few") if few else "",
        ),
        _value(write, estimate(mapping(segment.get("candidate")).get(metric))),
    ]
    if case.compares:
        row += [
            _value(write, estimate(mapping(segment.get("champion")).get(metric))),
            _difference_cell(write, difference),
            Cell(say("review.reading.not_judged"))
            if few
            else _reading(case, metric, difference, farthest),
        ]
    return row


def _few(part: Document, fewest: float) -> bool:
    """Whether a segment or a group has fewer rows than the gate judges by."""
    return (finite(part.get("rows")) or 0.0) < fewest


def _reading(case: Case, metric: str, difference: Estimate | None, farthest: float) -> Cell:
    result, better = compared(case, metric, difference), case.better(metric)
    drawn = strip(difference, farthest, better) if difference and better else None
    return Cell(result.words, tone=result.tone, drawing=drawn)


def fairness_tables(case: Case) -> list[Table]:
    """For each fairness rule the groups' scores, the best-served group first."""
    limits = {
        (text(each.get("column")), text(each.get("metric"))): finite(each.get("max_gap"))
        for each in mappings(mapping(case.definition.get("gate")).get("fairness"))
    }
    found = mappings(case.evaluation.get("fairness"))[: min(case.limit, 8)]
    return [_fairness_table(case, each, limits, index) for index, each in enumerate(found, start=1)]


def _fairness_table(
    case: Case, rule: Document, limits: dict[tuple[str, str], float | None], place: int
) -> Table:
    metric, column = text(rule.get("metric")), text(rule.get("column"))
    groups = sorted(
        mappings(rule.get("groups")),
        key=lambda group: (
            finite(group.get("score")) is not None,
            -(finite(group.get("score")) or 0.0),
            str(group.get("value")),
        ),
    )
    most = max((abs(finite(group.get("score")) or 0.0) for group in groups), default=0.0) or 1.0
    scores = alike([finite(group.get("score")) for group in groups])
    fewest = case.fewest_segment_rows
    rows = [
        (
            Cell(text(group.get("value"), say("review.missing_value"))),
            Cell(
                count(group.get("rows")),
                note=say("review.fairness.too_few") if _few(group, fewest) else "",
            ),
            Cell(score, drawing=Bar(round(abs(finite(group.get("score")) or 0.0) / most * 100, 1))),
        )
        for group, score in zip(groups, scores, strict=True)
    ]
    return table(
        f"fairness-{place}",
        say(
            "review.fairness.caption",
            metric=sentence(metric_label(metric)),
            column=column,
            gap=_gap(case.write(metric), finite(rule.get("gap")), limits.get((column, metric))),
        ),
        [
            Column(say("review.column.group")),
            Column(say("review.column.test_rows"), "number"),
            Column(say("review.column.score"), "number"),
        ],
        rows,
        case.limit,
        thing="group",
    )


def _gap(write: MetricFormat, gap: float | None, threshold: float | None) -> str:
    if gap is None:
        return say("review.fairness.not_computed")
    if threshold is None:
        return say("review.fairness.no_threshold", gap=write.distance(gap))
    shown_gap, shown_threshold = apart(gap, threshold, write.distance, write.threshold)
    place = "within" if gap <= threshold else "above"
    return say(f"review.fairness.gap.{place}", gap=shown_gap, threshold=shown_threshold)
