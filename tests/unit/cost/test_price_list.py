"""Prices from the Price List API: what is asked, what is read, what is left out."""

import contextlib
import copy
import json
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cost.prices import SAMPLE, named, prices_of
from kanmon.deployment.price_list import PriceListError, prices_from, questions
from tests.support.price_documents import ANSWERS, job

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["product", "terms", "attributes", "OnDemand", "priceDimensions", "pricePerUnit"]
            )
            | st.sampled_from(["USD", "usagetype", "beginRange", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def test_the_prices_of_a_region_are_read_by_kind_of_job_and_instance() -> None:
    found = prices_from(ANSWERS, "eu-west-1", "2026-11-30")

    assert found.document() == {
        "format": 1,
        "region": "eu-west-1",
        "of": "2026-11-30",
        "source": "price list",
        "currency": "USD",
        "hourly": {
            "processing": {"ml.c5.xlarge": 0.23, "ml.m5.large": 0.128},
            "training": {"ml.m5.large": 0.129},
        },
        "gb_second": 0.0000133334,
        "step_gb_second": 0.0000166667,
        "request": 0.0000002,
        "transition": 0.000025,
        "terabyte": 5.5,
    }
    assert prices_of(json.loads(json.dumps(found.document()))) == found
    assert found.named == "2026-11-30, eu-west-1"


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_every_question_is_one_that_botocore_lets_through(architecture: str) -> None:
    client = botocore.session.Session().create_client(
        "pricing", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    shape = client.meta.service_model.operation_model("GetProducts").input_shape

    for question in questions("eu-west-1", architecture).values():
        report = botocore.validate.ParamValidator().validate(question.request(), shape)
        assert not report.has_errors(), report.generate_report()
        kinds = {match["Type"] for match in question.request()["Filters"]}
        known = shape.members["Filters"].member.members["Type"].enum
        assert kinds <= set(known)


def test_functions_of_another_processor_have_prices_of_their_own() -> None:
    asked = {questions("eu-west-1", one)["gb_second"].attributes["group"] for one in ("arm64", "x")}

    assert asked == {"AWS-Lambda-Duration-ARM", "AWS-Lambda-Duration"}


def test_a_step_as_a_function_has_the_price_of_x86_whatever_the_others_run_on() -> None:
    for architecture in ("arm64", "x86_64"):
        asked = questions("eu-west-1", architecture)["step_gb_second"]
        assert asked.attributes["group"] == "AWS-Lambda-Duration"


def test_of_two_prices_for_one_instance_the_higher_one_counts() -> None:
    twice = [job("EU-Processing:ml.m5.large", usd) for usd in ("0.2", "0.3", "0.1")]

    found = prices_from({"processing": twice}, "eu-west-1", "2026-11-30")

    assert found.an_hour("ml.m5.large") == 0.3
    assert (found.gb_second, found.transition) == (None, None)


@pytest.mark.parametrize("processing", [[], ["{"], ["[]"], [job("EU-Host:db.m5", "0.1")]])
def test_a_list_without_any_instance_is_refused_with_its_region(processing: list[str]) -> None:
    with pytest.raises(PriceListError, match="no instance of SageMaker Processing in eu-west-1"):
        prices_from({**ANSWERS, "processing": processing}, "eu-west-1", "2026-11-30")


@given(st.lists(JSON, max_size=4), st.lists(st.text(max_size=20), max_size=3))
def test_products_that_cannot_be_read_change_nothing(odd: list[Any], texts: list[str]) -> None:
    worse = {wanted: [*answer, *texts] for wanted, answer in ANSWERS.items()}
    worse["processing"] = [*worse["processing"], *map(json.dumps, odd)]

    found = prices_from(worse, "eu-west-1", "2026-11-30")

    assert found == prices_from(ANSWERS, "eu-west-1", "2026-11-30")


@given(st.data())
def test_a_product_that_lost_any_part_gives_no_wrong_price(data: st.DataObject) -> None:
    whole = json.loads(job("EU-Processing:ml.r5.large", "0.5"))
    broken = copy.deepcopy(whole)
    here = broken
    while True:
        key = data.draw(st.sampled_from(sorted(here)))
        if isinstance(here[key], dict) and here[key] and data.draw(st.booleans()):
            here = here[key]
            continue
        here[key] = data.draw(JSON)
        break
    answers = {"processing": [*ANSWERS["processing"], json.dumps(broken)]}

    found = prices_from(answers, "eu-west-1", "2026-11-30")

    changed = here.get("USD") if "USD" in here else 0.5
    allowed = [None, 0.5]
    if isinstance(changed, int | float | str):
        with contextlib.suppress(ValueError):
            allowed.append(float(changed))
    assert found.an_hour("ml.r5.large") in allowed
    assert found.an_hour("ml.m5.large") == 0.128


@given(JSON)
def test_a_damaged_prices_json_is_none_or_only_has_prices(document: Any) -> None:
    found = prices_of(document)

    assert found is None


@pytest.mark.parametrize("price", [0, -1, float("nan"), float("inf"), "0.1", True, None, {}])
def test_what_is_no_price_in_prices_json_is_left_out(price: object) -> None:
    document = SAMPLE.document() | {"hourly": {"processing": {"ml.m5.large": price}}}

    found = prices_of(document | {"transition": price})

    assert found is not None
    assert (found.an_hour("ml.m5.large"), found.transition) == (None, None)


def test_figures_of_the_sample_say_so() -> None:
    assert "the sample" in SAMPLE.named
    assert named(SAMPLE.origin()) == named(None) == SAMPLE.named
    assert named({"source": "price list", "region": "eu-west-1", "of": "2026-11-30"}) == (
        "2026-11-30, eu-west-1"
    )
