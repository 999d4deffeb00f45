"""Prices at a deployment: taken and kept, or the old ones stay and one line says why."""

import io
import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from kanmon.deployment import prices
from tests.support.no_account import no_account
from tests.support.price_documents import ANSWERS

__all__ = ["no_account"]


class Bucket:
    """The data bucket, as far as prices need it."""

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        self.bodies = {"prices.json": json.dumps(document).encode()} if document else {}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        self.bodies[Key] = Body

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        if Key not in self.bodies:
            raise EndpointConnectionError(endpoint_url="https://here")
        return {"Body": io.BytesIO(self.bodies[Key])}


class Stage:
    """A stage in an account; `client` asks the Price List."""

    bucket = "data"

    def __init__(self, client: Any, name: str = "dev", region: str = "eu-west-1") -> None:
        self.name, self.region = name, region
        self.s3 = Bucket()
        self._client = client

    def client_in(self, service: str, region: str) -> Any:
        assert (service, region) == ("pricing", "us-east-1")
        return self._client

    def stack_description(self) -> dict[str, Any]:
        return {"Parameters": [{"ParameterKey": "FunctionArchitecture", "ParameterValue": "arm64"}]}


class Screen:
    def __init__(self) -> None:
        self.said: list[str] = []

    say = note = lambda self, text: self.said.append(text)


@pytest.fixture
def client(no_account: None) -> Any:
    return boto3.client("pricing", region_name="us-east-1")


def test_a_deployment_takes_todays_prices_page_by_page(client: Any) -> None:
    stage, screen = Stage(client), Screen()
    with Stubber(client) as stub:
        for answer in ANSWERS.values():  # in the order of the questions, each on two pages
            stub.add_response("get_products", {"PriceList": answer[:1], "NextToken": "more"})
            stub.add_response("get_products", {"PriceList": answer[1:]})
        prices.refresh(stage, screen)  # type: ignore[arg-type]
        stub.assert_no_pending_responses()

    kept = prices.kept(stage)  # type: ignore[arg-type]
    assert (kept.source, kept.region) == ("price list", "eu-west-1")
    assert (kept.an_hour("ml.c5.xlarge"), kept.transition) == (0.23, 0.000025)
    assert screen.said == [f"Took the prices of {kept.of}, eu-west-1 from AWS's Price List"]


def test_a_refusal_keeps_the_prices_that_were_there_and_says_so_in_one_line(client: Any) -> None:
    stage, screen = Stage(client), Screen()
    document = {
        "format": 1,
        "region": "eu-west-1",
        "of": "2026-10-01",
        "source": "price list",
        "currency": "USD",
    }
    stage.s3 = Bucket(document)
    with Stubber(client) as stub:
        stub.add_client_error("get_products", "AccessDeniedException", "not you")
        prices.refresh(stage, screen)  # type: ignore[arg-type]

    [line] = screen.said
    assert "Prices stay those of 2026-10-01, eu-west-1" in line
    assert "not you" in line and "pricing:GetProducts" in line
    assert json.loads(stage.s3.bodies["prices.json"]) == document


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_where_there_is_no_price_list_in_dollars_the_sample_is_named(
    client: Any, region: str
) -> None:
    stage, screen = Stage(client, region=region), Screen()

    prices.refresh(stage, screen)  # type: ignore[arg-type]

    [line] = screen.said
    assert "the sample in Kanmon" in line and f"has no prices for {region}" in line


def test_an_answer_without_instances_changes_nothing(client: Any) -> None:
    stage, screen = Stage(client), Screen()
    with Stubber(client) as stub:
        for _ in ANSWERS:
            stub.add_response("get_products", {"PriceList": []})
        prices.refresh(stage, screen)  # type: ignore[arg-type]

    assert stage.s3.bodies == {}
    assert "no instance of SageMaker Processing in eu-west-1" in screen.said[0]


def test_the_local_stage_asks_nobody() -> None:
    screen = Screen()

    prices.refresh(Stage(None, name="local"), screen)  # type: ignore[arg-type]

    assert screen.said == []
