"""What is better, worse and unclear, in plain words and in one chart: the top of the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.reading import Document, Estimate, mappings
from core.review.case import Case
from core.review.comparison import compared
from core.review.forest import Entry, ForestChart, overview_chart
from core.review.segments import segment_difference, segment_name, too_small
from core.review.tables import Tone
from core.words.catalogue import say
from core.words.formats import count, counted, sentence, text
from core.words.lists import enumerated, sentences
from core.words.metrics import metric_label
from core.words.verdicts import outcome_name

# Of those that are better or worse, so many are named.
MOST_NAMED = 3
MOST_REASONS = 5
OUTCOME_TONES: dict[str, Tone] = {"pass": "good", "hold": "unclear", "reject": "bad"}


@dataclass(frozen=True)
class Reason:
    """A rule that does not pass: its outcome and its words."""

    outcome: str
    tone: Tone
    words: str


@dataclass(frozen=True)
class Overview:
    """The chart of all metrics' differences; `beyond` says what is drawn at the axis's end."""

    chart: ForestChart
    caption: str


def headline(case: Case) -> list[str]:
    """What is better, worse and unclear: the metrics, then the segments of the primary one."""
    if not case.compares:
        return [say("review.headline.not_compared")] if case.champion else []
    differences = [
        (metric_label(metric), metric, case.difference(metric)) for metric in case.metrics
    ]
    metrics = _standing(case, differences, "metric")
    primary = case.metrics[0] if case.metrics else None
    parts = [
        (segment_name(each), primary, segment_difference(each, primary))
        for each in mappings(case.evaluation.get("segments"))
        if primary and not too_small(each, case.fewest_segment_rows)
    ]
    if not metrics:
        return []
    if not parts or not primary:
        return [sentence(metrics)]
    segments = say(
        "review.headline.segments",
        metric=sentence(metric_label(primary)),
        standing=_standing(case, parts, "segment"),
    )
    return [sentence(metrics), segments]


def _standing(case: Case, parts: Sequence[tuple[str, str, Estimate | None]], thing: str) -> str:
    """How many are clearly better and clearly worse, by name, and how many are neither."""
    if not parts:
        return ""
    things = counted(len(parts), thing)
    if all(each == Estimate(0.0, 0.0, 0.0) for _, _, each in parts):
        return say("review.headline.same", things=things)
    tones = [(name, compared(case, metric, each).tone) for name, metric, each in parts]
    better = [name for name, tone in tones if tone == "good"]
    worse = [name for name, tone in tones if tone == "bad"]
    if not better and not worse:
        return say("review.headline.neither", things=things)
    if not worse:
        told = say(
            "review.headline.better", count=count(len(better)), things=things, names=_named(better)
        )
    elif not better:
        told = say(
            "review.headline.worse", count=count(len(worse)), things=things, names=_named(worse)
        )
    else:
        told = say(
            "review.headline.both",
            things=things,
            better=count(len(better)),
            better_names=_named(better),
            worse=count(len(worse)),
            worse_names=_named(worse),
        )
    rest = len(parts) - len(better) - len(worse)
    return sentences(told, say("review.headline.unclear", count=count(rest)) if rest else "")


def _named(names: Sequence[str]) -> str:
    shown = enumerated(names[:MOST_NAMED])
    left = len(names) - MOST_NAMED
    return say("review.headline.more", names=shown, count=count(left)) if left > 0 else shown


def reasons(case: Case) -> tuple[list[Reason], str]:
    """(the rules that do not pass, the worst first; how many more there are)."""
    order = {"reject": 0, "hold": 1}
    found = sorted(
        (rule for rule in case.rules() if rule.get("outcome") != "pass"),
        key=lambda rule: order.get(text(rule.get("outcome")), 0),
    )
    told = list(dict.fromkeys(_reason(rule) for rule in found))
    left = len(told) - MOST_REASONS
    more = say("review.headline.more_reasons", things=counted(left, "rule")) if left > 0 else ""
    return told[:MOST_REASONS], more


def _reason(rule: Document) -> Reason:
    outcome = text(rule.get("outcome"), say("review.rules.unknown_outcome"))
    words = sentence(text(rule.get("words"), say("review.rules.no_reason")))
    return Reason(outcome_name(outcome), OUTCOME_TONES.get(outcome, "unclear"), words)


def overview(case: Case) -> Overview | None:
    """All metrics in one chart, each in units of its own uncertainty; None without a champion."""
    if not case.compares:
        return None
    entries = []
    for metric in case.metrics:
        better, difference = case.better(metric), case.difference(metric)
        if better is None:
            continue
        result = compared(case, metric, difference)
        value, _ = case.write(metric).difference(difference)
        name = sentence(metric_label(metric))
        short = say(f"review.overview.reading.{result.tone or 'even'}")
        entries.append((Entry(name, value, difference, result.tone, short), better))
    if not any(entry.shown for entry, _ in entries):
        return None
    chart = overview_chart(entries)
    caption = say("review.overview.caption")
    if chart.beyond:
        caption = sentences(caption, say("review.overview.beyond"))
    return Overview(chart, caption)
