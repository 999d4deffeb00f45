"""Condition keys of policies, filled in from requests as AWS fills them in."""

import json

import pytest
from ministack.core import iam_actions

from localaws.patches import condition_keys

KEY = "/bucket/releases/abalone/7/release.json"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        *("request_tag_context", "s3_service_context", "dynamodb_service_context"),
        "dynamodb_transaction_checks",
    ):
        monkeypatch.setattr(iam_actions, name, getattr(iam_actions, name))
    condition_keys.install()


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"if-none-match": "*"}, "*"),
        ({}, None),  # what a policy that asks for the header must see
        ({"if-match": '"abc"'}, None),
    ],
)
def test_a_write_tells_whether_it_may_replace_something(
    headers: dict[str, str], key: str | None
) -> None:
    context = iam_actions.s3_service_context("s3:PutObject", {}, KEY, headers)

    assert context.get("s3:if-none-match") == key


def test_a_read_has_no_such_key() -> None:
    context = iam_actions.s3_service_context("s3:ListBucket", {}, "/bucket", {"if-none-match": "*"})

    assert "s3:if-none-match" not in context


@pytest.mark.parametrize(
    ("request_", "keys"),
    [
        (
            {
                "NetworkConfig": {"EnableNetworkIsolation": True},
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            },
            {"sagemaker:NetworkIsolation": "true", "sagemaker:MaxRuntimeInSeconds": "600"},
        ),
        (
            {"NetworkConfig": {"EnableNetworkIsolation": False}},
            {"sagemaker:NetworkIsolation": "false"},
        ),
        # What a policy that asks for them must see: nothing.
        ({"ProcessingJobName": "a"}, {}),
        ({"NetworkConfig": "none", "StoppingCondition": {"MaxRuntimeInSeconds": []}}, {}),
    ],
)
def test_a_processing_job_tells_its_network_and_its_limit(
    request_: dict[str, object], keys: dict[str, str]
) -> None:
    body = json.dumps(request_).encode()

    context = iam_actions.request_tag_context(
        "sagemaker", "sagemaker:CreateProcessingJob", body, {}
    )

    assert context == keys


def test_an_item_tells_its_fields() -> None:
    body = b'{"TableName": "t", "Item": {"model": {"S": "m"}, "status": {"S": "PROMOTED"}}}'

    context = iam_actions.dynamodb_service_context(body)

    assert context["dynamodb:Attributes"] == ["model", "status"]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("SET sha256 = :a, published_at = :b", ["sha256", "published_at"]),
        ("set #n.#m = if_not_exists(#n.x, :status) remove holder[0]", ["status", "holder"]),
        ("ADD #n :one", ["status"]),
    ],
)
def test_an_update_tells_the_fields_it_names(expression: str, found: list[str]) -> None:
    request = {
        "Key": {"model": {"S": "m"}, "item": {"S": "champion"}},
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {"#n": "status", "#m": "inner"},
    }

    context = iam_actions.dynamodb_service_context(json.dumps(request).encode())

    assert context["dynamodb:Attributes"] == ["model", "item", *found]


def test_each_item_of_a_transaction_is_asked_about_with_fields_of_its_own() -> None:
    def update(name: str, field: str) -> dict[str, object]:
        key = {"model": {"S": "m"}, "item": {"S": name}}
        return {"TableName": "t", "Key": key, "UpdateExpression": f"SET {field} = :x"}

    gone = {"TableName": "t", "Key": {"model": {"S": "m"}}}
    items = [{"Update": update("a", "usd")}, {"Update": update("b", "status")}, {"Delete": gone}]
    body = json.dumps({"TransactItems": items}).encode()

    found = iam_actions.dynamodb_transaction_checks(
        "dynamodb:TransactWriteItems", body, "us-east-1", "123456789012"
    )

    assert [(action, getattr(action, "keys", None)) for action, _ in found] == [
        ("dynamodb:UpdateItem", {"dynamodb:Attributes": ["model", "item", "usd"]}),
        ("dynamodb:UpdateItem", {"dynamodb:Attributes": ["model", "item", "status"]}),
        ("dynamodb:DeleteItem", {}),
    ]
    assert {table for _, table in found} == {"arn:aws:dynamodb:us-east-1:123456789012:table/t"}


@pytest.mark.parametrize("body", [b"not json", b"{}", b'{"TransactItems": ["a", {"Update": 1}]}'])
def test_a_transaction_of_nothing_asks_about_no_item(body: bytes) -> None:
    action = "dynamodb:TransactWriteItems"
    assert iam_actions.dynamodb_transaction_checks(action, body, "us-east-1", "1") == []


@pytest.mark.parametrize(
    ("service", "action", "body", "found"),
    [
        (
            "sagemaker",
            "sagemaker:UpdateModelPackage",
            b'{"ModelPackageArn": "a", "ModelApprovalStatus": "Approved"}',
            {"sagemaker:ModelApprovalStatus": "Approved"},
        ),
        ("sagemaker", "sagemaker:UpdateModelPackage", b'{"ModelPackageArn": "a"}', {}),
        (
            "lambda",
            "lambda:CreateFunctionUrlConfig",
            b'{"AuthType": "NONE"}',
            {"lambda:FunctionUrlAuthType": "NONE"},
        ),
        ("lambda", "lambda:CreateFunctionUrlConfig", b"not json", {}),
    ],
)
def test_a_request_tells_the_field_that_a_condition_asks_for(
    service: str, action: str, body: bytes, found: dict[str, str]
) -> None:
    assert iam_actions.request_tag_context(service, action, body, {}) == found
