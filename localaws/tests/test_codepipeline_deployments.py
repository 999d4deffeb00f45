"""Builds and stacks as actions, against ports that a test conducts."""

import io
import json
import threading
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from localaws.codepipeline.account import Acting, ActionError, Artifact, Result
from localaws.codepipeline.builds import BuildError, CodeBuildAction, Ended, reason_of
from localaws.codepipeline.cloud import first_failure
from localaws.codepipeline.deployments import (
    CloudFormationAction,
    Stack,
    StackError,
    StackOrder,
)
from support.codepipeline_bench import ACCOUNT, BUNDLE, NAMES, VERIFIED, Objects, failure, task

# Build by CodeBuild


@dataclass
class Building:
    """A CodeBuild whose builds end as told."""

    ended: Ended
    refusal: BuildError | None = None
    started: list[tuple[Any, ...]] = field(default_factory=list)

    def start(
        self,
        acting: Acting,
        project: str,
        initiator: str,
        sources: Sequence[Artifact],
        outputs: Sequence[Artifact],
        variables: Sequence[Mapping[str, str]],
    ) -> str:
        if self.refusal:
            raise self.refusal
        self.started.append((project, initiator, sources, outputs, variables))
        return f"{project}:1"

    def wait(self, acting: Acting, build: str, abandoned: threading.Event) -> Ended:
        return self.ended


BUILD = {
    "ProjectName": "verify",
    "PrimarySource": "Bundle",
    "EnvironmentVariables": '[{"name": "MODEL", "value": "abalone"}]',
}


def test_a_build_has_the_pipelines_artifacts_and_exports_variables():
    builds = Building(Ended("SUCCEEDED", {"DIGEST": "d"}))
    other = Artifact("Another", "artifacts", "k")
    told: list[tuple[str, str | None]] = []

    result = CodeBuildAction(builds, NAMES)(
        task(
            "Verify",
            BUILD,
            [other, BUNDLE],
            [VERIFIED],
            report=lambda identity, url: told.append((identity, url)),
        )
    )

    variables = [{"name": "MODEL", "value": "abalone", "type": "PLAINTEXT"}]
    assert builds.started == [
        ("verify", "codepipeline/release", [BUNDLE, other], [VERIFIED], variables)
    ]
    assert result.variables == {"DIGEST": "d"}
    assert told == [("verify:1", result.url)]


def test_a_build_that_failed_fails_the_action():
    builds = Building(Ended("FAILED", {}, "COMMAND_EXECUTION_ERROR: exit status 1"))

    error = failure(CodeBuildAction(builds, NAMES), task("Verify", BUILD, [BUNDLE]))

    assert (error.code, error.external_id) == ("JobFailed", "verify:1")
    assert str(error) == (
        "Build terminated with state: FAILED. COMMAND_EXECUTION_ERROR: exit status 1"
    )


def test_a_build_that_does_not_begin_fails_the_action():
    builds = Building(Ended("", {}), BuildError("AccessDeniedException", "not authorized"))

    error = failure(CodeBuildAction(builds, NAMES), task("Verify", BUILD, [BUNDLE]))

    assert error.code == "PermissionError"
    assert "Error calling startBuild. Error code: AccessDeniedException" in str(error)


@pytest.mark.parametrize("text", ["{", "{}", '[{"name": "A"}]', '[{"name": "A", "value": 1}]'])
def test_variables_that_are_not_a_list_of_them_fail_the_action(text: str):
    builds = Building(Ended("SUCCEEDED", {}))
    configuration = {**BUILD, "EnvironmentVariables": text}

    error = failure(CodeBuildAction(builds, NAMES), task("Verify", configuration, [BUNDLE]))

    assert error.code == "ConfigurationError"


# Deploy by CloudFormation


@dataclass
class Formation:
    """A CloudFormation with at most one stack; an order brings it into the next status."""

    stack: Stack | None = None
    becomes: str = "CREATE_COMPLETE"
    refusal: StackError | None = None
    passes: bool = True
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def may_pass(self, acting: Acting, role: str) -> bool:
        return self.passes

    def describe(self, acting: Acting, name: str) -> Stack | None:
        return self.stack

    def create(self, acting: Acting, order: StackOrder) -> None:
        self._take("create", order)

    def update(self, acting: Acting, order: StackOrder) -> None:
        self._take("update", order)

    def _take(self, call: str, order: StackOrder) -> None:
        self.calls.append((call, order))
        if self.refusal:
            raise self.refusal
        self.stack = Stack("arn:stack", self.becomes, outputs={"AliasArn": "arn:alias"})

    def delete(self, acting: Acting, name: str, role: str) -> None:
        self.calls.append(("delete", name))
        self.stack = None

    def wait(self, identity: str, abandoned: threading.Event) -> None:
        self.calls.append(("wait", identity))

    def reason(self, acting: Acting, identity: str) -> str:
        return "LiveAlias: the canary was rolled back"


def packed(**files: str) -> Objects:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return Objects({("artifacts", VERIFIED.key, None): content.getvalue()})


FILES = {
    "packaged_yaml": "Resources: {}",
    "configuration_json": json.dumps(
        {"Parameters": {"Model": "abalone", "Release": "6"}, "Tags": {"team": "yes"}}
    ),
}
DEPLOY = {
    "ActionMode": "CREATE_UPDATE",
    "StackName": "serving-abalone",
    "TemplatePath": "Verified::packaged.yaml",
    "TemplateConfiguration": "Verified::configuration.json",
    "ParameterOverrides": '{"Release": "7"}',
    "Capabilities": "CAPABILITY_IAM,CAPABILITY_AUTO_EXPAND",
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/deploy",
}


def deployed(stacks: Formation, **changes: str) -> Result:
    provider = CloudFormationAction(stacks, packed(**FILES))
    return provider(task("Deploy", {**DEPLOY, **changes}, [VERIFIED]))


def deployment_error(stacks: Formation, **changes: str) -> ActionError:
    provider = CloudFormationAction(stacks, packed(**FILES))
    return failure(provider, task("Deploy", {**DEPLOY, **changes}, [VERIFIED]))


def test_a_stack_is_made_from_the_artifact():
    stacks = Formation()

    result = deployed(stacks)

    order = StackOrder(
        name="serving-abalone",
        template="Resources: {}",
        parameters={"Model": "abalone", "Release": "7"},
        tags={"team": "yes"},
        capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        role=DEPLOY["RoleArn"],
    )
    assert stacks.calls == [("create", order), ("wait", "arn:stack")]
    assert result.variables == {"AliasArn": "arn:alias"}


def test_a_stack_that_is_there_is_updated():
    stacks = Formation(Stack("arn:stack", "CREATE_COMPLETE"), becomes="UPDATE_COMPLETE")

    deployed(stacks)

    assert [call for call, _ in stacks.calls] == ["update", "wait"]


def test_nothing_to_update_is_a_success_with_the_stacks_outputs():
    stacks = Formation(
        Stack("arn:stack", "UPDATE_COMPLETE", outputs={"AliasArn": "arn:alias"}),
        refusal=StackError("ValidationError", "No updates are to be performed."),
    )

    result = deployed(stacks)

    assert result.variables == {"AliasArn": "arn:alias"}


@pytest.mark.parametrize(
    ("mode", "status", "calls"),
    [
        ("CREATE_UPDATE", "ROLLBACK_COMPLETE", ["update", "wait"]),
        ("REPLACE_ON_FAILURE", "ROLLBACK_COMPLETE", ["delete", "wait", "create", "wait"]),
        ("REPLACE_ON_FAILURE", "UPDATE_ROLLBACK_COMPLETE", ["update", "wait"]),
        ("DELETE_ONLY", "CREATE_COMPLETE", ["delete", "wait"]),
    ],
)
def test_what_becomes_of_a_stack_by_mode_and_status(mode: str, status: str, calls: list[str]):
    stacks = Formation(Stack("arn:stack", status))

    deployed(stacks, ActionMode=mode)

    assert [call for call, _ in stacks.calls] == calls


def test_deleting_a_stack_that_is_not_there_is_a_success():
    stacks = Formation()

    deployed(stacks, ActionMode="DELETE_ONLY")

    assert stacks.calls == []


def test_a_deployment_that_was_rolled_back_fails_with_the_reason():
    stacks = Formation(Stack("arn:stack", "UPDATE_COMPLETE"), becomes="UPDATE_ROLLBACK_COMPLETE")

    error = deployment_error(stacks)

    assert (error.code, error.external_id) == ("JobFailed", "arn:stack")
    assert str(error).endswith("UPDATE_ROLLBACK_COMPLETE: LiveAlias: the canary was rolled back")


@pytest.mark.parametrize(
    ("stacks", "changes", "code", "words"),
    [
        (Formation(passes=False), {}, "PermissionError", "iam:PassRole"),
        (
            Formation(refusal=StackError("AccessDenied", "not authorized")),
            {},
            "PermissionError",
            "not authorized",
        ),
        (Formation(), {"TemplatePath": "Other::a"}, "ConfigurationError", "not an input"),
        (Formation(), {"TemplatePath": "Verified::a"}, "ConfigurationError", "File [a]"),
        (Formation(), {"ParameterOverrides": "["}, "ConfigurationError", "not JSON"),
        (Formation(), {"ParameterOverrides": '{"a": 1}'}, "ConfigurationError", "parameter a"),
    ],
)
def test_a_deployment_that_cannot_begin_says_why(
    stacks: Formation, changes: dict[str, str], code: str, words: str
):
    error = deployment_error(stacks, **changes)

    assert error.code == code
    assert words in str(error)


def test_overrides_that_point_into_artifacts_are_refused_by_name():
    overrides = {"Bucket": {"Fn::GetArtifactAtt": ["Verified", "BucketName"]}}

    error = deployment_error(Formation(), ParameterOverrides=json.dumps(overrides))

    assert error.code == "ConfigurationError"
    assert "localaws does not have functions of artifacts in ParameterOverrides" in str(error)


def event(name: str, status: str, reason: str = "") -> dict[str, str]:
    return {
        "LogicalResourceId": name,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_the_reason_of_a_failure_is_the_first_of_its_own_operation():
    newest_first = [
        event("stack", "UPDATE_ROLLBACK_COMPLETE"),
        event("Other", "UPDATE_FAILED", "Resource update cancelled"),
        event("LiveAlias", "UPDATE_FAILED", "the canary was rolled back"),
        event("stack", "UPDATE_IN_PROGRESS", "User Initiated"),
        event("LiveAlias", "CREATE_FAILED", "in an earlier operation"),
    ]

    assert first_failure(newest_first) == "LiveAlias: the canary was rolled back"
    assert first_failure(newest_first[3:]) == ""


def test_a_build_says_why_by_the_phase_that_failed():
    phases = [
        {"phaseType": "INSTALL", "contexts": [{"statusCode": "", "message": ""}]},
        {"phaseType": "BUILD", "contexts": [{"message": "exit status 1"}]},
        {"phaseType": "COMPLETED"},
    ]

    assert reason_of({"phases": phases}) == "exit status 1"
    assert reason_of({}) is None
