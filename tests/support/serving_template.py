"""serving.yaml as written, as plain CloudFormation, and resolved as for one release."""

import json
import os
from copy import deepcopy
from functools import cache
from typing import Any

from samtranslator.translator.transform import transform

from tests.support.translation import PSEUDO_PARAMETERS, ROOT, NoManagedPolicies
from tests.support.translation import source as source_of

TEMPLATE = ROOT / "serving" / "serving.yaml"
STACK = "kanmon-test-serving-shells"
GIVEN = {
    "Model": "shells",
    "Release": "7",
    "PreviousRelease": "6",
    "ScoreSpread": "0.25",
    "ArtifactSha256": "0" * 64,
    "DataBucket": "kanmon-test-data",
    "NotificationsTopicArn": "arn:aws:sns:us-east-1:123456789012:notices",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
}
_ARNS = {
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/{}",
    "AWS::Lambda::Function": "arn:aws:lambda:us-east-1:123456789012:function:{}",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:{}:*",
}


@cache
def _source() -> dict[str, Any]:
    template: dict[str, Any] = source_of(TEMPLATE)
    return template


def source() -> dict[str, Any]:
    """serving.yaml, a copy for each caller."""
    return deepcopy(_source())


@cache
def _translated_text(package: str, attempt: str, **changes: str) -> str:
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    template = source()
    scoring = template["Resources"]["ScoringFunction"]["Properties"]
    scoring["Environment"]["Variables"]["ATTEMPT"] = attempt
    code = {"Bucket": "kanmon-test-data", "Key": package, "Version": "v1"}
    template["Globals"]["Function"]["CodeUri"] = code
    given = {**PSEUDO_PARAMETERS, **parameters(**changes)}
    return json.dumps(transform(template, given, NoManagedPolicies()))


def parameters(**changes: str) -> dict[str, Any]:
    """The parameters of a release's deployment, those with defaults included."""
    return {**_defaults(), **GIVEN, **changes}


@cache
def _defaults() -> dict[str, Any]:
    entries = source()["Parameters"].items()
    return {name: entry["Default"] for name, entry in entries if "Default" in entry}


def translated(
    package: str = "packages/shells/7/0.zip", attempt: str = "none", **changes: str
) -> dict[str, Any]:
    """The template as CloudFormation gets it, after the Serverless transform."""
    template: dict[str, Any] = json.loads(_translated_text(package, attempt, **changes))
    return template


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The resolved properties of all resources of a type, by logical id."""
    found = translated()["Resources"].items()
    return {name: resolve(entry["Properties"]) for name, entry in found if entry["Type"] == kind}


def resolve(value: Any) -> Any:
    """Replace references and substitutions the way the release's deployment does."""
    if isinstance(value, list):
        return [resolve(part) for part in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Ref":
            return _referred(argument)
        if function == "Fn::GetAtt":
            return _attribute(*argument)
        if function == "Fn::Sub":
            return _substituted(argument)
    return {key: resolve(part) for key, part in value.items()}


def _referred(name: str) -> Any:
    known = {**PSEUDO_PARAMETERS, "AWS::StackName": STACK, **parameters()}
    return known.get(name, name)


def _attribute(name: str, attribute: str) -> str:
    if attribute != "Arn":
        return f"{name}.{attribute}"
    return _ARNS[_types()[name]].format(name)


@cache
def _types() -> dict[str, str]:
    return {name: entry["Type"] for name, entry in translated()["Resources"].items()}


def _substituted(argument: Any) -> str:
    text, more = argument if isinstance(argument, list) else (argument, {})
    before, opening, rest = text.partition("${")
    if not opening:
        return str(text)
    name, _, after = rest.partition("}")
    if name in more:
        value = resolve(more[name])
    else:
        value = _attribute(*name.split(".")) if "." in name else _referred(name)
    return f"{before}{value}{_substituted([after, more])}"


def granted(role: str) -> list[dict[str, Any]]:
    """All that a role may do, Action and Resource always lists."""
    found = []
    for policy in resources("AWS::IAM::Role")[role]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            for key in ("Action", "Resource"):
                if not isinstance(statement[key], list):
                    statement[key] = [statement[key]]
            found.append(statement)
    return found
