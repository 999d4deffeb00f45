"""Segments of a shopping site's members, GENERATED: no such members exist.

A seeded generator. Each member belongs to one of five segments, whose behaviour overlaps. One in 25
has a wrong label. The same seed writes the same bytes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sample_data import DATASETS

MEMBERS = 6_000
SEED = 12
MISLABELLED = 0.04
DEVICES = ("app", "desktop", "mobile web")
CHANNELS = ("search", "social", "newsletter", "direct")


@dataclass(frozen=True)
class Behaviour:
    """What is typical of a segment. Rates are means; shares sum to 1, in the order above."""

    share: float
    visits: float
    pages: float
    days_away: float
    orders: float
    basket: float
    discounted: float
    months: float
    devices: tuple[float, float, float]
    channels: tuple[float, float, float, float]


SEGMENTS = {
    "bargain hunter": Behaviour(
        0.22, 7, 9, 8, 2.5, 28, 0.75, 20, (0.3, 0.3, 0.4), (0.3, 0.2, 0.4, 0.1)
    ),
    "browser": Behaviour(
        0.28, 6, 12, 10, 0.4, 35, 0.3, 14, (0.2, 0.5, 0.3), (0.4, 0.4, 0.1, 0.1)
    ),
    "lapsing": Behaviour(
        0.18, 1.2, 4, 55, 0.5, 45, 0.35, 34, (0.2, 0.4, 0.4), (0.3, 0.1, 0.5, 0.1)
    ),
    "loyal": Behaviour(
        0.2, 12, 7, 4, 5, 55, 0.25, 40, (0.6, 0.2, 0.2), (0.1, 0.1, 0.3, 0.5)
    ),
    "newcomer": Behaviour(
        0.12, 4, 8, 6, 0.9, 38, 0.4, 1.5, (0.3, 0.3, 0.4), (0.4, 0.4, 0.05, 0.15)
    ),
}  # fmt: skip


def write(datasets: Path = DATASETS) -> Path:
    """Write the members to one file."""
    target = datasets / "segments" / "members.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    generate().write_csv(target)
    return target


def generate(members: int = MEMBERS, seed: int = SEED) -> pl.DataFrame:
    """Generate members with their recent behaviour and their segment."""
    random = np.random.default_rng(seed)
    names = list(SEGMENTS)
    shares = [behaviour.share for behaviour in SEGMENTS.values()]
    segment = random.choice(len(names), members, p=shares)

    def typical(attribute: str) -> NDArray[np.float64]:
        values = [getattr(behaviour, attribute) for behaviour in SEGMENTS.values()]
        return np.array(values, dtype=np.float64)[segment]

    def chosen(attribute: str, options: tuple[str, ...]) -> list[str]:
        chances = [getattr(behaviour, attribute) for behaviour in SEGMENTS.values()]
        upto = np.cumsum(np.array(chances), axis=1)[segment]
        places = (random.random((members, 1)) > upto).sum(axis=1)
        return [options[min(place, len(options) - 1)] for place in places]

    orders = random.poisson(typical("orders"))
    basket = np.where(orders, random.gamma(6, typical("basket") / 6), np.nan)
    discounted = random.beta(4 * typical("discounted"), 4 * (1 - typical("discounted")))
    wrong = random.random(members) < MISLABELLED
    filed = np.where(wrong, random.integers(len(names), size=members), segment)
    frame = pl.DataFrame(
        {
            "member_id": [f"M{number:06d}" for number in range(members)],
            "visits_30d": random.poisson(typical("visits")),
            "pages_per_visit": random.gamma(3, typical("pages") / 3).round(1),
            "days_since_visit": random.exponential(typical("days_away")).round(1),
            "orders_90d": orders,
            "mean_basket": basket.round(2),
            "discount_share": np.where(orders, discounted, np.nan).round(3),
            "months_member": random.exponential(typical("months")).round(1),
            "device": chosen("devices", DEVICES),
            "channel": chosen("channels", CHANNELS),
            "segment": [names[place] for place in filed],
        }
    )
    # Without an order there is neither basket nor discount.
    return frame.with_columns(pl.col("mean_basket", "discount_share").fill_nan(None))


if __name__ == "__main__":
    print(write())
