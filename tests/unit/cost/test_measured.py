"""What an execution used, from its history; and what that cost."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cost.measured import Job, bill, usage
from core.cost.prices import SAMPLE, Prices

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
START = 1_764_500_000_000


def request(name: str, count: int = 1) -> str:
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 10}
    return json.dumps(
        {"ProcessingJobName": name, "ProcessingResources": {"ClusterConfig": cluster}}
    )


def description(name: str, seconds: float | None, **more: Any) -> dict[str, Any]:
    """As `.sync` returns it: times in epoch milliseconds; none for a job that had no machine."""
    times = (
        {}
        if seconds is None
        else {
            "ProcessingStartTime": START,
            "ProcessingEndTime": START + int(seconds * 1000),
        }
    )
    return {"ProcessingJobName": name, "ProcessingJobStatus": "Completed", **times, **more}


def scheduled(name: str, count: int = 1) -> list[dict[str, Any]]:
    details = {
        "resourceType": "sagemaker",
        "resource": "createProcessingJob.sync",
        "region": "us-east-1",
        "parameters": request(name, count),
    }
    return [
        {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Train"}},
        {"type": "TaskScheduled", "taskScheduledEventDetails": details},
        {"type": "TaskStarted"},
    ]


SUBMITTED = {"type": "TaskSubmitted"}


def succeeded(name: str, seconds: float | None) -> dict[str, Any]:
    output = json.dumps(description(name, seconds))
    return {"type": "TaskSucceeded", "taskSucceededEventDetails": {"output": output}}


def failed(cause: str) -> dict[str, Any]:
    return {"type": "TaskFailed", "taskFailedEventDetails": {"error": "E", "cause": cause}}


def called(seconds: float, end: str = "LambdaFunctionSucceeded") -> list[dict[str, Any]]:
    return [
        {"type": "TaskStateEntered"},
        {"type": "LambdaFunctionScheduled", "timestamp": NOW},
        {"type": "LambdaFunctionStarted", "timestamp": NOW},
        {"type": end, "timestamp": NOW + timedelta(seconds=seconds)},
    ]


def step_called(seconds: float, end: str = "LambdaFunctionSucceeded") -> list[dict[str, Any]]:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:kanmon-dev-step-train"
    events = called(seconds, end)
    events[1]["lambdaFunctionScheduledEventDetails"] = {"resource": arn}
    return events


def nobody(kind: str, name: str) -> None:
    """A job that cannot be described."""


def test_jobs_calls_and_transitions_are_counted_with_their_machines_and_times() -> None:
    events = [
        *called(2.0),
        *scheduled("a", count=2),
        SUBMITTED,
        succeeded("a", 1800),
        *called(1.0, "LambdaFunctionFailed"),
    ]

    used = usage(events, nobody, NOW)

    assert used.jobs == [Job("a", "ml.m5.large", 2, 1800.0)]
    assert (used.calls, used.call_seconds, used.transitions) == (2, 3.0, 3)
    found = bill(used, SAMPLE, memory_gb=0.5)
    assert found["usd"] == round(0.115 + 1.5 * 0.0000133334 + 2 * 2e-7 + 3 * 0.000025, 8)
    assert (found["unknown"], found["functions"]["gb_seconds"]) == ([], 1.5)


def test_several_hosts_that_trained_are_paid_for() -> None:
    asked = {"TrainingJobName": "t", "ResourceConfig": {
        "InstanceType": "ml.m5.large", "InstanceCount": 4,
    }}  # fmt: skip
    details = {"resourceType": "sagemaker", "resource": "createTrainingJob.sync"}
    ended = asked | {
        "TrainingJobStatus": "Completed",
        "TrainingStartTime": START,
        "TrainingEndTime": START + 900_000,
    }
    events = [
        {"type": "TaskScheduled", "taskScheduledEventDetails": {
            **details, "parameters": json.dumps(asked)
        }},
        SUBMITTED,
        {"type": "TaskSucceeded", "taskSucceededEventDetails": {"output": json.dumps(ended)}},
    ]  # fmt: skip

    used = usage(events, nobody, NOW)

    assert used.jobs == [Job("t", "ml.m5.large", 4, 900.0, "training")]
    prices = Prices("r", "2026-11", hourly={"training": {"ml.m5.large": 0.2}})
    assert bill(used, prices, memory_gb=0.5)["usd"] == 0.2


SPOT = {
    "TrainingJobName": "t-spot0",
    "EnableManagedSpotTraining": True,
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}


def on_spot(end: str, **ended: Any) -> list[dict[str, Any]]:
    details = {"resourceType": "sagemaker", "resource": "createTrainingJob.sync"}
    known = "taskSucceededEventDetails" if end == "TaskSucceeded" else "taskFailedEventDetails"
    said = "output" if end == "TaskSucceeded" else "cause"
    return [
        {"type": "TaskScheduled", "taskScheduledEventDetails": {
            **details, "parameters": json.dumps(SPOT)
        }},
        SUBMITTED,
        {"type": end, known: {said: json.dumps(SPOT | ended)}},
    ]  # fmt: skip


@pytest.mark.parametrize("end", ["TaskSucceeded", "TaskFailed"])
def test_of_a_spot_machine_the_billed_seconds_are_paid_for_and_the_others_saved(end: str) -> None:
    times = {"TrainingTimeInSeconds": 3600, "BillableTimeInSeconds": 1332}
    took = {"TrainingStartTime": START, "TrainingEndTime": START + 3_600_000}

    used = usage(on_spot(end, **times, **took), nobody, NOW)

    assert used.jobs == [Job("t-spot0", "ml.m5.large", 1, 1332.0, "training", 2268.0)]
    prices = Prices("r", "2026-11", hourly={"training": {"ml.m5.large": 0.2}})
    found = bill(used, prices, memory_gb=0.5)
    assert (found["usd"], found["saved_usd"]) == (0.074, 0.126)
    assert found["jobs"][0]["unbilled_seconds"] == 2268.0


@pytest.mark.parametrize(
    ("chosen", "machine"),
    [
        ({"SelectedInstanceType": "ml.m6i.large", "SelectedInstanceCount": 2}, "ml.m6i.large"),
        # It had none, or the description does not say.
        ({}, "ml.m5.large"),
    ],
)
def test_of_several_machines_the_one_that_the_job_had_is_paid_for(
    chosen: dict[str, Any], machine: str
) -> None:
    preferred = [
        {"InstanceType": name, "InstanceCount": 2} for name in ("ml.m5.large", "ml.m6i.large")
    ]
    cluster = {"InstancePreferences": preferred, "VolumeSizeInGB": 10}
    [first, begun, *_] = scheduled("a")
    asked = {"ProcessingJobName": "a", "ProcessingResources": {"ClusterConfig": cluster}}
    begun["taskScheduledEventDetails"]["parameters"] = json.dumps(asked)
    ended = description("a", 60, ProcessingResources={"ClusterConfig": {**cluster, **chosen}})
    end = {"type": "TaskSucceeded", "taskSucceededEventDetails": {"output": json.dumps(ended)}}

    assert usage([first, begun, SUBMITTED, end], nobody, NOW).jobs == [Job("a", machine, 2, 60.0)]


def test_a_spot_job_that_never_had_a_machine_costs_nothing() -> None:
    events = on_spot(
        "TaskFailed", TrainingJobStatus="Stopped", SecondaryStatus="MaxWaitTimeExceeded"
    )

    used = usage(events, nobody, NOW)

    assert used.jobs == [Job("t-spot0", "ml.m5.large", 1, 0.0, "training")]
    found = bill(used, SAMPLE, memory_gb=0.5)
    assert (found["usd"], found["unknown"]) == (0.0, [])
    assert "saved_usd" not in found


def test_steps_that_were_functions_are_paid_for_with_their_own_memory_also_where_they_failed() -> (
    None
):
    events = [*called(2.0), *step_called(4.0, "LambdaFunctionFailed"), *step_called(6.0)]

    used = usage(events, nobody, NOW)

    found = bill(used, SAMPLE, memory_gb=0.5, step_memory_gb=2.0)
    assert found["functions"]["gb_seconds"] == 1.0
    assert found["steps"] == {
        "calls": 2,
        "gb_seconds": 20.0,
        "usd": round(20 * 0.0000166667 + 2 * 2e-7, 8),
    }
    assert (found["unknown"], found["jobs"]) == ([], [])
    assert found["usd"] == round(1 * 0.0000133334 + 20 * 0.0000166667 + 3 * 2e-7 + 3 * 0.000025, 8)


@pytest.mark.parametrize(
    ("name", "is_step"),
    [
        ("kanmon-dev-step-preprocess", True),
        ("kanmon-dev-step-preprocess:live", True),
        ("my-step-dev-OpenRunFunction-0A1B2C", False),  # of a stage that is named so
        ("kanmon-dev-OpenRunFunction-0A1B2C", False),
    ],
)
def test_a_steps_function_is_known_by_its_name(name: str, is_step: bool) -> None:
    events = called(1.0)
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    events[1]["lambdaFunctionScheduledEventDetails"] = {"resource": arn}

    used = usage(events, nobody, NOW)

    assert (used.calls, used.step_calls) == ((0, 1) if is_step else (1, 0))


def test_a_job_that_failed_and_was_tried_again_is_paid_for_twice() -> None:
    cause = json.dumps(description("a-0", 60, ProcessingJobStatus="Failed"))
    events = [
        *scheduled("a-0"),
        SUBMITTED,
        failed(cause),
        *scheduled("a-1"),
        SUBMITTED,
        succeeded("a-1", 120),
    ]

    used = usage(events, nobody, NOW)

    assert [(job.name, job.seconds) for job in used.jobs] == [("a-0", 60.0), ("a-1", 120.0)]


def test_a_job_that_sagemaker_did_not_take_costs_nothing() -> None:
    events = [
        *scheduled("a"),
        {"type": "TaskSubmitFailed"},
        *scheduled("b"),
        failed("no quota"),
    ]

    assert usage(events, nobody, NOW).jobs == []


@pytest.mark.parametrize(
    ("described", "seconds"),
    [
        (description("a", 90, ProcessingJobStatus="Stopped"), 90.0),
        (
            {
                "ProcessingJobStatus": "Stopping",
                "ProcessingStartTime": NOW - timedelta(seconds=30),
            },
            30.0,  # until now
        ),
        ({"ProcessingJobStatus": "Stopped"}, 0.0),  # it never had a machine
        (
            {"ProcessingJobStatus": "Stopped", "ProcessingStartTime": NOW},
            None,  # an end that SageMaker does not say
        ),
        (None, None),
    ],
)
def test_a_stopped_executions_job_is_asked_for_by_its_name(
    described: dict[str, Any] | None, seconds: float | None
) -> None:
    asked = []

    def describe(kind: str, name: str) -> dict[str, Any] | None:
        asked.append((kind, name))
        return described

    used = usage([*scheduled("a"), SUBMITTED, {"type": "ExecutionAborted"}], describe, NOW)

    assert (asked, [job.seconds for job in used.jobs]) == ([("Processing", "a")], [seconds])
    assert bill(used, SAMPLE, 0.5)["unknown"] == ([] if seconds is not None else ["a"])


def test_what_has_no_price_is_named_and_the_rest_is_summed() -> None:
    events = [*called(1.0), *scheduled("a"), SUBMITTED, succeeded("a", 3600)]
    prices = Prices("eu-west-1", "2026-11-30", hourly={"processing": {"ml.m5.large": 0.128}})

    found = bill(usage(events, nobody, NOW), prices, 0.5)

    assert (found["usd"], found["unknown"]) == (0.128, ["functions", "workflow"])


KINDS = (
    *("TaskScheduled", "TaskSubmitted", "TaskSucceeded", "TaskFailed", "TaskStateEntered"),
    *("LambdaFunctionStarted", "LambdaFunctionSucceeded", "x"),
)
HARD = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=9) | st.just(request("x")),
    lambda inner: st.dictionaries(st.sampled_from(["output", "cause", "parameters"]), inner),
    max_leaves=5,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": st.sampled_from(KINDS)},
            optional={
                "timestamp": st.none() | st.text(max_size=5) | st.just(NOW),
                "taskScheduledEventDetails": HARD,
                "taskSucceededEventDetails": HARD,
                "taskFailedEventDetails": HARD,
            },
        ),
        max_size=12,
    )
)
def test_a_history_of_any_shape_gives_a_bill(events: list[dict[str, Any]]) -> None:
    found = bill(usage(events, nobody, NOW), SAMPLE, 0.5)

    assert found["usd"] >= 0
    json.dumps(found, allow_nan=False)


def query(state: str, scanned: int) -> str:
    """As the state that runs a query of Athena ends."""
    status = {"State": state}
    statistics = {"DataScannedInBytes": scanned}
    return json.dumps({"QueryExecution": {"Status": status, "Statistics": statistics}})


def ended(output: str) -> dict[str, Any]:
    return {"type": "TaskSucceeded", "taskSucceededEventDetails": {"output": output}}


def test_queries_are_counted_by_what_they_scanned() -> None:
    entered = {"type": "TaskStateEntered"}
    succeeding, cancelled = query("SUCCEEDED", 2**40), query("CANCELLED", 10**9)

    used = usage([entered, ended(succeeding), entered, failed(cancelled)], nobody, NOW)

    assert used.queries == [2**40, 10**9]
    found = bill(used, SAMPLE, memory_gb=0.5)
    usd = 5.0 + 5.0 * 10**9 / 2**40
    assert found["queries"] == {
        "scanned_bytes": 2**40 + 10**9,
        "usd": pytest.approx(usd, abs=1e-7),
    }
    assert found["usd"] == pytest.approx(usd + found["workflow"]["usd"], abs=1e-7)


def test_a_query_that_failed_is_not_billed_and_the_least_is_ten_megabytes() -> None:
    small = [ended(query("SUCCEEDED", 0))]

    assert usage([failed(query("FAILED", 5))], nobody, NOW).queries == []
    assert bill(usage(small, nobody, NOW), SAMPLE, 0.5)["queries"]["usd"] == pytest.approx(
        5 * 10 / 1024**2, abs=1e-8
    )


def test_a_query_without_a_price_is_named_among_what_is_not_known() -> None:
    unpriced = Prices("eu-west-1", "2026-11-30", gb_second=1e-5, request=1e-7, transition=1e-5)

    assert bill(usage([ended(query("SUCCEEDED", 7))], nobody, NOW), unpriced, 0.5)["unknown"] == [
        "queries"
    ]
