"""A sentence for each of pydantic's errors: what is written, what is allowed, the fix."""

import types
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.definition.yaml_lines import Path

_LONGEST_SHOWN = 60

# pydantic's error type → the sentence; {value} is what was written, the rest the error's context.
_WORDS = {
    "missing": "is missing; add it",
    "string_type": "{value} is not text; write it in quotes",
    "int_type": "{value} is not a whole number; write one, without quotes",
    "int_from_float": "{value} is not a whole number; write one",
    "float_type": "{value} is not a number; write one, without quotes",
    "finite_number": "{value} is not a finite number; write one",
    "bool_type": "{value} is neither true nor false; write one of these, without quotes",
    "list_type": "{value} is not a list; write [first, second]",
    "dict_type": "{value} is not a mapping; write {{key: value}}",
    "model_type": "{value} is not a mapping; write {{key: value}}",
    "greater_than_equal": "{value} is less than {ge}; write {ge} or more",
    "greater_than": "{value} is not more than {gt}; write a larger number",
    "less_than_equal": "{value} is more than {le}; write {le} or less",
    "less_than": "{value} is not less than {lt}; write a smaller number",
    "too_long": "has {actual_length} values; write at most {max_length}",
    "too_short": "is empty; write at least {min_length}",
    "string_too_short": "is empty; write at least {min_length} character(s)",
    "string_too_long": "{value} is too long; write at most {max_length} character(s)",
    "string_pattern_mismatch": "{value} does not look like ml.m5.large; write an instance type",
}


def words_for(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Path, str]]:
    """Each problem's path in the document and the words for it.

    A misspelled key is one problem, not also a missing one.
    """
    errors = error.errors(include_url=False)
    meant = {
        (*parents, close)
        for *parents, key in (each["loc"] for each in errors if each["type"] == "extra_forbidden")
        for close in get_close_matches(str(key), _keys(model, parents), n=1, cutoff=0.6)
    }
    for details in errors:
        if details["type"] != "missing" or details["loc"] not in meant:
            yield tuple(details["loc"]), _words(details, model)


def nearest(word: str, known: list[str]) -> str:
    """The known word that was probably meant, as part of a sentence.

    >>> nearest("rmes", ["rmse", "mae"])
    'did you mean rmse?'
    >>> nearest("x", ["rmse", "mae"])
    'write one of rmse, mae'
    """
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"write one of {', '.join(known)}"


def shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def _words(details: ErrorDetails, model: type[BaseModel]) -> str:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        *parents, key = details["loc"]
        return f"unknown key; {nearest(str(key), _keys(model, parents))}"
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        return f"{shown(value)} is not one of {expected}; write one of these"
    # A threshold's keys are alternatives.
    if kind == "model_type" and details["loc"] != ("threshold",):
        keys = ", ".join(f"{key}: …" for key in _keys(model, list(details["loc"])))
        return f"{shown(value)} is not a mapping; write {{{keys}}}"
    if kind in _WORDS:
        return _WORDS[kind].format(value=shown(value), **context)
    return f"{details['msg']}; fix it"


def _keys(model: type[BaseModel], path: list[int | str]) -> list[str]:
    """The keys that are allowed at a path of the document."""
    named = iter(path)
    for part in named:
        if isinstance(part, str):
            annotation = model.model_fields[part].annotation
            if get_origin(annotation) is dict:
                next(named, None)  # a name of the user's own
            model = next(_models_in(annotation))
    return list(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (list, dict, Union, types.UnionType, Annotated):
        for argument in get_args(annotation):
            yield from _models_in(argument)
