"""Pipelines: many executions at once, what is told of them, updates, and restarts."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from localaws.codepipeline.account import Result
from localaws.codepipeline.events import Deadlines, Outbox
from localaws.emulator import Event
from support.codepipeline_bench import (
    NAME,
    ROLE,
    Bench,
    approval,
    function,
    pipeline,
    reviewed,
    source,
    stage,
    two_functions,
)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_in_parallel_mode_executions_do_not_wait_for_each_other(bench: Bench):
    bench.create(reviewed())

    identities = [bench.start() for _ in range(3)]

    tokens = {bench.waits(identity) for identity in identities}
    assert len(tokens) == 3
    # There is no one execution that the stage could tell of.
    assert bench.stage("Review") == {
        "stageName": "Review",
        "inboundTransitionState": {"enabled": True},
        "actionStates": [{"actionName": "Approve"}],
    }


def test_a_queue_goes_on_in_its_order(bench: Bench):
    bench.create(reviewed("QUEUED"))
    first, second, third = (bench.start() for _ in range(3))
    token = bench.waits(first)
    bench.until(lambda: len(bench.stage("Review").get("inboundExecutions", [])) == 2)

    bench.answer(token, "Rejected")

    assert bench.ends(first) == "Failed"
    bench.answer(bench.waits(second))
    assert bench.ends(second) == "Succeeded"
    bench.answer(bench.waits(third))
    assert bench.ends(third) == "Succeeded"


def test_a_newer_execution_supersedes_the_one_that_waits(bench: Bench):
    bench.create(reviewed("SUPERSEDED"))
    first = bench.start()
    token = bench.waits(first)
    second = bench.start()
    bench.until(lambda: "inboundExecution" in bench.stage("Review"))

    third = bench.start()

    assert bench.ends(second) == "Superseded"
    assert bench.status(first) == "InProgress"
    bench.answer(token)
    assert bench.ends(first) == "Succeeded"
    bench.answer(bench.waits(third))
    assert bench.ends(third) == "Succeeded"


def test_a_pipeline_takes_only_so_many_executions_at_once(bench: Bench):
    bench.create(reviewed())
    for _ in range(50):
        bench.start()

    code, _ = bench.refused("StartPipelineExecution", name=NAME)

    assert code == "ConcurrentPipelineExecutionsLimitExceededException"


def test_the_limit_of_executions_can_be_lowered_to_test_a_full_pipeline(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LOCALAWS_PIPELINE_EXECUTIONS", "1")
    bench.create(reviewed())
    bench.start()

    code, _ = bench.refused("StartPipelineExecution", name=NAME)

    assert code == "ConcurrentPipelineExecutionsLimitExceededException"


def test_the_state_tells_of_the_last_execution_of_each_stage(bench: Bench):
    bench.create(two_functions("QUEUED"))
    bench.provider.ends("Bundle", Result("bundle 7", "v1"))
    bench.provider.fails("three")
    identity = bench.start()
    bench.ends(identity)

    states = bench.call("GetPipelineState", name=NAME)

    assert (states["pipelineName"], states["pipelineVersion"]) == (NAME, 1)
    by_name = {one["stageName"]: one for one in states["stageStates"]}
    assert by_name["Source"]["latestExecution"] == {
        "pipelineExecutionId": identity,
        "status": "Succeeded",
        "type": "STANDARD",
    }
    latest = by_name["Work"]["actionStates"][2]["latestExecution"]
    assert (latest["status"], latest["errorDetails"]["message"]) == ("Failed", "it broke")
    assert "latestExecution" not in by_name["End"]


def test_pages_of_executions_follow_each_other(bench: Bench):
    bench.create(two_functions())
    identities = [bench.start() for _ in range(3)]

    first = bench.call("ListPipelineExecutions", pipelineName=NAME, maxResults=2)
    second = bench.call("ListPipelineExecutions", pipelineName=NAME, nextToken=first["nextToken"])

    found = [
        summary["pipelineExecutionId"]
        for part in (first, second)
        for summary in part["pipelineExecutionSummaries"]
    ]
    assert found == identities[::-1]
    code, _ = bench.refused("ListPipelineExecutions", pipelineName=NAME, nextToken="x")
    assert code == "InvalidNextTokenException"
    unknown = {"pipelineExecutionId": "00000000-0000-0000-0000-000000000000"}
    code, _ = bench.refused("ListActionExecutions", pipelineName=NAME, filter=unknown)
    assert code == "PipelineExecutionNotFoundException"


def test_an_update_cancels_what_is_under_way_in_a_queue(bench: Bench):
    bench.create(reviewed("QUEUED"))
    identity = bench.start()
    bench.waits(identity)
    declaration = reviewed("QUEUED", timeoutInMinutes=5)

    answer = bench.call("UpdatePipeline", pipeline=declaration)

    assert answer["pipeline"]["version"] == 2
    assert bench.status(identity) == "Cancelled"
    assert bench.told("Pipeline")[-1] == (NAME, "CANCELED")


def test_an_update_cancels_what_waits_in_parallel_mode_and_forbids_retries(bench: Bench):
    bench.create(reviewed())
    bench.provider.fails("record")
    failed, waiting = bench.start(), bench.start()
    bench.answer(bench.waits(failed))
    bench.ends(failed)
    token = bench.waits(waiting)
    declaration = reviewed()
    declaration["stages"][1]["name"] = "Look"

    bench.call("UpdatePipeline", pipeline=declaration)

    assert bench.status(waiting) == "Cancelled"
    assert bench.refused(
        "PutApprovalResult",
        pipelineName=NAME,
        stageName="Review",
        actionName="Approve",
        result={"status": "Approved", "summary": ""},
        token=token,
    )
    retry = {"pipelineName": NAME, "stageName": "Record", "retryMode": "ALL_ACTIONS"}
    code, _ = bench.refused("RetryStageExecution", pipelineExecutionId=failed, **retry)
    assert code == "StageNotRetryableException"


def test_an_update_of_nothing_but_its_variables_cancels_nothing(bench: Bench):
    bench.create(reviewed())
    token = bench.waits(bench.start())

    bench.call("UpdatePipeline", pipeline={**reviewed(), "variables": [{"name": "more"}]})
    bench.answer(token)


def test_making_a_pipeline_starts_an_execution_without_values(bench: Bench):
    declared = {**reviewed(), "variables": [{"name": "a"}, {"name": "b", "defaultValue": "c"}]}
    with bench.provider.failing("Bundle"):
        bench.call("CreatePipeline", pipeline=declared)
        listed = bench.call("ListPipelineExecutions", pipelineName=NAME)
        [first] = listed["pipelineExecutionSummaries"]
        assert bench.ends(first["pipelineExecutionId"]) == "Failed"

    assert first["trigger"]["triggerType"] == "CreatePipeline"
    values = bench.execution(first["pipelineExecutionId"])["variables"]
    assert {one["name"]: one["resolvedValue"] for one in values} == {"a": "", "b": "c"}
    assert bench.told("Pipeline") == [(NAME, "STARTED"), (NAME, "FAILED")]


def test_pipelines_are_made_read_and_deleted(bench: Bench):
    bench.create(two_functions())

    code, _ = bench.refused("CreatePipeline", pipeline=two_functions())
    assert code == "PipelineNameInUseException"
    found = bench.call("GetPipeline", name=NAME)
    assert found["pipeline"]["stages"][1]["actions"][0]["runOrder"] == 1
    assert found["metadata"]["pipelineArn"].endswith(f":{NAME}")
    code, _ = bench.refused("GetPipeline", name=NAME, version=2)
    assert code == "PipelineVersionNotFoundException"
    (summary,) = bench.call("ListPipelines")["pipelines"]
    assert (summary["name"], summary["executionMode"]) == (NAME, "PARALLEL")
    bench.call("DeletePipeline", name=NAME)
    bench.call("DeletePipeline", name=NAME)  # as on AWS, it need not be there
    assert bench.refused("GetPipeline", name=NAME)[0] == "PipelineNotFoundException"


def test_a_request_that_is_not_of_the_apis_shape_is_refused(bench: Bench):
    declaration = two_functions(mode="SIDEWAYS")

    code, words = bench.refused("CreatePipeline", pipeline=declaration)

    assert code == "ValidationException"
    assert "[QUEUED, SUPERSEDED, PARALLEL]" in words


def test_the_caller_must_be_allowed_to_pass_the_role(bench: Bench):
    bench.caller = "arn:aws:iam::123456789012:role/developer"
    bench.denied = {"iam:PassRole"}

    code, words = bench.refused("CreatePipeline", pipeline=two_functions())

    assert code == "AccessDeniedException"
    assert bench.asked == [(bench.caller, "iam:PassRole", ROLE)]
    assert ROLE in words


def test_the_role_must_trust_codepipeline(bench: Bench):
    bench.untrusting = {ROLE}

    code, words = bench.refused("CreatePipeline", pipeline=two_functions())

    assert code == "InvalidStructureException"
    assert words == f"CodePipeline is not authorized to perform AssumeRole on role {ROLE}"


def test_tags_are_kept(bench: Bench):
    bench.call("CreatePipeline", pipeline=two_functions(), tags=[{"key": "a", "value": "1"}])
    arn = f"arn:aws:codepipeline:us-east-1:123456789012:{NAME}"

    bench.call("TagResource", resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    bench.call("UntagResource", resourceArn=arn, tagKeys=["a"])

    listed = bench.call("ListTagsForResource", resourceArn=arn)["tags"]
    assert listed == [{"key": "b", "value": "2"}]
    code, _ = bench.refused("ListTagsForResource", resourceArn=f"{arn}s")
    assert code == "ResourceNotFoundException"


def test_after_a_restart_what_ran_has_failed_and_can_be_retried(bench: Bench):
    bench.create(two_functions())
    release = bench.provider.hold("one")
    identity = bench.start()
    bench.until(lambda: bench.actions(identity).get("two", {}).get("status") == "Succeeded")
    bench.provider.succeeds("one")

    bench.restart()
    release()

    assert bench.status(identity) == "Failed"
    details = bench.actions(identity)["one"]["output"]["executionResult"]["errorDetails"]
    assert details["message"] == "the local stage stopped while this action ran"
    assert ("one", "FAILED") in bench.told("Action")
    bench.call(
        "RetryStageExecution",
        pipelineName=NAME,
        stageName="Work",
        pipelineExecutionId=identity,
        retryMode="FAILED_ACTIONS",
    )
    assert bench.ends(identity) == "Succeeded"
    assert len(bench.provider.started("two")) == 1


def test_after_a_restart_the_queue_goes_on(bench: Bench):
    bench.create(
        pipeline(
            stage("Source", source()),
            stage("Review", approval()),
            stage("Work", function("one")),
            mode="QUEUED",
        )
    )
    first, second = bench.start(), bench.start()
    token = bench.waits(first)
    bench.until(lambda: "inboundExecution" in bench.stage("Review"))

    bench.restart()
    bench.answer(token)

    assert bench.ends(first) == "Succeeded"
    bench.answer(bench.waits(second))
    assert bench.ends(second) == "Succeeded"


def test_events_that_a_crash_may_have_swallowed_are_told_again(bench: Bench):
    bench.create(two_functions())
    bench.provider.fails("end")
    identity = bench.start()
    bench.ends(identity)
    bench.events.clear()

    bench.restart()

    assert bench.told("Pipeline") == [(NAME, "STARTED"), (NAME, "FAILED")]


def test_events_are_kept_for_some_seconds_only():
    moment, sent = 100.0, []
    due: list[tuple[float, Callable[[], None]]] = []

    class Later(Deadlines):
        def at(self, moment: float, call: Callable[[], None]) -> None:
            due.append((moment, call))

    ports = replace(Bench().ports(), emit=sent.append, now=lambda: moment)
    outbox = Outbox(ports, Later(ports.now), threading.RLock())
    first, second = (Event("aws.codepipeline", name, "arn", {}) for name in ("first", "second"))

    outbox.emit(first)
    moment = 103.0
    outbox.emit(second)
    ((when, forget),) = due
    moment = when
    forget()

    assert when == 105.0
    assert sent == [first, second]
    assert [entry["event"]["detail_type"] for entry in outbox.state] == ["second"]
    assert [moment for moment, _ in due] == [105.0, 108.0]
