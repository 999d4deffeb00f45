"""Requests held against botocore's models of the services."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel
from botocore.validate import ParamValidator


@cache
def operation(service: str, action: str) -> OperationModel:
    model = botocore.session.get_session().get_service_model(service)
    return model.operation_model(action[0].upper() + action[1:])


def python_pattern(pattern: str) -> str:
    """AWS names classes of letters as Java does, and a few patterns end in a stray `${1,256}`."""
    for classes, characters in ((r"[LMN]", r"\\w"), ("Z", r"\\s"), (r"[SP]", r"!-/:-@\\[-`{-~")):
        pattern = re.sub(rf"\\p{{{classes}}}", characters, pattern)
    return re.sub(r"\$\{\d+,\d+\}$", "", pattern)


def breaches(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Break-downs of enum, pattern and length, which botocore leaves to the service."""
    if shape.type_name == "structure":
        for key, part in value.items():
            yield from breaches(part, shape.members[key], f"{path}/{key}")
    elif shape.type_name == "list":
        for position, part in enumerate(value):
            yield from breaches(part, shape.member, f"{path}/{position}")
    elif shape.type_name == "map":
        for key, part in value.items():
            yield from breaches(key, shape.key, f"{path}/{key}")
            yield from breaches(part, shape.value, f"{path}/{key}")
    elif shape.type_name == "string":
        metadata = shape.metadata
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value} is none of {shape.enum}"
        if not re.fullmatch(python_pattern(metadata.get("pattern", ".*")), value, re.DOTALL):
            yield f"{path}: {value} does not match {metadata['pattern']}"
        if len(value) > metadata.get("max", len(value)):
            yield f"{path}: {value} is longer than {metadata['max']}"


def problems(service: str, action: str, request: dict[str, Any]) -> list[str]:
    shape = operation(service, action).input_shape
    assert shape is not None
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        return [report.generate_report()]
    return list(breaches(request, shape))
