"""Renders a monitoring's page: one HTML file that needs nothing else and runs nothing.

It is made like the review page, with its drawings, tables and style: under 300 kB, readable on a
phone and by a screen reader, and every text from elsewhere escaped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.monitoring.page import features, quality
from core.monitoring.words import (
    alarms_of,
    check_words,
    checks_of,
    drifted,
    last_day,
    primary_quality,
    rows_watched,
    state_of,
    summary,
    with_note,
)
from core.reading import Document, estimate, finite, mapping
from core.review.rendering import LARGEST_PAGE, LIMITS, environment, style_hash
from core.review.tables import Cell, Column, Table, table
from core.usage.sizing_words import machine_words
from core.words.catalogue import say
from core.words.formats import (
    count,
    counted,
    day,
    decimals,
    duration,
    moment,
    parsed,
    percent,
    text,
)
from core.words.language import speaking, speech
from core.words.lists import enumerated
from core.words.metrics import MetricFormat, metric_label
from core.words.reasons import reason_words

TONES = {"healthy": "good", "alarm": "bad", "no data": "unclear", "too few rows": "unclear"}
MOST_REASONS = 12


def render(
    plan: Document, report: Document, *, closed_at: str, sizing: Document | None = None
) -> str:
    """The page as HTML, always under 300 kB; the same input gives the same page.

    `sizing` is what the step used of its machine. What is missing or broken in the report is shown
    as not reported and never raises.
    """
    page = ""
    template = environment(Path(__file__).parent).get_template("monitoring.html.jinja")
    with speaking(speech()):  # looked up once, and not for each text
        for rows, characters in LIMITS:
            view = _view(mapping(plan), mapping(report), mapping(sizing), closed_at, rows)
            page = template.render(**view, characters=characters)
            if len(page.encode()) < LARGEST_PAGE:
                break
    return page


def _view(
    plan: Document, report: Document, sizing: Document, closed_at: str, limit: int
) -> dict[str, Any]:
    state, release = state_of(report), mapping(plan.get("release"))
    alarms = alarms_of(report)
    loud, quiet, undrawn = features.figures(report, limit)
    labels, closed = mapping(report.get("labels")), parsed(closed_at)
    return {
        "model": text(plan.get("model")),
        "monitoring": text(plan.get("monitoring")),
        "release": text(f"{text(plan.get('model'))}/{text(release.get('number'))}"),
        "reason": reason_words(text(plan.get("reason"))),
        "first": day(mapping(plan.get("window")).get("from")),
        "last": last_day(mapping(plan.get("window"))),
        "closed": moment(closed_at),
        "closed_iso": closed.isoformat(timespec="seconds") if closed else "",
        "state": say(f"monitoring.state.{state}"),
        "tone": TONES[state],
        "summary": _headline(plan, report, alarms),
        "meaning": say(f"monitoring.meaning.{state}"),
        "reasons": [check_words(each, report) for each in alarms[:MOST_REASONS]],
        "more_reasons": counted(len(alarms) - MOST_REASONS, "more_alarm")
        if len(alarms) > MOST_REASONS
        else "",
        "facts": _facts(report),
        "loud": loud,
        "quiet": quiet,
        "undrawn": counted(undrawn, "feature") if undrawn else "",
        "predictions": features.predictions(report),
        "quality": quality.quality(report, limit),
        "labels": quality.labels_table(report, limit) if labels else None,
        "checks": features.checks_table(report, limit),
        "days": features.days_table(report, limit),
        "lineage": _lineage(plan, report, sizing),
        "style_hash": style_hash(),
        "language": speech().language,
    }


def _headline(plan: Document, report: Document, alarms: list[Document]) -> str:
    """The result in one line. Alarms are only counted: they are listed below it."""
    if not alarms:
        return summary(report, mapping(plan.get("settings")))
    checks = count(len(checks_of(report)))
    words = say("monitoring.summary.beyond", alarms=count(len(alarms)), checks=checks)
    return with_note(words, report)


def _facts(report: Document) -> list[dict[str, str]]:
    """The few numbers at the top."""
    rows, found = mapping(report.get("rows")), primary_quality(report)
    facts = [
        {
            "name": say("monitoring.fact.rows"),
            "value": count(rows_watched(report)),
            "note": say(
                "monitoring.fact.rows_note",
                captured=count(rows.get("captured")),
                batch=count(rows.get("batch")),
            ),
        },
        {
            "name": say("monitoring.fact.drifted"),
            "value": count(len(drifted(report))),
            "note": say("monitoring.fact.drifted_note", features=_features(report)),
        },
    ]
    if found is not None:
        name, value = found
        write = MetricFormat(decimals([value.value, value.low, value.high]))
        facts.append(
            {
                "name": metric_label(name),
                "value": write.value(value),
                "note": say("monitoring.fact.interval", interval=write.interval(value)),
            }
        )
    share = finite(mapping(report.get("quality")).get("completeness"))
    labelled = say("monitoring.fact.labelled_rows", rows=counted(rows.get("labelled"), "row"))
    facts.append(
        {
            "name": say("monitoring.fact.labelled"),
            "value": percent(share) if share is not None else "–",
            "note": labelled,
        }
    )
    return facts


def _features(report: Document) -> str:
    found = report.get("features")
    return counted(len(found) if isinstance(found, list) else 0, "feature")


def _lineage(plan: Document, report: Document, sizing: Document) -> Table:
    release, settings = mapping(plan.get("release")), mapping(plan.get("settings"))
    compacted = mapping(report.get("compacted"))
    share = estimate(report.get("capture_share"))
    facts = [
        ("monitoring", text(plan.get("monitoring"))),
        ("release", f"{text(plan.get('model'))}/{text(release.get('number'))}"),
        ("run", text(release.get("run"))),
        ("promoted", moment(release.get("promoted_at"))),
        ("artifact", text(release.get("artifact_sha256"))),
        ("definition", text(release.get("definition_sha256"))),
        ("capture_share", percent(share.value if share else None)),
        ("settings", _settings(settings)),
        (
            "compacted",
            say(
                "monitoring.compacted",
                files=counted(compacted.get("files", 0), "file"),
                days=counted(compacted.get("days", 0), "day"),
            ),
        ),
        ("seconds", duration(sizing.get("seconds"))),
        *([("machine", machine_words(sizing))] if "outcome" in sizing else []),
    ]
    headings = [
        Column(say("monitoring.column.what"), "short"),
        Column(say("monitoring.column.value"), "rest"),
    ]
    rows = [[Cell(say(f"monitoring.lineage.{name}")), Cell(value)] for name, value in facts]
    return table("lineage-table", say("monitoring.lineage_caption"), headings, rows, len(rows))


def _settings(settings: Document) -> str:
    named = ("rows", "minimum_rows", "minimum_labels", "drift", "prediction_drift")
    more = ("missing", "unknown", "invalid", "quality")
    return enumerated(f"{name} {text(settings.get(name))}" for name in (*named, *more))
