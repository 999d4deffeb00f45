"""Contradictions in a definition's search whose keys are each valid by themselves."""

from collections.abc import Iterator, Mapping

from core.definition.messages import shown
from core.definition.scalar import Scalar
from core.definition.schema import ModelDefinition
from core.definition.search import Dimension, Search
from core.definition.train import OWN
from core.definition.trainer_parameters import first_names, known_parameters, value_problem
from core.definition.yaml_lines import Path

_EITHER = "write {low: 1, high: 10} or {choices: [1, 10]}"
# As many choices as a trial's table and its chart can tell apart.
MOST_CHOICES = 32


def search_problems(definition: ModelDefinition) -> Iterator[tuple[Path, str]]:
    """Every problem of the search, where there is one."""
    search = definition.search
    if search is None:
        return
    if definition.trainer.library == OWN:
        words = "is for lightgbm and xgboost; remove it: an own train.py can search by itself"
        yield ("search",), words
        return
    if definition.compute.hosts("train") > 1:
        words = "searches on one machine; write processing, or remove search"
        yield ("compute", "train"), words
    limit = definition.resources.train.timeout_minutes
    if search.minutes is not None and search.minutes >= limit:
        words = f"{search.minutes} is not below resources.train.timeout_minutes, which ends Train"
        yield ("search", "minutes"), f"{words} after {limit}; write less, or raise that"
    library = definition.trainer.library
    for name, dimension in search.space.items():
        for path, words in _dimension(library, name, dimension):
            yield ("search", "space", name, *path), words
    yield from _names(library, search, definition.trainer.parameters)


def without(search: Search | None, names: Mapping[str, Scalar]) -> Search | None:
    """The search but for these parameters, which a run has set; None where nothing is left."""
    if search is None:
        return None
    left = {name: one for name, one in search.space.items() if name not in names}
    return search.model_copy(update={"space": left}) if left else None


def _dimension(library: str, name: str, found: Dimension) -> Iterator[tuple[Path, str]]:
    if name not in known_parameters(library)[0]:
        yield (), value_problem(library, name, 0) or ""
    elif found.choices is not None:
        yield from _choices(library, name, found)
    elif found.low is None or found.high is None:
        yield (), f"has no choices, and not both low and high; {_EITHER}"
    else:
        yield from _range(library, name, found.low, found.high, log=found.log)


def _choices(library: str, name: str, found: Dimension) -> Iterator[tuple[Path, str]]:
    choices = found.choices or []
    if found.low is not None or found.high is not None or found.log:
        yield (), f"has choices, and low, high or log; {_EITHER}"
    if len(choices) < 2:
        words = "leaves nothing to choose; name two or more, or set it in trainer.parameters"
        yield ("choices",), words
    if len(choices) > MOST_CHOICES:
        words = f"has {len(choices)} values; name at most {MOST_CHOICES}, or write low and high"
        yield ("choices",), words
    for i, value in enumerate(choices):
        words_of = value_problem(library, name, value)
        if words_of is not None:
            yield ("choices", i), words_of
        elif _sort(value) != _sort(choices[0]):
            words = f"{shown(value)} is of another type than {shown(choices[0])}; write one type"
            yield ("choices", i), words
        elif value in choices[:i]:
            yield ("choices", i), f"{shown(value)} is named twice; remove one"


def _sort(value: Scalar) -> str:
    return "number" if type(value) in (int, float) else type(value).__name__


def _range(
    library: str, name: str, low: int | float, high: int | float, *, log: bool
) -> Iterator[tuple[Path, str]]:
    kind = known_parameters(library)[0][name]
    if kind in ("boolean", "text"):
        example = "[true, false]" if kind == "boolean" else '["a", "b"]'
        yield (), f"has no lowest and highest value; write choices: {example}"
        return
    for end, value in (("low", low), ("high", high)):
        words = value_problem(library, name, value)
        if words is not None:
            yield (end,), words
            return
    if kind == "number" and isinstance(low, int) and isinstance(high, int):
        words = f"{high} and low are whole numbers, between which only whole numbers are tried"
        yield ("high",), f"{words}; write {high}.0 for any number, or choices"
    if low >= high:
        yield ("low",), f"{low:g} is not below high, {high:g}; swap or correct them"
    if log and low <= 0:
        words = f"{low:g} has no logarithm; write a number above 0, or remove log"
        yield ("low",), words


def _names(
    library: str, search: Search, parameters: Mapping[str, Scalar]
) -> Iterator[tuple[Path, str]]:
    """A parameter under two names: the library would take one and ignore the other."""
    first = first_names(library)
    taken = {first[name]: name for name in parameters if name in first}
    for name in search.space:
        meant = first.get(name, name)
        other = taken.setdefault(meant, name)
        if other != name:
            where = "search.space" if other in search.space else "trainer.parameters"
            words = f"is another name of {other}, which is in {where}; use one name"
            yield ("search", "space", name), words
