"""Shares as bars under each other on one axis from zero."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.review.charts import LARGEST, WIDTH, Scale, Tick, ticks
from core.words.catalogue import say
from core.words.formats import clean
from core.words.lists import clauses
from core.words.widths import fitted

LONGEST_NAME = 34
PITCH = 26


@dataclass(frozen=True)
class NamedBar:
    """A bar with its name above it, on the left, and its value on the right."""

    name: str
    value: str
    y: int
    length: float


@dataclass(frozen=True)
class BarsChart:
    """Bars over one axis."""

    bars: tuple[NamedBar, ...]
    ticks: tuple[Tick, ...]
    height: int
    axis: str
    description: str


def bars_chart(shares: Sequence[tuple[str, float, str]], *, moved: bool = False) -> BarsChart:
    """Each share is (name, share, its text): of the mean absolute SHAP value, or if `moved` of how
    far the scores of a model without trees move."""
    how = "moved" if moved else "shap"
    most = max((abs(share) for _, share, _ in shares), default=0.0) or 1.0
    scale = Scale(0, most, 0, WIDTH)
    hundredths = Scale(0, min(most, LARGEST / 100) * 100, 0, WIDTH)
    found = [tick for tick in ticks(hundredths, 4) if tick.at <= WIDTH - 16]
    bars = tuple(
        NamedBar(fitted(clean(name), LONGEST_NAME), value, 12 + PITCH * place, scale.at(abs(share)))
        for place, (name, share, value) in enumerate(shares)
    )
    told = clauses(
        say("review.overview.row", name=clean(name), value=value) for name, _, value in shares
    )
    return BarsChart(
        bars,
        tuple(found),
        PITCH * len(bars) + 32,
        say(f"review.importance.axis_{how}"),
        say(f"review.importance.description_{how}", rows=told),
    )
