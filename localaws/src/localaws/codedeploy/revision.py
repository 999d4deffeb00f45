"""What is deployed, by its AppSpec, and how traffic moves to it: pure rules."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from localaws.codedeploy.account import PREDEFINED
from localaws.protocol.errors import ServiceError, not_here

HOOKS = ("BeforeAllowTraffic", "AfterAllowTraffic")
PROPERTIES = ("Name", "Alias", "CurrentVersion", "TargetVersion")


@dataclass(frozen=True)
class AppSpec:
    """One alias's way from one version to another; `hooks` maps an event to a function."""

    function: str
    alias: str
    current: str
    target: str
    hooks: dict[str, str]


def content_of(revision: Mapping[str, Any]) -> str:
    """The text of a revision. Raises for the kinds a Lambda deployment cannot have here."""
    kind = revision.get("revisionType", "AppSpecContent")
    member = {"AppSpecContent": "appSpecContent", "String": "string"}.get(kind)
    if member is None:
        raise not_here(f"revisions of type {kind}, only an AppSpec in the request")
    place = revision.get(member) or {}
    content = place.get("content")
    if not content:
        raise wrong("the AppSpec has no content")
    if place.get("sha256", digest(content)) != digest(content):
        raise wrong("the AppSpec's content does not have its sha256")
    return str(content)


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def parse_appspec(content: str) -> AppSpec:
    """Read an AppSpec, JSON or YAML. Raises InvalidRevisionException."""
    try:
        document = yaml.safe_load(content)  # JSON is YAML, too
    except yaml.YAMLError as error:
        raise wrong("it is neither JSON nor YAML") from error
    if not isinstance(document, dict):
        raise wrong("it is not a mapping")
    properties = _properties(_named(document, "resources"))
    missing = [name for name in PROPERTIES if not properties.get(name)]
    if missing:
        raise wrong(f"Properties have no {', '.join(missing)}")
    values = {name: str(properties[name]) for name in PROPERTIES}
    return AppSpec(
        values["Name"],
        values["Alias"],
        values["CurrentVersion"],
        values["TargetVersion"],
        _hooks(_named(document, "hooks")),
    )


def write_appspec(spec: AppSpec) -> str:
    """The same as JSON, as CloudFormation writes it."""
    named = zip(PROPERTIES, (spec.function, spec.alias, spec.current, spec.target), strict=True)
    resource = {"Type": "AWS::Lambda::Function", "Properties": dict(named)}
    hooks = [{event: function} for event, function in spec.hooks.items()]
    return json.dumps({"version": 0.0, "Resources": [{"function": resource}], "Hooks": hooks})


def _named(document: Mapping[str, Any], name: str) -> Any:
    return document.get(name, document.get(name.capitalize()))


def _properties(resources: Any) -> dict[str, Any]:
    listed = resources if isinstance(resources, list) else []
    found = [one for entry in listed if isinstance(entry, dict) for one in entry.values()]
    if len(found) != 1 or not isinstance(found[0], dict):
        raise wrong("it must have exactly one resource")
    kind, properties = _named(found[0], "type"), _named(found[0], "properties")
    if kind != "AWS::Lambda::Function" or not isinstance(properties, dict):
        raise wrong("its resource must be an AWS::Lambda::Function with Properties")
    lowered = {str(key).lower(): value for key, value in properties.items()}
    return {name: lowered.get(name.lower()) for name in PROPERTIES}


def _hooks(listed: Any) -> dict[str, str]:
    if listed is None:
        return {}
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise wrong("Hooks must be a list of one event each")
    hooks = {str(event): function for entry in listed for event, function in entry.items()}
    unknown = [event for event in hooks if event not in HOOKS]
    if unknown:
        raise wrong(f"Lambda deployments have no event {', '.join(unknown)} to hook into")
    return {event: str(function) for event, function in hooks.items() if function}


def wrong(message: str) -> ServiceError:
    return ServiceError("InvalidRevisionException", f"The AppSpec cannot be used: {message}.")


ALL = 100


@dataclass(frozen=True)
class Step:
    """The share of the new version, in percent, and how long it stays so, in AWS's minutes."""

    percent: int
    minutes: int


def canary(percent: int, minutes: int) -> dict[str, Any]:
    shift = {"canaryPercentage": percent, "canaryInterval": minutes}
    return {"type": "TimeBasedCanary", "timeBasedCanary": shift}


def linear(percent: int, minutes: int) -> dict[str, Any]:
    shift = {"linearPercentage": percent, "linearInterval": minutes}
    return {"type": "TimeBasedLinear", "timeBasedLinear": shift}


CONFIGS: dict[str, dict[str, Any]] = {
    f"{PREDEFINED}LambdaAllAtOnce": {"type": "AllAtOnce"},
    **{
        f"{PREDEFINED}LambdaCanary10Percent{minutes}Minutes": canary(10, minutes)
        for minutes in (5, 10, 15, 30)
    },
    f"{PREDEFINED}LambdaLinear10PercentEvery1Minute": linear(10, 1),
    **{
        f"{PREDEFINED}LambdaLinear10PercentEvery{minutes}Minutes": linear(10, minutes)
        for minutes in (2, 3, 10)
    },
}


def traffic_steps(routing: Mapping[str, Any]) -> list[Step]:
    """The steps up to, and without, the moment at which the new version has all of the traffic.

    >>> traffic_steps(canary(10, 5))
    [Step(percent=10, minutes=5)]
    >>> [step.percent for step in traffic_steps(linear(40, 1))]
    [40, 80]
    >>> traffic_steps({"type": "AllAtOnce"})
    []
    """
    if routing["type"] == "TimeBasedCanary":
        shift = routing["timeBasedCanary"]
        return [Step(shift["canaryPercentage"], shift["canaryInterval"])]
    if routing["type"] == "TimeBasedLinear":
        shift = routing["timeBasedLinear"]
        percent, minutes = shift["linearPercentage"], shift["linearInterval"]
        return [Step(share, minutes) for share in range(percent, ALL, percent)]
    return []
