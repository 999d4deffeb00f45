"""A Lambda deployment's AppSpec: which alias goes from which version to which, with what hooks."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

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


def parse(content: str) -> AppSpec:
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


def write(spec: AppSpec) -> str:
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
