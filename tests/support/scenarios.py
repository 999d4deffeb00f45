"""What the services answer a run in turn: one scenario for each way that a run can take."""

from functools import cache
from typing import Any

from tests.support.playing import (
    COMPLETED,
    LOST,
    PACKAGE,
    RUN,
    Played,
    Refused,
    job_failed,
    play,
    query,
)
from tests.support.workflow_definition import (
    LAMBDA_STATES,
    ON_HOSTS,
    ON_LAMBDA,
    ON_SPOT,
    ON_SPOT_STATE,
    OTHER_RUNGS,
    SAMPLE_GATHER_JOB,
    SAMPLE_GATHERING,
    SAMPLE_JUDGEMENT,
    SAMPLE_RUN,
    SEVERAL_HOSTS,
    STEP_STATES,
    states,
)

TASKS = set(states("Task"))
BROKEN = job_failed("AlgorithmError: , exit code: 1")
# At its own limit a job is stopped; the times are those of AWS, in milliseconds.
HOSTS_LOST = {"TrainingJobStatus": "Failed", "FailureReason": LOST["FailureReason"]}
HOST_FAILED = {
    "TrainingJobStatus": "Failed",
    "FailureReason": "AlgorithmError: host algo-3 of the job stopped without a word; see its log, "
    "exit code: 1",
}
NO_SPOT = {
    "TrainingJobStatus": "Stopped",
    "SecondaryStatus": "MaxWaitTimeExceeded",
    "StoppingCondition": {"MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 9000},
}
NO_CAPACITY = {
    "TrainingJobStatus": "Failed",
    "SecondaryStatus": "Failed",
    "FailureReason": "CapacityError: Unable to provision requested ML compute capacity. Please "
    "retry using a different ML instance type.",
}
SPOT_BAD_DATA = {
    "TrainingJobStatus": "Failed",
    "SecondaryStatus": "Failed",
    "FailureReason": "AlgorithmError: the column a is constant, exit code: 1",
}
AT_ITS_LIMIT = {
    "ProcessingJobStatus": "Stopped",
    "ProcessingStartTime": 1795240501000,
    "ProcessingEndTime": 1795240501000 + 7200_000,
}
# The state waits for a quarter of an hour longer than the job may take: here a second in all.
IMPATIENT = SAMPLE_RUN["resources"] | {
    "train": SAMPLE_RUN["resources"]["train"] | {"timeout_seconds": 1 - 900}
}
IMPATIENT_SPOT = SAMPLE_RUN["resources"] | {
    "train": SAMPLE_RUN["resources"]["train"] | {"wait_seconds": 1 - 900 - 7200}
}
IMPATIENT_GATHERING = SAMPLE_GATHERING | {
    "gather": SAMPLE_GATHERING["gather"] | {"timeout_seconds": 1}
}
IMPATIENT_JOB = SAMPLE_GATHER_JOB | {
    "gather": SAMPLE_GATHER_JOB["gather"] | {"timeout_seconds": 1 - 900}
}
GATHERING_STATES = {
    "Gather": SAMPLE_GATHERING,
    "Gather In A Job": SAMPLE_GATHER_JOB,
    "Take Snapshot": SAMPLE_GATHERING,
}
QUEUED = {
    "outcome": "queued",
    "run": RUN,
    "model": "abalone",
    "equals": None,
    "behind": "abalone-261121055400-abc",
    "summary": "queued: run abalone-261121055400-abc holds the lock of abalone",
    "fingerprint": None,
}
NOTHING_NEW = SAMPLE_RUN | {
    "outcome": "nothing new",
    "equals": "abalone-261120055501-a1b",
    "summary": "nothing new: as run abalone-261120055501-a1b",
}
# The earlier run was killed before its candidate had a release.
UNRELEASED = NOTHING_NEW | {
    "candidate": {
        "run": "abalone-261120055501-a1b",
        "package_arn": PACKAGE,
        "verdict": "hold",
    }
}

LOST_TO_THE_CHAMPION = SAMPLE_JUDGEMENT | {"verdict": "reject", "approval_status": "Rejected"}

# What the services answer in turn, by the state that asks; states left out do well.
SCENARIOS: dict[str, dict[str, list[Any]]] = {
    "all is well": {},
    "the group exists": {"Open Run": [SAMPLE_RUN | {"package_group_exists": True}]},
    "the candidate loses": {"Judge Candidate": [LOST_TO_THE_CHAMPION]},
    "the group is there already": {
        "Create Package Group": [Refused("ValidationException", "Group already exists: arn")],
    },
    "nothing is new": {"Open Run": [NOTHING_NEW]},
    "an earlier candidate has no release": {"Open Run": [UNRELEASED]},
    "another run holds the lock": {"Open Run": [QUEUED]},
    **{f"{step} loses its job once": {step: [LOST, COMPLETED]} for step in STEP_STATES},
    **{f"{step} fails by its own code": {step: [BROKEN]} for step in STEP_STATES},
    **{f"{step} reaches its limit": {step: [AT_ITS_LIMIT]} for step in STEP_STATES},
    "Train hangs": {
        "Open Run": [SAMPLE_RUN | {"resources": IMPATIENT}],
        "Train": [{"ProcessingJobStatus": "InProgress"}],
    },
    **{
        f"{name} is refused": {
            **({"Open Run": [GATHERING_STATES[name]]} if name in GATHERING_STATES else {}),
            name: [Refused("AccessDeniedException")],
        }
        for name in TASKS - {"Report Failure", *OTHER_RUNGS}
    },
    "several hosts train": {"Open Run": [ON_HOSTS]},
    "several hosts are refused": {
        "Open Run": [ON_HOSTS],
        SEVERAL_HOSTS: [Refused("AccessDeniedException")],
    },
    "Train On Several Hosts loses its job once": {
        "Open Run": [ON_HOSTS],
        SEVERAL_HOSTS: [HOSTS_LOST, {"TrainingJobStatus": "Completed"}],
    },
    "several hosts hang": {
        "Open Run": [ON_HOSTS | {"resources": IMPATIENT}],
        SEVERAL_HOSTS: [{"TrainingJobStatus": "InProgress"}],
    },
    "a host fails": {"Open Run": [ON_HOSTS], SEVERAL_HOSTS: [HOST_FAILED]},
    "a spot machine trains": {"Open Run": [ON_SPOT]},
    "no spot machine is free in time": {"Open Run": [ON_SPOT], ON_SPOT_STATE: [NO_SPOT]},
    "a job without a spot machine is taken for a success": {
        "Open Run": [ON_SPOT],
        ON_SPOT_STATE: [NO_SPOT | {"TrainingJobStatus": "Completed"}],
    },
    "there is no capacity for spot machines": {
        "Open Run": [ON_SPOT | {"package_group_exists": True}],
        ON_SPOT_STATE: [NO_CAPACITY],
    },
    "the quota of spot machines is used up": {
        "Open Run": [ON_SPOT],
        ON_SPOT_STATE: [Refused("ResourceLimitExceededException")],
    },
    "a spot machine is refused": {
        "Open Run": [ON_SPOT],
        ON_SPOT_STATE: [Refused("AccessDeniedException")],
    },
    "Train On Spot loses its job once": {
        "Open Run": [ON_SPOT],
        ON_SPOT_STATE: [HOSTS_LOST, {"TrainingJobStatus": "Completed"}],
    },
    "a spot machine trains on bad data": {"Open Run": [ON_SPOT], ON_SPOT_STATE: [SPOT_BAD_DATA]},
    "Train On Spot is planned without limits": {"Open Run": [
        ON_SPOT | {"resources": {
            name: settings for name, settings in SAMPLE_RUN["resources"].items() if name != "train"
        }}
    ]},
    "a spot machine hangs": {
        "Open Run": [ON_SPOT | {"resources": IMPATIENT_SPOT}],
        ON_SPOT_STATE: [{"TrainingJobStatus": "InProgress"}],
    },
    "the steps are functions": {"Open Run": [ON_LAMBDA]},
    **{
        f"{name} fails as a function by the step's own sentence": {
            "Open Run": [ON_LAMBDA],
            name: [Refused("StepFailedError", "fix the data")],
        }
        for name in LAMBDA_STATES
    },
    **{
        f"{name} fails as a function": {
            "Open Run": [ON_LAMBDA | {"package_group_exists": True}],
            name: [Refused("Runtime.ExitError", "signal: killed")],
        }
        for name in LAMBDA_STATES
    },
    "every function fails": {
        "Open Run": [ON_LAMBDA],
        **{name: [Refused("Sandbox.Timedout", "timed out")] for name in LAMBDA_STATES},
    },
    **{f"{step} is planned without limits": {"Open Run": [
        SAMPLE_RUN | {"resources": {
            name: settings for name, settings in SAMPLE_RUN["resources"].items()
            if name != step.lower()
        }}
    ]} for step in STEP_STATES},
    "a query makes the data": {"Open Run": [SAMPLE_GATHERING]},
    "a query gives what is known already": {
        "Open Run": [SAMPLE_GATHERING],
        "Take Snapshot": [NOTHING_NEW],
    },
    "the query fails": {
        "Open Run": [SAMPLE_GATHERING],
        "Gather": [query("FAILED", "SYNTAX_ERROR: line 1:8: Column 'rings' cannot be resolved")],
    },
    "the query scans too much": {
        "Open Run": [SAMPLE_GATHERING],
        "Gather": [query("CANCELLED", "Query cancelled! : Bytes scanned limit was exceeded")],
    },
    "the query hangs": {
        "Open Run": [IMPATIENT_GATHERING],
        "Gather": [query("RUNNING")],
    },
    "Athena is busy": {
        "Open Run": [SAMPLE_GATHERING],
        "Gather": [Refused("TooManyRequestsException"), query("SUCCEEDED")],
    },
    "the query returns nothing": {
        "Open Run": [SAMPLE_GATHERING],
        "Take Snapshot": [Refused("EmptyResultError", "gather.sql returned no rows")],
    },
    "a job makes the data": {"Open Run": [SAMPLE_GATHER_JOB]},
    "a job without a secret makes the data": {"Open Run": [{
        **SAMPLE_GATHER_JOB, "gather": SAMPLE_GATHER_JOB["gather"] | {"secret": None}
    }]},
    "Gather In A Job loses its job once": {
        "Open Run": [SAMPLE_GATHER_JOB],
        "Gather In A Job": [LOST, COMPLETED],
    },
    "the job that gathers fails": {
        "Open Run": [SAMPLE_GATHER_JOB],
        "Gather In A Job": [BROKEN | {"ExitMessage": "gather.py line 3: OSError: no route"}],
    },
    "the job that gathers takes too long": {
        "Open Run": [SAMPLE_GATHER_JOB],
        "Gather In A Job": [AT_ITS_LIMIT],
    },
    "the job that gathers hangs": {
        "Open Run": [IMPATIENT_JOB],
        "Gather In A Job": [{"ProcessingJobStatus": "InProgress"}],
    },
    "the bus takes nothing": {
        "Open Release": [Refused("EventNotTakenError", "it is full")],
        "Close Run": [Refused("EventNotTakenError", "it is full")],
    },
    "even the report fails": {
        "Open Run": [Refused("UnknownModelError", "no such model")],
        "Report Failure": [Refused("ServiceUnavailable")],
    },
}  # fmt: skip


@cache
def scenario(name: str) -> Played:
    return play(SCENARIOS[name])
