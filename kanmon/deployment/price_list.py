"""Reads what the Price List API answers. Pure.

An answer has one JSON text for each product: its attributes, and its on-demand terms with a price
for each range of use. What cannot be read is left out: there is no price then, and what uses it is
not estimated.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.cost.prices import Prices
from core.reading import Document, mapping

CURRENCY = "USD"


class PriceListError(Exception):
    """The Price List has no usable price; the message says what is missing."""


@dataclass(frozen=True)
class Question:
    """What is asked: a service, and attributes that the products must have."""

    service: str
    attributes: Mapping[str, str]

    def request(self) -> dict[str, Any]:
        """The parameters of GetProducts."""
        matches = [
            {"Type": "TERM_MATCH", "Field": field, "Value": value}
            for field, value in self.attributes.items()
        ]
        return {"ServiceCode": self.service, "Filters": matches, "FormatVersion": "aws_v1"}


def questions(region: str, architecture: str) -> dict[str, Question]:
    """Everything that is asked for a stage, by what is wanted."""
    suffix = "-ARM" if architecture == "arm64" else ""

    def of_lambda(what: str, processor: str = suffix) -> Question:
        group = f"AWS-Lambda-{what}{processor}"
        return Question("AWSLambda", {"regionCode": region, "group": group})

    def of_jobs(component: str) -> Question:
        return Question("AmazonSageMaker", {"regionCode": region, "component": component})

    return {
        "processing": of_jobs("Processing"),
        "training": of_jobs("Training"),
        "gb_second": of_lambda("Duration"),
        "step_gb_second": of_lambda("Duration", ""),
        "request": of_lambda("Requests"),
        "transition": Question("AmazonStates", {"regionCode": region}),
        "terabyte": Question("AmazonAthena", {"regionCode": region}),
    }


def prices_from(answers: Mapping[str, Iterable[object]], region: str, of: str) -> Prices:
    """The prices of a stage, from the products of each question."""
    products = {wanted: list(_products(answer)) for wanted, answer in answers.items()}
    hourly = {kind: _instances(products.get(kind, [])) for kind in ("processing", "training")}
    if not hourly["processing"]:
        raise PriceListError(f"the Price List has no instance of SageMaker Processing in {region}")
    transitions = [
        one for one in products.get("transition", []) if _usage(one).endswith("StateTransition")
    ]
    scanned = [
        one for one in products.get("terabyte", []) if _usage(one).endswith("DataScannedInTB")
    ]
    return Prices(
        region=region,
        of=of,
        currency=CURRENCY,
        hourly=hourly,
        gb_second=_highest(products.get("gb_second", [])),
        step_gb_second=_highest(products.get("step_gb_second", [])),
        request=_highest(products.get("request", [])),
        transition=_highest(transitions),
        terabyte=_highest(scanned),
    )


def _products(answer: Iterable[object]) -> Iterator[Document]:
    for text in answer:
        try:
            found = json.loads(text) if isinstance(text, str) else text
        except (ValueError, RecursionError):
            continue
        if isinstance(found, Mapping):
            yield found


def _instances(products: Iterable[Document]) -> dict[str, float]:
    """Prices an hour by instance type; of several for one type the highest."""
    found: dict[str, float] = {}
    for product in products:
        name, price = _instance(product), _price(product)
        if name and price:
            found[name] = max(price, found.get(name, 0.0))
    return dict(sorted(found.items()))


def _instance(product: Document) -> str | None:
    """`ml.m5.large`, from a usage type such as USE1-Processing:ml.m5.large, or from the name."""
    attributes = mapping(mapping(product.get("product")).get("attributes"))
    named = _usage(product).rpartition(":")[2]
    candidates = [named, attributes.get("instanceName"), attributes.get("instanceType")]
    for each in candidates:
        name = str(each).partition("-")[0]
        if name.startswith("ml.") and name.count(".") == 2:
            return name
    return None


def _usage(product: Document) -> str:
    attributes = mapping(mapping(product.get("product")).get("attributes"))
    return str(attributes.get("usagetype", ""))


def _highest(products: Iterable[Document]) -> float | None:
    return max((price for one in products if (price := _price(one))), default=None)


def _price(product: Document) -> float | None:
    """The on-demand price of the first units that are not free."""
    terms = mapping(mapping(product.get("terms")).get("OnDemand"))
    tiers = [
        (begin, price)
        for term in terms.values()
        for tier in mapping(mapping(term).get("priceDimensions")).values()
        if (price := _number(mapping(mapping(tier).get("pricePerUnit")).get(CURRENCY)))
        and (begin := _number(mapping(tier).get("beginRange", "0"))) is not None
    ]
    return min(tiers)[1] if tiers else None


def _number(text: object) -> float | None:
    try:
        found = float(str(text))
    except ValueError:
        return None
    return found if 0 <= found < float("inf") else None
