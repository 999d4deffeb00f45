"""CloudFormation's AWS::CodeBuild::Project, made in the stage's own CodeBuild."""

from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, Shape, StructureShape
from ministack.services.cloudformation import provisioners

from localaws.protocol.errors import ServiceError, not_here
from localaws.protocol.shapes import Api

KIND = "AWS::CodeBuild::Project"
LONGEST_NAME = 150
# Where the API's name is not the property's with a small first letter.
NAMES = {"buildSpec": "buildspec"}
# Properties of the template's type that CreateProject does not take.
OTHERS = ("Triggers", "Visibility", "ResourceAccessRole")

Call = Callable[[str, dict[str, Any]], dict[str, Any]]


def install(call: Call) -> None:
    """Let templates make projects through `call` (operation, request)."""
    api = Api("codebuild")

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, Any]:
        name = properties.get("Name") or provisioners._physical_name(
            stack, logical_id, max_len=LONGEST_NAME
        )
        project = asked("CreateProject", {**request_of(api, properties), "name": name})["project"]
        return name, {"Arn": project["arn"]}

    def update(name: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> tuple[str, Any]:
        if new.get("Name", name) != name:
            return create(name, new, stack)  # the engine removes the old one
        project = asked("UpdateProject", {**request_of(api, new), "name": name})["project"]
        return name, {"Arn": project["arn"]}

    def delete(name: str, properties: dict[str, Any]) -> None:
        asked("DeleteProject", {"name": name})

    def asked(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return call(operation, request)
        except ServiceError as error:
            raise ValueError(f"{error} (Service: AWSCodeBuild; Code: {error.code})") from error

    provisioners._RESOURCE_HANDLERS[KIND] = {"create": create, "update": update, "delete": delete}


def request_of(api: Api, properties: dict[str, Any]) -> dict[str, Any]:
    """The request for CreateProject that a template's properties stand for."""
    shape = api.operation("CreateProject").input_shape
    for name in OTHERS:
        if name in properties:
            raise ValueError(str(not_here(f"{KIND}'s {name}")))
    request: dict[str, Any] = converted(shape, properties)
    return request


def converted(shape: Shape | None, value: Any) -> Any:
    """Spell a property as the API does, and as the type that it has there."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        spelled = {api_name(name): inside for name, inside in value.items()}
        return {name: converted(shape.members.get(name), here) for name, here in spelled.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [converted(shape.member, entry) for entry in value]
    if shape is None or isinstance(value, dict | list):
        return value  # the API says what is wrong with it
    if shape.type_name in ("integer", "long"):
        return int(value)
    if shape.type_name == "boolean":
        return str(value).lower() == "true"
    return str(value).lower() if isinstance(value, bool) else str(value)


def api_name(name: str) -> str:
    """
    >>> api_name("TimeoutInMinutes"), api_name("BuildSpec")
    ('timeoutInMinutes', 'buildspec')
    """
    small = name[:1].lower() + name[1:]
    return NAMES.get(small, small)
