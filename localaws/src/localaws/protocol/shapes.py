"""Requests held against botocore's model of a service, with AWS's words for what does not fit."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from botocore.model import (
    ListShape,
    MapShape,
    OperationModel,
    OperationNotFoundError,
    ServiceModel,
    Shape,
    StructureShape,
)

from localaws import descriptions
from localaws.protocol.errors import ServiceError, invalid

# The types of Python's JSON reader for each type of the model. A bool is no number here.
READ_AS: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "double": (int, float),
    "float": (int, float),
    "integer": (int,),
    "list": (list,),
    "long": (int,),
    "map": (dict,),
    "string": (str,),
    "structure": (dict,),
    "timestamp": (int, float),
}
CATEGORY = re.compile(r"\\p\{([A-Z])\}")


class Api:
    """One service, by the name botocore's model of it has; the model is loaded at first use."""

    def __init__(self, service: str) -> None:
        self.service = service

    @cached_property
    def model(self) -> ServiceModel:
        """Botocore's model; about 70 ms to load for the largest, once."""
        return ServiceModel(descriptions.service(self.service), self.service)

    def operation(self, name: str) -> OperationModel:
        try:
            return self.model.operation_model(name)
        except OperationNotFoundError as error:
            raise ServiceError(
                "UnknownOperationException", f"there is no operation {name}"
            ) from error

    def check(self, name: str, request: Mapping[str, Any]) -> None:
        """Raise the ValidationException AWS would answer this request with, if any."""
        shape = self.operation(name).input_shape
        if shape is None:
            return
        problems = list(problems_of(shape, request, ""))
        if problems:
            count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
            raise invalid(count + "; ".join(problems))

    def answer(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Only what the operation's answer has a place for, without what is not set."""
        shape = self.operation(name).output_shape
        return fitting(shape, values) if shape else {}


def fitting(shape: StructureShape, values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in shape.members if values.get(key) is not None}


def problems_of(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Yield, worded as AWS words it, everything about the value that the shape forbids."""
    if not is_of_type(shape, value):
        yield (
            f"Value at '{path}' failed to satisfy constraint:"
            f" Member must be of type {shape.type_name}"
        )
    elif isinstance(shape, StructureShape):
        yield from structure_problems(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from length_problems(shape, value, path)
        for number, member in enumerate(value, start=1):
            yield from problems_of(shape.member, member, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        yield from length_problems(shape, value, path)
        for key, member in value.items():
            yield from problems_of(shape.key, key, f"{path}.{key}.key")
            yield from problems_of(shape.value, member, f"{path}.{key}.member")
    elif isinstance(value, str):
        yield from text_problems(shape, value, path)
    else:
        yield from range_problems(shape, value, path)


def is_of_type(shape: Shape, value: Any) -> bool:
    expected = READ_AS.get(shape.type_name, (object,))
    return isinstance(value, expected) and (not isinstance(value, bool) or bool in expected)


def structure_problems(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    def inside(name: str) -> str:
        lowered = name[:1].lower() + name[1:]
        return f"{path}.{lowered}" if path else lowered

    for name in shape.required_members:
        if value.get(name) is None:
            yield (
                f"Value null at '{inside(name)}' failed to satisfy constraint:"
                " Member must not be null"
            )
    for name, member in value.items():
        if name not in shape.members:
            # AWS ignores it and does something else than was meant; here it is an error.
            yield f"'{inside(name)}' is not a member of {shape.name}"
        elif member is not None:
            yield from problems_of(shape.members[name], member, inside(name))


def length_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    bounds = shape.metadata
    if len(value) < bounds.get("min", 0):
        yield refused(value, path, f"have length greater than or equal to {bounds['min']}")
    if len(value) > bounds.get("max", len(value)):
        yield refused(value, path, f"have length less than or equal to {bounds['max']}")


def range_problems(shape: Shape, value: float, path: str) -> Iterator[str]:
    bounds = shape.metadata
    if value < bounds.get("min", value):
        yield refused(value, path, f"have value greater than or equal to {bounds['min']}")
    if value > bounds.get("max", value):
        yield refused(value, path, f"have value less than or equal to {bounds['max']}")


def text_problems(shape: Shape, value: str, path: str) -> Iterator[str]:
    choices = shape.metadata.get("enum")
    if choices and value not in choices:
        yield refused(value, path, f"satisfy enum value set: [{', '.join(choices)}]")
        return
    yield from length_problems(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if pattern and not fits(pattern, value):
        yield refused(value, path, f"satisfy regular expression pattern: {pattern}")


def refused(value: object, path: str, constraint: str) -> str:
    shown = str(value)[:256]
    return f"Value '{shown}' at '{path}' failed to satisfy constraint: Member must {constraint}"


def fits(pattern: str, value: str) -> bool:
    r"""Whether the text matches one of the model's patterns, which are Java's.

    >>> fits(r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)${1,256}", "Größe 3"), fits(r"[\p{L}\p{P}]*", "a\nb")
    (True, False)
    """
    categories = set(CATEGORY.findall(pattern))
    if categories:
        # Python's `re` has no Unicode categories. The model uses them in one form only: any
        # number of characters of one class.
        inside = pattern[pattern.index("[") + 1 : pattern.index("]")]
        letters = set(CATEGORY.sub("", inside).replace("\\", ""))
        return all(
            unicodedata.category(character)[0] in categories or character in letters
            for character in value
        )
    compiled = compiled_pattern(pattern)
    return compiled is None or compiled.fullmatch(value) is not None


@lru_cache(maxsize=256)
def compiled_pattern(pattern: str) -> re.Pattern[str] | None:
    """None for a pattern that Python cannot read: nothing is better than a false refusal."""
    try:
        return re.compile(pattern)
    except re.error:
        return None
