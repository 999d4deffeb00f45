"""The function URL: POST /score, GET /schema, GET /openapi.json.

Imported only at the first HTTP request: its libraries take longer to import than all the rest.
"""

import base64
import binascii
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver, Response

from scorer.answering import BAD_REQUEST, TOO_LARGE, RequestError, Scorer
from scorer.schema import row_schema

# Lambda's limit for a request or an answer is 6 MB. The rest leaves room for the envelope.
MOST_BYTES = 5_000_000
METHODS = {"/score": "POST", "/schema": "GET", "/openapi.json": "GET"}
JSON = "application/json"

# The statuses, as OpenAPI describes them.
_SCORE: Any = {
    200: {"description": "At least one row was scored. The others are in errors."},
    400: {"description": "Not JSON, not a request, a feature left out, or no row could be scored."},
    413: {"description": "Too many rows or bytes for one request."},
    415: {"description": "The body is not application/json."},
}
_SCHEMA: Any = {200: {"description": "The document."}}

Score = Callable[[Any, str], dict[str, Any]]
Document = dict[str, Any]


class Website:
    """The routes of one release, around the function that scores."""

    def __init__(self, score: Score, scorer: Scorer) -> None:
        self._score, self._scorer = score, scorer
        self._resolver = LambdaFunctionUrlResolver()
        self._resolver.not_found(self._not_found)
        self._resolver.post("/score", summary="Score rows", responses=_SCORE)(self._answer)
        self._resolver.get("/schema", summary="What a row may hold", responses=_SCHEMA)(
            self._schema
        )
        self._resolver.get("/openapi.json", summary="This document", responses=_SCHEMA)(
            self._openapi
        )

    def serve(self, event: Document, context: Any) -> Document:
        """Answer a function URL's event."""
        answer: Document = self._resolver.resolve(event, context)
        return answer

    def _answer(self) -> Response[str]:
        event, context = self._resolver.current_event, self._resolver.lambda_context
        request_id = context.aws_request_id
        try:
            request = _body(event.raw_event)
        except RequestError as error:
            return _json(self._scorer.refusal(error, request_id).document, error.status)
        document = self._score(request, request_id)
        return _json(document, document["status"])

    def _schema(self) -> Response[str]:
        scorer = self._scorer
        return _json(row_schema(scorer.encoding, scorer.key, refusal=scorer.batch_only))

    def _openapi(self) -> Response[str]:
        from scorer.openapi import described

        return _json(described(self._resolver, self._scorer))

    def _not_found(self, _error: Exception) -> Response[str]:
        event = self._resolver.current_event
        method = METHODS.get(event.path)
        if method is None:
            words = f"there is no {event.path}; use one of {', '.join(METHODS)}"
            return self._refused(HTTPStatus.NOT_FOUND, words)
        words = f"{event.path} does not accept {event.http_method}; use {method}"
        return self._refused(HTTPStatus.METHOD_NOT_ALLOWED, words, {"Allow": method})

    def _refused(
        self, status: HTTPStatus, words: str, headers: dict[str, str] | None = None
    ) -> Response[str]:
        request_id = self._resolver.lambda_context.aws_request_id
        error = RequestError(status, words)
        return _json(self._scorer.refusal(error, request_id).document, status, headers)


_websites: dict[int, Website] = {}


def serve(event: Document, context: Any, score: Score, scorer: Scorer) -> Document:
    """Answer a function URL's event. The routes of a scorer are made once."""
    website = _websites.setdefault(id(scorer), Website(score, scorer))
    return website.serve(event, context)


def _body(event: Document) -> Any:
    """The request that the body holds. Raises RequestError."""
    kind = (event.get("headers") or {}).get("content-type", "")
    if kind.partition(";")[0].strip().lower() != JSON:
        found = f"is {kind!r}" if kind else "is missing"
        raise RequestError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type {found}; send {JSON}")
    body = event.get("body") or ""
    if len(body) > MOST_BYTES * (4 / 3 if event.get("isBase64Encoded") else 1):
        raise RequestError(
            TOO_LARGE, f"the body is larger than {MOST_BYTES // 1_000_000} MB; send fewer rows"
        )
    try:
        if event.get("isBase64Encoded"):
            body = base64.b64decode(body, validate=True)
        return json.loads(body)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise RequestError(BAD_REQUEST, f"the body is not JSON: {error}") from None


def _json(
    document: Document, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response[str]:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(int(status), JSON, text, headers=dict(headers or {}))
