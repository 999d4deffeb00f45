"""Candidate against champion: the metrics over all test rows."""

from dataclasses import dataclass

from core.reading import Estimate
from core.review.case import Case
from core.review.charts import (
    DifferenceChart,
    IntervalChart,
    Model,
    difference_chart,
    interval_chart,
)
from core.review.tables import Cell, Column, Table, Tone, table
from core.words.catalogue import say
from core.words.formats import MINUS, sentence
from core.words.metrics import MetricFormat, metric_label, metric_meaning


@dataclass(frozen=True)
class MetricCard:
    """One metric, drawn and in a sentence."""

    id: str
    label: str
    about: str
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
        _about(case, metric),
        place == 1,
        interval_chart(label, models, write),
        drawing,
        result.tone,
        result.words,
        result.sentence,
    )


def _about(case: Case, metric: str) -> str:
    """Which way the metric is better, and what it measures where that is known."""
    direction, meaning = sentence(direction_words(case, metric)), metric_meaning(metric)
    if not meaning:
        return say("review.metrics.about", direction=direction)
    return say("review.metrics.about_with_meaning", direction=direction, meaning=sentence(meaning))


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
        columns += compared_columns()
    rows = []
    for metric in case.metrics:
        write = case.write(metric)
        row = [
            Cell(sentence(metric_label(metric)), note=direction_words(case, metric)),
            value_cell(write, case.scored("candidate", metric)),
        ]
        if case.compares:
            difference = case.difference(metric)
            result = compared(case, metric, difference)
            row += [
                value_cell(write, case.scored("champion", metric)),
                difference_cell(write, difference),
                Cell(result.words, tone=result.tone),
            ]
        rows.append(row)
    caption = say("review.metrics.caption")
    return table("metric-table", caption, columns, rows, case.limit, thing="metric")


def compared_columns() -> tuple[Column, ...]:
    """The columns that a table has only where there is a champion."""
    return (
        Column(say("review.column.champion"), "number"),
        Column(say("review.column.difference"), "number"),
        Column(say("review.column.reading"), "rest"),
    )


def value_cell(write: MetricFormat, each: Estimate | None) -> Cell:
    """A model's value and its interval."""
    return Cell(write.value(each), note=write.interval(each))


def difference_cell(write: MetricFormat, each: Estimate | None) -> Cell:
    """A difference and its interval."""
    value, interval = write.difference(each)
    return Cell(value, note=interval)
