"""How a metric is called, and how its values are written throughout one evaluation.

The largest value of candidate and champion over all test rows, or end of its interval, has four
significant digits. Every other value of the metric has the same decimals, so that all can be
compared. A difference and its interval have them too, or more where two significant digits of the
interval's farther end take more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.reading import Document, Estimate, estimate, mapping
from core.words.catalogue import found, say
from core.words.formats import decimals, fixed, interval, number


def metric_label(name: str) -> str:
    """How a metric is written in a heading or a sentence; one of nothing but space has no name.

    >>> metric_label("macro_f1"), metric_label("auc"), metric_label("_")
    ('macro F1', 'AUC', 'unnamed metric')
    """
    written = found("metrics.label", name) or name.replace("_", " ")
    return written if written.strip() else say("missing.metric_name")


def metric_meaning(name: str) -> str:
    """What a metric measures; empty for one that Kanmon does not know."""
    return found("metrics.meaning", name) or ""


@dataclass(frozen=True)
class MetricFormat:
    """One metric's decimals; None where its values are too small or too large for any."""

    places: int | None

    def value(self, each: Estimate | None) -> str:
        """An estimate's value."""
        return say("missing.not_computed") if each is None else self.score(each.value)

    def score(self, value: float, digits: int | None = None) -> str:
        """A model's value; with more significant digits where `apart` asks for them."""
        return fixed(value, self.places) if digits is None else number(value, digits)

    def interval(self, each: Estimate | None) -> str:
        """An estimate's interval; empty without one."""
        if each is None or each.low is None or each.high is None:
            return ""
        return interval(fixed(each.low, self.places), fixed(each.high, self.places))

    def difference(self, each: Estimate | None) -> tuple[str, str]:
        """(value, interval) of a difference, with their signs; the interval may be empty.

        >>> MetricFormat(3).difference(Estimate(0.008289, -0.0147, 0.02891))
        ('+0.008', '−0.015 to +0.029')
        >>> MetricFormat(3).difference(Estimate(0.00021, -0.0004, 0.0009))
        ('+0.00021', '−0.00040 to +0.00090')
        """
        if each is None:
            return say("missing.not_computed"), ""
        places = self.enough([each.value, each.low, each.high])
        written = [fixed(end, places, sign=True) for end in (each.value, each.low, each.high)]
        without = each.low is None or each.high is None
        return written[0], "" if without else interval(written[1], written[2])

    def threshold(self, value: float, digits: int | None = None) -> str:
        """A value that someone set: as it was typed, where four digits are enough for it.

        >>> MetricFormat(3).threshold(2.5), MetricFormat(3).threshold(0.0005)
        ('2.5', '0.0005')
        """
        places = decimals([value])
        if digits is None and places is not None and round(value, places) != value:
            return self.score(value)
        return number(value, digits or 4)

    def distance(self, value: float, digits: int | None = None) -> str:
        """How far a value is from another, with the metric's decimals unless that shows nothing.

        >>> [MetricFormat(3).distance(x) for x in (0.34166, 0.0067, 0.00021)]
        ['0.342', '0.007', '0.00021']
        """
        if digits is not None or value == 0:
            return number(value, digits or 4)
        hidden = self.places is not None and round(value, self.places) == 0
        return fixed(value, self.enough([value]) if hidden else self.places)

    def enough(self, values: Sequence[float | None]) -> int | None:
        """The metric's decimals, or more where the largest value would lose its second digit."""
        needed = decimals(values, 2)
        return None if self.places is None or needed is None else max(self.places, needed)


def metric_format(evaluation: Document, metric: str) -> MetricFormat:
    """How a metric is written, from the two models' values in evaluation.json."""
    scores = [
        estimate(mapping(mapping(evaluation.get(who)).get("metrics")).get(metric))
        for who in ("candidate", "champion")
    ]
    ends = [end for each in scores if each for end in (each.value, each.low, each.high)]
    return MetricFormat(decimals(ends))
