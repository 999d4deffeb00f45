"""CloudFormation's AWS::CodePipeline::Pipeline, and how a stack's progress is looked at."""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import request_scope
from ministack.services.cloudformation import _stacks, provisioners

from localaws.home import ACCOUNT, REGION
from localaws.protocol.errors import not_here

Call = Callable[[str, dict[str, Any]], dict[str, Any]]
Made = tuple[str, dict[str, Any]]

TYPE = "AWS::CodePipeline::Pipeline"
# What is not of the pipeline's declaration.
TAGS, TRANSITIONS, RESTART = "Tags", "DisableInboundStageTransitions", "RestartExecutionOnUpdate"
# Maps whose keys are the user's own words.
OWN_KEYS = ("configuration",)
NUMBERS = ("runOrder", "timeoutInMinutes")


def install(call: Call) -> None:
    """Let templates declare pipelines; `call` calls an operation of CodePipeline."""

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
        name = properties.get("Name") or provisioners._physical_name(stack, logical_id, max_len=100)
        request = {"pipeline": declaration(properties, name), "tags": tags(properties)}
        answer = call("CreatePipeline", request)
        return attributes(answer)

    def update(name: str, before: dict[str, Any], properties: dict[str, Any], stack: str) -> Made:
        answer = call("UpdatePipeline", {"pipeline": declaration(properties, name)})
        arn = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{name}"
        gone = {tag["key"] for tag in tags(before)} - {tag["key"] for tag in tags(properties)}
        if gone:
            call("UntagResource", {"resourceArn": arn, "tagKeys": sorted(gone)})
        call("TagResource", {"resourceArn": arn, "tags": tags(properties)})
        return attributes(answer)

    def delete(name: str, properties: dict[str, Any]) -> None:
        call("DeletePipeline", {"name": name})

    provisioners._RESOURCE_HANDLERS[TYPE] = {"create": create, "update": update, "delete": delete}
    provisioners._REPLACING_PROPERTIES[TYPE] = ("Name",)
    provisioners._STACK_TAG_PROPERTY[TYPE] = (TAGS, "list")


def attributes(answer: Mapping[str, Any]) -> Made:
    """The physical id (what Ref gives) and what GetAtt gives."""
    pipeline = answer["pipeline"]
    return pipeline["name"], {"Version": str(pipeline["version"])}


def declaration(properties: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The API's declaration from the type's properties."""
    for missing in (RESTART, TRANSITIONS):
        if str(properties.get(missing, "false")).lower() not in ("false", "[]"):
            raise ValueError(str(not_here(f"{TYPE}'s {missing}")))
    others = (TAGS, TRANSITIONS, RESTART)
    given = {key: value for key, value in properties.items() if key not in others}
    made: dict[str, Any] = lowered({**given, "Name": name})
    return made


def tags(properties: Mapping[str, Any]) -> list[dict[str, str]]:
    """The tags that a user gives; those of CloudFormation itself begin with aws:."""
    given = [tag for tag in properties.get(TAGS, []) if not tag["Key"].startswith("aws:")]
    return [{"key": tag["Key"], "value": tag["Value"]} for tag in given]


def lowered(value: Any, key: str = "") -> Any:
    """The same with members' names as the API has them; the values a template spells as text.

    >>> lowered({"RunOrder": "2", "Configuration": {"StackName": 7}})
    {'runOrder': 2, 'configuration': {'StackName': '7'}}
    """
    if key in OWN_KEYS:
        return {name: text(entry) for name, entry in value.items()}
    if isinstance(value, Mapping):
        names = {name: name[:1].lower() + name[1:] for name in value}
        return {names[name]: lowered(entry, names[name]) for name, entry in value.items()}
    if isinstance(value, list):
        return [lowered(entry) for entry in value]
    if key in NUMBERS:
        return int(value)
    return str(value) if isinstance(value, int | float) else value


def text(value: Any) -> str:
    """A configuration's value: a template may write true for "true"."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def stack_status(identity: str) -> str | None:
    """The status of a stack by its id, None where it is not there."""
    with request_scope(ACCOUNT, REGION):
        for stack in list(_stacks.values()):
            if stack["StackId"] == identity:
                return str(stack["StackStatus"])
    return None
