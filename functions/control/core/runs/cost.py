"""What a run's jobs cost, roughly, from the seconds they worked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.reading import finite

# US dollars an hour for one instance of SageMaker Processing in us-east-1 on demand, from
# aws.amazon.com/sagemaker/ai/pricing. Other regions differ by up to a third; time to find a machine
# and storage are not in it. An instance type that is not here is not estimated.
PRICES_OF = "2025-06, us-east-1"
DOLLARS_PER_HOUR = {
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


def cost(
    reports: Mapping[str, Mapping[str, Any]], resources: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """{"seconds": {step: seconds}, "usd": estimate or None} from each step's own report.

    A step that did not report how long it took leaves the sum unknown: half a sum would be read as
    the whole.

    >>> m5 = {"instance_type": "ml.m5.large", "instance_count": 2}
    >>> cost({"train": {"seconds": 1800}}, {"train": m5})
    {'seconds': {'train': 1800.0}, 'usd': 0.115}
    """
    seconds: dict[str, float] = {}
    dollars: list[float | None] = []
    for step, report in reports.items():
        took = finite(report.get("seconds"))
        if took is not None:
            seconds[step] = took
        settings = resources.get(step, {})
        price = DOLLARS_PER_HOUR.get(str(settings.get("instance_type")))
        count = finite(settings.get("instance_count", 1))
        known = took is not None and price is not None and count is not None
        dollars.append(took * price * count / 3600 if known else None)  # type: ignore[operator]
    whole = [each for each in dollars if each is not None]
    return {"seconds": seconds, "usd": round(sum(whole), 4) if len(whole) == len(dollars) else None}
