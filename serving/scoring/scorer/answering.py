"""Answer a request: a prediction for each row, or an error with the reason.

A request is {"rows": [{feature: value, …}, …]} or {"row": {…}}. A row may also have the columns of
the model's key, which come back with its prediction. The platform adds `"check": true` to its own
requests, which check a release: these are scored too, but not measured or captured.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scorer.encoding import shown
from scorer.model import Model
from scorer.rows import Encoder, IncompleteError, Remark, limited

MOST_ROWS = 5_000
# As many scores still fit into Lambda's 6 MB.
MOST_SCORES = 100_000
# So do the keys of MOST_ROWS rows.
LONGEST_KEY = 200
_NO_KEY = f"is no text of at most {LONGEST_KEY} characters and no number; left out of the key"

OK, BAD_REQUEST, TOO_LARGE = 200, 400, 413
# `kanmon score` says the same: kanmon/scoring/online.py.
BATCH_ONLY = (
    "the model {model} computes its features with features.py, which runs only in batch; score "
    "files with `kanmon score-batch {model}`"
)
Prediction = dict[str, Any]
Scores = NDArray[np.float32]


class RequestError(Exception):
    """The whole request cannot be answered; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """The document to send, and what telemetry and capture need besides.

    `scores` has one number per prediction: the value, or the probability of the positive or the
    predicted class.
    """

    document: dict[str, Any]
    scores: Sequence[float]
    rows: Sequence[object]
    refused: int


class Scorer:
    """Answers requests for one release of one model."""

    def __init__(self, model: Model, name: str, release: int) -> None:
        self.encoding = model.encoding
        self.facts = {"model": name, "release": release}
        self.most_rows = min(MOST_ROWS, MOST_SCORES // model.encoding.outputs)
        self.batch_only = BATCH_ONLY.format(model=name) if model.batch_only else None
        self._model = model
        self.key = model.key
        # A key's column that is a feature is in every row.
        self._always_keyed = not {*model.key}.isdisjoint(c.name for c in model.encoding.columns)
        self._encoder = Encoder(model.encoding, model.key)
        self._predict = _predictor(model)

    def answer(self, request: object, request_id: str) -> Answer:
        """Score a request's rows. Never raises because of what a caller sent."""
        try:
            rows = self._rows(request)
        except RequestError as error:
            return self.refusal(error, request_id)
        try:
            encoded = self._encoder.encode(rows)
        except IncompleteError as error:
            return self._answered(request_id, rows, [], [], limited(error.remarks), [], len(rows))
        if not encoded.rows:
            return self._answered(request_id, rows, [], [], encoded.errors, encoded.warnings)
        scores = self._model.scores(encoded.matrix)
        predictions, numbers = self._predict(encoded.rows, scores)
        errors = encoded.errors
        if not np.isfinite(scores).all():
            predictions, numbers, infinite = _finite(predictions, numbers, scores)
            errors = sorted([*errors, *infinite], key=lambda error: int(error["row"]))
        warnings = encoded.warnings
        if self.key and (encoded.keyed or self._always_keyed):
            warnings = [*warnings, *self._add_keys(rows, predictions)]
        return self._answered(request_id, rows, predictions, numbers, errors, warnings)

    def refusal(self, error: RequestError, request_id: str) -> Answer:
        """The answer to a request that has no rows to score."""
        told_error = {"row": None, "feature": None, "message": str(error)}
        document = self._document(request_id, error.status, [], [told_error], [])
        return Answer(document, [], [], 0)

    def _add_keys(self, rows: Sequence[Any], predictions: list[Prediction]) -> Iterator[Remark]:
        """Give each prediction the key that its row was sent with, after `row`."""
        for at, prediction in enumerate(predictions):
            number, key = prediction["row"], {}
            row = rows[number]
            for name in self.key:
                if name in row:
                    if _short(row[name]):
                        key[name] = row[name]
                    else:
                        yield {"row": number, "feature": name, "message": _NO_KEY}
            if key:
                predictions[at] = {"row": number, "key": key, **prediction}

    def _rows(self, request: object) -> Sequence[object]:
        if not isinstance(request, Mapping):
            raise RequestError(
                BAD_REQUEST, f"a request is an object with rows or row, not {shown(request)}"
            )
        unknown = sorted(map(str, request.keys() - {"rows", "row", "check"}))
        if unknown:
            raise RequestError(
                BAD_REQUEST,
                f"a request has no key {shown(unknown[0])}; send {{'rows': [{{feature: value}}]}} "
                "or {'row': {feature: value}}",
            )
        if self.batch_only is not None and request.get("check") is not True:
            # A check's rows are the golden records, which have the computed features.
            raise RequestError(BAD_REQUEST, self.batch_only)
        if ("rows" in request) == ("row" in request):
            raise RequestError(BAD_REQUEST, "send either rows (a list of objects) or row (one)")
        if "row" in request:
            return [request["row"]]
        rows = request["rows"]
        if not isinstance(rows, list) or not rows:
            raise RequestError(BAD_REQUEST, "rows must be a list of at least one object")
        if len(rows) > self.most_rows:
            raise RequestError(
                TOO_LARGE,
                f"{len(rows):,} rows are too many for one request; send at most "
                f"{self.most_rows:,} at a time",
            )
        return rows

    def _answered(
        self,
        request_id: str,
        rows: Sequence[object],
        predictions: list[Prediction],
        numbers: Sequence[float],
        errors: list[Remark],
        warnings: list[Remark],
        refused: int | None = None,
    ) -> Answer:
        status = OK if predictions else BAD_REQUEST
        document = self._document(request_id, status, predictions, errors, limited(warnings))
        return Answer(document, numbers, rows, len(errors) if refused is None else refused)

    def _document(
        self,
        request_id: str,
        status: int,
        predictions: list[Prediction],
        errors: list[Remark],
        warnings: list[Remark],
    ) -> dict[str, Any]:
        return {
            **self.facts,
            "request_id": request_id,
            "status": status,
            "predictions": predictions,
            "errors": errors,
            "warnings": warnings,
        }


def _short(value: object) -> bool:
    """Can it be a key, whose text fits into the answer?"""
    if type(value) is str:
        return len(value) <= LONGEST_KEY
    if type(value) is int:
        return value.bit_length() <= LONGEST_KEY
    return value is None or type(value) is bool or (type(value) is float and math.isfinite(value))


Predictor = Callable[[Sequence[int], Scores], tuple[list[Prediction], Sequence[float]]]


def _predictor(model: Model) -> Predictor:
    classes, threshold = model.encoding.classes, model.threshold

    def values(rows: Sequence[int], scores: Scores) -> tuple[list[Prediction], Sequence[float]]:
        numbers = scores[:, 0].tolist()
        answers = [
            {"row": row, "prediction": number} for row, number in zip(rows, numbers, strict=True)
        ]
        return answers, numbers

    def one_of_two(rows: Sequence[int], scores: Scores) -> tuple[list[Prediction], Sequence[float]]:
        negative, positive = classes
        numbers = scores[:, 0].tolist()
        answers = [
            {
                "row": row,
                "prediction": positive if number >= threshold else negative,
                "probability": number,
            }
            for row, number in zip(rows, numbers, strict=True)
        ]
        return answers, numbers

    def one_of_many(
        rows: Sequence[int], scores: Scores
    ) -> tuple[list[Prediction], Sequence[float]]:
        winners = scores.argmax(axis=1).tolist()
        answers = [
            {
                "row": row,
                "prediction": classes[winner],
                "probabilities": dict(zip(classes, each, strict=True)),
            }
            for row, winner, each in zip(rows, winners, scores.tolist(), strict=True)
        ]
        return answers, scores.max(axis=1).tolist()

    return {"regression": values, "binary": one_of_two, "multiclass": one_of_many}[
        model.encoding.task
    ]


def _finite(
    predictions: list[Prediction], numbers: Sequence[float], scores: Scores
) -> tuple[list[Prediction], list[float], list[Remark]]:
    """Remove the rows without a finite score, which JSON cannot express."""
    good = [bool(np.isfinite(each).all()) for each in scores]
    message = "the model's score for this row is not a finite number; check the row's values"
    errors = [
        {"row": entry["row"], "feature": None, "message": message}
        for entry, is_good in zip(predictions, good, strict=True)
        if not is_good
    ]
    kept = [entry for entry, is_good in zip(predictions, good, strict=True) if is_good]
    return kept, [n for n, is_good in zip(numbers, good, strict=True) if is_good], errors
