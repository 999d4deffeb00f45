"""The function URL: what HTTP adds to a request and to its answer."""

import base64
import json

import pytest
from jsonschema import Draft202012Validator

from scorer.web import MOST_BYTES, Website
from tests.support.trained_releases import CONTEXT, sent
from tests.support.training_cases import rows

ROW = sent(rows("binary", 1, 5))[0]


@pytest.fixture(scope="module")
def call(scorers):
    scorer = scorers["binary"]
    website = Website(lambda request, name: scorer.answer(request, name).document, scorer)

    def call(method="POST", path="/score", body=None, encoded=False, **headers):
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {"content-type": "application/json"} | headers,
            "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
            "body": body,
            "isBase64Encoded": encoded,
        }
        answer = website.serve(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"]), answer["headers"]

    return call


def test_post_score_answers_as_a_direct_invoke_does(call, scorers):
    status, answer, headers = call(body=json.dumps({"rows": [ROW]}))

    direct = scorers["binary"].answer({"rows": [ROW]}, CONTEXT.aws_request_id)
    assert (status, answer) == (200, direct.document)
    assert headers == {"Content-Type": "application/json"}


def test_a_body_may_be_in_base64(call):
    body = base64.b64encode(json.dumps({"row": ROW}).encode()).decode()

    assert call(body=body, encoded=True)[0] == 200


def error_of(answer):
    [error] = answer["errors"]
    return error["message"]


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        ({"method": "GET"}, 405, "/score does not accept GET; use POST"),
        ({"method": "DELETE", "path": "/schema"}, 405, "/schema does not accept DELETE; use GET"),
        (
            {"path": "/scores"},
            404,
            "there is no /scores; use one of /score, /schema, /openapi.json",
        ),
        ({"path": "/"}, 404, "there is no /; use one of /score, /schema, /openapi.json"),
        (
            {"body": "{}", "content-type": "text/csv"},
            415,
            "Content-Type is 'text/csv'; send application/json",
        ),
        ({"body": '{"row": '}, 400, "the body is not JSON: Expecting value: line 1 column 9 "),
        ({"body": ""}, 400, "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ({"body": None}, 400, "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ({"body": "not base64", "encoded": True}, 400, "the body is not JSON: Only base64"),
        ({"body": "/w==", "encoded": True}, 400, "the body is not JSON: 'utf-8' codec"),
        ({"body": "[" * 100_000}, 400, "the body is not JSON: maximum recursion depth"),
        ({"body": " " * (MOST_BYTES + 1)}, 413, "the body is larger than 5 MB; send fewer rows"),
        ({"body": '{"rows": []}'}, 400, "rows must be a list of at least one object"),
        ({"body": json.dumps({"rows": [{}] * 5001})}, 413, "5,001 rows are too many"),
        (
            {"body": json.dumps({"row": ROW | {"size": float("nan")}})},
            400,
            "nan is not a finite 32-bit number",
        ),
    ],
)
def test_what_cannot_be_answered_is_explained_in_the_same_document(call, request_, status, words):
    answered, answer, headers = call(**request_)

    assert (answered, answer["status"], answer["predictions"]) == (status, status, [])
    assert error_of(answer).startswith(words)
    assert ("Allow" in headers) is (status == 405)


def test_the_content_type_may_name_a_charset(call):
    request = {"body": json.dumps({"row": ROW}), "content-type": "Application/JSON; charset=utf-8"}

    assert call(**request)[0] == 200


def test_the_schema_takes_what_the_scorer_takes_and_refuses_what_it_refuses(call):
    status, schema, _ = call("GET", "/schema")
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    assert status == 200
    for row in (ROW, dict.fromkeys(ROW), {"size": None, "weight": 50, "colour": "never seen"}):
        assert validator.is_valid(row)
        assert call(body=json.dumps({"row": row}))[0] == 200
    wrong = ({"size": "7"}, {"weight": 51}, {"colour": 1.5}, {"other": 1}, {"size": True})
    incomplete = [{name: ROW[name] for name in ROW if name != left_out} for left_out in ROW]
    for row in (*[ROW | each for each in wrong], *incomplete, {}):
        assert not validator.is_valid(row)
        assert call(body=json.dumps({"row": row}))[0] == 400


def test_the_schema_names_kinds_bounds_and_categories(call):
    assert call("GET", "/schema")[1]["properties"] == {
        "size": {"type": ["number", "null"], "minimum": -50},
        "weight": {"type": ["number", "null"], "minimum": -50, "maximum": 50},
        "colour": {
            "type": ["string", "integer", "null"],
            "description": "A category of the training rows; a warning says how another is scored.",
            "examples": ["blue", "green", "red"],
        },
    }


def test_the_openapi_document_describes_what_is_answered(call):
    status, document, _ = call("GET", "/openapi.json")

    assert (status, document["openapi"], document["info"]["version"]) == (200, "3.1.0", "7")
    assert set(document["paths"]) == {"/score", "/schema", "/openapi.json"}
    schemas = {"components": document["components"]}
    for name in document["components"]["schemas"]:
        Draft202012Validator.check_schema(document["components"]["schemas"][name])
    score = document["paths"]["/score"]["post"]
    assert score["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Request"
    }
    request, answer = (
        Draft202012Validator({"$ref": f"#/components/schemas/{name}"} | schemas)
        for name in ("Request", "Answer")
    )
    bad = ROW | {"size": "a"}
    for body in ({"rows": [ROW, bad]}, {"row": bad}, {"row": ROW}):
        answer.validate(call(body=json.dumps(body))[1])
        assert request.is_valid(body) is ("'a'" not in str(body))
    assert not request.is_valid({"row": {}, "rows": [{}]})
    assert {"200", "400", "413", "415"} <= set(score["responses"])
