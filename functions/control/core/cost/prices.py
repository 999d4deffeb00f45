"""The prices that a stage's figures are made from, and where they come from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.reading import finite, mapping
from core.words.catalogue import say

FORMAT = 1
# The object of the data bucket that a deployment writes.
KEY = "prices.json"
PRICE_LIST, SAMPLE_SOURCE = "price list", "sample"
# Kinds of jobs whose instances have prices of their own.
KINDS = ("processing", "training")
TERABYTE = 2**40
LEAST_SCANNED = 10 * 2**20
# Of a GB-second and a call of a function, a transition of a workflow, a terabyte that is scanned.
RATES = ("gb_second", "step_gb_second", "request", "transition", "terabyte")


@dataclass(frozen=True)
class Prices:
    """US dollars without discounts and free tiers. `hourly` is by kind of job and instance type;
    what has no price is None or not there, and what used it is not estimated."""

    region: str
    of: str
    source: str = PRICE_LIST
    currency: str = "USD"
    hourly: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    gb_second: float | None = None
    # Of a step as a function, which is x86 whatever the other functions are.
    step_gb_second: float | None = None
    request: float | None = None
    transition: float | None = None
    terabyte: float | None = None

    def an_hour(self, instance_type: object, kind: str = "processing") -> float | None:
        return self.hourly.get(kind, {}).get(str(instance_type))

    def query(self, scanned_bytes: float) -> float | None:
        """What a query of Athena costs that scanned so much; the least that is billed is 10 MB."""
        if self.terabyte is None:
            return None
        return round(max(scanned_bytes, LEAST_SCANNED) / TERABYTE * self.terabyte, 8)

    @property
    def named(self) -> str:
        """Region and date, and that it is the sample where it is.

        >>> Prices("eu-west-1", "2026-11-30").named
        '2026-11-30, eu-west-1'
        """
        which = "sample" if self.source == SAMPLE_SOURCE else "own"
        return say(f"cost.prices.{which}", of=self.of, region=self.region)

    def origin(self) -> dict[str, str]:
        """What stays with a figure that was made from these prices."""
        return {"source": self.source, "region": self.region, "of": self.of}

    def document(self) -> dict[str, Any]:
        """prices.json."""
        return {"format": FORMAT, **vars(self)}


def named(origin: object) -> str:
    """The prices of a figure, from what stays with it; the sample's for a figure without any."""
    known = mapping(origin)
    if not all(isinstance(known.get(name), str) for name in ("source", "region", "of")):
        return SAMPLE.named
    return Prices(region=known["region"], of=known["of"], source=known["source"]).named


def prices_of(document: object) -> Prices | None:
    """From prices.json; None where it is not one, such as one of another format."""
    known = mapping(document)
    words = [known.get(name) for name in ("region", "of", "source", "currency")]
    if known.get("format") != FORMAT or not all(isinstance(word, str) for word in words):
        return None
    hourly = {
        kind: {
            str(name): price for name, each in mapping(prices).items() if (price := _price(each))
        }
        for kind, prices in mapping(known.get("hourly")).items()
    }
    rates = {name: _price(known.get(name)) for name in RATES}
    region, of, source, currency = (str(word) for word in words)
    return Prices(region, of, source, currency, hourly, **rates)


def _price(value: object) -> float | None:
    found = finite(value)
    return found if found is not None and found > 0 else None


# On-demand prices from AWS's pages of prices. Other regions differ by up to a third. For the local
# stage, and for a stage that could not ask for its own yet; what is made from it says so.
SAMPLE = Prices(
    region="us-east-1",
    of="2025-06",
    source=SAMPLE_SOURCE,
    hourly={
        "processing": {
            "ml.t3.medium": 0.05,
            "ml.t3.large": 0.10,
            "ml.t3.xlarge": 0.20,
            "ml.t3.2xlarge": 0.399,
            "ml.m5.large": 0.115,
            "ml.m5.xlarge": 0.23,
            "ml.m5.2xlarge": 0.461,
            "ml.m5.4xlarge": 0.922,
            "ml.m5.12xlarge": 2.765,
            "ml.m5.24xlarge": 5.53,
            "ml.c5.xlarge": 0.204,
            "ml.c5.2xlarge": 0.408,
            "ml.c5.4xlarge": 0.816,
            "ml.c5.9xlarge": 1.836,
            "ml.c5.18xlarge": 3.672,
            "ml.r5.large": 0.151,
            "ml.r5.xlarge": 0.302,
            "ml.r5.2xlarge": 0.605,
            "ml.r5.4xlarge": 1.21,
        }
    },
    gb_second=0.0000133334,
    step_gb_second=0.0000166667,
    request=0.0000002,
    transition=0.000025,
    terabyte=5.0,
)
