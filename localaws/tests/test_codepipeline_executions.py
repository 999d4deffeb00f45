"""Executions: how they move through the stages, fail, are stopped and repeated."""

import pytest

from support.codepipeline_bench import (
    NAME,
    Bench,
    entered_when,
    function,
    pipeline,
    reviewed,
    source,
    stage,
    two_functions,
)

KEY = {
    "actionName": "Bundle",
    "revisionType": "S3_OBJECT_KEY",
    "revisionValue": "releases/7/bundle.zip",
}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_execution_goes_through_all_stages_and_tells_of_it(bench: Bench):
    bench.create(two_functions())

    identity = bench.start()

    assert bench.ends(identity) == "Succeeded"
    ran = [task.action for task in bench.provider.tasks]
    assert (ran[0], set(ran[1:3]), ran[3:]) == ("Bundle", {"one", "two"}, ["three", "end"])
    assert bench.told("Pipeline") == [(NAME, "STARTED"), (NAME, "SUCCEEDED")]
    assert bench.told("Stage") == [
        (name, state) for name in ("Source", "Work", "End") for state in ("STARTED", "SUCCEEDED")
    ]
    assert len(bench.told("Action")) == 10


def test_the_events_have_awss_form(bench: Bench):
    bench.create(reviewed())
    bench.provider.succeeds("Bundle", summary="bundle 7", external_id="v1")
    identity = bench.start()
    bench.waits(identity)

    started, source_done = bench.events[0], bench.events[3]
    moment = dict(started.detail)["start-time"]
    assert started.detail_type == "CodePipeline Pipeline Execution State Change"
    assert started.source == "aws.codepipeline"
    assert started.resource == f"arn:aws:codepipeline:us-east-1:123456789012:{NAME}"
    assert started.detail == {
        "pipeline": NAME,
        "execution-id": identity,
        "start-time": moment,
        "execution-trigger": {
            "trigger-type": "StartPipelineExecution",
            "trigger-detail": bench.identity,
        },
        "state": "STARTED",
        "version": 1.0,
        "pipeline-execution-attempt": 1.0,
    }
    detail = dict(source_done.detail)
    run = bench.actions(identity)["Bundle"]
    assert detail.pop("start-time").endswith("Z")
    assert detail == {
        "pipeline": NAME,
        "execution-id": identity,
        "stage": "Source",
        "execution-result": {
            "external-execution-summary": "bundle 7",
            "external-execution-id": "v1",
        },
        "output-artifacts": run["output"]["outputArtifacts"],
        "action-execution-id": run["actionExecutionId"],
        "action": "Bundle",
        "state": "SUCCEEDED",
        "region": "us-east-1",
        "type": {"owner": "AWS", "provider": "S3", "category": "Source", "version": "1"},
        "version": 1.0,
        "pipeline-execution-attempt": 1.0,
    }


def test_variables_reach_the_actions_resolved(bench: Bench):
    configuration = {
        "FunctionName": "f",
        "UserParameters": "#{variables.model} #{Bundle.VersionId} of"
        " #{codepipeline.PipelineExecutionId}",
    }
    bench.create(
        pipeline(
            stage("Source", source()),
            stage("Work", function("work", configuration=configuration)),
            variables=[{"name": "model", "defaultValue": "none"}],
        )
    )
    bench.provider.succeeds("Bundle", variables={"VersionId": "v1"})

    identity = bench.start(variables=[{"name": "model", "value": "abalone"}])

    assert bench.ends(identity) == "Succeeded"
    run = bench.actions(identity)["work"]["input"]
    assert run["configuration"] == configuration
    assert run["resolvedConfiguration"]["UserParameters"] == f"abalone v1 of {identity}"
    assert bench.provider.started("work")[0].configuration == run["resolvedConfiguration"]


def test_a_variable_that_the_source_did_not_make_fails_the_action(bench: Bench):
    configuration = {"FunctionName": "#{Bundle.Nothing}"}
    work = function("work", configuration=configuration)
    bench.create(pipeline(stage("Source", source()), stage("Work", work)))

    identity = bench.start()

    assert bench.ends(identity) == "Failed"
    details = bench.actions(identity)["work"]["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "ConfigurationError"
    assert "#{Bundle.Nothing}" in details["message"]


def test_what_an_execution_may_be_started_with(bench: Bench):
    bench.create(
        pipeline(
            stage("Source", source()),
            stage("Work", function("work")),
            variables=[{"name": "model"}],
        )
    )

    def start(**more: object) -> tuple[str, str]:
        return bench.refused("StartPipelineExecution", name=NAME, **more)

    given = [{"name": "model", "value": "a"}]
    assert "neither a value nor a default" in start()[1]
    assert "does not declare" in start(variables=[*given, {"name": "x", "value": "1"}])[1]
    assert "AllowOverrideForS3ObjectKey" in start(variables=given, sourceRevisions=[KEY])[1]
    commit = {**KEY, "revisionType": "COMMIT_ID"}
    assert "not supported" in start(variables=given, sourceRevisions=[commit])[1]
    assert bench.refused("StartPipelineExecution", name="other")[0] == "PipelineNotFoundException"


def test_overrides_of_key_and_version_reach_the_source(bench: Bench):
    bench.create(
        pipeline(
            stage("Source", source(AllowOverrideForS3ObjectKey="true")),
            stage("Work", function("work")),
        )
    )
    version = {**KEY, "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "v9"}

    bench.ends(bench.start(sourceRevisions=[KEY, version]))

    assert bench.provider.started("Bundle")[0].overrides == {
        "S3_OBJECT_KEY": "releases/7/bundle.zip",
        "S3_OBJECT_VERSION_ID": "v9",
    }


def test_a_request_token_starts_one_execution(bench: Bench):
    bench.create(two_functions())

    assert bench.start(clientRequestToken="a-1") == bench.start(clientRequestToken="a-1")
    assert bench.start(clientRequestToken="a-2") != bench.start()


def test_a_stage_whose_condition_is_not_met_is_skipped(bench: Bench):
    declaration = reviewed("QUEUED")
    declaration["variables"] = [{"name": "review", "defaultValue": "manual"}]
    declaration["stages"][1]["beforeEntry"] = entered_when("#{variables.review}", "manual")
    bench.create(declaration)

    identity = bench.start(variables=[{"name": "review", "value": "automatic"}])

    assert bench.ends(identity) == "Succeeded"
    assert "Approve" not in bench.actions(identity)
    state = bench.stage("Review")
    assert state["latestExecution"]["status"] == "Skipped"

    assert bench.waits(bench.start())  # and with the default, it is entered


@pytest.mark.parametrize(
    ("result", "variable"),
    # A check that cannot be made must not skip a review.
    [("FAIL", "automatic"), ("SKIP", "#{Bundle.Review}")],
)
def test_a_condition_can_fail_the_stage(bench: Bench, result: str, variable: str):
    declaration = reviewed("QUEUED")
    declaration["stages"][1]["beforeEntry"] = entered_when(variable, "manual", result)
    bench.create(declaration)

    identity = bench.start()

    assert bench.ends(identity) == "Failed"
    assert bench.stage("Review")["latestExecution"]["status"] == "Failed"
    assert "Approve" not in bench.actions(identity)


def test_a_failed_action_fails_the_execution_after_its_neighbours_have_ended(bench: Bench):
    bench.create(two_functions())
    release = bench.provider.hold("two")
    bench.provider.fails("one", "no such function")

    identity = bench.start()

    bench.until(lambda: bench.actions(identity).get("one", {}).get("status") == "Failed")
    assert bench.status(identity) == "InProgress"
    release()
    assert bench.ends(identity) == "Failed"
    assert bench.actions(identity)["one"]["output"]["executionResult"] == {
        "externalExecutionSummary": "no such function",
        "errorDetails": {"code": "JobFailed", "message": "no such function"},
    }
    assert "three" not in bench.actions(identity)
    assert bench.told("Stage")[-1] == ("Work", "FAILED")
    assert bench.told("Pipeline")[-1] == (NAME, "FAILED")


@pytest.mark.parametrize(
    ("mode", "runs_of_two"),
    [("FAILED_ACTIONS", 1), ("ALL_ACTIONS", 2)],
)
def test_a_failed_stage_can_be_retried(bench: Bench, mode: str, runs_of_two: int):
    bench.create(two_functions())
    bench.provider.fails("one")
    identity = bench.start()
    bench.ends(identity)
    bench.provider.succeeds("one")
    retry = {"pipelineName": NAME, "stageName": "Work", "pipelineExecutionId": identity}

    bench.call("RetryStageExecution", retryMode=mode, **retry)

    assert bench.ends(identity) == "Succeeded"
    assert len(bench.provider.started("one")) == 2
    assert len(bench.provider.started("two")) == runs_of_two
    assert len(bench.provider.started("Bundle")) == 1
    assert (NAME, "RESUMED") in bench.told("Pipeline")
    assert ("Work", "RESUMED") in bench.told("Stage")
    code, _ = bench.refused("RetryStageExecution", retryMode=mode, **retry)
    assert code == "StageNotRetryableException"


def test_a_stage_of_another_structure_or_a_later_execution_is_not_retried(bench: Bench):
    bench.create(two_functions("QUEUED"))
    bench.provider.fails("one")
    first, second = bench.start(), bench.start()
    bench.ends(first)
    bench.ends(second)
    retry = {"pipelineName": NAME, "stageName": "Work", "retryMode": "ALL_ACTIONS"}

    older = bench.refused("RetryStageExecution", pipelineExecutionId=first, **retry)
    updated = two_functions("QUEUED")
    updated["stages"][1]["actions"].pop()  # type: ignore[index]
    bench.call("UpdatePipeline", pipeline=updated)
    changed = bench.refused("RetryStageExecution", pipelineExecutionId=second, **retry)
    nowhere = bench.refused(
        "RetryStageExecution", pipelineExecutionId=second, **{**retry, "stageName": "No"}
    )

    assert older[0] == "NotLatestPipelineExecutionException"
    assert changed[0] == "StageNotRetryableException"
    assert nowhere[0] == "StageNotFoundException"


def test_stopping_waits_for_what_runs(bench: Bench):
    bench.create(two_functions())
    release = bench.provider.hold("one")
    identity = bench.start()
    bench.until(lambda: bench.provider.started("one"))
    stop = {"pipelineName": NAME, "pipelineExecutionId": identity}

    bench.call("StopPipelineExecution", reason="an update", **stop)

    assert bench.status(identity) == "Stopping"
    code, _ = bench.refused("StopPipelineExecution", **stop)
    assert code == "DuplicatedStopRequestException"
    release()
    assert bench.ends(identity) == "Stopped"
    assert "three" not in bench.actions(identity)
    assert bench.told("Stage")[-2:] == [("Work", "STOPPING"), ("Work", "STOPPED")]
    assert bench.events[-1].detail["stop-execution-comments"] == "an update"
    code, _ = bench.refused("StopPipelineExecution", **stop)
    assert code == "PipelineExecutionNotStoppableException"


def test_abandoning_does_not_wait_and_a_stopped_stage_can_be_retried(bench: Bench):
    bench.create(two_functions())
    release = bench.provider.hold("one")
    identity = bench.start()
    bench.until(lambda: bench.actions(identity).get("two", {}).get("status") == "Succeeded")
    bench.until(lambda: bench.provider.started("one"))
    stop = {"pipelineName": NAME, "pipelineExecutionId": identity}

    bench.call("StopPipelineExecution", abandon=True, **stop)

    assert bench.status(identity) == "Stopped"
    assert bench.actions(identity)["one"]["status"] == "Abandoned"
    assert bench.provider.started("one")[0].abandoned.is_set()
    assert ("one", "ABANDONED") in bench.told("Action")
    release()  # what comes of it is of no interest any more
    bench.call("RetryStageExecution", stageName="Work", retryMode="FAILED_ACTIONS", **stop)
    assert bench.ends(identity) == "Succeeded"
    assert len(bench.provider.started("two")) == 1
