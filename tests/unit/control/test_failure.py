"""One clear line, from whatever the platform says about a failure."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.runs.failure import EXPECTED, LONGEST_MESSAGE, Failure, Occurrence, explain, occurrence

JOB = {
    "ProcessingJobName": "kanmon-dev-abalone-261121055501-x7k-train-0",
    "ProcessingJobStatus": "Failed",
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


def cause(**changes: Any) -> str:
    return json.dumps({**JOB, **changes})


def query(state: str, reason: str | None) -> str:
    """As the state that runs a query fails."""
    status = {"State": state, **({"StateChangeReason": reason} if reason else {})}
    execution = {"QueryExecutionId": "q-1", "WorkGroup": "kanmon-dev-gather-10gb", "Status": status}
    return json.dumps({"QueryExecution": execution})


CASES = [
    (
        "Athena.InvalidRequestException",
        "line 3:1: mismatched input 'FORM' (Service: AmazonAthena; Status Code: 400)",
        Failure("GatherFailed", "gather.sql: line 3:1: mismatched input 'FORM'"),
    ),
    (
        "States.TaskFailed",
        query("FAILED", "SYNTAX_ERROR: line 1:8:\n Column 'rings' cannot be resolved"),
        Failure(
            "GatherFailed",
            "gather.sql: SYNTAX_ERROR: line 1:8: Column 'rings' cannot be resolved",
        ),
    ),
    (
        "States.TaskFailed",
        query("CANCELLED", "Query cancelled! : Bytes scanned limit was exceeded"),
        Failure(
            "GatherFailed",
            "gather.sql would scan more than the 10 GB of gather.maximum_gb; read fewer columns "
            "or partitions, or raise it in model.yaml",
        ),
    ),
    (
        "States.TaskFailed",
        query("CANCELLED", None),
        Failure("GatherFailed", "gather.sql: the query was stopped; run the model again"),
    ),
    (
        "States.TaskFailed",
        query("FAILED", None),
        Failure(
            "GatherFailed",
            "gather.sql: the query failed without a reason; see query q-1 in Athena",
        ),
    ),
    # what a step wrote for the reader wins over what the platform says about its exit
    (
        "States.TaskFailed",
        cause(
            ExitMessage="column rings is missing;\nadd it", FailureReason="AlgorithmError: exit 1"
        ),
        Failure("TrainJobFailed", "train: column rings is missing; add it"),
    ),
    # of a step that is a function, the same
    (
        "StepFailedError",
        '{"errorType": "StepFailedError", "errorMessage": "train: no column rings; add it"}',
        Failure("TrainJobFailed", "train: no column rings; add it"),
    ),
    (
        "States.TaskFailed",
        cause(FailureReason="ClientError: CannotPullContainerError: gone"),
        Failure("TrainJobFailed", "train: ClientError: CannotPullContainerError: gone"),
    ),
    (
        "States.TaskFailed",
        cause(),
        Failure(
            "TrainJobFailed",
            f"train: the job {JOB['ProcessingJobName']} failed without a reason; see its log",
        ),
    ),
    (
        "States.TaskFailed",
        cause(ProcessingJobStatus="Stopped", ProcessingStartTime=0, ProcessingEndTime=30_000),
        Failure(
            "TrainJobFailed",
            f"train: the job {JOB['ProcessingJobName']} was stopped before it was done; "
            "run it again",
        ),
    ),
    (
        "States.TaskFailed",
        cause(ProcessingJobStatus="Stopped", ProcessingStartTime=0, ProcessingEndTime=61_000),
        Failure(
            "TrainJobFailed",
            f"train: the job {JOB['ProcessingJobName']} ran longer than 60 seconds; "
            "raise resources.train.timeout_minutes in model.yaml",
        ),
    ),
    # as the local stage words it, which has no times to compare
    (
        "States.TaskFailed",
        cause(
            ProcessingJobStatus="Stopped",
            FailureReason="ClientError: MaxRuntimeExceeded: the job ran longer than the 60 seconds"
            " of StoppingCondition.MaxRuntimeInSeconds",
        ),
        Failure(
            "TrainJobFailed",
            f"train: the job {JOB['ProcessingJobName']} ran longer than 60 seconds; "
            "raise resources.train.timeout_minutes in model.yaml",
        ),
    ),
    # whatever a step said when it was told to end: it cannot know why
    (
        "States.TaskFailed",
        cause(
            ProcessingJobStatus="Stopped",
            ExitMessage="interrupted",
            ProcessingStartTime=0,
            ProcessingEndTime=61_000,
        ),
        Failure(
            "TrainJobFailed",
            f"train: the job {JOB['ProcessingJobName']} ran longer than 60 seconds; "
            "raise resources.train.timeout_minutes in model.yaml",
        ),
    ),
    # a Lambda's own, expected error needs no name before it; a surprise does
    (
        "EmptyDatasetError",
        json.dumps({"errorType": "EmptyDatasetError", "errorMessage": "no data", "stackTrace": []}),
        Failure("EmptyDatasetError", "no data"),
    ),
    (
        "KeyError",
        json.dumps({"errorType": "KeyError", "errorMessage": "'x'", "stackTrace": ["…"]}),
        Failure("KeyError", "KeyError: 'x'"),
    ),
    (
        "SageMaker.ResourceLimitExceededException",
        "The limit for ml.m5.large is 0. (Service: SageMaker, Status Code: 400, Request ID: 1)",
        Failure(
            "SageMaker.ResourceLimitExceededException",
            "ResourceLimitExceededException: The limit for ml.m5.large is 0.",
            unstarted=True,
        ),
    ),
    (
        "States.Timeout",
        "",
        Failure(
            "States.Timeout",
            "a state took longer than its time limit; "
            "look for a job that hangs, or raise the step's timeout_minutes",
        ),
    ),
    ("Execution.ABORTED", "", Failure("Execution.ABORTED", "the run was stopped")),
    ("Execution.ABORTED", "by Ann", Failure("Execution.ABORTED", "the run was stopped: by Ann")),
    # what Run Failed repeats of a report, as its status event brings it back
    ("TrainJobFailed", "train: no rows", Failure("TrainJobFailed", "train: no rows")),
    (
        "States.Runtime",
        "",
        Failure("States.Runtime", "States.Runtime, without a reason; see the execution's history"),
    ),
    (
        "States.QueryEvaluationError",
        "The expression\n failed",
        Failure("States.QueryEvaluationError", "QueryEvaluationError: The expression failed"),
    ),
]


@pytest.mark.parametrize(("error", "cause", "expected"), CASES)
def test_a_failure_is_one_line_that_says_what_and_how_to_mend(
    error: str, cause: str, expected: Failure
) -> None:
    assert explain(error, cause) == expected


documents = st.dictionaries(
    st.sampled_from(["ProcessingJobName", "ExitMessage", "errorType", "errorMessage", "x"]),
    st.none() | st.text() | st.integers() | st.lists(st.text(), max_size=2),
)


@given(error=st.text(), cause=st.text() | documents.map(json.dumps))
def test_whatever_the_platform_says_becomes_one_short_printable_line(
    error: str, cause: str
) -> None:
    failure = explain(error, cause)

    assert 0 < len(failure.message) <= LONGEST_MESSAGE
    assert "\n" not in failure.message


def test_the_expected_errors_are_the_ones_that_exist() -> None:
    from core import names
    from core.batches import close_batch, open_batch, plan
    from core.batches import request as batch_request
    from core.definition import parse, query
    from core.monitoring import request as monitoring_request
    from core.releases import bundle, live_release, open_release
    from core.runs import (
        current_definition,
        gather,
        gathering_job,
        lock,
        open_run,
        request,
        row_sum,
        snapshot,
    )
    from core.stage import bucket, images, registry, release_pipeline, row_hasher

    modules = (
        parse,
        images,
        names,
        open_run,
        registry,
        request,
        snapshot,
        current_definition,
        bucket,
        lock,
        open_release,
        live_release,
        *(gather, gathering_job, query, row_sum, row_hasher),
        *(close_batch, open_batch, plan, batch_request),
        monitoring_request,
    )
    raised = {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and value.__module__ == module.__name__
    }

    # Of the bundle's and the pipeline's errors only these can end a run.
    only = {bundle.ServingSourceError.__name__, release_pipeline.TooManyReleasesError.__name__}
    assert raised | only == EXPECTED


def status_event(**detail: Any) -> dict[str, Any]:
    return {
        "detail-type": "Step Functions Execution Status Change",
        "detail": {
            "name": "abalone-261121055501-x7k",
            "status": "ABORTED",
            "input": '{"model": "abalone"}',
            "error": None,
            "cause": None,
            **detail,
        },
    }


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"run": "r1", "model": "abalone", "error": "E", "cause": "c", "redrives": 2},
            Occurrence("r1", "abalone", "E", "c", redrives=2),
        ),
        # the request itself was wrong, so it names no model that could have a lock
        (
            {"run": "R!", "model": "", "error": "RunNameError", "cause": ""},
            Occurrence("R!", None, "RunNameError", ""),
        ),
        ({"run": "r1", "model": 7, "error": None}, Occurrence("r1", None, "Unknown", "")),
        (
            status_event(),
            Occurrence("abalone-261121055501-x7k", "abalone", "Execution.ABORTED", ""),
        ),
        (
            status_event(status="FAILED", error="E", cause="words", redriveCount=2),
            Occurrence("abalone-261121055501-x7k", "abalone", "E", "words", redrives=2),
        ),
        # an input too large for the event is left out of it
        (
            status_event(input=None, status="TIMED_OUT"),
            Occurrence("abalone-261121055501-x7k", "abalone", "Execution.TIMED_OUT", ""),
        ),
        (
            status_event(input="[]", name="by-hand"),
            Occurrence("by-hand", None, "Execution.ABORTED", ""),
        ),
    ],
)
def test_a_failure_is_read_alike_from_the_workflow_and_from_its_status_event(
    event: dict[str, Any], expected: Occurrence
) -> None:
    assert occurrence(event) == expected


@pytest.mark.parametrize(
    ("error", "said", "unstarted"),
    [
        (
            "SageMaker.ResourceLimitExceededException",
            "The account-level service limit 'ml.m5.xlarge for processing job usage' is 0.",
            True,
        ),
        # A quota of something else.
        ("SageMaker.ResourceLimitExceededException", "too many model packages", False),
        ("SageMaker.AmazonSageMakerException", "the job has no image", False),
        ("States.TaskFailed", cause(FailureReason="CapacityError: no ml.m5.xlarge now"), True),
        # The job has run: it says so itself.
        ("States.TaskFailed", cause(ExitMessage="CapacityError in my code"), False),
        ("States.TaskFailed", cause(FailureReason="AlgorithmError: exit code 1"), False),
    ],
)
def test_a_job_that_got_no_machine_has_not_started(error: str, said: str, unstarted: bool) -> None:
    assert explain(error, said).unstarted is unstarted
