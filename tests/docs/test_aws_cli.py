"""The AWS CLI, unmodified, asks a local stage about a release and approves it.

The tests build on each other, in the order they stand here.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.translation import ROOT

AWS = ROOT / ".venv-sam/bin/aws"
KANMON = ROOT / ".venv/bin/kanmon"
PIPELINE, GROUP = "kanmon-local-release", "kanmon-local-abalone"
APPROVAL = ("--pipeline-name", PIPELINE, "--stage-name", "Review", "--action-name")
DECIDE = ("codepipeline", "put-approval-result", *APPROVAL, "ApproveRelease")
DECISION = "status=Approved,summary=looked at it"

# On one worker: they share what they build.
pytestmark = [pytest.mark.docs, pytest.mark.xdist_group("aws_cli")]


@dataclass(frozen=True)
class Laptop:
    """A stage of its own, and the two command lines in front of it."""

    home: Path

    def kanmon(self, *words: str) -> Any:
        """Run a verb; its JSON."""
        return json.loads(_done(self._run(KANMON, *words, "--json")).stdout)

    def aws(self, *words: str) -> Any:
        """Run a command of the AWS CLI; its JSON."""
        return json.loads(_done(self.aws_says(*words)).stdout)

    def aws_says(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the AWS CLI, which may refuse."""
        # As `eval "$(kanmon env)"` does, on a machine whose own settings are out of sight.
        own = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        return self._run(AWS, *words, "--output", "json", **self.kanmon("env"), **own)

    def _run(self, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        own = {"KANMON_HOME": str(self.home), "KANMON_PROJECT": str(ROOT)}
        return subprocess.run(
            words, env=os.environ | own | more, capture_output=True, text=True, check=False
        )


def _done(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A stage on which abalone/1 is in service and abalone/2 waits for a review."""
    laptop = Laptop(tmp_path_factory.mktemp("aws") / ".kanmon")
    try:
        for words in (
            ["up"],
            ["deploy"],
            ["put-data", "abalone", str(ROOT / "datasets/abalone/abalone.csv")],
            ["run", "abalone"],
            ["approve", "abalone", "--reason", "the first", "--watch"],
            ["run", "abalone", "--set", "seed=9"],
        ):
            laptop.kanmon(*words)
        yield laptop
    finally:
        laptop.kanmon("down", "--erase")


def test_the_pipeline_and_what_waits_in_it_are_listed(laptop: Laptop) -> None:
    state = laptop.aws("codepipeline", "get-pipeline-state", "--name", PIPELINE)
    actions = laptop.aws("codepipeline", "list-action-executions", "--pipeline-name", PIPELINE)

    assert [one["stageName"] for one in state["stageStates"]] == [
        "Source", "Review", "Verify", "Promote", "Redeploy", "Record",
    ]  # fmt: skip
    latest = actions["actionExecutionDetails"][0]
    assert (latest["actionName"], latest["status"]) == ("ApproveRelease", "InProgress")
    said = latest["input"]["resolvedConfiguration"]["CustomData"]
    assert said.startswith("abalone/2: ")


def test_the_registry_lists_the_candidates(laptop: Laptop) -> None:
    words = ("sagemaker", "list-model-packages", "--model-package-group-name", GROUP)

    found = laptop.aws(*words)["ModelPackageSummaryList"]

    assert {one["ModelPackageVersion"]: one["ModelApprovalStatus"] for one in found} == {
        1: "Approved",
        2: "PendingManualApproval",
    }


def test_a_decision_with_a_wrong_token_is_refused_with_awss_error(laptop: Laptop) -> None:
    token = "11111111-1111-4111-8111-111111111111"

    refused = laptop.aws_says(*DECIDE, "--token", token, "--result", DECISION)

    assert refused.returncode != 0
    assert (
        "An error occurred (InvalidApprovalTokenException) when calling the PutApprovalResult "
        "operation: "
    ) in refused.stderr
    assert laptop.kanmon("show", "abalone/2")["status"] == "WAITING"


def test_a_release_that_is_approved_by_the_aws_cli_comes_into_service(laptop: Laptop) -> None:
    details = laptop.aws("codepipeline", "list-action-executions", "--pipeline-name", PIPELINE)
    waiting = details["actionExecutionDetails"][0]
    token = waiting["output"]["executionResult"]["externalExecutionId"]

    approved = laptop.aws(*DECIDE, "--token", token, "--result", DECISION)
    laptop.kanmon("watch", "abalone/2")

    assert list(approved) == ["approvedAt"]
    release = laptop.kanmon("show", "abalone/2")
    assert (release["in_service"], release["decision_reason"]) == (True, "looked at it")


def test_its_verification_is_a_build(laptop: Laptop) -> None:
    details = laptop.aws("codepipeline", "list-action-executions", "--pipeline-name", PIPELINE)
    ids = [
        one["output"]["executionResult"]["externalExecutionId"]
        for one in details["actionExecutionDetails"]
        if one["actionName"] == "VerifyRelease"
    ]
    project = ids[0].partition(":")[0]

    builds = laptop.aws("codebuild", "batch-get-builds", "--ids", *ids)["builds"]

    assert [(one["projectName"], one["buildStatus"]) for one in builds] == [
        (project, "SUCCEEDED"),
        (project, "SUCCEEDED"),
    ]


def test_its_canary_is_a_deployment(laptop: Laptop) -> None:
    # The first release of a model has none: no other has traffic that could be moved.
    [deployment] = laptop.aws("deploy", "list-deployments")["deployments"]

    found = laptop.aws("deploy", "get-deployment", "--deployment-id", deployment)

    told = found["deploymentInfo"]
    assert (told["status"], told["deploymentConfigName"]) == (
        "Succeeded",
        "CodeDeployDefault.LambdaCanary10Percent5Minutes",
    )
