"""The features and the predictions: their courses by day, their shares before and now."""

from __future__ import annotations

from dataclasses import dataclass

from core.monitoring.page.drawing import (
    MOST_CATEGORIES,
    Categories,
    Columns,
    Course,
    Value,
    categories,
    columns,
    course,
)
from core.monitoring.words import check_words, checks_of, excess
from core.reading import Document, finite, listed, mapping, mappings
from core.review.tables import Cell, Column, Table, Tone, table
from core.words.catalogue import found, say
from core.words.formats import alike, count, counted, number, percent, text
from core.words.formats import day as written_day
from core.words.lists import enumerated

# Of the values that are new, so many are named.
MOST_NEW = 5


@dataclass(frozen=True)
class Figure:
    """One feature, or the predictions: words, and what is drawn of it."""

    id: str
    name: str
    words: list[str]
    alarm: bool
    courses: tuple[tuple[str, Course], ...]
    shares: Columns | Categories | None

    @property
    def is_categories(self) -> bool:
        return isinstance(self.shares, Categories)


def figures(report: Document, limit: int) -> tuple[list[Figure], list[Figure], int]:
    """(the features that alarm, the others, how many are not drawn), the farthest first."""
    by_feature: dict[str, list[Document]] = {}
    for check in checks_of(report):
        by_feature.setdefault(text(check.get("feature"), ""), []).append(check)
    features = mappings(report.get("features"))
    named = [(each, by_feature.get(text(each.get("feature"), ""), [])) for each in features]
    named.sort(key=lambda pair: (-_alarms(pair[1]), -_farthest(pair[1])))
    drawn = [
        _figure(f"feature-{place}", each, checks, report)
        for place, (each, checks) in enumerate(named[:limit])
    ]
    loud = [each for each in drawn if each.alarm]
    return loud, [each for each in drawn if not each.alarm], max(len(named) - limit, 0)


def predictions(report: Document) -> Figure | None:
    found = mapping(report.get("predictions"))
    if not found:
        return None
    checks = [each for each in checks_of(report) if each.get("check") == "prediction"]
    return _figure("predictions", found, checks, report)


def _alarms(checks: list[Document]) -> int:
    return sum(each.get("alarm") is True for each in checks)


def _farthest(checks: list[Document]) -> float:
    return max((excess(each) for each in checks), default=0.0)


def _figure(id: str, each: Document, checks: list[Document], report: Document) -> Figure:
    loud = [check for check in checks if check.get("alarm") is True]
    said = loud or checks[:1]
    name = text(each.get("feature"))
    distance = finite(each.get("unit_distance"))
    words = [check_words(check, report) for check in said]
    if distance is not None and loud:
        words.append(say("monitoring.feature.distance", distance=number(distance, 3)))
    if new := _new_values(each):
        words.append(say("monitoring.feature.new", values=new))
    return Figure(id, name, words, bool(loud), _courses(each, checks, name), _shares(each, name))


def _new_values(each: Document) -> str:
    """The most frequent of the values that the training rows did not have."""
    found = [
        say(
            "monitoring.feature.new_value",
            value=text(one.get("value")),
            rows=counted(one.get("rows"), "row"),
        )
        for one in mappings(each.get("new"))[:MOST_NEW]
    ]
    return enumerated(found)


def _courses(each: Document, checks: list[Document], name: str) -> tuple[tuple[str, Course], ...]:
    """PSI by day with its bar, the mean, and missing and unknown shares where there are any."""
    days = mappings(each.get("by_day"))
    bars = {str(check.get("check")): finite(check.get("practical")) for check in checks}
    drift = bars.get("drift", bars.get("prediction"))
    found = []
    for key, bar in (("psi", drift), ("mean", None), ("missing", None), ("unknown", None)):
        values = [_value(day, key) for day in days]
        if key in ("missing", "unknown") and not any(one.value for one in values):
            continue
        known = sum(one.value is not None for one in values)
        up = say(f"monitoring.course.{key}")
        description = say(
            "monitoring.shares.course", what=up, name=name, days=counted(known, "day")
        )
        drawn = course(values, bar, up, description)
        if drawn is not None:
            found.append((key, drawn))
    return tuple(found)


def _value(day: Document, key: str) -> Value:
    """A rate is told as a share of the day's rows, whether it came as a count or as one; of a day
    without rows nothing is."""
    value, rows = finite(day.get(key)), finite(day.get("rows"))
    if rows == 0:
        value = None
    if key in ("missing", "unknown") and value is not None and value > 1 and rows:
        value /= rows
    return Value(text(day.get("day"), ""), value)


def _numbers(value: object) -> list[float]:
    return [found for each in listed(value) if (found := finite(each)) is not None]


def _shares(each: Document, name: str) -> Columns | Categories | None:
    before, now = _numbers(each.get("before")), _numbers(each.get("now"))
    if not before or len(before) != len(now) or min([*before, *now]) < 0:
        return None
    named = [text(one) for one in listed(each.get("categories"))]
    if named:
        return _categories(named, before, now, name)
    edges = _numbers(each.get("edges"))
    words = say("monitoring.shares.numbers", name=name, ranges=counted(len(now), "range"))
    return columns(edges, before, now, words)


def _categories(
    named: list[str], before: list[float], now: list[float], name: str
) -> Categories | None:
    if len(named) == len(now) - 1:
        named = [*named, say("monitoring.shares.others")]
        if not before[-1] and not now[-1]:
            named, before, now = named[:-1], before[:-1], now[:-1]
    if len(named) != len(now):
        return None
    pairs = sorted(zip(named, before, now, strict=True), key=lambda one: -max(one[1], one[2]))
    shown = pairs[:MOST_CATEGORIES]
    written = [
        say("monitoring.shares.value", now=percent(after), before=percent(earlier))
        for _, earlier, after in shown
    ]
    words = say("monitoring.shares.categories", name=name, categories=counted(len(now), "category"))
    return categories(shown, written, words)


def checks_table(report: Document, limit: int) -> Table | None:
    """Every check with its value and bar, those that alarm first."""
    found = sorted(
        checks_of(report), key=lambda each: (each.get("alarm") is not True, -excess(each))
    )
    if not found:
        return None
    rows = [_row(each, *written) for each, written in zip(found, _written(found), strict=True)]
    headings = [
        Column(say("monitoring.column.check")),
        Column(say("monitoring.column.value"), "number"),
        Column(say("monitoring.column.bar"), "number"),
        Column(say("monitoring.column.chance"), "number"),
        Column(say("monitoring.column.result"), "rest"),
    ]
    left = sum(each.get("state") != "compared" for each in found)
    checks = counted(len(found), "check")
    caption = say("monitoring.checks.caption", checks=checks)
    if left:
        caption = say("monitoring.checks.caption_some", checks=checks, left=count(left))
    where = say("monitoring.in_report")
    return table("checks", caption, headings, rows, limit, thing="check", where=where)


def _written(checks: list[Document]) -> list[tuple[str, str]]:
    """Value and bar of each check: alike among those of a kind, which have one unit."""
    kinds: dict[str, list[int]] = {}
    for place, each in enumerate(checks):
        kinds.setdefault(str(each.get("check")), []).append(place)
    found = [("", "")] * len(checks)
    for places in kinds.values():
        values = [finite(checks[place].get("value")) for place in places]
        bars = [finite(checks[place].get("bar")) for place in places]
        written = alike(values + bars)
        for at, place in enumerate(places):
            found[place] = written[at], written[at + len(places)]
    return found


def _row(check: Document, value: str, bar: str) -> list[Cell]:
    kind, state = str(check.get("check")), str(check.get("state"))
    known = kind in ("drift", "missing", "unknown", "invalid", "prediction", "quality")
    label = say(f"monitoring.kind.{kind}") if known else kind
    tone: Tone = (
        "bad" if check.get("alarm") is True else "good" if state == "compared" else "unclear"
    )
    left = found("monitoring.left", state) or state
    result = say("monitoring.result.alarm" if tone == "bad" else "monitoring.result.within")
    return [
        Cell(text(check.get("feature"), label), note=label if check.get("feature") else ""),
        Cell(value),
        Cell(bar),
        Cell(number(check.get("p"), 2)),
        Cell(result if tone != "unclear" else left, tone=tone),
    ]


def days_table(report: Document, limit: int) -> Table | None:
    """The rows of each day, from whatever feature has them."""
    features = [*mappings(report.get("features")), mapping(report.get("predictions"))]
    days = next((found for each in features if (found := mappings(each.get("by_day")))), [])
    if not days:
        return None
    rows = [[Cell(written_day(day.get("day"))), Cell(count(day.get("rows")))] for day in days]
    headings = [
        Column(say("monitoring.column.day")),
        Column(say("monitoring.column.rows"), "number"),
    ]
    return table("days", say("monitoring.days.caption"), headings, rows, limit, thing="day")
