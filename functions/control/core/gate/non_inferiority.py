"""Is the candidate worse than a model that it is compared with, by more than the margin?

The primary metric is judged as a clinical trial judges a new treatment that need not be better than
the established one, only not worse by more than a margin set beforehand: non-inferiority (ICH E9,
Statistical Principles for Clinical Trials, 1998, section 3.3.2; FDA, Non-Inferiority Clinical
Trials to Establish Effectiveness, 2016). The candidate passes if the two-sided 95 % interval of the
paired difference excludes every loss beyond the margin. Only the interval's worse end counts, so
this is a one-sided test at 2.5 %: of candidates that are worse by just the margin, one in forty
passes.

Many small losses within the margin would add up. So the same rule also compares with the reference,
the last release that a person approved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.gate.rule import (
    Outcome,
    Rival,
    Rule,
    champion_in,
    metric_of,
    not_comparable,
    nothing_to_compare,
    obstacle_of,
    reference_in,
)
from core.metrics import DIRECTION, error
from core.reading import Document, Estimate, bounded, finite, part
from core.words.catalogue import say
from core.words.formats import count, counted, fixed
from core.words.metrics import MetricFormat, metric_format, metric_label

if TYPE_CHECKING:
    from core.definition.schema import ModelDefinition

# Where model.yaml gives the primary metric no margin: so large a share of what separates the model
# that the candidate is compared with from a perfect score. It suits every metric and unit, and an
# AUC of 0.99 gets a tenth of the margin of one of 0.9.
DEFAULT_SHARE = 0.05
# A share of the margin. An interval that ends so close to it was meant to end there.
ROUNDING = 1e-9
# For so many half-widths of the interval as margin, four of five equal models pass: (1.96 + 0.84)
# standard errors, of which a half-width has 1.96.
HALF_WIDTHS = (1.959964 + 0.841621) / 1.959964
# More test rows than that are no advice.
MOST_ROWS = 1e9


@dataclass(frozen=True)
class Margin:
    """The largest loss that is allowed, in the metric's unit, and whether it is the default."""

    value: float
    default: bool


@dataclass(frozen=True)
class Difference:
    """Candidate minus another model, with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        return self.high / 2 - self.low / 2

    @property
    def estimate(self) -> Estimate:
        return Estimate(self.value, self.low, self.high)

    def gain(self, metric: str) -> tuple[float, float]:
        """The interval's worse and better end, a loss being negative."""
        return (self.low, self.high) if DIRECTION[metric] == "higher" else (-self.high, -self.low)


def decide(worst: float, best: float, margin: float) -> Outcome:
    """Judge an interval of what the candidate gains; a loss is negative.

    >>> decide(-0.02, 0.03, 0.05), decide(-0.04, -0.01, 0.05)
    ('pass', 'pass')
    >>> decide(-0.06, 0.03, 0.05), decide(-0.06, -0.01, 0.05)
    ('hold', 'reject')
    """
    if worst >= -margin * (1 + ROUNDING):
        return "pass"
    return "reject" if best < 0 else "hold"


def margin_for(definition: ModelDefinition, rival: float) -> Margin:
    """How much worse than `rival`, the value of the other model, the candidate may be."""
    metric = definition.metrics.primary
    typed = definition.gate.margins.get(metric)
    if typed is not None:
        return Margin(typed, default=False)
    return Margin(DEFAULT_SHARE * error(metric, rival), default=True)


def rows_needed(rows: float, half_width: float, margin: float) -> int | None:
    """With about so many test rows, four of five equal models pass; None if they are too many.

    An interval narrows with the root of the number of rows. Two digits, since it is a guess.

    >>> rows_needed(600, 0.1, 0.05), rows_needed(600, 0.1, 0)
    (5000, None)
    """
    times = HALF_WIDTHS * half_width / margin if margin else math.inf
    exact = rows * times * times
    if exact > MOST_ROWS:
        return None
    unit = 10 ** max(math.floor(math.log10(max(exact, 1))) - 1, 0)
    return int(math.ceil(exact / unit) * unit)


def compare_primary(definition: ModelDefinition, evaluation: Document) -> list[Rule]:
    """The primary metric against the champion and, where it is another model, the reference."""
    name, metric = "champion non-inferiority", definition.metrics.primary
    if champion_in(evaluation) is None:
        return [nothing_to_compare(name, metric)]
    return [_compared(definition, evaluation, *each) for each in _rivals(evaluation)]


def too_few_rows(definition: ModelDefinition, evaluation: Document) -> tuple[str, ...]:
    """Say so if an equal model would more often be held than promoted, and how many rows would do.

    Of two comparisons, the one that needs more rows.
    """
    metric = definition.metrics.primary
    rows = finite(part(evaluation, "rows").get("test"))
    found: list[tuple[float, str]] = []
    for which, rival in _rivals(evaluation):
        difference, theirs = _difference(evaluation, which, metric), metric_of(rival, metric)
        if difference is None or theirs is None or rows is None or rows < 1:
            continue
        margin = margin_for(definition, theirs)
        if difference.half_width <= margin.value:
            continue
        write = metric_format(evaluation, metric)
        about = {
            "metric": metric_label(metric),
            "rows": counted(rows, "test_row"),
            "half_width": write.distance(difference.half_width),
            "margin": _margin_words(margin, write),
        }
        needed = rows_needed(rows, difference.half_width, margin.value)
        if needed is None:
            found.append((math.inf, say("gate.rows.hopeless", **about)))
        else:
            found.append((needed, say("gate.rows.too_few", **about, needed=count(needed))))
    return (max(found)[1],) if found else ()


def _rivals(evaluation: Document) -> list[tuple[Rival, Document]]:
    """The models that the candidate is compared with."""
    found: list[tuple[Rival, Document | None]] = [
        ("champion", champion_in(evaluation)),
        ("reference", reference_in(evaluation)),
    ]
    return [(which, rival) for which, rival in found if rival is not None]


def _compared(
    definition: ModelDefinition, evaluation: Document, which: Rival, rival: Document
) -> Rule:
    name, metric = f"{which} non-inferiority", definition.metrics.primary
    if obstacle_of(rival):
        return not_comparable(name, metric, obstacle_of(rival))
    whose = _whose(which, rival)
    found, theirs = _difference(evaluation, which, metric), metric_of(rival, metric)
    if found is None or theirs is None:
        words = say("gate.missing.difference", metric=metric_label(metric), whose=whose)
        return Rule(name, metric, None, None, None, None, "reject", words)
    margin, (worst, best) = margin_for(definition, theirs), found.gain(metric)
    outcome = decide(worst, best, margin.value)
    write = _told_apart(metric_format(evaluation, metric), found, -worst, margin.value)
    difference, interval = write.difference(found.estimate)
    about = {"metric": metric_label(metric), "whose": whose, "difference": difference}
    if worst > 0:
        words = say("gate.surely_better", **about, interval=interval)
    else:
        case = _case(outcome, best, margin.value)
        allowed = _margin_words(margin, write)
        words = say(f"gate.non_inferiority.{case}", **about, interval=interval, margin=allowed)
    bar = -margin.value if DIRECTION[metric] == "higher" else margin.value
    room = bounded(worst + margin.value)
    gap = max(room, 0.0) if outcome == "pass" else room
    return Rule(name, metric, None, found.value, bar, gap, outcome, words)


def _case(outcome: Outcome, best: float, margin: float) -> str:
    """What the rule's text says; `best` is what the candidate gains at most."""
    if outcome == "pass" and best < 0:
        return "worse"
    return "worse_beyond" if best < -margin else outcome


def _difference(evaluation: Document, which: Rival, metric: str) -> Difference | None:
    """Candidate minus the other model; None if its value or an end of its interval is missing."""
    among = evaluation if which == "champion" else part(evaluation, which)
    fields = part(among, "difference", metric)
    value, low, high = (finite(fields.get(key)) for key in ("value", "low", "high"))
    if value is None or low is None or high is None or not low <= high:
        return None
    return Difference(value, low, high)


def _whose(which: Rival, rival: Document) -> str:
    if which == "champion":
        return say("gate.whose.champion")
    why = "approved" if rival.get("why") == "approved" else "first"
    release = finite(rival.get("release"))
    number = say("missing.not_reported") if release is None else f"{release:.0f}"
    return say(f"gate.whose.reference.{why}", release=number)


def _margin_words(margin: Margin, write: MetricFormat) -> str:
    if margin.default:
        return say("gate.default_margin", margin=write.distance(margin.value))
    return write.threshold(margin.value)


def _told_apart(write: MetricFormat, found: Difference, loss: float, margin: float) -> MetricFormat:
    """The metric's decimals, or as many more as show on which side of the margin the loss is."""
    for more in range(8):
        if write.places is None:
            break
        finer = MetricFormat(write.places + more)
        places = finer.enough([found.value, found.low, found.high])
        if fixed(loss, places) != fixed(margin, places) or loss == margin:
            return finer
    return write
