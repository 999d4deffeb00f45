"""GET /openapi.json: the routes as Powertools describes them, with this model's schemas."""

from typing import Any

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver

from scorer.answering import Scorer
from scorer.schema import answer_schema, request_schema, row_schema


def described(resolver: LambdaFunctionUrlResolver, scorer: Scorer) -> dict[str, Any]:
    """The OpenAPI 3.1 document. It names no server: the server is where it was fetched from."""
    model, release = scorer.facts["model"], scorer.facts["release"]
    schema = resolver.get_openapi_schema(
        title=f"Scores of {model}",
        version=str(release),
        description=f"Release {release} of the model {model}. Requests are signed (AWS IAM).",
    )
    document: dict[str, Any] = schema.model_dump(by_alias=True, exclude_none=True, mode="json")
    document.pop("servers", None)
    score = document["paths"]["/score"]["post"]
    score["requestBody"] = {"required": True, "content": _json("Request")}
    for response in score["responses"].values():
        response["content"] = _json("Answer")
    for path in ("/schema", "/openapi.json"):
        content = {"application/json": {"schema": {"type": "object"}}}
        document["paths"][path]["get"]["responses"]["200"]["content"] = content
    document["components"] = {
        "schemas": {
            "Request": request_schema(scorer, row={"$ref": "#/components/schemas/Row"}),
            "Row": row_schema(scorer.encoding, scorer.key, refusal=scorer.batch_only),
            "Answer": answer_schema(scorer.encoding, scorer.key),
        }
    }
    return document


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
