"""Request and answer as JSON Schema, made from the model's own encoding."""

from collections.abc import Sequence
from typing import Any

from scorer.answering import Scorer
from scorer.encoding import Encoding, Feature

# Any value is accepted: what can be no key comes with a warning.
_KEY = {"description": "Of the row's key: comes back with its prediction, and is no feature."}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def row_schema(
    encoding: Encoding, key: Sequence[str] = (), refusal: str | None = None
) -> dict[str, Any]:
    """A row. It has every feature; null is missing. It may have the key. What is neither is
    refused. `refusal` is why rows are not scored at all, if they are not.
    """
    properties = dict.fromkeys(key, _KEY)
    properties |= {feature.name: _feature(feature) for feature in encoding.columns}
    return {
        "$schema": DIALECT,
        "title": "Row",
        "description": refusal or f"A row to predict {encoding.target} for.",
        "type": "object",
        "properties": properties,
        "required": [feature.name for feature in encoding.columns],
        "additionalProperties": False,
    }


def request_schema(scorer: Scorer, row: dict[str, Any]) -> dict[str, Any]:
    """A request: rows, or one row. `row` is the schema of a row, or a reference to it."""
    check = {
        "type": "boolean",
        "description": "Scored as usual, but not measured or captured.",
    }
    rows = {"type": "array", "items": row, "minItems": 1, "maxItems": scorer.most_rows}
    return {
        "title": "Request",
        "type": "object",
        "properties": {"rows": rows, "row": row, "check": check},
        "oneOf": [{"required": ["rows"]}, {"required": ["row"]}],
        "additionalProperties": False,
    }


def answer_schema(encoding: Encoding, key: Sequence[str] = ()) -> dict[str, Any]:
    """An answer. `status` is the HTTP status, also when the function is invoked directly."""
    remark = {
        "type": "object",
        "properties": {
            "row": {"type": ["integer", "null"]},
            "feature": {"type": ["string", "null"]},
            "message": {"type": "string"},
        },
        "required": ["row", "feature", "message"],
    }
    properties = {
        "model": {"type": "string"},
        "release": {"type": "integer"},
        "request_id": {"type": "string"},
        "status": {"type": "integer", "enum": [200, 400, 413]},
        "predictions": {"type": "array", "items": _prediction(encoding, key)},
        "errors": {"type": "array", "items": remark},
        "warnings": {"type": "array", "items": remark},
    }
    return {
        "title": "Answer",
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def _feature(feature: Feature) -> dict[str, Any]:
    if feature.kind == "categorical":
        return {
            "type": ["string", "integer", "null"],
            "description": "A category of the training rows; a warning says how another is scored.",
            "examples": list(feature.codes),
        }
    if feature.kind == "date":
        return {
            "type": ["string", "null"],
            "description": "A date, perhaps with a time and its offset from UTC; to the second.",
            "examples": ["2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00+01:00"],
        }
    described: dict[str, Any] = {"type": ["number", "null"]}
    if feature.offset:
        described["description"] = f"As in the data: the model subtracts {feature.offset:.17g}."
    for name, bound in (("minimum", feature.minimum), ("maximum", feature.maximum)):
        if bound is not None:
            described[name] = bound
    return described


def _prediction(encoding: Encoding, key: Sequence[str]) -> dict[str, Any]:
    properties: dict[str, Any] = {"row": {"type": "integer"}, "prediction": {"type": "number"}}
    if encoding.task != "regression":
        properties["prediction"] = {"type": "string", "enum": list(encoding.classes)}
    share = {"type": "number", "minimum": 0, "maximum": 1}
    if encoding.task == "binary":
        words = f"The probability of {encoding.classes[1]!r}."
        properties["probability"] = {**share, "description": words}
    if encoding.task == "multiclass":
        properties["probabilities"] = {
            "type": "object",
            "properties": dict.fromkeys(encoding.classes, share),
            "required": list(encoding.classes),
        }
    required = list(properties)
    if key:
        words = "What the row was sent with of the model's key."
        echoed = {"type": "object", "properties": {}, "description": words}
        properties["key"] = {**echoed, "properties": {name: {} for name in key}}
    return {"type": "object", "properties": properties, "required": required}
