"""The primary metric in parts of the data, and the gap of a metric between groups."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.reading import Document, Estimate, estimate, finite, mapping, mappings
from core.review.case import Case, Direction
from core.review.comparison import (
    compared,
    compared_columns,
    difference_cell,
    value_cell,
)
from core.review.forest import (
    Entry,
    ForestChart,
    differences_chart,
    score_entry,
    scores_chart,
    told,
)
from core.review.tables import Cell, Column, Table, table
from core.words.catalogue import say
from core.words.formats import apart, count, counted, sentence, text
from core.words.metrics import MetricFormat, metric_label

# So many segments are drawn, the worst first; all are in the table.
MOST_DRAWN = 12
MOST_METRICS = 4
MOST_FAIRNESS = 8


@dataclass(frozen=True)
class Parts:
    """Segments or groups under one heading: drawn, and in numbers."""

    id: str
    caption: str
    chart: ForestChart | None
    left_out: str
    table: Table


def segment_name(segment: Document) -> str:
    """A segment as a person says it: `internet = none`."""
    return say(
        "review.segments.name",
        column=text(segment.get("column")),
        value=text(segment.get("value"), say("review.missing_value")),
    )


def segment_difference(segment: Document, metric: str) -> Estimate | None:
    """Candidate minus champion in a segment."""
    return estimate(mapping(segment.get("difference")).get(metric))


def too_small(part: Document, fewest: float) -> bool:
    """Whether a segment or a group has fewer rows than the gate judges by."""
    return (finite(part.get("rows")) or 0.0) < fewest


def segments(case: Case) -> list[Parts]:
    """The primary metric and each other one with a margin by segment, the worst first."""
    found = mappings(case.evaluation.get("segments"))
    if not found:
        return []
    judged = set(case.gate("segment_margins"))
    metrics = [m for index, m in enumerate(case.metrics) if index == 0 or m in judged]
    return [
        _segments(case, metric, found, place)
        for place, metric in enumerate(metrics[:MOST_METRICS], start=1)
    ]


def _segments(case: Case, metric: str, found: Sequence[Document], place: int) -> Parts:
    better, fewest = case.better(metric), case.fewest_segment_rows
    ordered = sorted(found, key=lambda each: _standing(each, metric, better, fewest))
    judged = [each for each in ordered if not too_small(each, fewest)]
    order = "compared" if case.compares else "alone"
    caption = say(
        f"review.segments.caption_{order}",
        metric=sentence(metric_label(metric)),
    )
    left = len(ordered) - min(len(judged), MOST_DRAWN)
    return Parts(
        f"segments-{place}",
        caption,
        _segment_chart(case, metric, judged[:MOST_DRAWN]),
        say("review.segments.in_table", things=counted(left, "segment")) if left else "",
        _segment_table(case, metric, ordered, f"segments-{place}"),
    )


def _segment_chart(case: Case, metric: str, drawn: Sequence[Document]) -> ForestChart | None:
    better, write, label = case.better(metric), case.write(metric), metric_label(metric)
    if better is None or not drawn:
        return None
    if not case.compares:
        scores = [
            score_entry(segment_name(each), write, _score(each, "candidate", metric))
            for each in drawn
        ]
        overall = case.scored("candidate", metric)
        axis = say("review.segments.axis_overall", metric=label)
        return scores_chart(
            scores,
            overall,
            better,
            axis,
            say("review.segments.description_alone", rows=told(scores)),
        )
    entries = []
    for each in drawn:
        difference = segment_difference(each, metric)
        result = compared(case, metric, difference)
        reading = say(f"review.overview.reading.{result.tone or 'even'}")
        value, _ = write.difference(difference)
        entries.append(Entry(segment_name(each), value, difference, result.tone, reading))
    if not any(entry.shown for entry in entries):
        return None
    axis = say("review.chart.minus", metric=label)
    return differences_chart(
        entries, better, axis, say("review.segments.description", rows=told(entries))
    )


def _score(part: Document, who: str, metric: str) -> Estimate | None:
    return estimate(mapping(part.get(who)).get(metric))


def _segment_table(case: Case, metric: str, ordered: Sequence[Document], id: str) -> Table:
    columns = [
        Column(say("review.column.segment")),
        Column(say("review.column.test_rows"), "number"),
        Column(say("review.column.candidate"), "number"),
    ]
    if case.compares:
        columns += compared_columns()
    return table(
        f"{id}-table",
        say("review.segments.numbers", metric=sentence(metric_label(metric))),
        columns,
        [_segment_row(case, metric, each) for each in ordered[: case.limit]],
        case.limit,
        total=len(ordered),
        thing="segment",
        where=say("review.table.in_evaluation"),
    )


def _standing(
    segment: Document, metric: str, better: Direction | None, fewest: float
) -> tuple[bool, bool, float, str]:
    """Sorts judged segments before small ones, and the worst of them first."""
    small = too_small(segment, fewest)
    measured = segment_difference(segment, metric) or _score(segment, "candidate", metric)
    value = 0.0 if measured is None else measured.value
    sign = -1.0 if better == "lower" else 1.0
    # A segment without a number is the first thing to look at.
    return small, measured is not None, sign * value, str(segment.get("value"))


def _segment_row(case: Case, metric: str, segment: Document) -> list[Cell]:
    small, write = too_small(segment, case.fewest_segment_rows), case.write(metric)
    note = say("review.segments.too_few") if small else ""
    row = [
        Cell(segment_name(segment)),
        Cell(count(segment.get("rows")), note=note),
        value_cell(write, _score(segment, "candidate", metric)),
    ]
    if case.compares:
        difference = segment_difference(segment, metric)
        result = compared(case, metric, difference)
        row += [
            value_cell(write, _score(segment, "champion", metric)),
            difference_cell(write, difference),
            Cell(say("review.reading.not_judged"))
            if small
            else Cell(result.words, tone=result.tone),
        ]
    return row


def fairness(case: Case) -> list[Parts]:
    """For each fairness rule the groups' scores, the highest first."""
    limits = {
        (text(each.get("column")), text(each.get("metric"))): finite(each.get("max_gap"))
        for each in mappings(mapping(case.definition.get("gate")).get("fairness"))
    }
    found = mappings(case.evaluation.get("fairness"))[: min(case.limit, MOST_FAIRNESS)]
    return [_fairness(case, each, limits, place) for place, each in enumerate(found, start=1)]


@dataclass(frozen=True)
class _Group:
    """A group of a fairness rule. One with too few rows is in the table alone."""

    name: str
    rows: object
    score: Estimate | None
    counts: bool

    def cells(self, write: MetricFormat) -> tuple[Cell, Cell, Cell]:
        note = "" if self.counts else say("review.fairness.too_few")
        return Cell(self.name), Cell(count(self.rows), note=note), Cell(write.value(self.score))


def _groups(rule: Document, fewest: float) -> list[_Group]:
    """The groups, those without a score first, then from the highest score down."""

    def order(group: Document) -> tuple[bool, float, str]:
        score = finite(group.get("score"))
        return score is not None, -(score or 0.0), str(group.get("value"))

    return [
        _Group(
            segment_name({"column": rule.get("column"), "value": group.get("value")}),
            group.get("rows"),
            estimate(finite(group.get("score"))),
            not too_small(group, fewest),
        )
        for group in sorted(mappings(rule.get("groups")), key=order)
    ]


def _fairness(
    case: Case, rule: Document, limits: dict[tuple[str, str], float | None], place: int
) -> Parts:
    metric, column = text(rule.get("metric")), text(rule.get("column"))
    write, label = case.write(metric), metric_label(metric)
    groups = _groups(rule, case.fewest_segment_rows)
    drawn = [score_entry(each.name, write, each.score) for each in groups if each.counts]
    drawn = drawn[:MOST_DRAWN]
    left = len(groups) - len(drawn)
    caption = say(
        "review.fairness.caption",
        metric=sentence(label),
        column=column,
        gap=_gap(write, finite(rule.get("gap")), limits.get((column, metric))),
    )
    description = say("review.fairness.description", rows=told(drawn))
    return Parts(
        f"fairness-{place}",
        caption,
        scores_chart(drawn, None, case.better(metric) or "higher", label, description),
        say("review.segments.in_table", things=counted(left, "group")) if left else "",
        table(
            f"fairness-{place}-table",
            say("review.fairness.numbers", metric=sentence(label), column=column),
            [
                Column(say("review.column.group")),
                Column(say("review.column.test_rows"), "number"),
                Column(say("review.column.score"), "number"),
            ],
            [each.cells(write) for each in groups[: case.limit]],
            case.limit,
            total=len(groups),
            thing="group",
        ),
    )


def _gap(write: MetricFormat, gap: float | None, threshold: float | None) -> str:
    if gap is None:
        return say("review.fairness.not_computed")
    if threshold is None:
        return say("review.fairness.no_threshold", gap=write.distance(gap))
    shown_gap, shown_threshold = apart(gap, threshold, write.distance, write.threshold)
    place = "within" if gap <= threshold else "above"
    return say(f"review.fairness.gap.{place}", gap=shown_gap, threshold=shown_threshold)
