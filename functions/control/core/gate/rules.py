"""The gate: may the candidate replace the champion? Decided by rules, each with its words.

`judge` is pure and total: a value that is missing, of the wrong type or not finite fails its rule.
The words here are the words everywhere: on the review page, in the registry, in the notification.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.metrics import DIRECTION, advantage
from core.numbers import apart, finite, settled, signed, written

if TYPE_CHECKING:
    from core.definition.schema import ModelDefinition

Outcome = Literal["pass", "hold", "reject"]
Decision = Literal["promote", "hold", "reject"]

_NO_CHAMPION = "no champion yet, so nothing to compare with"


@dataclass(frozen=True)
class Rule:
    """One bar and how the candidate stands to it. `gap` is the way left to the bar, in the
    metric's unit: positive on the good side, negative on the bad."""

    name: str
    metric: str | None
    segment: str | None
    value: float | None
    bar: float | None
    gap: float | None
    outcome: Outcome
    words: str


@dataclass(frozen=True)
class Verdict:
    """`reject` if any rule rejects, else `hold` if any holds, else `promote`."""

    verdict: Decision
    summary: str
    rules: tuple[Rule, ...]


def judge(definition: ModelDefinition, evaluation: Mapping[str, Any]) -> Verdict:
    """Hold an evaluation (the content of evaluation.json) to the definition's gate."""
    rules = (
        *_computed(definition, evaluation),
        *_floors(definition, evaluation),
        *_margins(definition, evaluation),
        *_segment_margins(definition, evaluation),
        _paired_difference(definition, evaluation),
        *_fairness(definition, evaluation),
        _rejected_share(definition, evaluation),
        _parity(evaluation),
    )
    outcomes = {rule.outcome for rule in rules}
    verdict: Decision = (
        "reject" if "reject" in outcomes else "hold" if "hold" in outcomes else "promote"
    )
    return Verdict(verdict, _summary(verdict, definition, evaluation, rules), rules)


def _computed(definition: ModelDefinition, evaluation: Mapping[str, Any]) -> Iterator[Rule]:
    """Every metric asked for is there and is a number."""
    for metric in definition.computed_metrics:
        value = _metric(_part(evaluation, "candidate"), metric)
        if value is None:
            words = f"{metric} is missing from the evaluation or is not a number"
            yield Rule("metric computed", metric, None, None, None, None, "reject", words)
        else:
            words = f"{metric} is {written(value)}{_interval(evaluation, metric)}"
            yield Rule("metric computed", metric, None, value, None, None, "pass", words)


def _floors(definition: ModelDefinition, evaluation: Mapping[str, Any]) -> Iterator[Rule]:
    for metric, bar in sorted(definition.gate.floors.items()):
        value = _metric(_part(evaluation, "candidate"), metric)
        if value is None:
            words = f"{metric} is missing, so it cannot be held to the floor {written(bar)}"
            yield Rule("floor", metric, None, None, bar, None, "reject", words)
            continue
        gap = settled(advantage(metric, value, bar))
        limit = "at least" if DIRECTION[metric] == "higher" else "at most"
        shown_value, shown_bar = apart(value, bar)
        bars = f"{metric} {shown_value} must be {limit} {shown_bar}"
        words = f"{bars}: {_met(gap)} by {written(abs(gap))}"
        yield Rule("floor", metric, None, value, bar, gap, _pass_or_reject(gap), words)


def _margins(definition: ModelDefinition, evaluation: Mapping[str, Any]) -> Iterator[Rule]:
    """Overall, no metric may be worse than the champion's by more than its margin."""
    for metric, margin in sorted(definition.gate.margins.items()):
        if _champion(evaluation) is None:
            yield _nothing_to_compare("champion margin", metric)
        elif _obstacle(evaluation):
            yield _not_comparable("champion margin", metric, evaluation)
        else:
            yield _no_worse(
                "champion margin",
                metric,
                None,
                margin,
                _metric(_part(evaluation, "candidate"), metric),
                _metric(_champion(evaluation), metric),
            )


def _segment_margins(definition: ModelDefinition, evaluation: Mapping[str, Any]) -> Iterator[Rule]:
    """The same in every segment with enough rows to judge by."""
    margins = sorted(definition.gate.segment_margins.items())
    if not margins:
        return
    if _champion(evaluation) is None:
        yield from (_nothing_to_compare("segment margin", metric) for metric, _ in margins)
        return
    if _obstacle(evaluation):
        yield from (_not_comparable("segment margin", metric, evaluation) for metric, _ in margins)
        return
    segments = sorted(
        _parts(evaluation.get("segments")),
        key=lambda part: (str(part.get("column")), str(part.get("value"))),
    )
    for column in definition.segments:
        of_column = [segment for segment in segments if segment.get("column") == column]
        if not of_column:
            words = f"the evaluation has no rows by {column}"
            yield Rule("segment margin", None, column, None, None, None, "reject", words)
        for segment in of_column:
            yield from _segment(segment, margins, definition.gate.minimum_segment_rows)


def _segment(
    segment: Mapping[str, Any], margins: list[tuple[str, float]], minimum_rows: int
) -> Iterator[Rule]:
    name = f"{segment.get('column')} = {segment.get('value')}"
    rows = finite(segment.get("rows"))
    if rows is None:
        words = f"{name}: the number of rows is missing"
        yield Rule("segment margin", None, name, None, minimum_rows, None, "reject", words)
    elif rows < minimum_rows:
        words = f"{name}: not judged, {_rows(rows)} of at least {minimum_rows} needed"
        yield Rule("segment margin", None, name, rows, minimum_rows, None, "pass", words)
    else:
        for metric, margin in margins:
            yield _no_worse(
                "segment margin",
                metric,
                name,
                margin,
                _segment_metric(segment, "candidate", metric),
                _segment_metric(segment, "champion", metric),
            )


def _no_worse(
    rule: str,
    metric: str,
    segment: str | None,
    margin: float,
    candidate: float | None,
    champion: float | None,
) -> Rule:
    where = f"{segment}: " if segment else ""
    if candidate is None or champion is None:
        whose = "the candidate's" if candidate is None else "the champion's"
        words = f"{where}{whose} {metric} is missing, so the two cannot be compared"
        return Rule(rule, metric, segment, candidate, None, None, "reject", words)
    gained = settled(advantage(metric, candidate, champion))
    gap = settled(gained + margin)
    bar = champion - margin if DIRECTION[metric] == "higher" else champion + margin
    shown_candidate, shown_champion = apart(candidate, champion)
    compared = f"{where}{metric} {shown_candidate} against the champion's {shown_champion}"
    if gained >= 0:
        words = f"{compared}: {'equal' if gained == 0 else f'better by {written(gained)}'}"
    else:
        beyond = "beyond" if gap < 0 else "within"
        loss, allowed = apart(-gained, margin)
        words = f"{compared}: worse by {loss}, {beyond} the margin {allowed}"
    return Rule(rule, metric, segment, candidate, bar, gap, _pass_or_reject(gap), words)


def _paired_difference(definition: ModelDefinition, evaluation: Mapping[str, Any]) -> Rule:
    """Row by row on the same test rows: is the candidate surely no worse in the primary metric?"""
    metric = definition.metrics.primary
    if _champion(evaluation) is None:
        return _nothing_to_compare("paired difference", metric)
    if _obstacle(evaluation):
        return _not_comparable("paired difference", metric, evaluation)
    estimate = _part(_part(evaluation, "difference"), metric)
    value, low, high = (finite(estimate.get(key)) for key in ("value", "low", "high"))
    if value is None or low is None or high is None or not low <= high:
        words = f"the paired difference in {metric} to the champion is missing"
        return Rule("paired difference", metric, None, value, 0.0, None, "reject", words)
    worst, best = (low, high) if DIRECTION[metric] == "higher" else (-high, -low)
    interval = (
        f"{metric} differs from the champion's by {signed(value)} ({signed(low)} to {signed(high)})"
    )
    outcome: Outcome = "pass"
    words = f"{interval}: no loss within the interval"
    if best < 0:
        outcome, words = "reject", f"{interval}: a loss over the whole interval"
    elif worst < 0:
        outcome, words = "hold", f"{interval}: a loss cannot be excluded"
    return Rule("paired difference", metric, None, value, 0.0, worst, outcome, words)


def _fairness(definition: ModelDefinition, evaluation: Mapping[str, Any]) -> Iterator[Rule]:
    measured = {
        (part.get("column"), part.get("metric")): part
        for part in _parts(evaluation.get("fairness"))
    }
    for rule in definition.gate.fairness:
        found = measured.get((rule.column, rule.metric), {})
        value = finite(found.get("gap"))
        if value is None or value < 0:
            words = f"the gap in {rule.metric} between groups of {rule.column} is missing"
            yield Rule(
                "fairness", rule.metric, rule.column, None, rule.max_gap, None, "reject", words
            )
            continue
        gap = settled(rule.max_gap - value)
        shown_value, shown_bar = apart(value, rule.max_gap)
        words = (
            f"{rule.metric} differs by {shown_value} between groups of {rule.column}, "
            f"at most {shown_bar} allowed: {_met(gap)}"
        )
        yield Rule(
            "fairness",
            rule.metric,
            rule.column,
            value,
            rule.max_gap,
            gap,
            _pass_or_reject(gap),
            words,
        )


def _rejected_share(definition: ModelDefinition, evaluation: Mapping[str, Any]) -> Rule:
    bar = definition.gate.maximum_rejected_share
    share = finite(_part(evaluation, "data").get("rejected_share"))
    if share is None or share < 0:
        words = "the share of rejected rows is missing from the evaluation"
        return Rule("rejected rows", None, None, None, bar, None, "reject", words)
    gap = settled(bar - share)
    shown_share, shown_bar = apart(100 * share, 100 * bar)
    words = f"{shown_share} % of the rows were rejected, at most {shown_bar} % allowed: {_met(gap)}"
    return Rule("rejected rows", None, None, share, bar, gap, _pass_or_reject(gap), words)


def _parity(evaluation: Mapping[str, Any]) -> Rule:
    """The ONNX form answers as the trained model does, on every test row."""
    parity = _part(evaluation, "parity")
    rows, mismatches = finite(parity.get("rows")), finite(parity.get("mismatches"))
    test_rows = finite(_part(evaluation, "rows").get("test"))
    if rows is None or mismatches is None or test_rows is None or mismatches < 0:
        words = "the comparison of the ONNX form with the trained model is missing"
        return Rule("parity", None, None, None, 0.0, None, "reject", words)
    if rows < max(test_rows, 1):
        words = f"the ONNX form was compared on {_rows(rows)} of {written(test_rows)}"
        return Rule("parity", None, None, mismatches, 0.0, None, "reject", words)
    passed = mismatches == 0
    words = (
        f"the ONNX form answers as the trained model on all {_rows(rows)}"
        if passed
        else f"the ONNX form answers differently on {written(mismatches)} of {_rows(rows)}"
    )
    outcome: Outcome = "pass" if passed else "reject"
    return Rule("parity", None, None, mismatches, 0.0, 0.0 - mismatches, outcome, words)


def _summary(
    verdict: Decision,
    definition: ModelDefinition,
    evaluation: Mapping[str, Any],
    rules: tuple[Rule, ...],
) -> str:
    """The verdict and its first reason, in one sentence."""
    if verdict != "promote":
        reasons = [rule.words for rule in rules if rule.outcome == verdict]
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        return f"{verdict}: {reasons[0]}{more}"
    metric = definition.metrics.primary
    value = _metric(_part(evaluation, "candidate"), metric)
    reached = f"{metric} {written(value or 0.0)}{_interval(evaluation, metric)}"
    champion = _champion(evaluation)
    if champion is None:
        return f"promote: every bar is met, {reached}; {_NO_CHAMPION}"
    best = _metric(champion, metric)
    against = f" against the champion's {written(best)}" if best is not None else ""
    return f"promote: every bar is met, {reached}{against}"


def _nothing_to_compare(rule: str, metric: str) -> Rule:
    return Rule(rule, metric, None, None, None, None, "pass", f"{metric}: {_NO_CHAMPION}")


def _not_comparable(rule: str, metric: str, evaluation: Mapping[str, Any]) -> Rule:
    """Held, for a person to weigh: a definition may change on purpose."""
    words = f"{metric}: {_obstacle(evaluation)}"
    return Rule(rule, metric, None, None, None, None, "hold", words)


def _obstacle(evaluation: Mapping[str, Any]) -> str:
    """Why the champion could not be scored on this run's rows; empty where it could be."""
    said = (_champion(evaluation) or {}).get("obstacle")
    return said if isinstance(said, str) else ""


def _pass_or_reject(gap: float) -> Outcome:
    # Phrased so that a gap that is not a number, for which every comparison is false, rejects.
    return "pass" if gap >= 0 else "reject"


def _met(gap: float) -> str:
    return "met" if gap >= 0 else "missed"


def _rows(number: float) -> str:
    return f"{written(number)} row{'' if number == 1 else 's'}"


def _interval(evaluation: Mapping[str, Any], metric: str) -> str:
    estimate = _part(_part(_part(evaluation, "candidate"), "metrics"), metric)
    low, high = finite(estimate.get("low")), finite(estimate.get("high"))
    return "" if low is None or high is None else f" ({written(low)} to {written(high)})"


def _champion(evaluation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """None only where the evaluation says that there is none; a broken one is empty."""
    if "champion" in evaluation and evaluation["champion"] is None:
        return None
    return _part(evaluation, "champion")


def _metric(scored: Mapping[str, Any] | None, metric: str) -> float | None:
    return finite(_part(_part(scored or {}, "metrics"), metric).get("value"))


def _segment_metric(segment: Mapping[str, Any], whose: str, metric: str) -> float | None:
    return finite(_part(segment, whose).get(metric))


def _part(whole: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = whole.get(key)
    return part if isinstance(part, Mapping) else {}


def _parts(value: object) -> list[Mapping[str, Any]]:
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []
