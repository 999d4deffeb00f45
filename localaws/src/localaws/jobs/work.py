"""What the runner does for a job, whatever kind of job asked for it."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

DEFAULT_RUNTIME_SECONDS = 24 * 3600
ROOT = "/opt/ml"
PROCESSING = f"{ROOT}/processing"
CHANNELS = f"{ROOT}/input/data"
MODEL = f"{ROOT}/model"
# What processingjobconfig.json repeats of the request, in AWS's order.
CONFIGURED = (
    "ProcessingJobArn",
    "ProcessingJobName",
    "AppSpecification",
    "Environment",
    "ExperimentConfig",
    "NetworkConfig",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "RoleArn",
    "StoppingCondition",
)


@dataclass(frozen=True)
class Form:
    """Where a kind of job leaves its configuration and takes its last word from."""

    group: str
    """Its log group, and the namespace of its metrics."""
    config: str
    message: str


PROCESSING_FORM = Form("/aws/sagemaker/ProcessingJobs", f"{ROOT}/config", f"{ROOT}/output/message")
TRAINING_FORM = Form(
    "/aws/sagemaker/TrainingJobs", f"{ROOT}/input/config", f"{ROOT}/output/failure"
)


@dataclass(frozen=True)
class Work:
    """A job. `inputs` and `outputs` are like S3Input and S3Output of a Processing job."""

    name: str
    form: Form
    role: str
    image: str
    hosts: int
    limit: int
    inputs: Sequence[Mapping[str, Any]]
    outputs: Sequence[Mapping[str, Any]]
    key: str | None
    environment: Mapping[str, str]
    entrypoint: tuple[str, ...]
    arguments: tuple[str, ...]
    files: Mapping[str, Any] = field(default_factory=dict)
    """Configuration files besides resourceconfig.json, by name."""
    waits: int | None = None
    """On spot machines: the seconds that the job has in all, with its waits for them."""
    resources: Mapping[str, Any] = field(default_factory=dict)
    """What resourceconfig.json has besides the hosts' names."""

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> Work:
        """The work of a checked CreateProcessingJob or CreateTrainingJob request."""
        return _training(job) if "TrainingJobName" in job else _processing(job)


def _limit(job: Mapping[str, Any]) -> int:
    condition = job.get("StoppingCondition") or {}
    return int(condition.get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_SECONDS))


def machine(cluster: Mapping[str, Any]) -> tuple[str, int]:
    """The type and the number of a job's machines; of several preferred types the first.

    >>> machine({"InstancePreferences": [{"InstanceType": "ml.m5.large", "InstanceCount": 2}]})
    ('ml.m5.large', 2)
    """
    preferred = cluster.get("InstancePreferences")
    chosen = preferred[0] if preferred else cluster
    return chosen.get("InstanceType", ""), chosen.get("InstanceCount", 1)


def selected(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """The cluster as a description has it, with the machine that was selected."""
    if not cluster.get("InstancePreferences"):
        return dict(cluster)
    name, count = machine(cluster)
    return {**cluster, "SelectedInstanceType": name, "SelectedInstanceCount": count}


def waits(job: Mapping[str, Any]) -> int | None:
    """MaxWaitTimeInSeconds of a job on spot machines; None for any other."""
    if not job.get("EnableManagedSpotTraining"):
        return None
    return int(job["StoppingCondition"]["MaxWaitTimeInSeconds"])


def _processing(job: Mapping[str, Any]) -> Work:
    config = job.get("ProcessingOutputConfig") or {}
    return Work(
        name=job["ProcessingJobName"],
        form=PROCESSING_FORM,
        role=job["RoleArn"],
        image=job["AppSpecification"]["ImageUri"],
        hosts=machine(job["ProcessingResources"]["ClusterConfig"])[1],
        limit=_limit(job),
        inputs=[entry["S3Input"] for entry in job.get("ProcessingInputs") or []],
        outputs=[output["S3Output"] for output in config.get("Outputs", [])],
        key=config.get("KmsKeyId"),
        environment=job.get("Environment") or {},
        entrypoint=tuple(job["AppSpecification"].get("ContainerEntrypoint") or ()),
        arguments=tuple(job["AppSpecification"].get("ContainerArguments") or ()),
        files={"processingjobconfig.json": {n: job[n] for n in CONFIGURED if n in job}},
    )


def _training(job: Mapping[str, Any]) -> Work:
    instance_type, hosts = machine(job["ResourceConfig"])
    output = job["OutputDataConfig"]
    target = f"{output['S3OutputPath'].rstrip('/')}/{job['TrainingJobName']}/output/model"
    channels = job.get("InputDataConfig") or []
    specification = job["AlgorithmSpecification"]
    return Work(
        name=job["TrainingJobName"],
        form=TRAINING_FORM,
        role=job["RoleArn"],
        image=specification["TrainingImage"],
        hosts=hosts,
        limit=_limit(job),
        waits=waits(job),
        inputs=[
            {
                **channel["DataSource"]["S3DataSource"],
                "LocalPath": f"{CHANNELS}/{channel['ChannelName']}",
            }
            for channel in channels
        ],
        outputs=[{"S3Uri": target, "LocalPath": MODEL, "S3UploadMode": "EndOfJob"}],
        key=output.get("KmsKeyId"),
        environment=job.get("Environment") or {},
        entrypoint=tuple(specification.get("ContainerEntrypoint") or ()),
        # SageMaker starts a training container with this argument.
        arguments=tuple(specification.get("ContainerArguments") or ("train",)),
        files={
            "hyperparameters.json": job.get("HyperParameters") or {},
            "inputdataconfig.json": {
                channel["ChannelName"]: {
                    "TrainingInputMode": "File",
                    "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                        "S3DataDistributionType", "FullyReplicated"
                    ),
                    "RecordWrapperType": "None",
                }
                for channel in channels
            },
        },
        resources={
            "current_instance_type": instance_type,
            "network_interface_name": "lo",
            **({"addresses": addresses(hosts)} if hosts > 1 else {}),
        },
    )


def addresses(hosts: int) -> dict[str, str]:
    """An address for each host, with a port that is free now, and so is the next one."""
    found: dict[str, str] = {}
    with ExitStack() as held:
        while len(found) < hosts:
            first, second = (held.enter_context(socket.socket()) for _ in range(2))
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            found[f"algo-{len(found) + 1}"] = f"127.0.0.1:{port}"
    return found
