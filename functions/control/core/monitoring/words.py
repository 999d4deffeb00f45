"""A monitoring's result in words: each alarm with its value and bar, and the whole in one line.

Pure. The same words are on the page, in the terminal, in mail and in the console.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from core.reading import Document, Estimate, estimate, finite, mapping, mappings, part
from core.words.catalogue import say
from core.words.formats import apart, counted, day, decimals, number, percent, text
from core.words.metrics import MetricFormat, metric_label

NO_DATA = "no data"
STATES = ("healthy", "alarm", NO_DATA, "too few rows")
# With fewer rows than this share of the other's, requests or batches are hidden among those.
_FEW = 0.1
_RATES = ("missing", "unknown", "invalid")
_NOT_COMPARED = ("too few rows", "no baseline", "constant", "absent", "not captured", "undefined")


def state_of(report: Document) -> str:
    """The report's state; one that nobody knows is no health."""
    state = str(report.get("state"))
    return state if state in STATES else "too few rows"


def checks_of(report: Document) -> list[Document]:
    return mappings(report.get("checks"))


def alarms_of(report: Document) -> list[Document]:
    """The checks that alarm: quality first, then by how far they are beyond their bars."""
    found = [each for each in checks_of(report) if each.get("alarm") is True]
    return sorted(found, key=lambda each: (each.get("check") != "quality", -excess(each)))


def excess(check: Document) -> float:
    """How many times its bar a check's value is; 0 where either is not known."""
    value, bar = finite(check.get("value")), finite(check.get("bar"))
    return abs(value) / bar if value is not None and bar else 0.0


def drifted(report: Document) -> list[str]:
    """The features whose distribution alarms."""
    return [text(each.get("feature")) for each in alarms_of(report) if each.get("check") == "drift"]


def check_words(check: Document, report: Document) -> str:
    """A check in words: what, by how much, against which bar."""
    kind, state = str(check.get("check")), str(check.get("state"))
    if state != "compared" and check.get("alarm") is not True:
        return _not_compared(check, state)
    if state in ("absent", "constant"):
        return _not_compared(check, state)
    if kind == "quality":
        return _quality(check, report)
    if kind in _RATES:
        return _rate(check, kind)
    value, bar = _against(check)
    loud, feature = check.get("alarm") is True, text(check.get("feature"))
    if kind == "prediction" and loud:
        return say("monitoring.check.prediction", psi=value, bar=bar)
    if kind == "prediction":
        return say("monitoring.check.predicted_as_before", psi=value, bar=bar)
    if loud:
        return say("monitoring.check.drift", feature=feature, psi=value, bar=bar)
    return say("monitoring.check.within", feature=feature, psi=value, bar=bar)


def _not_compared(check: Document, state: str) -> str:
    known = state if state in _NOT_COMPARED else "other"
    return say(f"monitoring.not_compared.{known}", feature=name_of(check))


def name_of(check: Document) -> str:
    """What a check is about: a feature, or the predictions, rows or quality as a whole."""
    feature = check.get("feature")
    if feature is not None:
        return text(feature)
    kind = str(check.get("check"))
    named = kind if kind in ("prediction", "invalid", "quality") else "prediction"
    return say(f"monitoring.about.{named}")


def _against(check: Document) -> tuple[str, str]:
    """Value and bar, with as many digits as tell them apart."""
    value, bar = finite(check.get("value")), finite(check.get("bar"))
    if value is None or bar is None:
        return number(value), number(bar)
    return apart(round(value, 6) + 0.0, bar)


def _rate(check: Document, kind: str) -> str:
    value, bar = finite(check.get("value")), finite(check.get("bar"))
    return say(
        f"monitoring.rate.{kind}",
        feature=name_of(check),
        now=percent(check.get("now")),
        before=percent(check.get("before")),
        value=percent(value),
        bar=percent(bar),
    )


def _quality(check: Document, report: Document) -> str:
    metric = str(part(report, "quality").get("primary") or check.get("metric") or "")
    before, now = finite(check.get("before")), finite(check.get("now"))
    places = decimals([before, now])
    write = MetricFormat(places)
    value, bar = finite(check.get("value")), finite(check.get("bar"))
    return say(
        "monitoring.check.quality",
        metric=metric_label(metric),
        now=number(now) if now is None else write.score(now),
        before=number(before) if before is None else write.score(before),
        value=number(value) if value is None else write.distance(abs(value)),
        bar=number(bar) if bar is None else write.threshold(bar),
    )


def rows_watched(report: Document) -> int:
    """The rows of the window: captured and scored in batch."""
    rows = mapping(report.get("rows"))
    return int((finite(rows.get("captured")) or 0) + (finite(rows.get("batch")) or 0))


def primary_quality(report: Document) -> tuple[str, Estimate] | None:
    """The primary metric over the window, where enough rows have labels."""
    quality = mapping(report.get("quality"))
    name = str(quality.get("primary") or "")
    found = estimate(mapping(quality.get("metrics")).get(name))
    return None if found is None else (name, found)


def uneven(report: Document) -> str | None:
    """That few requests are hidden among many rows of batches, or the other way round, and how to
    see them; None where neither is."""
    rows = mapping(report.get("rows"))
    found = {
        "requests": finite(rows.get("captured")) or 0,
        "batches": finite(rows.get("batch")) or 0,
    }
    few = min(found, key=found.__getitem__)
    if not 0 < found[few] < _FEW * max(found.values()):
        return None
    return say(f"monitoring.uneven.{few}", share=percent(found[few] / sum(found.values())))


def summary(report: Document, settings: Mapping[str, Any]) -> str:
    """The result in one line."""
    return with_note(_result(report, settings), report)


def turn_summary(event: str, report: Document, settings: Mapping[str, Any]) -> str:
    """What a turn is about, in one line: quality, or all the other checks; a recovery is of both.

    An alarm of that kind is missing only where the stage does not know which kinds alarmed before.
    """
    if event == "monitoring recovered":
        return summary(report, settings)
    about = [
        each
        for each in alarms_of(report)
        if (each.get("check") == "quality") == (event == "quality dropped")
    ]
    return with_note(_alarms(about, report), report) if about else summary(report, settings)


def with_note(words: str, report: Document) -> str:
    """The words, and what may be hidden behind them."""
    note = uneven(report)
    return words if note is None else say("monitoring.summary.noted", words=words, note=note)


def _result(report: Document, settings: Mapping[str, Any]) -> str:
    state, window = state_of(report), mapping(report.get("window"))
    rows = counted(rows_watched(report), "row")
    if state == "alarm":
        return _alarms(alarms_of(report), report)
    if state == NO_DATA:
        return say(
            "monitoring.summary.no data",
            release=text(report.get("release")),
            first=day(window.get("from")),
            last=last_day(window),
        )
    if state == "too few rows":
        needed = counted(settings.get("minimum_rows"), "row")
        return say("monitoring.summary.too few rows", rows=rows, needed=needed)
    return say("monitoring.summary.healthy", rows=rows, checks=counted(_compared(report), "check"))


def _alarms(alarms: Sequence[Document], report: Document) -> str:
    """The first of them, and how many more there are."""
    if not alarms:
        return say("monitoring.summary.alarm", first=say("monitoring.summary.unexplained"))
    first, more = check_words(alarms[0], report), len(alarms) - 1
    if not more:
        return say("monitoring.summary.alarm", first=first)
    return say("monitoring.summary.alarms", first=first, more=counted(more, "more_alarm"))


def _compared(report: Document) -> int:
    return sum(each.get("state") == "compared" for each in checks_of(report))


def last_day(window: Document) -> str:
    """The last day that is in the window."""
    try:
        after = date.fromisoformat(str(window.get("to")))
        return day((after - timedelta(days=1)).isoformat())
    except (ValueError, OverflowError):
        return text(window.get("to"))
