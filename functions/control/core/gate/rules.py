"""The gate: may the candidate replace the champion? Decided by rules, each with its words.

`judge` is pure and total: a value that is missing, of the wrong type or not finite fails its rule.
The words are the same everywhere: on the review page, in the terminal, in mail and in the registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.gate.non_inferiority import compare_primary, too_few_rows
from core.gate.rule import (
    Decision,
    Outcome,
    Rule,
    Verdict,
    champion_in,
    metric_of,
    not_comparable,
    nothing_to_compare,
    obstacle_of,
)
from core.metrics import DIRECTION, advantage
from core.reading import NOTHING, Document, estimate, finite, mappings, part, settled
from core.words.catalogue import say
from core.words.formats import apart, count, counted, percent
from core.words.metrics import MetricFormat, metric_format, metric_label
from core.words.verdicts import verdict_name

if TYPE_CHECKING:
    from core.definition.schema import ModelDefinition


def judge(definition: ModelDefinition, evaluation: Document) -> Verdict:
    """Apply the definition's gate to an evaluation, the content of evaluation.json."""
    rules = (
        *_computed(definition, evaluation),
        *_floors(definition, evaluation),
        *compare_primary(definition, evaluation),
        *_margins(definition, evaluation),
        *_segment_margins(definition, evaluation),
        *_fairness(definition, evaluation),
        _rejected_share(definition, evaluation),
        _parity(evaluation),
    )
    outcomes = {rule.outcome for rule in rules}
    verdict: Decision = (
        "reject" if "reject" in outcomes else "hold" if "hold" in outcomes else "promote"
    )
    summary = _summary(verdict, definition, evaluation, rules)
    return Verdict(verdict, summary, rules, too_few_rows(definition, evaluation))


def _computed(definition: ModelDefinition, evaluation: Document) -> Iterator[Rule]:
    """Every metric asked for is there and is a number."""
    for metric in definition.computed_metrics:
        value = metric_of(part(evaluation, "candidate"), metric)
        label = metric_label(metric)
        if value is None:
            words = say("gate.computed.reject", metric=label)
            yield Rule("metric computed", metric, None, None, None, None, "reject", words)
        else:
            words = say("gate.computed.pass", metric=label, value=_estimated(evaluation, metric))
            yield Rule("metric computed", metric, None, value, None, None, "pass", words)


def _floors(definition: ModelDefinition, evaluation: Document) -> Iterator[Rule]:
    for metric, bar in sorted(definition.gate.floors.items()):
        value = metric_of(part(evaluation, "candidate"), metric)
        label, write = metric_label(metric), metric_format(evaluation, metric)
        if value is None:
            words = say("gate.missing.floor", metric=label, threshold=write.threshold(bar))
            yield Rule("floor", metric, None, None, bar, None, "reject", words)
            continue
        gap = settled(advantage(metric, value, bar))
        outcome = _pass_or_reject(gap)
        shown_value, threshold = apart(value, bar, write.score, write.threshold)
        words = say(
            f"gate.floor.{DIRECTION[metric]}.{outcome}",
            metric=label,
            value=shown_value,
            threshold=threshold,
            gap=write.distance(abs(gap)),
        )
        yield Rule("floor", metric, None, value, bar, gap, outcome, words)


def _margins(definition: ModelDefinition, evaluation: Document) -> Iterator[Rule]:
    """Overall, no other metric may be worse than the champion's by more than its margin."""
    champion = champion_in(evaluation)
    for metric, margin in sorted(definition.gate.margins.items()):
        if metric == definition.metrics.primary:
            continue  # judged by its interval
        if champion is None:
            yield nothing_to_compare("champion margin", metric)
        elif obstacle_of(champion):
            yield not_comparable("champion margin", metric, obstacle_of(champion))
        else:
            yield _no_worse(
                "champion margin",
                metric,
                metric_format(evaluation, metric),
                None,
                margin,
                metric_of(part(evaluation, "candidate"), metric),
                metric_of(champion, metric),
            )


def _segment_margins(definition: ModelDefinition, evaluation: Document) -> Iterator[Rule]:
    """The same in every segment with enough rows to judge by."""
    margins = sorted(definition.gate.segment_margins.items())
    if not margins:
        return
    champion = champion_in(evaluation)
    if champion is None:
        yield from (nothing_to_compare("segment margin", metric) for metric, _ in margins)
        return
    obstacle = obstacle_of(champion)
    if obstacle:
        yield from (not_comparable("segment margin", metric, obstacle) for metric, _ in margins)
        return
    segments = sorted(mappings(evaluation.get("segments")), key=lambda each: str(each.get("value")))
    for column in definition.segments:
        of_column = [segment for segment in segments if segment.get("column") == column]
        if not of_column:
            words = say("gate.segment.none", column=column)
            yield Rule("segment margin", None, column, None, None, None, "reject", words)
        for segment in of_column:
            yield from _segment(evaluation, segment, margins, definition.gate.minimum_segment_rows)


def _segment(
    evaluation: Document,
    segment: Document,
    margins: list[tuple[str, float]],
    minimum_rows: int,
) -> Iterator[Rule]:
    name = f"{segment.get('column')} = {segment.get('value')}"
    rows = finite(segment.get("rows"))
    if rows is None:
        words = say("gate.segment.rows_missing", segment=name)
        yield Rule("segment margin", None, name, None, minimum_rows, None, "reject", words)
    elif rows < minimum_rows:
        words = say(
            "gate.segment.too_few",
            segment=name,
            rows=counted(rows, "row"),
            minimum=count(minimum_rows),
        )
        yield Rule("segment margin", None, name, rows, minimum_rows, None, "pass", words)
    else:
        for metric, margin in margins:
            yield _no_worse(
                "segment margin",
                metric,
                metric_format(evaluation, metric),
                name,
                margin,
                finite(part(segment, "candidate").get(metric)),
                finite(part(segment, "champion").get(metric)),
            )


def _no_worse(
    rule: str,
    metric: str,
    write: MetricFormat,
    segment: str | None,
    margin: float,
    candidate: float | None,
    champion: float | None,
) -> Rule:
    label = metric_label(metric)

    def within(words: str) -> str:
        return say("gate.segment.of", segment=segment, words=words) if segment else words

    if candidate is None or champion is None:
        whose = "candidate" if candidate is None else "champion"
        words = within(say(f"gate.margin.missing.{whose}", metric=label))
        return Rule(rule, metric, segment, candidate, None, None, "reject", words)
    gained = settled(advantage(metric, candidate, champion))
    gap = settled(gained + margin)
    bar = champion - margin if DIRECTION[metric] == "higher" else champion + margin
    shown_candidate, shown_champion = apart(candidate, champion, write.score)
    both = {"metric": label, "candidate": shown_candidate, "champion": shown_champion}
    if gained == 0:
        words = say("gate.margin.equal", **both)
    elif gained > 0:
        words = say("gate.margin.better", **both, gain=write.distance(gained))
    else:
        loss, allowed = apart(-gained, margin, write.distance, write.threshold)
        place = "beyond" if gap < 0 else "within"
        words = say(f"gate.margin.worse.{place}", **both, loss=loss, margin=allowed)
    return Rule(rule, metric, segment, candidate, bar, gap, _pass_or_reject(gap), within(words))


def _fairness(definition: ModelDefinition, evaluation: Document) -> Iterator[Rule]:
    measured = {
        (each.get("column"), each.get("metric")): each
        for each in mappings(evaluation.get("fairness"))
    }
    for rule in definition.gate.fairness:
        value = finite(measured.get((rule.column, rule.metric), NOTHING).get("gap"))
        about = {"metric": metric_label(rule.metric), "column": rule.column}
        bar = rule.max_gap
        if value is None or value < 0:
            words = say("gate.missing.fairness", **about)
            yield Rule("fairness", rule.metric, rule.column, None, bar, None, "reject", words)
            continue
        gap = settled(bar - value)
        outcome = _pass_or_reject(gap)
        write = metric_format(evaluation, rule.metric)
        shown, threshold = apart(value, bar, write.distance, write.threshold)
        words = say(f"gate.fairness.{outcome}", **about, gap=shown, threshold=threshold)
        yield Rule("fairness", rule.metric, rule.column, value, bar, gap, outcome, words)


def _rejected_share(definition: ModelDefinition, evaluation: Document) -> Rule:
    bar = definition.gate.maximum_rejected_share
    share = finite(part(evaluation, "data").get("rejected_share"))
    if share is None or share < 0:
        words = say("gate.missing.rejected_rows")
        return Rule("rejected rows", None, None, None, bar, None, "reject", words)
    gap = settled(bar - share)
    outcome = _pass_or_reject(gap)
    shown, threshold = apart(share, bar, percent)
    words = say(f"gate.rejected_rows.{outcome}", share=shown, threshold=threshold)
    return Rule("rejected rows", None, None, share, bar, gap, outcome, words)


def _parity(evaluation: Document) -> Rule:
    """The ONNX form answers as the trained model does, on every test row."""
    parity = part(evaluation, "parity")
    rows, mismatches = finite(parity.get("rows")), finite(parity.get("mismatches"))
    test_rows = finite(part(evaluation, "rows").get("test"))
    if rows is None or mismatches is None or test_rows is None or mismatches < 0:
        words = say("gate.missing.parity")
        return Rule("parity", None, None, None, 0.0, None, "reject", words)
    compared = counted(rows, "row")
    if rows < max(test_rows, 1):
        words = say("gate.parity.incomplete", rows=compared, test_rows=count(test_rows))
        return Rule("parity", None, None, mismatches, 0.0, None, "reject", words)
    outcome: Outcome = "pass" if mismatches == 0 else "reject"
    if outcome == "pass":
        alone = parity.get("alone") is True
        words = say("gate.parity.pass_alone" if alone else "gate.parity.pass", rows=compared)
    else:
        words = say("gate.parity.reject", rows=compared, mismatches=count(mismatches))
    return Rule("parity", None, None, mismatches, 0.0, 0.0 - mismatches, outcome, words)


def _summary(
    verdict: Decision,
    definition: ModelDefinition,
    evaluation: Document,
    rules: tuple[Rule, ...],
) -> str:
    """The verdict and its first reason, in one sentence."""
    name = verdict_name(verdict)
    if verdict != "promote":
        reasons = [rule.words for rule in rules if rule.outcome == verdict]
        if len(reasons) == 1:
            return say("gate.summary.one_reason", verdict=name, reason=reasons[0])
        more = count(len(reasons) - 1)
        return say("gate.summary.more_reasons", verdict=name, reason=reasons[0], more=more)
    metric = definition.metrics.primary
    reached = {
        "verdict": name,
        "metric": metric_label(metric),
        "value": _estimated(evaluation, metric),
    }
    if champion_in(evaluation) is None:
        return say("gate.summary.first", **reached, reason=say("gate.no_champion"))
    theirs = estimate(part(evaluation, "champion", "metrics", metric))
    champion = metric_format(evaluation, metric).value(theirs)
    return say("gate.summary.against_champion", **reached, champion=champion)


def _pass_or_reject(gap: float) -> Outcome:
    # Phrased so that a gap that is not a number, for which every comparison is false, rejects.
    return "pass" if gap >= 0 else "reject"


def _estimated(evaluation: Document, metric: str) -> str:
    """The candidate's value with its interval, where it has one."""
    each = estimate(part(evaluation, "candidate", "metrics", metric))
    write = metric_format(evaluation, metric)
    interval = write.interval(each)
    value = write.value(each)
    return say("number.with_interval", value=value, interval=interval) if interval else value
