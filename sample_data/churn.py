"""Telecom churn, GENERATED: no such customers exist.

A seeded generator that imitates public churn datasets: customers with monthly contracts, fibre, a
short tenure or many support calls leave more often. Some values are missing. Gender has no
influence. The same seed writes the same bytes.
"""

from pathlib import Path

import numpy as np
import polars as pl

from sample_data import DATASETS

CUSTOMERS = 12_000
SEED = 11
# The shares of values that are missing.
GAPS = {"total_charge": 0.02, "partner": 0.03, "payment": 0.01}
FILES = ("customers-1.csv", "customers-2.csv")


def write(datasets: Path = DATASETS) -> list[Path]:
    """Write the customers to two files, because a dataset may have several."""
    customers = generate()
    folder = datasets / "churn"
    folder.mkdir(parents=True, exist_ok=True)
    half = customers.height // len(FILES)
    paths = []
    for number, name in enumerate(FILES):
        customers.slice(number * half, half).write_csv(folder / name)
        paths.append(folder / name)
    return paths


def generate(customers: int = CUSTOMERS, seed: int = SEED) -> pl.DataFrame:
    """Generate customers. About a quarter of them have churned."""
    random = np.random.default_rng(seed)
    contract = random.choice(
        ["month-to-month", "one year", "two years"], customers, p=[0.55, 0.21, 0.24]
    )
    typical_tenure = np.select(
        [contract == "one year", contract == "two years"], [36.0, 52.0], 18.0
    )
    tenure = np.clip(random.gamma(1.6, typical_tenure / 1.6), 1, 72).round()
    internet = random.choice(["fibre", "dsl", "none"], customers, p=[0.44, 0.34, 0.22])
    lines = random.integers(1, 4, customers)
    rate = np.select([internet == "fibre", internet == "dsl"], [68.0, 42.0], 16.0)
    monthly = (rate + 7.5 * lines + random.normal(0, 6, customers)).clip(12, 130).round(2)
    total = (monthly * tenure * random.normal(1, 0.03, customers)).round(2)
    calls = random.poisson(np.where(internet == "fibre", 1.6, 0.9))
    usage = np.where(internet == "none", np.nan, random.lognormal(3.2, 0.7, customers)).round(1)
    payment = random.choice(
        ["electronic check", "bank transfer", "credit card", "mailed check"],
        customers,
        p=[0.34, 0.22, 0.22, 0.22],
    )
    senior = random.random(customers) < 0.16
    partner = random.random(customers) < 0.48
    frame = pl.DataFrame(
        {
            "customer_id": [f"C{number:06d}" for number in range(customers)],
            "gender": random.choice(["female", "male"], customers),
            "senior": np.where(senior, "yes", "no"),
            "partner": np.where(partner, "yes", "no"),
            "tenure_months": tenure.astype(np.int64),
            "contract": contract,
            "internet": internet,
            "payment": payment,
            "lines": lines,
            "monthly_charge": monthly,
            "total_charge": total,
            "support_calls": calls,
            "usage_gb": pl.Series(usage).fill_nan(None),
        }
    )
    chance = frame.select(1 / (1 + (-_leaning()).exp())).to_series().to_numpy()
    frame = frame.with_columns(
        churned=pl.Series(np.where(random.random(customers) < chance, "yes", "no"))
    )
    return _with_gaps(frame, random)


def _with_gaps(frame: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    """As in real exports: bills not yet written, questions not answered."""
    return frame.with_columns(
        pl.when(pl.Series(random.random(frame.height) >= share)).then(pl.col(name)).alias(name)
        for name, share in GAPS.items()
    )


def _leaning() -> pl.Expr:
    """The log odds of leaving."""
    monthly_contract = pl.col("contract") == "month-to-month"
    return (
        -2.2
        + 1.5 * monthly_contract
        - 1.1 * (pl.col("contract") == "two years")
        + 0.75 * (pl.col("internet") == "fibre")
        - 0.6 * (pl.col("internet") == "none")
        - 0.035 * pl.col("tenure_months")
        + 0.42 * pl.col("support_calls")
        + 0.55 * (pl.col("payment") == "electronic check")
        + 0.35 * (pl.col("senior") == "yes")
        - 0.3 * (pl.col("partner") == "yes")
        + 0.8 * (monthly_contract & (pl.col("monthly_charge") > 80))
    )


if __name__ == "__main__":
    for path in write():
        print(path)
