"""Products as the Price List API documents them, one JSON text each.

Written from the documented shape and from usage types in bills; never asked of AWS itself.
"""

import json
from typing import Any


def product(service: str, tiers: list[tuple[str, str, str]], **attributes: str) -> str:
    """`tiers` are (from, to, US dollars)."""
    sku = "ABCDEFGH12345678"
    dimensions = {
        f"{sku}.JRTCKXETXF.{number}": {
            "unit": "Hrs",
            "beginRange": begin,
            "endRange": end,
            "description": f"${usd} for it",
            "appliesTo": [],
            "rateCode": f"{sku}.JRTCKXETXF.{number}",
            "pricePerUnit": {"USD": usd},
        }
        for number, (begin, end, usd) in enumerate(tiers)
    }
    term = {
        "sku": sku,
        "offerTermCode": "JRTCKXETXF",
        "effectiveDate": "2026-11-01T00:00:00Z",
        "termAttributes": {},
        "priceDimensions": dimensions,
    }
    found: dict[str, Any] = {
        "product": {
            "sku": sku,
            "productFamily": "ML Instance" if service == "AmazonSageMaker" else "Serverless",
            "attributes": {
                "servicecode": service,
                "regionCode": "eu-west-1",
                "location": "EU (Ireland)",
                "locationType": "AWS Region",
                **attributes,
            },
        },
        "serviceCode": service,
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
        "version": "20261120000000",
        "publicationDate": "2026-11-20T00:00:00Z",
    }
    return json.dumps(found)


def job(usagetype: str, usd: str, component: str = "Processing", **attributes: str) -> str:
    tiers = [("0", "Inf", usd)]
    more = {"component": component, "usagetype": usagetype, **attributes}
    return product("AmazonSageMaker", tiers, **more)


ANSWERS = {
    "processing": [
        job("EU-Processing:ml.m5.large", "0.1280000000", instanceType="ml.m5.large-Processing"),
        job("EU-Processing:ml.c5.xlarge", "0.2300000000", instanceName="ml.c5.xlarge"),
    ],
    "training": [job("EU-Train:ml.m5.large", "0.1290000000", "Training")],
    "gb_second": [
        product(
            "AWSLambda",
            [
                ("0", "7500000000", "0.0000133334"),
                ("7500000000", "Inf", "0.0000120001"),
            ],
            group="AWS-Lambda-Duration-ARM",
            usagetype="EU-Lambda-GB-Second-ARM",
        )
    ],
    "step_gb_second": [
        product(
            "AWSLambda",
            [("0", "6000000000", "0.0000166667"), ("6000000000", "Inf", "0.0000150000")],
            group="AWS-Lambda-Duration",
            usagetype="EU-Lambda-GB-Second",
        )
    ],
    "request": [
        product("AWSLambda", [("0", "Inf", "0.0000002000")], group="AWS-Lambda-Requests-ARM")
    ],
    "transition": [
        product(
            "AmazonStates",
            [("0", "4000", "0.0000000000"), ("4000", "Inf", "0.0000250000")],
            usagetype="EU-StateTransition",
        ),
        product("AmazonStates", [("0", "Inf", "9.0")], usagetype="EU-StepFunctions-Request"),
    ],
    "terabyte": [
        product("AmazonAthena", [("0", "Inf", "5.5")], usagetype="EU-DataScannedInTB"),
        product("AmazonAthena", [("0", "Inf", "0.3")], usagetype="EU-DPU-Hour"),
    ],
}
