"""Quality by day of the prediction, per segment, and the labels it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import PurePosixPath

from core.monitoring.page.drawing import Course, Value, course
from core.reading import Document, Estimate, estimate, finite, listed, mapping, mappings
from core.review.tables import Cell, Column, Table, table
from core.words.catalogue import say
from core.words.formats import count, counted, decimals, percent, text
from core.words.formats import day as written_day
from core.words.lists import clauses, enumerated
from core.words.metrics import MetricFormat, metric_label

_PROBLEMS = (
    "late",
    "repeated",
    "contradicting",
    "unknown",
    "corrected",
    "other_releases",
    "not_watched",
    "no_class",
    "invalid",
)
_MOST_SAMPLES = 5
# A window has at most 366 days, and labels are looked for in the 90 before it.
_MOST_DAYS = 500


@dataclass(frozen=True)
class Quality:
    """What the labels say about the model."""

    sentence: str
    course: Course | None
    labelled: Course | None
    metrics: Table | None
    days: Table | None
    segments: Table | None


def quality(report: Document, limit: int) -> Quality | None:
    found = mapping(report.get("quality"))
    if not found:
        return None
    primary = text(found.get("primary"), "")
    days, label = mappings(found.get("by_day")), metric_label(primary)
    drawn = _every_day(days, mapping(report.get("window")))
    values = [_of_day(day, primary) for day in drawn]
    tested = finite(mapping(mapping(found.get("metrics")).get(primary)).get("test"))
    known = sum(each.value is not None for each in values)
    words = say("monitoring.quality.description", metric=label, days=counted(known, "day"))
    shares = [Value(text(day.get("day"), ""), _share(day)) for day in drawn]
    completeness = say("monitoring.quality.labelled_share")
    return Quality(
        _sentence(found, primary),
        course(values, tested, label, words),
        course(
            shares,
            None,
            completeness,
            say("monitoring.quality.labelled_description"),
            reach=(0.0, 1.0),
        ),
        _metrics_table(found, limit),
        _days_table(days, primary, limit),
        _segments_table(found, primary, limit),
    )


def _every_day(days: list[Document], window: Document) -> list[Document]:
    """The days in order, also those on which nothing was answered, as far as the window reaches:
    so these courses are over the same days as those of the features."""
    known = {text(day.get("day"), ""): day for day in days}
    try:
        first = min(date.fromisoformat(each) for each in [text(window.get("from"), ""), *known])
        length = (date.fromisoformat(text(window.get("to"), "")) - first).days
    except ValueError:
        return days
    named = [(first + timedelta(days=place)).isoformat() for place in range(length)]
    if length > _MOST_DAYS or not known.keys() <= set(named):
        return days
    return [known.get(name, {"day": name}) for name in named]


def _of_day(day: Document, primary: str) -> Value:
    found = estimate(mapping(day.get("metrics")).get(primary))
    name = text(day.get("day"), "")
    return Value(name, None) if found is None else Value(name, found.value, found.low, found.high)


def _share(day: Document) -> float | None:
    labelled, answered = finite(day.get("labelled")), finite(day.get("answered"))
    return labelled / answered if labelled is not None and answered else None


def _sentence(found: Document, primary: str) -> str:
    metric = mapping(mapping(found.get("metrics")).get(primary))
    value, share = estimate(metric), percent(found.get("completeness"))
    if value is None:
        return say("monitoring.quality.too_few", share=share)
    write = _format([value, estimate(metric.get("test"))])
    return say(
        "monitoring.quality.sentence",
        metric=metric_label(primary),
        value=write.value(value),
        interval=write.interval(value) or say("monitoring.quality.no_interval"),
        test=write.value(estimate(metric.get("test"))),
        share=share,
        judged=_judged(found),
    )


def _judged(found: Document) -> str:
    """Which rows quality is of: not always those of the window, since labels come late."""
    days = [text(day) for day in listed(found.get("days"))]
    rows = counted(found.get("labelled"), "labelled_row")
    if len(days) != 2:
        return rows
    return say(
        "monitoring.quality.judged",
        rows=rows,
        first=written_day(days[0]),
        last=written_day(days[1]),
    )


def _format(found: list[Estimate | None]) -> MetricFormat:
    ends = [end for each in found if each for end in (each.value, each.low, each.high)]
    return MetricFormat(decimals(ends))


def _metrics_table(found: Document, limit: int) -> Table | None:
    rows = []
    for name, metric in mapping(found.get("metrics")).items():
        value, tested = estimate(metric), estimate(mapping(metric).get("test"))
        write = _format([value, tested])
        rows.append(
            [
                Cell(metric_label(str(name))),
                Cell(write.value(value), note=write.interval(value)),
                Cell(write.value(tested)),
            ]
        )
    headings = [
        Column(say("monitoring.column.metric")),
        Column(say("monitoring.column.now"), "number"),
        Column(say("monitoring.column.test"), "number"),
    ]
    caption = say("monitoring.quality.metrics_caption")
    return table("quality", caption, headings, rows, limit, thing="metric") if rows else None


def _days_table(days: list[Document], primary: str, limit: int) -> Table | None:
    values = [estimate(mapping(day.get("metrics")).get(primary)) for day in days]
    write = _format(values)
    rows = [
        [
            Cell(written_day(day.get("day"))),
            Cell(count(day.get("answered"))),
            Cell(count(day.get("labelled")), note=percent(_share(day)) if _share(day) else ""),
            Cell(write.value(value) if value else "–", note=write.interval(value)),
        ]
        for day, value in zip(days, values, strict=True)
    ]
    headings = [
        Column(say("monitoring.column.day")),
        Column(say("monitoring.column.answered"), "number"),
        Column(say("monitoring.column.labelled"), "number"),
        Column(metric_label(primary), "number"),
    ]
    caption = say("monitoring.quality.days_caption")
    where = say("monitoring.in_report")
    return (
        table("quality-days", caption, headings, rows, limit, thing="day", where=where)
        if rows
        else None
    )


def _segments_table(found: Document, primary: str, limit: int) -> Table | None:
    segments = mappings(found.get("segments"))
    values = [estimate(mapping(each.get("metrics")).get(primary)) for each in segments]
    write = _format(values)
    rows = [
        [
            Cell(text(each.get("value")), note=text(each.get("column"), "")),
            Cell(count(each.get("labelled"))),
            Cell(
                write.value(value) if value else say("monitoring.quality.segment_too_few"),
                note=write.interval(value),
            ),
        ]
        for each, value in zip(segments, values, strict=True)
    ]
    headings = [
        Column(say("monitoring.column.segment")),
        Column(say("monitoring.column.labelled"), "number"),
        Column(metric_label(primary), "number"),
    ]
    where = say("monitoring.in_report")
    return (
        table(
            "segments",
            say("monitoring.quality.segments_caption"),
            headings,
            rows,
            limit,
            thing="segment",
            where=where,
        )
        if rows
        else None
    )


def labels_table(report: Document, limit: int) -> Table | None:
    """How many labels there were, and what was wrong with some, with samples."""
    found = mapping(report.get("labels"))
    if not found:
        return None
    samples = mapping(found.get("samples"))
    rows = [
        [
            Cell(say(f"monitoring.labels.{name}")),
            Cell(count(found.get(name))),
            Cell(_samples(samples.get(name))),
        ]
        for name in ("given", "matched", *_PROBLEMS)
        if name in ("given", "matched") or finite(found.get(name))
    ]
    headings = [
        Column(say("monitoring.column.labels")),
        Column(say("monitoring.column.rows"), "number"),
        Column(say("monitoring.column.samples")),
    ]
    return table(
        "labels", say("monitoring.quality.labels_caption"), headings, rows, limit, thing="row"
    )


def _samples(value: object) -> str:
    """Places in label files, the rows of each file together."""
    rows: dict[str, list[str]] = {}
    for each in mappings(value)[:_MOST_SAMPLES]:
        file = PurePosixPath(text(each.get("file"))).name
        rows.setdefault(file, []).append(text(each.get("row")))
    shown = [
        say(
            f"monitoring.sample.{'row' if len(few) == 1 else 'rows'}",
            file=file,
            rows=enumerated(few),
        )
        for file, few in rows.items()
    ]
    return clauses(shown)
