"""What AWS checks of a pipeline, and the pure rules an execution goes by."""

import copy
from typing import Any

import pytest

from localaws.codepipeline import structure
from localaws.codepipeline.account import artifact_key, resource_arn
from localaws.codepipeline.rules import (
    Next,
    Step,
    VariableError,
    check_rule,
    may_enter,
    resolve,
    step,
)
from localaws.protocol.errors import ServiceError
from support.codepipeline_bench import (
    action,
    approval,
    entered_when,
    function,
    pipeline,
    source,
    stage,
)

READ = [{"name": "Bundle"}]


def whole() -> dict[str, Any]:
    """A pipeline of every kind of action."""
    deploy = {
        "ActionMode": "CREATE_UPDATE",
        "StackName": "serving-#{variables.model}",
        "TemplatePath": "Verified::packaged.yaml",
        "RoleArn": "arn:aws:iam::123456789012:role/deploy",
    }
    return pipeline(
        stage("Source", source()),
        stage(
            "Review",
            approval(configuration={"CustomData": "#{variables.model}"}, timeoutInMinutes=60),
            beforeEntry=entered_when("#{variables.review}", "manual"),
        ),
        stage(
            "Verify",
            function("Admit"),
            action(
                "Build",
                "Build",
                "CodeBuild",
                runOrder=2,
                namespace="Checked",
                configuration={"ProjectName": "verify"},
                inputArtifacts=READ,
                outputArtifacts=[{"name": "Verified"}],
            ),
        ),
        stage(
            "Promote",
            action(
                "Deploy",
                "Deploy",
                "CloudFormation",
                namespace="Serving",
                configuration=deploy,
                inputArtifacts=[{"name": "Verified"}],
            ),
            function("Record", 2, configuration={"FunctionName": "f#{Serving.Alias}"}),
        ),
        variables=[{"name": "model"}, {"name": "review", "defaultValue": "manual"}],
    )


def refusal(declaration: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ServiceError) as raised:
        structure.check(structure.normalized(declaration, 1))
    return raised.value.code, str(raised.value)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The whole pipeline with one member changed (None: removed), such as "stages.0.name"."""
    declaration = copy.deepcopy(whole())
    place: Any = declaration
    *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
    for part in way:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return declaration


def test_a_pipeline_of_every_kind_of_action_is_taken():
    structure.check(structure.normalized(whole(), 1))


STRUCTURE, ACTION = "InvalidStructureException", "InvalidActionDeclarationException"
MISSING = "NotImplementedException"


@pytest.mark.parametrize(
    ("path", "value", "code", "words"),
    [
        ("stages", [stage("Source", source())], STRUCTURE, "a minimum of 2 stages"),
        ("stages.1.name", "Source", STRUCTURE, "Stage name must be unique"),
        ("stages.2.actions.0.name", "Build", STRUCTURE, "Action name must be unique"),
        ("stages.0.actions", [approval()], STRUCTURE, "only contains source actions"),
        ("stages.2.actions.0", source("Late"), STRUCTURE, "Only the first stage"),
        ("stages.2.actions", [], "InvalidStageDeclarationException", "0 actions"),
        ("stages.2.actions.1.namespace", "Bundle", STRUCTURE, "Namespace must be unique"),
        ("stages.2.actions.1.namespace", "variables", ACTION, "reserved"),
        ("stages.3.actions.0.actionTypeId.provider", "ECS", ACTION, "is not available"),
        ("stages.3.actions.0.actionTypeId.version", "2", ACTION, "is not available"),
        ("stages.0.actions.0.configuration.S3Bucket", None, ACTION, "missing required config"),
        ("stages.0.actions.0.configuration.Bucket", "b", ACTION, "unknown configuration 'Bucket'"),
        ("stages.0.actions.0.timeoutInMinutes", 5, ACTION, "manual approval actions only"),
        ("stages.2.actions.1.inputArtifacts", [], ACTION, "declares 0 input artifacts"),
        ("stages.1.actions.0.inputArtifacts", READ, ACTION, "more than the maximum count (0)"),
        (
            "stages.2.actions.1.inputArtifacts.0.name",
            "Verified",  # its own output
            STRUCTURE,
            "not declared as Output Artifact Bundle in any of the preceding",
        ),
        ("stages.2.actions.1.outputArtifacts.0.name", "Bundle", STRUCTURE, "more than once"),
        ("stages.2.actions.1.configuration.PrimarySource", "Other", ACTION, "PrimarySource Other"),
        ("stages.2.actions.1.inputArtifacts", [*READ, {"name": "B"}], ACTION, "'PrimarySource'"),
        ("stages.3.actions.0.configuration.RoleArn", None, ACTION, "configuration 'RoleArn'"),
        ("stages.3.actions.0.configuration.ActionMode", "GUESS", MISSING, "ActionMode GUESS"),
        ("stages.3.actions.0.configuration.TemplatePath", "x.yaml", ACTION, "Artifact::File"),
        ("stages.3.actions.1.runOrder", 1, STRUCTURE, "#{Serving.Alias}"),  # beside, not after
        ("variables", [{"name": "model"}], STRUCTURE, "#{variables.review}"),
        ("variables", [{"name": "model"}, {"name": "model"}], STRUCTURE, "Variable name"),
        ("stages.3.actions.1.configuration.FunctionName", "#{x}", STRUCTURE, "key separated"),
        (
            "stages.3.actions.1.configuration.FunctionName",
            "#{codepipeline.Name}",
            STRUCTURE,
            "#{codepipeline.Name}",
        ),
        ("stages.1.beforeEntry.conditions.0.result", "ROLLBACK", STRUCTURE, "FAIL, SKIP"),
        ("stages.1.beforeEntry", entered_when("a", "b", operator="LIKE"), STRUCTURE, "Operator"),
        # An output of its own stage is not there yet when a stage is entered.
        ("stages.2.beforeEntry", entered_when("#{Checked.a}", "b"), STRUCTURE, "#{Checked.a}"),
        ("stages.1.onFailure", {"result": "ROLLBACK"}, MISSING, "localaws does not have onFailure"),
        ("pipelineType", "V1", STRUCTURE, "Set pipelineType to V2"),
        ("artifactStore", None, "ValidationException", "artifactStore"),
    ],
)
def test_a_pipeline_that_aws_refuses_is_refused(path: str, value: Any, code: str, words: str):
    got, message = refusal(changed(path, value))

    assert got == code
    assert words in message


def test_variables_are_replaced_once_and_in_place():
    scopes = {"variables": {"model": "#{variables.model}"}, "Bundle": {"VersionId": "v1"}}

    assert resolve('{"a": "#{Bundle.VersionId}/#{variables.model}"}', scopes) == (
        '{"a": "v1/#{variables.model}"}'
    )


@pytest.mark.parametrize("text", ["#{Bundle.Nothing}", "#{Nothing.VersionId}", "#{Bundle}", "#{}"])
def test_a_reference_to_nothing_is_an_error(text: str):
    with pytest.raises(VariableError, match=r"#\{"):
        resolve(text, {"Bundle": {"VersionId": "v1"}})


@pytest.mark.parametrize(
    ("operator", "value", "status"),
    [
        ("EQ", "manual", "Succeeded"),
        ("EQ", "manua", "Failed"),
        ("NE", "manual", "Failed"),
        ("CONTAINS", "anu", "Succeeded"),
        ("MATCHES", "m.*l", "Succeeded"),
        ("MATCHES", "anu", "Failed"),  # the whole value must match
        ("MATCHES", "(", "Errored"),
    ],
)
def test_a_rule_compares_a_variable(operator: str, value: str, status: str):
    (condition,) = entered_when("#{variables.review}", value, operator=operator)["conditions"]

    checked = check_rule(condition["rules"][0], {"variables": {"review": "manual"}})

    assert checked.status == status


def test_a_rule_whose_variable_is_not_there_is_in_error():
    (condition,) = entered_when("#{Bundle.Tag}", "x")["conditions"]

    assert check_rule(condition["rules"][0], {}).status == "Errored"


ACTIONS = [
    {"name": "a", "runOrder": 1},
    {"name": "b", "runOrder": 1},
    {"name": "c", "runOrder": 7},
]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ({}, Step(Next.START, (ACTIONS[0], ACTIONS[1]))),
        ({"a": "Succeeded", "b": "InProgress"}, Step(Next.WAIT)),
        ({"a": "Succeeded", "b": "Succeeded"}, Step(Next.START, (ACTIONS[2],))),
        ({"a": "Failed", "b": "InProgress"}, Step(Next.WAIT)),  # the other one is let finish
        ({"a": "Failed", "b": "Succeeded"}, Step(Next.FAIL)),
        ({"a": "Succeeded"}, Step(Next.START, (ACTIONS[1],))),  # a retry of b alone
        ({"a": "Abandoned", "b": "Succeeded"}, Step(Next.FAIL)),
        (dict.fromkeys("abc", "Succeeded"), Step(Next.SUCCEED)),
    ],
)
def test_what_comes_next_in_a_stage(statuses: dict[str, str], expected: Step):
    assert step(ACTIONS, statuses) == expected


@pytest.mark.parametrize(
    ("mode", "inside", "waiting", "expected"),
    [
        ("PARALLEL", [1], [2], True),
        ("SUPERSEDED", [1], [], False),
        ("SUPERSEDED", [], [6], True),
        ("QUEUED", [1], [], False),
        ("QUEUED", [], [4], False),
        ("QUEUED", [], [6], True),
    ],
)
def test_who_may_enter_a_stage(mode: str, inside: list[int], waiting: list[int], expected: bool):
    assert may_enter(mode, 5, inside, waiting) is expected


APPROVAL = {"pipelineName": "p", "stageName": "s", "actionName": "a"}


@pytest.mark.parametrize(
    ("operation", "request_", "resource"),
    [
        ("StartPipelineExecution", {"name": "p"}, "p"),
        ("CreatePipeline", {"pipeline": {"name": "p"}}, "p"),
        ("PutApprovalResult", APPROVAL, "p/s/a"),
        ("RetryStageExecution", APPROVAL, "p/s"),
        ("StopPipelineExecution", APPROVAL, "p"),
        ("PutJobSuccessResult", {"jobId": "j"}, None),
        ("ListPipelines", {}, None),
        ("PutApprovalResult", {"pipelineName": "p"}, None),
        ("CreatePipeline", {"pipeline": "p"}, None),
    ],
)
def test_what_a_policy_is_held_against(
    operation: str, request_: dict[str, Any], resource: str | None
):
    arn = resource_arn(operation, request_, "us-east-1", "1")

    assert arn == (f"arn:aws:codepipeline:us-east-1:1:{resource}" if resource else "*")


def test_the_key_of_an_artifact_has_short_names_and_a_random_part():
    key = artifact_key("shop-release-pipeline", "SourceArtifact")

    assert key.startswith("shop-release-pipelin/SourceArti/")
    assert key != artifact_key("shop-release-pipeline", "SourceArtifact")


@pytest.fixture
def handlers() -> tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]:
    """CloudFormation's handlers of the type, and the calls they make."""
    from ministack.services.cloudformation import provisioners

    from localaws.patches import pipelines

    calls: list[tuple[str, dict[str, Any]]] = []

    def call(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        calls.append((operation, request))
        return {"pipeline": {**request.get("pipeline", {}), "version": len(calls)}}

    pipelines.install(call)
    return provisioners._RESOURCE_HANDLERS[pipelines.TYPE], calls


PROPERTIES = {
    "RoleArn": "arn:aws:iam::123456789012:role/pipeline",
    "Stages": [
        {
            "Name": "Review",
            "Actions": [{"Name": "Approve", "RunOrder": "2", "Configuration": {"URL": True}}],
        }
    ],
    "Tags": [{"Key": "part", "Value": "release"}],
}


def test_a_templates_properties_become_the_apis_members(handlers: Any):
    made, calls = handlers

    identity, attributes = made["create"]("Pipeline", {**PROPERTIES, "Name": "release"}, "stack")

    assert (identity, attributes) == ("release", {"Version": "1"})
    approve = {"name": "Approve", "runOrder": 2, "configuration": {"URL": "true"}}
    assert calls == [
        (
            "CreatePipeline",
            {
                "pipeline": {
                    "roleArn": PROPERTIES["RoleArn"],
                    "stages": [{"name": "Review", "actions": [approve]}],
                    "name": "release",
                },
                "tags": [{"key": "part", "value": "release"}],
            },
        ),
    ]


def test_a_template_without_a_name_gets_one_that_stays(handlers: Any):
    made, _ = handlers

    identity, _ = made["create"]("Pipeline", PROPERTIES, "stack")

    assert identity.startswith("stack-Pipeline-")
    assert made["create"]("Pipeline", PROPERTIES, "stack")[0] == identity


def test_an_update_takes_back_what_the_template_no_longer_says(handlers: Any):
    made, calls = handlers
    after = {"RoleArn": PROPERTIES["RoleArn"], "Stages": []}

    made["update"]("release", PROPERTIES, after, "stack")

    arn = "arn:aws:codepipeline:us-east-1:123456789012:release"
    assert ("UntagResource", {"resourceArn": arn, "tagKeys": ["part"]}) in calls


def test_what_the_stage_does_not_have_is_refused_in_a_template(handlers: Any):
    made, _ = handlers

    with pytest.raises(ValueError, match="RestartExecutionOnUpdate"):
        made["create"]("Pipeline", {**PROPERTIES, "RestartExecutionOnUpdate": "true"}, "stack")
    closed = {"DisableInboundStageTransitions": [{"StageName": "Review", "Reason": "not yet"}]}
    with pytest.raises(ValueError, match="DisableInboundStageTransitions"):
        made["create"]("Pipeline", {**PROPERTIES, **closed}, "stack")
