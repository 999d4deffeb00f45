"""Three weeks of requests to the churn model, GENERATED, and the labels that came later.

Customers as in sample_data.churn for two weeks. With the third week comes a planted drift: prices
rise by two fifths, more people call the support, and there is a new kind of internet access that no
training row has. Labels come 5 days late, as they do where the truth is a cancellation. The same
seed gives the same requests.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from sample_data import churn

DAYS = 21
REQUESTS_A_DAY = 150
DRIFT_FROM = 14  # the first day, counted from 0, on which the drift shows
LABELS_LATE = 5  # days
SEED = 23


@dataclass(frozen=True)
class Day:
    """A day's customers, as a program sends them, and whether they left, which is known later."""

    day: date
    rows: pl.DataFrame
    labels: pl.DataFrame


def days(until: date, seed: int = SEED) -> Iterator[Day]:
    """The three weeks that end with the day before `until`."""
    random = np.random.default_rng(seed)
    for number in range(DAYS):
        # Of the same kind of people as the training rows, but other ones.
        customers = churn.generate(REQUESTS_A_DAY, seed=seed + 1 + number).with_columns(
            customer_id=pl.format("N{}-{}", pl.lit(number), pl.int_range(pl.len()))
        )
        if number >= DRIFT_FROM:
            customers = drifted(customers, random)
        yield Day(
            until - timedelta(days=DAYS - number),
            customers.drop("churned"),
            customers.select("customer_id", "churned"),
        )


def drifted(customers: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """The customers of the third week."""
    calls = random.poisson(2.0, customers.height)
    mobile = pl.Series(random.random(customers.height) < 0.3)
    return customers.with_columns(
        monthly_charge=(pl.col("monthly_charge") * 1.4).round(2),
        support_calls=pl.col("support_calls") + pl.Series(calls),
        internet=pl.when(mobile).then(pl.lit("5g")).otherwise("internet"),
    )


def labels_known(until: date, known: list[Day]) -> pl.DataFrame:
    """The labels that have come by the day `until`."""
    return pl.concat([one.labels for one in known if one.day + timedelta(LABELS_LATE) <= until])
