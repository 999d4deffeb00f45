"""Candidate against champion: the metrics over all test rows, by segment, and between groups."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.numbers import finite
from core.review.case import Case, Direction
from core.review.charts import (
    Bar,
    DifferenceChart,
    IntervalChart,
    difference_chart,
    interval_chart,
    reach,
    strip,
)
from core.review.reading import Document, Estimate, estimate, mapping, mappings
from core.review.tables import Cell, Column, Table, Tone, table
from core.review.wording import (
    METRIC_NAMES,
    alike,
    count,
    estimated,
    metric_label,
    number,
    sentence,
    text,
)

DIRECTION_WORDS = {"lower": "lower is better", "higher": "higher is better"}
_COMPARED = (
    Column("Champion", "number"),
    Column("Difference", "number"),
    Column("Reading", "rest"),
)
_WON: tuple[Tone, str] = ("good", "Better")
_LOST: tuple[Tone, str] = ("bad", "Worse")


@dataclass(frozen=True)
class MetricCard:
    """One metric drawn, and said in a sentence."""

    id: str
    label: str
    meaning: str
    direction: str
    primary: bool
    chart: IntervalChart
    difference: DifferenceChart | None
    tone: Tone
    word: str
    sentence: str


def direction_words(case: Case, metric: str) -> str:
    """Which way the metric is better, in words."""
    return DIRECTION_WORDS.get(case.better(metric) or "", "direction not known")


def compared(difference: Estimate | None, better: Direction | None) -> tuple[Tone, str, str]:
    """(tone, the result in a word or two, the sentence) for candidate minus champion."""
    if difference is None:
        return "unclear", "Not compared", "No difference was computed."
    value, ends = estimated(difference, sign=True)
    if better is None:
        return "even", "Different", f"Candidate minus champion is {value}."
    if difference.value == 0:
        moved = "The same as the champion"
    else:
        side = "lower" if difference.value < 0 else "higher"
        moved = f"{value.lstrip('+−')} {side} than the champion"
    if difference.low is None or difference.high is None:
        return "unclear", "No interval", f"{moved}, without an interval to judge it by."
    if difference.low <= 0 <= difference.high:
        return "even", "No clear difference", f"{moved}; the interval, {ends}, includes zero."
    # The interval, not the value, decides: a broken evaluation may have the two disagree.
    won = (difference.high < 0) == (better == "lower")
    tone, word = _WON if won else _LOST
    return tone, word, f"{moved}; the interval, {ends}, is all on the {word.lower()} side of zero."


def metric_cards(case: Case) -> list[MetricCard]:
    """A card for each metric, the primary one first."""
    cards = []
    for index, metric in enumerate(case.metrics):
        label = metric_label(metric)
        candidate, difference = case.scored("candidate", metric), case.difference(metric)
        models = [("candidate", candidate)]
        if case.compares:
            models.append(("champion", case.scored("champion", metric)))
            tone, word, sentence = compared(difference, case.better(metric))
        else:
            tone, word, sentence = "", "", _alone(candidate)
        drawable = case.compares and difference is not None and case.better(metric) is not None
        cards.append(
            MetricCard(
                f"metric-{index + 1}",
                label,
                METRIC_NAMES.get(metric, ""),
                direction_words(case, metric),
                index == 0,
                interval_chart(label, models),
                difference_chart(label, difference, case.better(metric) or "")
                if drawable and difference
                else None,
                tone,
                word,
                sentence,
            )
        )
    return cards


def _alone(candidate: Estimate | None) -> str:
    if candidate is None:
        return "This metric could not be computed."
    value, ends = estimated(candidate)
    return f"{value}, 95 % interval {ends}." if ends else f"{value}, without an interval."


def metric_table(case: Case) -> Table:
    """The cards' numbers as a table."""
    columns = [Column("Metric"), Column("Candidate", "number")]
    if case.compares:
        columns += _COMPARED
    rows = []
    for metric in case.metrics:
        row = [
            Cell(sentence(metric_label(metric)), note=direction_words(case, metric)),
            _cell(case.scored("candidate", metric)),
        ]
        if case.compares:
            difference = case.difference(metric)
            tone, word, _ = compared(difference, case.better(metric))
            row += [
                _cell(case.scored("champion", metric)),
                _cell(difference, sign=True),
                Cell(word, tone=tone),
            ]
        rows.append(row)
    caption = "Metrics over all test rows, each with its 95 % interval"
    return table("metric-table", caption, columns, rows, case.limit, thing="metric")


def _cell(each: Estimate | None, *, sign: bool = False) -> Cell:
    value, ends = estimated(each, sign=sign)
    return Cell(value, note=ends)


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
    columns = [Column("Segment"), Column("Test rows", "number"), Column("Candidate", "number")]
    if case.compares:
        columns += _COMPARED
    rows = [
        _segment_row(case, metric, each, difference, farthest, fewest)
        for each, difference in zip(ordered, differences, strict=True)
    ]
    first = "worst against the champion first" if case.compares else "worst first"
    caption = (
        f"{sentence(metric_label(metric))} by segment ({direction_words(case, metric)}), {first}"
    )
    return table(
        f"segments-{place}",
        caption,
        columns,
        rows,
        case.limit,
        thing="segment",
        remainder="; evaluation.json holds them all",
    )


def _difference(segment: Document, metric: str) -> Estimate | None:
    return estimate(mapping(segment.get("difference")).get(metric))


def _standing(
    segment: Document, metric: str, better: Direction | None, fewest: float
) -> tuple[bool, bool, float, str]:
    """Sorts judged segments before small ones, and the worst of them first."""
    small = bool(_few(segment, fewest, "small"))
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
    few = _few(segment, fewest, "too few to judge")
    row = [
        Cell(text(segment.get("value"), "(missing)"), note=text(segment.get("column"))),
        Cell(count(segment.get("rows")), note=few),
        _cell(estimate(mapping(segment.get("candidate")).get(metric))),
    ]
    if case.compares:
        row += [
            _cell(estimate(mapping(segment.get("champion")).get(metric))),
            _cell(difference, sign=True),
            Cell("Not judged") if few else _reading(difference, farthest, case.better(metric)),
        ]
    return row


def _few(part: Document, fewest: float, words: str) -> str:
    """The words where a segment or a group has fewer rows than the gate judges by."""
    return words if (finite(part.get("rows")) or 0.0) < fewest else ""


def _reading(difference: Estimate | None, farthest: float, better: Direction | None) -> Cell:
    tone, word, _ = compared(difference, better)
    drawn = strip(difference, farthest, better) if difference and better else None
    return Cell(word, tone=tone, drawing=drawn)


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
            Cell(text(group.get("value"), "(missing)")),
            Cell(count(group.get("rows")), note=_few(group, fewest, "too few to count")),
            Cell(score, drawing=Bar(round(abs(finite(group.get("score")) or 0.0) / most * 100, 1))),
        )
        for group, score in zip(groups, scores, strict=True)
    ]
    gap, bar = finite(rule.get("gap")), limits.get((column, metric))
    if gap is None:
        said = "the gap could not be computed"
    elif bar is None:
        said = f"the largest gap is {number(gap)}"
    else:
        within = "within" if gap <= bar else "above"
        said = f"the largest gap is {number(gap)}, {within} the {number(bar)} allowed"
    return table(
        f"fairness-{place}",
        f"{sentence(metric_label(metric))} by {column}: {said}",
        [Column("Group"), Column("Test rows", "number"), Column("Score", "number")],
        rows,
        case.limit,
        thing="group",
    )
