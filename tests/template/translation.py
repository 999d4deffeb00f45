"""template.yaml as written, as plain CloudFormation, and resolved as for one stage."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
WORKFLOW = ROOT / "statemachine" / "retrain.asl.yaml"

PSEUDO_PARAMETERS = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "kanmon-test",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}
# What Ref and GetAtt give for a resource, by its type; {id} is the logical id.
REFERENCES = {
    "AWS::DynamoDB::Table": ("{id}", "dynamodb:us-east-1:123456789012:table/{id}"),
    "AWS::ECR::Repository": ("{id}", "ecr:us-east-1:123456789012:repository/{id}"),
    "AWS::IAM::ManagedPolicy": ("arn:aws:iam::123456789012:policy/{id}", ""),
    "AWS::IAM::Role": ("{id}", "iam::123456789012:role/{id}"),
    "AWS::Lambda::Function": ("{id}", "lambda:us-east-1:123456789012:function:{id}"),
    "AWS::Logs::LogGroup": ("{id}", "logs:us-east-1:123456789012:log-group:{id}:*"),
    "AWS::S3::Bucket": ("{id}", "s3:::{id}"),
    "AWS::SNS::Topic": ("arn:aws:sns:us-east-1:123456789012:{id}", ""),
    "AWS::StepFunctions::StateMachine": (
        "arn:aws:states:us-east-1:123456789012:stateMachine:{id}",
        "states:us-east-1:123456789012:stateMachine:{id}",
    ),
    "AWS::Events::Rule": ("{id}", "events:us-east-1:123456789012:rule/{id}"),
}


class NoManagedPolicies:
    """SAM asks for AWS's managed policies; this template uses none."""

    def load(self) -> dict[str, str]:
        return {}


@cache
def _source_text() -> str:
    return TEMPLATE.read_text()


def source() -> dict[str, Any]:
    """template.yaml, parsed anew at each call; short forms such as !Ref become long."""
    template: dict[str, Any] = yaml_parse(_source_text())
    return template


@cache
def _translated_text() -> str:
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    template = source()
    template["Globals"]["Function"]["CodeUri"] = "s3://code/functions.zip"
    machine = template["Resources"]["RetrainStateMachine"]["Properties"]
    machine["DefinitionUri"] = "s3://code/retrain.asl.json"
    defaults = {
        name: parameter["Default"]
        for name, parameter in template["Parameters"].items()
        if "Default" in parameter
    }
    plain = transform(template, {**PSEUDO_PARAMETERS, **defaults}, NoManagedPolicies(), Parser())
    return json.dumps(plain)


def translated() -> dict[str, Any]:
    """The template as CloudFormation gets it, after the Serverless transform."""
    template: dict[str, Any] = json.loads(_translated_text())
    return template


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The translated resources of one type, by logical id."""
    found = translated()["Resources"]
    return {name: entry for name, entry in found.items() if entry["Type"] == kind}


def resolve(value: Any, stage: str = "dev") -> Any:
    """Replace references, substitutions and conditions the way a deployment of the stage does."""
    if isinstance(value, list):
        return [resolve(part, stage) for part in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Ref":
            return _reference(argument, stage)
        if function == "Fn::GetAtt":
            name, _, attribute = (
                argument if isinstance(argument, str) else ".".join(argument)
            ).partition(".")
            return _attribute(name, attribute)
        if function == "Fn::Sub":
            return _substitute(argument, stage)
        if function == "Fn::If":
            condition, yes, no = argument
            return resolve(yes if _holds(condition, stage) else no, stage)
        if function == "Fn::Join":
            separator, parts = argument
            return separator.join(resolve(parts, stage))
    return {key: resolve(part, stage) for key, part in value.items()}


def _reference(name: str, stage: str) -> Any:
    if name in PSEUDO_PARAMETERS:
        return PSEUDO_PARAMETERS[name]
    template = translated()
    if name in template["Parameters"]:
        return stage if name == "Stage" else template["Parameters"][name]["Default"]
    by_reference, _ = REFERENCES[template["Resources"][name]["Type"]]
    return by_reference.format(id=name)


def _attribute(name: str, attribute: str) -> str:
    if attribute != "Arn":
        return f"{name}.{attribute}"
    _, arn = REFERENCES[translated()["Resources"][name]["Type"]]
    return "arn:aws:" + arn.format(id=name)


def _substitute(text: str, stage: str) -> str:
    before, opening, rest = text.partition("${")
    if not opening:
        return text
    name, _, after = rest.partition("}")
    value = _attribute(*name.split(".")) if "." in name else _reference(name, stage)
    return f"{before}{value}{_substitute(after, stage)}"


def _holds(condition: str, stage: str) -> bool:
    return {"IsLocal": stage == "local", "HasNotificationEmail": False}[condition]


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """A policy document's statements, resolved, with Action and Resource always lists."""
    found = []
    for statement in resolve(policy)["Statement"]:
        for key in ("Action", "Resource"):
            if key in statement and not isinstance(statement[key], list):
                statement[key] = [statement[key]]
        found.append(statement)
    return found


def granted(role: str) -> list[dict[str, Any]]:
    """All that a role may do: its own policies' statements and those of its managed policies."""
    properties = resources("AWS::IAM::Role")[role]["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    documents += [
        resources("AWS::IAM::ManagedPolicy")[managed["Ref"]]["Properties"]["PolicyDocument"]
        for managed in properties.get("ManagedPolicyArns", [])
    ]
    return [statement for document in documents for statement in statements(document)]
