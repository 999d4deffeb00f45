"""What is wrong with a parameter of the training library, found before anything is paid for."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from core.definition.messages import nearest, shown
from core.definition.scalar import Scalar
from core.definition.schema import Trainer
from core.definition.train import OWN

# Type in trainer_parameters.toml → the words for it, and the Python types of such a value.
KINDS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "number": ("a number", (int, float)),
    "integer": ("a whole number", (int,)),
    "boolean": ("true or false", (bool,)),
    "text": ("text", (str, int, float)),  # lists are texts, and a list of one may be a number
}


def parameter_problems(trainer: Trainer) -> list[tuple[str, str]]:
    """The parameters that the library refuses or would ignore, each with the words for it."""
    if trainer.library == OWN:  # whatever its train.py takes
        return []
    known, refused = known_parameters(trainer.library)
    found = []
    for name, value in trainer.parameters.items():
        words = _problem(trainer.library, name, value, known, refused)
        if words:
            found.append((name, words))
    return found


def value_problem(library: str, name: str, value: Scalar) -> str | None:
    """Why the library refuses or would ignore this parameter, or this value of it."""
    return _problem(library, name, value, *known_parameters(library))


@cache
def known_parameters(library: str) -> tuple[dict[str, str], dict[str, str]]:
    """The library's parameters with their types, and those that are refused with the reason."""
    tables = _tables(library)
    known = {name: kind for kind in KINDS for name in tables[kind]}
    return known, {name: why for why, names in tables["refused"].items() for name in names}


@cache
def first_names(library: str) -> dict[str, str]:
    """The library's parameters that have several names: each name, and the first of its names."""
    return {name: names[0] for names in _tables(library)["same"] for name in names}


@cache
def _tables(library: str) -> dict[str, Any]:
    path = Path(__file__).parent / "trainer_parameters.toml"
    tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))[library]
    return tables


def _problem(
    library: str, name: str, value: Scalar, known: Mapping[str, str], refused: Mapping[str, str]
) -> str | None:
    if name in refused:
        return f"{library} {refused[name]}"
    if name not in known:
        # A list of two hundred names would help nobody.
        hint = nearest(name, list(known))
        fix = hint if hint.startswith("did") else "see its documentation, or leave it out"
        return f"{library} has no such parameter for training; {fix}"
    wanted, types = KINDS[known[name]]
    truth_for_number = isinstance(value, bool) and known[name] != "boolean"
    if isinstance(value, types) and not truth_for_number:
        return None
    quotes = "" if known[name] == "text" else ", without quotes"
    return f"{shown(value)} is not {wanted}; write {wanted}{quotes}"
