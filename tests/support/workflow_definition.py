"""The workflows as deployed, and their expressions evaluated on variables of a sample run."""

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import jsonata
import yaml

from tests.support.translation import (
    MONITOR_WORKFLOW,
    SCORE_WORKFLOW,
    WORKFLOW,
    resolve,
    translated,
)

# Each workflow's file and its resource in the template.
RETRAIN, SCORE, MONITOR = "retrain", "score", "monitor"
WORKFLOWS = {
    RETRAIN: (WORKFLOW, "RetrainStateMachine"),
    SCORE: (SCORE_WORKFLOW, "ScoreStateMachine"),
    MONITOR: (MONITOR_WORKFLOW, "MonitorStateMachine"),
}

STEP_STATES = ["Preprocess", "Train", "Evaluate"]
LAMBDA_STATES = [f"{step} On Lambda" for step in STEP_STATES]
SEVERAL_HOSTS = "Train On Several Hosts"
# States that a run reaches only where model.yaml or the size of its data says so.
ON_SPOT_STATE = "Train On Spot"
OTHER_RUNGS = [*LAMBDA_STATES, SEVERAL_HOSTS, ON_SPOT_STATE]
HAPPY_PATH = [
    "Open Run",
    "Anything New?",
    "Preprocess",
    "Where To Train?",
    "Train",
    "Where To Evaluate?",
    "Evaluate",
    "Judge Candidate",
    "First Candidate?",
    "Create Package Group",
    "Register Candidate",
    "Did The Candidate Win?",
    "Open Release",
    "Close Run",
]

# The resource of a Task that calls a service.
SERVICE = re.compile(
    r"^arn:aws:states:::(?P<sdk>aws-sdk:)?(?P<service>\w+):(?P<action>\w+)(?:\.(?P<pattern>\w+))?$"
)
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
EXPRESSION = re.compile(r"^\{%(.*)%\}$", re.DOTALL)

STEPS = ("preprocess", "train", "evaluate")
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/kanmon-test-steps"
SAMPLE_RUN: dict[str, Any] = {
    "outcome": "new",
    "run": "abalone-261121055501-x7k",
    "model": "abalone",
    "equals": None,
    "behind": None,
    "summary": "a new run",
    "fingerprint": "5" * 64,
    "bucket": "kanmon-test-data",
    "prefix": "s3://kanmon-test-data/runs/abalone/abalone-261121055501-x7k",
    "snapshot_uri": "s3://kanmon-test-data/snapshots/abalone/0123456789abcdef.json",
    "definition_uri": "s3://kanmon-test-data/definitions/abalone/abcdef",
    "images": dict.fromkeys(STEPS, REPOSITORY + "@sha256:" + "a" * 64),
    "job_prefix": "kanmon-test-abalone-261121055501-x7k",
    "resources": {
        # No two alike, so that a step with another's is seen.
        step: {
            "instance_type": f"ml.m5.{size}",
            "instance_count": 1,
            "machines": {"InstanceType": f"ml.m5.{size}", "InstanceCount": 1},
            "volume_gb": volume,
            "timeout_seconds": limit,
            **({"wait_seconds": 1800} if step == "train" else {}),
        }
        for step, size, volume, limit in (
            ("preprocess", "large", 30, 3600),
            ("train", "xlarge", 60, 7200),
            ("evaluate", "2xlarge", 90, 1800),
        )
    },
    "rungs": dict.fromkeys(STEPS, "processing"),
    "rungs_why": dict.fromkeys(STEPS, "asked"),
    "attempts": "s3://kanmon-test-data/attempts/abalone/abalone-261121055501-x7k",
    "candidate": None,
    "champion": None,
    "package_group": "kanmon-test-abalone",
    "package_group_exists": False,
}
ON_HOSTS: dict[str, Any] = SAMPLE_RUN | {
    "rungs": SAMPLE_RUN["rungs"] | {"train": "training"},
    "resources": SAMPLE_RUN["resources"]
    | {
        "train": SAMPLE_RUN["resources"]["train"]
        | {"instance_count": 4, "machines": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 4}}
    },
}
# The definition names several machines for each step.
PREFERRING: dict[str, Any] = SAMPLE_RUN | {
    "resources": {
        step: given
        | {
            "machines": {
                "InstancePreferences": [
                    {"InstanceType": name, "InstanceCount": 1}
                    for name in (given["instance_type"], "ml.m6i.large")
                ]
            }
        }
        for step, given in SAMPLE_RUN["resources"].items()
    }
}
ON_SPOT: dict[str, Any] = SAMPLE_RUN | {"rungs": SAMPLE_RUN["rungs"] | {"train": "spot"}}
ON_LAMBDA: dict[str, Any] = SAMPLE_RUN | {"rungs": dict.fromkeys(STEPS, "lambda")}
# What Open Run answers where a query makes the data.
SAMPLE_GATHERING: dict[str, Any] = {
    "outcome": "gather",
    "run": SAMPLE_RUN["run"],
    "model": "abalone",
    "behind": None,
    "summary": "gather.sql runs first; it may scan 10 GB",
    "gather": {
        "query": "SELECT rings FROM shells -- all of them",
        "database": "sea",
        "workgroup": "kanmon-test-gather-10gb",
        "prefix": "s3://kanmon-test-data/gathered/abalone/abalone-261121055501-x7k",
        "maximum_gb": 10,
        "timeout_seconds": 1800,
    },
}
# And where the model's gather.py makes it.
SAMPLE_GATHER_JOB: dict[str, Any] = SAMPLE_GATHERING | {
    "summary": "gather.py runs first, in a job of its own",
    "gather": {
        "by": "job",
        "image": REPOSITORY + "@sha256:" + "d" * 64,
        "job_prefix": SAMPLE_RUN["job_prefix"],
        "definition_uri": SAMPLE_RUN["definition_uri"] + "/",
        "data": "s3://kanmon-test-data/datasets/abalone/",
        "secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:sea-1a2B3c",
        "instance_type": "ml.t3.large",
        "volume_gb": 20,
        "timeout_seconds": 2700,
    },
}
SAMPLE_BATCH: dict[str, Any] = {
    "outcome": "planned",
    "batch": "abalone-261121055501-x7k",
    "model": "abalone",
    "execution": "abalone-261121055501-x7k",
    "release": 7,
    "summary": "2 files, 10 MB, with release abalone/7",
    "plan_uri": "s3://kanmon-test-data/batches/abalone/abalone-261121055501-x7k/plan.json",
    "model_uri": "s3://kanmon-test-data/runs/abalone/abalone-261120055501-a1b/train/model.tar.gz",
    "image": REPOSITORY + "@sha256:" + "b" * 64,
    "job_prefix": "kanmon-test-abalone-261121055501-x7k",
    "resources": {
        "instance_type": "ml.m5.4xlarge",
        "instance_count": 3,
        "volume_gb": 120,
        "timeout_seconds": 5400,
    },
}
SAMPLE_MONITORING: dict[str, Any] = {
    "outcome": "to watch",
    "monitoring": "abalone-261121055501-x7k",
    "model": "abalone",
    "release": 7,
    "prefix": "s3://kanmon-test-data/monitoring/abalone/abalone-261121055501-x7k",
    "run_prefix": "s3://kanmon-test-data/runs/abalone/abalone-261120055501-a1b",
    "image": REPOSITORY + "@sha256:" + "c" * 64,
    "job_prefix": "kanmon-test-abalone-261121055501-x7k",
    "resources": {"instance_type": "ml.m5.xlarge", "volume_gb": 40, "timeout_seconds": 2400},
    "summary": "release 7: 12 files of captured requests and 0 batches",
}
CHAMPION: dict[str, Any] = {
    "package_arn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-test-abalone/1",
    "version": 1,
    "run": "abalone-261120055501-a1b",
    "model_uri": "s3://kanmon-test-data/runs/abalone/abalone-261120055501-a1b/train/model.tar.gz",
    "report_uri": "s3://kanmon-test-data/runs/abalone/abalone-261120055501-a1b/preprocess/report/",
}
SAMPLE_JUDGEMENT: dict[str, Any] = {
    "verdict": "promote",
    "summary": "rmse 2.10 passes every rule",
    "approval_status": "PendingManualApproval",
    "review_uri": SAMPLE_RUN["prefix"] + "/review.html",
    "evaluation_uri": SAMPLE_RUN["prefix"] + "/evaluate/evaluation.json",
    "statistics_uri": SAMPLE_RUN["prefix"] + "/evaluate/statistics.json",
    "description": "rmse 2.10 passes every rule",
    "metadata": {"run": "abalone-261121055501-x7k"},
    "model_data_url": SAMPLE_RUN["prefix"] + "/train/model.tar.gz",
    "image": SAMPLE_RUN["images"]["evaluate"],
    "client_token": "5" * 36,
    "steps": {"ran": {"train": {"rung": "processing"}}, "seen": {"train": {"mb": 0.2}}},
    "metric": {
        "name": "rmse",
        "candidate": 2.1,
        "champion": None,
        "difference": None,
        "low": None,
        "high": None,
    },
}


def substitutions(stage: str = "dev", workflow: str = RETRAIN) -> dict[str, str]:
    """What the template fills into the workflow's placeholders."""
    properties = translated()["Resources"][WORKFLOWS[workflow][1]]["Properties"]
    found: dict[str, str] = resolve(properties["DefinitionSubstitutions"], stage)
    return found


@cache
def _deployed(stage: str, workflow: str) -> dict[str, Any]:
    values = substitutions(stage, workflow)
    written = WORKFLOWS[workflow][0].read_text()
    text = PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]], written)
    definition: dict[str, Any] = yaml.safe_load(text)
    return definition


def deployed(stage: str = "dev", workflow: str = RETRAIN) -> dict[str, Any]:
    """The definition as Step Functions gets it, a copy for each caller."""
    return deepcopy(_deployed(stage, workflow))


def with_plain_timeouts(definition: dict[str, Any]) -> dict[str, Any]:
    """The definition for linters, which do not know that a JSONata state may compute its times."""
    for state in definition["States"].values():
        for field in ("TimeoutSeconds", "Seconds"):
            if isinstance(state.get(field), str):
                state[field] = 60
    return definition


def states(kind: str | None = None, workflow: str = RETRAIN) -> dict[str, dict[str, Any]]:
    """The states by name, all or those of one type."""
    found: dict[str, dict[str, Any]] = deployed(workflow=workflow)["States"]
    return {name: state for name, state in found.items() if kind in (None, state["Type"])}


def transitions(state: dict[str, Any]) -> Iterator[str]:
    """Where a state may lead, failures included."""
    for source in (state, *state.get("Choices", ()), *state.get("Catch", ())):
        yield from (source[key] for key in ("Next", "Default") if key in source)


def expressions(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every JSONata expression below a value, with the path to it."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from expressions(part, (*path, str(key)))
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from expressions(part, (*path, str(position)))
    elif isinstance(value, str) and (match := EXPRESSION.match(value)):
        yield "/".join(path), match[1]


def sample_variables(**changes: Any) -> dict[str, Any]:
    """Variables and context of a run that is under way."""
    run = deepcopy(SAMPLE_RUN) | changes.pop("run", {})
    run = {"gather": {**SAMPLE_GATHERING["gather"], **SAMPLE_GATHER_JOB["gather"]}} | run
    variables: dict[str, Any] = {
        "run": run,
        "at": {step: f"{run['prefix']}/{step}" for step in STEPS},
        "ran": {},
        "left_lambda": {},
        "left_spot": {},
        "gathered": {"prefix": "s3://kanmon-test-data/g/0", "query_id": "q", "scanned_bytes": 7},
        "faults": 0,
        "lost": 0,
        "batch": deepcopy(SAMPLE_BATCH),
        "monitoring": deepcopy(SAMPLE_MONITORING),
        "judgement": deepcopy(SAMPLE_JUDGEMENT),
        "failure": {"Error": "States.TaskFailed", "Cause": "it broke"},
        "states": {
            "input": {},
            "result": {},
            "context": {
                "Execution": {
                    "Name": run["run"],
                    "Input": {"model": "abalone"},
                    "StartTime": "2026-11-21T05:55:01.000Z",
                    "RedriveCount": 0,
                },
                "State": {"RetryCount": 0},
            },
        },
    }
    return variables | changes


def evaluate(value: Any, variables: dict[str, Any]) -> Any:
    """Evaluate the expressions in a value; one that gives nothing is an error, as on AWS."""
    if isinstance(value, dict):
        return {key: evaluate(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return [evaluate(part, variables) for part in value]
    if not isinstance(value, str) or not (match := EXPRESSION.match(value)):
        return value
    program = jsonata.Jsonata(match[1])
    for name, content in variables.items():
        program.assign(name, content)
    return program.evaluate(None)
