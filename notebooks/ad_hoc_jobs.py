"""Jobs from a notebook, through version 3 of the SageMaker SDK: a step of Kanmon's, or a script.

They run without a network as the stage's role for them, which writes below scratch/ only. So all
they read and write is in their request. Other settings are those of the run that they start from:
its images and its machines. Each function returns when its job has completed; to interrupt it
leaves the job running until its time is over.
"""

import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sagemaker.core.helper.session_helper import Session
from sagemaker.core.network import NetworkConfig
from sagemaker.core.processing import Processor, ScriptProcessor
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)

from exploration import ExplorationError, Stage

LOGS = "/aws/sagemaker/ProcessingJobs"
LONGEST_JOB_NAME = 63
ENDED = ("Completed", "Failed", "Stopped")
INPUT, OUTPUT = "/opt/ml/processing/input", "/opt/ml/processing/output"
# What each step that needs no network reads, and what it calls its output: as in
# statemachine/retrain.asl.yaml.
STEPS = {
    "train": (("run", "definition", "train", "validation", "report"), "model"),
    "evaluate": (("run", "test", "report", "model"), "evaluation"),
}
# The SDK tells AWS of each use unless it is told not to.
NO_TELEMETRY = {
    "SchemaVersion": "1.0",
    "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
}


@dataclass(frozen=True)
class Job:
    """A job that has completed. `outputs` is its folder in the bucket: `scratch/<user>/<job>`."""

    name: str
    outputs: str


def run_step(
    stage: Stage,
    run: str,
    step: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    model: str | None = None,
    minutes: int = 60,
) -> Job:
    """Run `train` or `evaluate` again with the inputs of a run.

    `parameters` are trained with instead of the run's own; unlike those of `kanmon run --set`,
    their names are not checked. `model` is evaluated instead of the run's: a folder of the bucket
    with what Train wrote. The other steps fetch their data themselves, which takes a network.
    """
    if step not in STEPS:
        raise ExplorationError(f"no job without a network can be {step}; {' or '.join(STEPS)} can")
    plan, name = stage.document(f"{run}/run.json"), _new_name(stage, step)
    if step == "train" and "base_uri" in plan:
        raise ExplorationError(
            f"{run} was trained from a file of bases/, which jobs of an exploration may not read; "
            "train it with `kanmon run`"
        )
    train_with(plan, parameters or {})
    document = f"{stage.scratch}/{name}/run.json"
    stage.s3.put_object(Bucket=stage.bucket, Key=document, Body=json.dumps(plan).encode())
    reads, writes = STEPS[step]
    sources = {
        "run": stage.uri(document),
        "definition": plan["definition"]["uri"],
        "model": stage.uri(f"{(model or f'{run}/train').rstrip('/')}/"),
        **{
            part: stage.uri(f"{run}/preprocess/{part}/")
            for part in ("train", "validation", "test", "report")
        },
    }
    inputs = {one: sources[one] for one in reads}
    if step == "evaluate":
        inputs |= compared_with(plan)
    processor = Processor(**_settings(stage, plan, step, minutes))
    return _run(stage, processor, name, inputs, writes)


def run_script(
    stage: Stage,
    run: str,
    script: str | Path,
    *,
    inputs: Mapping[str, str],
    arguments: Sequence[str] = (),
    step: str = "evaluate",
    minutes: int = 60,
) -> Job:
    """Run a script of one's own in the image, and on the machine, of one of the run's steps.

    `inputs` are folders of the bucket, by the name of the folder below /opt/ml/processing/input
    that the script reads; what it writes to /opt/ml/processing/output/result is the job's `result`.
    """
    if not Path(script).is_file():
        raise ExplorationError(f"there is no script {script}")
    plan = stage.document(f"{run}/run.json")
    if step not in plan["images"]:
        raise ExplorationError(f"no step of {run} is {step}; its are {', '.join(plan['images'])}")
    processor = ScriptProcessor(**_settings(stage, plan, step, minutes), command=["python"])
    given = {"code": str(script), "arguments": list(arguments) or None}
    sources = {one: stage.uri(folder) for one, folder in inputs.items()}
    return _run(stage, processor, _new_name(stage, Path(script).stem), sources, "result", **given)


def log(stage: Stage, name: str) -> str:
    """What a job has printed, also while it runs and when it has failed."""
    pages = stage.session.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=LOGS, logStreamNamePrefix=f"{name}/")
    return "\n".join(event["message"] for page in found for event in page["events"])


def train_with(plan: dict[str, Any], parameters: Mapping[str, Any]) -> None:
    """Set parameters in a run's plan: the trainer's, such as `rounds`, or else the library's own.

    >>> plan = {"definition": {"content": {"trainer": {"rounds": 9, "parameters": {}}}}}
    >>> train_with(plan | {"parameters": {}}, {"rounds": 5, "num_leaves": 7})
    >>> plan["definition"]["content"]["trainer"]
    {'rounds': 5, 'parameters': {'num_leaves': 7}}
    """
    trainer = plan["definition"]["content"]["trainer"]
    for name, value in parameters.items():
        own = name in trainer and name != "parameters"
        (trainer if own else trainer["parameters"])[name] = value
    plan["parameters"] = {**plan["parameters"], **parameters}


def compared_with(plan: Mapping[str, Any]) -> dict[str, str]:
    """The inputs of Evaluate that exist only with a champion, and with a reference besides it."""
    found = {}
    for kind in ("champion", "reference"):
        other = plan.get(kind) or {}
        if "model_uri" in other:
            found[kind], found[f"{kind}-report"] = other["model_uri"], other["report_uri"]
    return found


def job_name(stack: str, what: str, moment: datetime, random: str) -> str:
    """A name that no job of a run has: no model's name ends in a hyphen.

    >>> job_name("kanmon-local", "target_by_group", datetime(2026, 12, 1, 3, 17, 9), "0a1b")
    'kanmon-local-explore--target-by-group-261201031709-0a1b'
    """
    ending = f"-{moment:%y%m%d%H%M%S}-{random}"
    begins = f"{stack}-explore--{re.sub('[^A-Za-z0-9]+', '-', what).strip('-') or 'script'}"
    return begins[: LONGEST_JOB_NAME - len(ending)].rstrip("-") + ending


def _new_name(stage: Stage, what: str) -> str:
    return job_name(stage.stack, what, datetime.now(UTC), secrets.token_hex(2))


def _settings(stage: Stage, plan: Mapping[str, Any], step: str, minutes: int) -> dict[str, Any]:
    """What the SDK's processors take for the image and the machine of a run's step."""
    machine = plan["definition"]["content"]["resources"][step]
    return {
        "role": stage.job_role,
        "image_uri": plan["images"][step],
        "instance_type": machine["instance_type"],
        "instance_count": 1,
        "volume_size_in_gb": machine["volume_gb"],
        "max_runtime_in_seconds": minutes * 60,
        "network_config": NetworkConfig(enable_network_isolation=True),
        "env": {"KANMON_RUN": plan["run"], "KANMON_MODEL": plan["model"]},
        "tags": [
            {"Key": "kanmon:exploration", "Value": stage.user},
            {"Key": "kanmon:model", "Value": plan["model"]},
        ],
        "sagemaker_session": Session(
            stage.session,
            default_bucket=stage.bucket,
            default_bucket_prefix=stage.scratch,
            sagemaker_config=NO_TELEMETRY,
        ),
    }


def _run(
    stage: Stage, processor: Any, name: str, inputs: Mapping[str, str], output: str, **given: Any
) -> Job:
    """Start a job whose inputs are S3 URIs by name, and wait for its end."""
    job = Job(name, f"{stage.scratch}/{name}")
    processor.run(
        job_name=name,
        inputs=[
            ProcessingInput(
                input_name=one,
                s3_input=ProcessingS3Input(
                    s3_uri=uri,
                    local_path=f"{INPUT}/{one}",
                    s3_data_type="S3Prefix",
                    s3_input_mode="File",
                ),
            )
            for one, uri in inputs.items()
        ],
        outputs=[
            ProcessingOutput(
                output_name=output,
                s3_output=ProcessingS3Output(
                    s3_uri=stage.uri(f"{job.outputs}/{output}"),
                    local_path=f"{OUTPUT}/{output}",
                    s3_upload_mode="EndOfJob",
                ),
            )
        ],
        wait=False,  # the SDK asks every ten seconds
        logs=False,
        **given,
    )
    _wait(stage, name)
    return job


def _wait(stage: Stage, name: str) -> None:
    """Return when the job has completed. Raises ExplorationError with the reason if it has not."""
    client, seconds = stage.session.client("sagemaker"), 0.2
    while (found := client.describe_processing_job(ProcessingJobName=name))[
        "ProcessingJobStatus"
    ] not in ENDED:
        time.sleep(seconds)
        seconds = min(seconds * 1.3, 10)
    if found["ProcessingJobStatus"] != "Completed":
        reason = found.get("FailureReason") or "it was stopped"
        see = f'log(stage, "{name}") has what it printed'
        raise ExplorationError(f"the job {name} has not completed: {reason}; {see}")
