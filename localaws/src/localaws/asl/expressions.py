"""JSONata inside state machines: what a `{% ... %}` is worth.

moto hands every expression to a Java machine, as text in front of which it declares all variables.
Here jsonata-python evaluates it, with the variables bound and not spelled out; Step Functions' own
functions ($parse, $hash, $uuid, ...) are MiniStack's.
"""

from __future__ import annotations

import copy
import threading
from functools import lru_cache
from typing import Any

import jsonata
from jsonata.utils import Utils

_evaluating = threading.Lock()  # a compiled expression keeps its clock in itself


class ExpressionError(Exception):
    """The expression cannot be evaluated, or gives nothing."""


def evaluate(expression: str, variables: dict[str, Any]) -> Any:
    """The value of `expression`, in which `$name` is `variables["name"]`.

    Raises ExpressionError, for a result that is undefined as well: JSON has no word for it.
    """
    bound = {name: Utils.NULL_VALUE if v is None else v for name, v in variables.items()}
    value = _evaluate(expression, bound)
    if value is None and not _evaluate(f"$exists(({expression}))", bound):
        raise ExpressionError("returned nothing (undefined).")
    return _plain(value)


def _evaluate(expression: str, bound: dict[str, Any]) -> Any:
    try:
        with _evaluating:
            return _compiled(expression).evaluate(None, bound)
    except Exception as error:
        raise ExpressionError(f"failed: {error}") from error


@lru_cache(maxsize=500)
def _compiled(expression: str) -> Any:
    from ministack.services import stepfunctions

    compiled = jsonata.Jsonata(expression)
    stepfunctions._register_sfn_jsonata_functions(compiled)
    return compiled


def _plain(value: Any) -> Any:
    """A copy in JSON's types. JSONata computes in floats; JSON as AWS writes it has 3, not 3.0."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return copy.copy(value)
