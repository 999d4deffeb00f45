"""template.yaml as written, as plain CloudFormation, and resolved as for one stage.

The templates of nested applications count as parts of it: they are looked up, resolved and judged
as if their resources stood in the core.
"""

import base64
import json
import os
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import intrinsics_multi_constructor

from kanmon.deployment.package import read_yaml

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
STACKS = sorted((ROOT / "stacks").glob("*.yaml"))
WORKFLOW = ROOT / "statemachine" / "retrain.asl.yaml"
MONITOR_WORKFLOW = ROOT / "statemachine" / "monitor.asl.yaml"
SCORE_WORKFLOW = ROOT / "statemachine" / "score.asl.yaml"

PSEUDO_PARAMETERS = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "kanmon-test",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}
# What Ref and GetAtt of its ARN give for a resource, by its type; {id} is the logical id.
REFERENCES = {
    "AWS::Athena::WorkGroup": ("{id}", ""),
    "AWS::CloudWatch::Dashboard": ("{id}", ""),
    "AWS::CloudFormation::Stack": ("arn:aws:cloudformation:us-east-1:123456789012:stack/{id}", ""),
    "AWS::CodeBuild::Project": ("{id}", "codebuild:us-east-1:123456789012:project/{id}"),
    "AWS::CodePipeline::Pipeline": ("{id}", ""),
    "AWS::DynamoDB::Table": ("{id}", "dynamodb:us-east-1:123456789012:table/{id}"),
    **{
        f"AWS::EC2::{kind}": ("{id}", "")
        for kind in ("RouteTable", "SecurityGroup", "Subnet", "VPC", "VPCEndpoint")
    },
    "AWS::ECR::Repository": ("{id}", "ecr:us-east-1:123456789012:repository/{id}"),
    "AWS::Events::EventBus": ("{id}", "events:us-east-1:123456789012:event-bus/{id}"),
    "AWS::Events::Rule": ("{id}", "events:us-east-1:123456789012:rule/{id}"),
    "AWS::Glue::Database": ("{id}", ""),
    "AWS::Glue::Table": ("{id}", ""),
    "AWS::IAM::ManagedPolicy": ("arn:aws:iam::123456789012:policy/{id}", ""),
    "AWS::IAM::Role": ("{id}", "iam::123456789012:role/{id}"),
    "AWS::Lambda::Function": ("{id}", "lambda:us-east-1:123456789012:function:{id}"),
    "AWS::Lambda::LayerVersion": ("arn:aws:lambda:us-east-1:123456789012:layer:{id}:1", ""),
    "AWS::Logs::LogGroup": ("{id}", "logs:us-east-1:123456789012:log-group:{id}:*"),
    "AWS::QuickSight::DataSet": ("{id}", "quicksight:us-east-1:123456789012:dataset/{id}"),
    "AWS::QuickSight::DataSource": ("{id}", "quicksight:us-east-1:123456789012:datasource/{id}"),
    "AWS::S3::Bucket": ("{id}", "s3:::{id}"),
    "AWS::SageMaker::MlflowApp": ("", "sagemaker:us-east-1:123456789012:mlflow-app/{id}"),
    "AWS::SQS::Queue": (
        "https://sqs.us-east-1.amazonaws.com/123456789012/{id}",
        "sqs:us-east-1:123456789012:{id}",
    ),
    "AWS::SNS::Topic": ("arn:aws:sns:us-east-1:123456789012:{id}", ""),
    "AWS::StepFunctions::StateMachine": (
        "arn:aws:states:us-east-1:123456789012:stateMachine:{id}",
        "states:us-east-1:123456789012:stateMachine:{id}",
    ),
}


class SamLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as SAM reads it, in C where that is installed: SAM's own way takes ten times as long."""


SamLoader.add_multi_constructor("!", intrinsics_multi_constructor)


class NoManagedPolicies:
    """SAM asks for AWS's managed policies; this template uses none."""

    def load(self) -> dict[str, str]:
        return {}


@cache
def _source(path: Path) -> dict[str, Any]:
    read_yaml(path)  # refuses a key that is there twice
    template: dict[str, Any] = yaml.load(path.read_text(), SamLoader)  # noqa: S506 - a safe one
    return template


def source(path: Path = TEMPLATE) -> dict[str, Any]:
    """A template, a copy for each caller; short forms such as !Ref become long."""
    return deepcopy(_source(path))


def applications() -> dict[str, dict[str, Any]]:
    """The nested applications as the core names them, by logical id."""
    return {
        name: entry
        for name, entry in source()["Resources"].items()
        if entry["Type"] == "AWS::Serverless::Application"
    }


def nested(application: str) -> dict[str, Any]:
    """The template of a nested application, with its loops written out."""
    template = source(ROOT / applications()[application]["Properties"]["Location"])
    if "Transform" not in template:
        return template
    from ministack.services.cloudformation import language_extensions

    listed = {"Models": ",".join(GATHERING_MODELS)}
    return dict(language_extensions.apply(template, listed))


@cache
def _translated_text() -> str:
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    template = source()
    template["Globals"]["Function"]["CodeUri"] = "s3://code/functions.zip"
    packed = template["Resources"]
    for resource in packed.values():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            resource["Properties"]["DefinitionUri"] = "s3://code/workflow.asl.json"
    packed["HashRowsFunction"]["Properties"]["CodeUri"] = "s3://code/rows.zip"
    packed["ServingSourceLayer"]["Properties"]["ContentUri"] = "s3://code/serving.zip"
    for name in applications():
        packed[name]["Properties"]["Location"] = f"https://s3.amazonaws.com/code/{name}.json"
    defaults = {
        name: parameter["Default"]
        for name, parameter in template["Parameters"].items()
        if "Default" in parameter
    }
    plain = transform(template, {**PSEUDO_PARAMETERS, **defaults}, NoManagedPolicies(), Parser())
    # A layer's logical id ends in a hash of its content, so that new content is a new version.
    return re.sub(r"ServingSourceLayer[0-9a-f]{10}", "ServingSourceLayer", json.dumps(plain))


def translated() -> dict[str, Any]:
    """The template as CloudFormation gets it, after the Serverless transform."""
    template: dict[str, Any] = json.loads(_translated_text())
    return template


@cache
def _whole() -> dict[str, dict[str, Any]]:
    """The sections of the core with those of the nested templates in them."""
    core = translated()
    handed: dict[str, Any] = {}
    for application, entry in applications().items():
        template = nested(application)
        for section in ("Resources", "Conditions"):
            for name, part in template.get(section, {}).items():
                assert core[section].setdefault(name, part) == part, f"{name} is there twice"
        for name, value in entry["Properties"]["Parameters"].items():
            if template["Parameters"][name]["Type"] == "CommaDelimitedList":
                value = {"Fn::Split": [",", value]}
            assert handed.setdefault(name, value) == value, f"{name} means two things"
    return {**core, "Handed": handed}


def whole() -> dict[str, dict[str, Any]]:
    """All resources and conditions of a stage, whichever template they are in."""
    return deepcopy(_whole())


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The resources of one type, by logical id, whichever template they are in."""
    return deepcopy(_resources(kind))


def _resources(kind: str) -> dict[str, dict[str, Any]]:
    found = _whole()["Resources"].items()
    return {name: part for name, part in found if part["Type"] == kind}


def step_functions() -> dict[str, dict[str, Any]]:
    """The steps as functions, by logical id: those of the application Compute."""
    own = nested("Compute")["Resources"]
    return {name: one for name, one in resources("AWS::Lambda::Function").items() if name in own}


def control_functions() -> dict[str, dict[str, Any]]:
    """All other functions of a stage, by logical id: they decide, and work on no data."""
    steps = step_functions()
    functions = resources("AWS::Lambda::Function")
    return {name: one for name, one in functions.items() if name not in steps}


Parameters = Mapping[str, Any]


# A stage that lets queries read one folder of a lake, and the tables of one database.
LAKE = [
    "arn:aws:s3:::lake",
    "arn:aws:s3:::lake/sales/*",
    "arn:aws:glue:us-east-1:123456789012:database/sales",
    "arn:aws:glue:us-east-1:123456789012:table/sales/*",
    "arn:aws:kms:us-east-1:123456789012:key/0a1b",
]

# The models of a stage whose data their gather.py makes.
GATHERING_MODELS = ("glasses", "sea-shells")
JOBS = {"GatherModels": ",".join(GATHERING_MODELS)}
# An App that is given, and the secret of a server: no stage has both.
MLFLOW = {
    "MlflowAppArn": "arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-given",
    "MlflowSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:mlflow-0a1b2c",
}
# The roles of their jobs, by the logical id: their names.
GATHER_ROLES = {
    f"GatherRole{model.replace('-', '')}": f"kanmon-test-gather-{model}"
    for model in GATHERING_MODELS
}


def resolve(value: Any, stage: str = "dev", **parameters: Any) -> Any:
    """Replace references, substitutions and conditions the way a deployment of the stage does."""
    defaults = {name: entry["Default"] for name, entry in _whole()["Parameters"].items()}
    given = {
        **defaults,
        "GatherFrom": ",".join(LAKE),
        **JOBS,
        **MLFLOW,
        "Stage": stage,
        **parameters,
    }
    # What the core hands to nested templates, by the name that it has there.
    handed = {name: _resolve(value, given) for name, value in _whole()["Handed"].items()}
    return _resolve(value, {**handed, **given})


def _resolve(value: Any, given: Parameters) -> Any:
    if isinstance(value, list):
        parts = [(part, _resolve(part, given)) for part in value]
        # A part that a condition leaves out is not there, not empty.
        return [found for part, found in parts if found is not None or part is None]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(function, argument)] = value.items()
        if function in FUNCTIONS:
            return FUNCTIONS[function](argument, given)
    resolved = {key: _resolve(part, given) for key, part in value.items()}
    return {key: part for key, part in resolved.items() if part is not None}


def _reference(name: str, given: Parameters) -> Any:
    if name in PSEUDO_PARAMETERS:
        return PSEUDO_PARAMETERS[name]
    if name in given:
        return given[name]
    by_reference, _ = REFERENCES[_whole()["Resources"][name]["Type"]]
    return by_reference.format(id=name)


def _attribute(path: str | list[str], given: Parameters) -> str:
    name, _, attribute = (path if isinstance(path, str) else ".".join(path)).partition(".")
    if attribute != "Arn":
        return f"{name}.{attribute}"
    _, arn = REFERENCES[_whole()["Resources"][name]["Type"]]
    return "arn:aws:" + arn.format(id=name)


def _substitute(argument: str | list[Any], given: Parameters) -> str:
    text, own = (argument, {}) if isinstance(argument, str) else argument
    given = {**given, **{name: _resolve(value, given) for name, value in own.items()}}
    before, opening, rest = text.partition("${")
    if not opening:
        return text
    name, _, after = rest.partition("}")
    value = _attribute(name, given) if "." in name else _reference(name, given)
    return f"{before}{value}{_substitute(after, given)}"


def _choose(argument: list[Any], given: Parameters) -> Any:
    condition, yes, no = argument
    return _resolve(yes if _holds({"Condition": condition}, given) else no, given)


def _look_up(argument: list[Any], given: Parameters) -> Any:
    mapping, first, second = argument
    found = _whole()["Mappings"][mapping]
    return found[str(_resolve(first, given))][_resolve(second, given)]


def _join(argument: list[Any], given: Parameters) -> str:
    separator, parts = argument
    return str(separator.join(_resolve(parts, given)))


def _split(argument: list[Any], given: Parameters) -> list[str]:
    separator, text = argument
    return list(_resolve(text, given).split(separator))


def _select(argument: list[Any], given: Parameters) -> Any:
    index, parts = argument
    found = _resolve(parts, given)
    # Of a resource that a condition leaves out, which is resolved here all the same.
    return found[int(index)] if int(index) < len(found) else ""


def _zones(argument: Any, given: Parameters) -> list[str]:
    region = _resolve(argument, given) or PSEUDO_PARAMETERS["AWS::Region"]
    return [f"{region}{zone}" for zone in "abc"]


def _encode(argument: Any, given: Parameters) -> str:
    return base64.b64encode(_resolve(argument, given).encode()).decode()


FUNCTIONS: dict[str, Callable[[Any, Parameters], Any]] = {
    "Ref": _reference,
    "Fn::GetAtt": _attribute,
    "Fn::Sub": _substitute,
    "Fn::If": _choose,
    "Fn::FindInMap": _look_up,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::GetAZs": _zones,
    "Fn::Select": _select,
    "Fn::Base64": _encode,
}


def _holds(rule: dict[str, Any], given: Parameters) -> bool:
    [(function, argument)] = rule.items()
    if function == "Condition":
        return _holds(_whole()["Conditions"][argument], given)
    if function == "Fn::Not":
        return not _holds(argument[0], given)
    if function == "Fn::And":
        return all(_holds(each, given) for each in argument)
    if function == "Fn::Or":
        return any(_holds(each, given) for each in argument)
    assert function == "Fn::Equals", function
    one, other = (str(_resolve(part, given)) for part in argument)
    return one == other


def statements(policy: dict[str, Any], **parameters: Any) -> list[dict[str, Any]]:
    """A policy document's statements, resolved, with Action and Resource always lists."""
    found = []
    for statement in resolve(policy, **parameters)["Statement"]:
        for key in ("Action", "Resource"):
            if key in statement and not isinstance(statement[key], list):
                statement[key] = [statement[key]]
        found.append(statement)
    return found


def policies(role: str, **parameters: Any) -> list[dict[str, Any]]:
    """All statements about a role: its own policies' and those of its managed policies.

    A new list of statements that are resolved once: hundreds of tests ask for the same ones.
    """
    return list(_policies(role, **parameters))


@cache
def _policies(role: str, **parameters: Any) -> list[dict[str, Any]]:
    properties = _resources("AWS::IAM::Role")[role]["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    documents += [
        _resources("AWS::IAM::ManagedPolicy")[managed["Ref"]]["Properties"]["PolicyDocument"]
        for managed in properties.get("ManagedPolicyArns", [])
    ]
    # What a nested template adds to a role of the core.
    documents += [
        each["Properties"]["PolicyDocument"]
        for each in _resources("AWS::IAM::Policy").values()
        if role in resolve(each["Properties"]["Roles"], **parameters)
    ]
    return [statement for document in documents for statement in statements(document, **parameters)]


def granted(role: str) -> list[dict[str, Any]]:
    """All that a role may do, before what it is denied."""
    return [statement for statement in policies(role) if statement["Effect"] == "Allow"]


def denied(role: str, **parameters: Any) -> list[dict[str, Any]]:
    """What a role may not do, whatever else is granted to it."""
    return [
        statement for statement in policies(role, **parameters) if statement["Effect"] == "Deny"
    ]


def properties(name: str, stage: str = "dev", **parameters: Any) -> dict[str, Any]:
    """A resource's properties as on a stage; of the core or of a nested template."""
    found: dict[str, Any] = resolve(whole()["Resources"][name]["Properties"], stage, **parameters)
    return found
