"""Asks AWS's Price List for the prices of a stage, and keeps them in its data bucket."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.cost.prices import KEY, SAMPLE, Prices, prices_of
from core.stage.partition import partition_of
from kanmon.deployment.price_list import PriceListError, Question, prices_from, questions

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection
    from kanmon.terminal.screen import Screen

# The API is in few regions, and knows the prices of all.
API_REGION = "us-east-1"


def refresh(connection: "Connection", screen: "Screen") -> None:
    """Take today's prices; where that is not possible, say so in one line and keep the old."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    if connection.name == "local":  # its figures are made from the sample, and say so
        return
    try:
        found = ask(connection)
        body = json.dumps(found.document(), indent=1)
        connection.s3.put_object(
            Bucket=connection.bucket, Key=KEY, Body=body.encode(), ContentType="application/json"
        )
    except (BotoCoreError, ClientError, ResponseParserError, PriceListError) as error:
        reason = " ".join(str(error).split())
        screen.note(
            f"Prices stay those of {kept(connection).named}, because new ones cannot be had: "
            f"{reason}. To take them, publish with credentials that allow pricing:GetProducts "
            f"and writing {KEY} to the data bucket."
        )
        return
    screen.say(f"Took the prices of {found.named} from AWS's Price List")


def kept(connection: "Connection") -> Prices:
    """The prices that the stage uses: its own, or the sample."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        body = connection.s3.get_object(Bucket=connection.bucket, Key=KEY)["Body"].read()
        return prices_of(json.loads(body)) or SAMPLE
    except (BotoCoreError, ClientError, ValueError):
        return SAMPLE


def ask(connection: "Connection") -> Prices:
    """Today's prices in the stage's region."""
    region = connection.region
    if partition_of(region) != "aws":
        raise PriceListError(f"the Price List in US dollars has no prices for {region}")
    client = connection.client_in("pricing", API_REGION)
    stack = connection.stack_description() or {}
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    asked = questions(region, given.get("FunctionArchitecture", "arm64"))
    answers = {wanted: _answer(client, question) for wanted, question in asked.items()}
    return prices_from(answers, region, datetime.now(UTC).date().isoformat())


def _answer(client: Any, question: Question) -> list[str]:
    pages = client.get_paginator("get_products").paginate(**question.request())
    return [product for page in pages for product in page.get("PriceList", [])]
