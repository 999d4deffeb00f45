"""What AWS checks of a pipeline's declaration before it takes it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localaws.codepipeline.rules import (
    EXECUTION_KEYS,
    EXECUTION_SCOPE,
    OPERATORS,
    PIPELINE_SCOPE,
    RESULTS,
    VariableError,
    references,
)
from localaws.protocol.errors import ServiceError, invalid, not_here


@dataclass(frozen=True)
class ActionType:
    """What AWS checks of an action: keys of its configuration, numbers of its artifacts."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    inputs: tuple[int, int] = (0, 0)
    outputs: tuple[int, int] = (0, 0)


CODEBUILD = ActionType(
    required=("ProjectName",),
    optional=("PrimarySource", "EnvironmentVariables"),
    inputs=(1, 5),
    outputs=(0, 5),
)
# Category and provider → type. All are owned by AWS and of version 1.
TYPES: Mapping[tuple[str, str], ActionType] = {
    ("Source", "S3"): ActionType(
        required=("S3Bucket", "S3ObjectKey"),
        optional=("PollForSourceChanges", "AllowOverrideForS3ObjectKey"),
        outputs=(1, 1),
    ),
    ("Approval", "Manual"): ActionType(
        optional=("CustomData", "ExternalEntityLink", "NotificationArn"),
    ),
    ("Build", "CodeBuild"): CODEBUILD,
    ("Test", "CodeBuild"): CODEBUILD,
    ("Deploy", "CloudFormation"): ActionType(
        required=("ActionMode", "StackName"),
        optional=(
            *("Capabilities", "OutputFileName", "ParameterOverrides", "RoleArn"),
            *("TemplateConfiguration", "TemplatePath"),
        ),
        inputs=(0, 10),
        outputs=(0, 1),
    ),
    ("Invoke", "Lambda"): ActionType(
        required=("FunctionName",),
        optional=("UserParameters",),
        inputs=(0, 5),
        outputs=(0, 5),
    ),
}
STACK_MODES = ("CREATE_UPDATE", "REPLACE_ON_FAILURE", "DELETE_ONLY")
# What the modes need besides the stack's name.
STACK_MODE_NEEDS = {
    "CREATE_UPDATE": ("TemplatePath", "RoleArn"),
    "REPLACE_ON_FAILURE": ("TemplatePath", "RoleArn"),
    "DELETE_ONLY": ("RoleArn",),
}


Declaration = dict[str, Any]

MOST_STAGES = 50
MOST_ACTIONS_OF_A_STAGE = 50
MOST_ACTIONS = 1000


def structure_error(message: str) -> ServiceError:
    return ServiceError("InvalidStructureException", message)


def action_error(message: str) -> ServiceError:
    return ServiceError("InvalidActionDeclarationException", message)


def normalized(declaration: Mapping[str, Any], version: int) -> Declaration:
    """The declaration as AWS keeps it: with its version and what was left to defaults."""
    stages = [
        {**stage, "actions": [_with_defaults(action) for action in stage["actions"]]}
        for stage in declaration["stages"]
    ]
    return {
        **declaration,
        "stages": stages,
        "version": version,
        "executionMode": declaration.get("executionMode", "SUPERSEDED"),
        "pipelineType": declaration.get("pipelineType", "V1"),
    }


def _with_defaults(action: Mapping[str, Any]) -> dict[str, Any]:
    defaults = {"runOrder": 1, "configuration": {}, "inputArtifacts": [], "outputArtifacts": []}
    return {**defaults, **action}


def check(declaration: Declaration) -> None:
    """Raise what AWS refuses a normalized declaration with, if it does."""
    _check_pipeline(declaration)
    stages = declaration["stages"]
    _check_stages(stages)
    for number, stage in enumerate(stages):
        for action in stage["actions"]:
            _check_place(action, first=number == 0)
            _check_action(action)
        _check_conditions(stage)
    _check_artifacts(stages)
    _check_variables(declaration)


def _check_pipeline(declaration: Declaration) -> None:
    if ("artifactStore" in declaration) == ("artifactStores" in declaration):
        raise invalid("Pipeline must have exactly one of artifactStore and artifactStores")
    if "artifactStores" in declaration:
        raise not_here("artifactStores of several regions; give one artifactStore")
    if declaration.get("triggers"):
        raise not_here("triggers of pipelines")
    if declaration["pipelineType"] == "V2":
        return
    newer = {
        "variables": declaration.get("variables"),
        "executionMode": declaration["executionMode"] != "SUPERSEDED",
        "conditions": any("beforeEntry" in stage for stage in declaration["stages"]),
    }
    for feature, used in newer.items():
        if used:
            raise structure_error(
                f"Pipeline of type V1 cannot have {feature}. Set pipelineType to V2."
            )


def _check_stages(stages: Sequence[Mapping[str, Any]]) -> None:
    if len(stages) < 2:
        raise structure_error(
            f"Pipeline has only {len(stages)} stage(s). There should be a minimum of 2 stages in a"
            " pipeline"
        )
    if len(stages) > MOST_STAGES or sum(len(s["actions"]) for s in stages) > MOST_ACTIONS:
        raise ServiceError(
            "LimitExceededException",
            f"A pipeline can have {MOST_STAGES} stages and {MOST_ACTIONS} actions",
        )
    for name in _repeated(stage["name"] for stage in stages):
        raise structure_error(f"Stage name must be unique within the pipeline: {name}")
    for stage in stages:
        actions = stage["actions"]
        if not 1 <= len(actions) <= MOST_ACTIONS_OF_A_STAGE:
            raise ServiceError(
                "InvalidStageDeclarationException",
                f"Stage {stage['name']} has {len(actions)} actions. A stage has at least one"
                f" action and at most {MOST_ACTIONS_OF_A_STAGE}",
            )
        for name in _repeated(action["name"] for action in actions):
            raise structure_error(
                f"Action name must be unique within stage {stage['name']}: {name}"
            )
    for name in _repeated(a["namespace"] for s in stages for a in s["actions"] if "namespace" in a):
        raise structure_error(f"Namespace must be unique within the pipeline: {name}")


def _check_place(action: Mapping[str, Any], *, first: bool) -> None:
    source = action["actionTypeId"]["category"] == "Source"
    if first and not source:
        raise structure_error(
            "Pipeline should start with a stage that only contains source actions"
        )
    if source and not first:
        raise structure_error(
            f"Only the first stage can have source actions, and {action['name']} is one"
        )


def _check_action(action: Mapping[str, Any]) -> None:
    name, type_id = action["name"], action["actionTypeId"]
    kind = TYPES.get((type_id["category"], type_id["provider"]))
    if kind is None or type_id["owner"] != "AWS" or type_id["version"] != "1":
        shown = ", ".join(
            f"{key.title()}: '{type_id[key]}'" for key in ("category", "provider", "owner")
        )
        raise action_error(
            f"ActionType ({shown}, Version: '{type_id['version']}') in action '{name}' is not"
            " available in region US_EAST_1"
        )
    if "timeoutInMinutes" in action and type_id["category"] != "Approval":
        raise action_error(
            f"Action {name}: timeoutInMinutes is available to manual approval actions only"
        )
    for key, what in (("commands", "commands"), ("environmentVariables", "environment variables")):
        if action.get(key):
            raise action_error(f"Action {name}: {type_id['provider']} actions have no {what}")
    _check_configuration(name, kind, action["configuration"])
    _check_counts(action, kind)
    if type_id["provider"] == "CloudFormation":
        _check_stack_action(name, action["configuration"])
    elif type_id["provider"] == "CodeBuild":
        _check_primary_source(action)


def _check_configuration(name: str, kind: ActionType, configuration: Mapping[str, str]) -> None:
    for key in kind.required:
        if not configuration.get(key):
            raise action_error(
                f"Action configuration for action '{name}' is missing required configuration"
                f" '{key}'"
            )
    for key in configuration:
        if key not in kind.required and key not in kind.optional:
            raise action_error(
                f"Action configuration for action '{name}' contains unknown configuration '{key}'"
            )


def _check_counts(action: Mapping[str, Any], kind: ActionType) -> None:
    for what, declared, (least, most) in (
        ("input", action["inputArtifacts"], kind.inputs),
        ("output", action["outputArtifacts"], kind.outputs),
    ):
        limit = (
            f"less than the minimum count ({least})"
            if len(declared) < least
            else f"more than the maximum count ({most})"
            if len(declared) > most
            else ""
        )
        if limit:
            raise action_error(
                f"Action {action['name']} declares {len(declared)} {what} artifacts which is"
                f" {limit}"
            )


def _check_stack_action(name: str, configuration: Mapping[str, str]) -> None:
    mode = configuration["ActionMode"]
    if mode not in STACK_MODES:
        raise not_here(f"the ActionMode {mode} of action {name}, only {', '.join(STACK_MODES)}")
    for key in STACK_MODE_NEEDS[mode]:
        if not configuration.get(key):
            raise action_error(
                f"Action configuration for action '{name}' is missing required configuration"
                f" '{key}'"
            )
    for key in ("TemplatePath", "TemplateConfiguration"):
        if key in configuration and "::" not in configuration[key]:
            raise action_error(f"Action {name}: {key} must have the form Artifact::File")


def _check_primary_source(action: Mapping[str, Any]) -> None:
    inputs = [artifact["name"] for artifact in action["inputArtifacts"]]
    primary = action["configuration"].get("PrimarySource")
    if primary is None and len(inputs) > 1:
        raise action_error(
            f"Action configuration for action '{action['name']}' is missing required"
            " configuration 'PrimarySource'"
        )
    if primary is not None and primary not in inputs:
        raise action_error(
            f"Action {action['name']}: PrimarySource {primary} is not one of its input artifacts"
        )


def _check_conditions(stage: Mapping[str, Any]) -> None:
    name = stage["name"]
    for key in ("onSuccess", "onFailure"):
        if key in stage:
            raise not_here(f"{key} of stages, as {name} has it")
    for condition in stage.get("beforeEntry", {}).get("conditions", []):
        if condition.get("result") not in RESULTS:
            raise structure_error(
                f"Stage {name}: the result of a beforeEntry condition must be one of"
                f" {', '.join(RESULTS)}"
            )
        rules = condition.get("rules", [])
        if not rules:
            raise structure_error(f"Stage {name}: a condition needs at least one rule")
        for repeated in _repeated(rule["name"] for rule in rules):
            raise structure_error(f"Stage {name}: rule name must be unique: {repeated}")
        for rule in rules:
            _check_rule(name, rule)


def _check_rule(stage: str, rule: Mapping[str, Any]) -> None:
    where = f"Rule {rule['name']} of stage {stage}"
    provider = rule["ruleTypeId"]["provider"]
    if provider != "VariableCheck":
        raise not_here(f"rules of {provider}, only VariableCheck")
    configuration = rule.get("configuration", {})
    for key in ("Variable", "Value", "Operator"):
        if key not in configuration:
            raise structure_error(f"{where} is missing required configuration '{key}'")
    if configuration["Operator"] not in OPERATORS:
        raise structure_error(f"{where}: Operator must be one of {', '.join(OPERATORS)}")


def _check_artifacts(stages: Sequence[Mapping[str, Any]]) -> None:
    made: dict[str, tuple[int, int]] = {}
    for position, action in _in_order(stages):
        for artifact in action["outputArtifacts"]:
            if artifact["name"] in made:
                raise structure_error(
                    "Output Artifact Bundle name must be unique within the pipeline."
                    f" {artifact['name']} has been used more than once."
                )
            made[artifact["name"]] = position
    for position, action in _in_order(stages):
        for artifact in action["inputArtifacts"]:
            if made.get(artifact["name"], position) >= position:
                raise structure_error(
                    f"Input Artifact Bundle {artifact['name']} in action {action['name']} is not"
                    " declared as Output Artifact Bundle in any of the preceding actions"
                )


def _check_variables(declaration: Declaration) -> None:
    """Every reference must name something that is there by the time it is resolved."""
    declared = [variable["name"] for variable in declaration.get("variables", [])]
    for name in _repeated(declared):
        raise structure_error(f"Variable name must be unique within the pipeline: {name}")
    made: dict[str, tuple[int, int]] = {}
    for position, action in _in_order(declaration["stages"]):
        if "namespace" in action:
            if action["namespace"] in (PIPELINE_SCOPE, EXECUTION_SCOPE):
                raise action_error(f"The namespace {action['namespace']} is reserved")
            made[action["namespace"]] = position
    for number, stage in enumerate(declaration["stages"]):
        for condition in stage.get("beforeEntry", {}).get("conditions", []):
            for rule in condition["rules"]:
                where = f"Rule {rule['name']} of stage {stage['name']}"
                known = {name for name, at in made.items() if at < (number, 0)}
                _check_references(where, rule["configuration"], known, declared)
    for position, action in _in_order(declaration["stages"]):
        known = {name for name, at in made.items() if at < position}
        _check_references(f"Action {action['name']}", action["configuration"], known, declared)


def _check_references(
    where: str, configuration: Mapping[str, str], namespaces: set[str], declared: list[str]
) -> None:
    for value in configuration.values():
        try:
            found = list(references(value))
        except VariableError as error:
            raise structure_error(f"{where}: {error}") from error
        for namespace, key in found:
            known = (
                key in declared
                if namespace == PIPELINE_SCOPE
                else key in EXECUTION_KEYS
                if namespace == EXECUTION_SCOPE
                else namespace in namespaces
            )
            if not known:
                raise structure_error(
                    f"{where} refers to #{{{namespace}.{key}}}, which no preceding action or"
                    " variable of the pipeline declares"
                )


def _in_order(
    stages: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[tuple[int, int], Mapping[str, Any]]]:
    """Yield every action with when it runs: (stage, runOrder)."""
    for number, stage in enumerate(stages):
        for action in stage["actions"]:
            yield (number, action["runOrder"]), action


def _repeated(names: Any) -> list[str]:
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
