"""A data scientist's jobs from a notebook on a stage: what they read, where they write, their end.

As the SageMaker SDK asks for them; that the SDK itself does so, tests/docs/test_notebook.py shows.
"""

from __future__ import annotations

from typing import Any

from tests.support.acting import acting
from tests.support.laptop import Laptop
from tests.support.waiting import eventually

ENDED = ("Completed", "Failed", "Stopped")
OUTPUT = "/opt/ml/processing/output/result"
SCRIPT = "scratch/somebody/script.py"
# What it finds of its inputs is its result.
FINDS = b"""
import os
from pathlib import Path
root = Path(os.environ.get("PROCESSING_ROOT", "/opt/ml/processing"))
found = sorted(one.name for one in (root / "input").iterdir() if any(one.rglob("*")))
(root / "output/result/found.txt").write_text(" ".join(found))
"""


def all_of_it(laptop: Laptop, batch: str) -> None:
    """A script reads a run, its data, its definition and a batch; another job is stopped."""
    bucket = laptop.outputs["DataBucketName"]
    s3 = acting(laptop, "DataScientistRoleArn", "s3")
    s3.put_object(Bucket=bucket, Key=SCRIPT, Body=FINDS)
    sources = {
        "code": SCRIPT,
        "data": "datasets/glasses/",
        "definition": "definitions/glasses/",
        "run": "runs/glasses/",
        "scores": f"batches/glasses/{batch}/scores/",
    }

    assert ended(laptop, start(laptop, "read", sources))["ProcessingJobStatus"] == "Completed"

    result = s3.get_object(Bucket=bucket, Key="scratch/somebody/read/found.txt")["Body"].read()
    assert result.decode().split() == sorted(sources)
    asleep = {"ContainerEntrypoint": ["python", "-c", "import time; time.sleep(60)"]}
    name = start(laptop, "sleep", {}, **asleep)
    client = acting(laptop, "DataScientistRoleArn", "sagemaker")
    client.stop_processing_job(ProcessingJobName=name)
    assert ended(laptop, name)["ProcessingJobStatus"] == "Stopped"
    s3.delete_object(Bucket=bucket, Key=SCRIPT)


def start(
    laptop: Laptop,
    name: str,
    sources: dict[str, str],
    to: str = "scratch/somebody",
    /,
    **application: Any,
) -> str:
    """Start a job of the data scientist's; its name."""
    created = acting(laptop, "DataScientistRoleArn", "sagemaker").create_processing_job(
        **request(laptop, name, sources, to, application)
    )
    return str(created["ProcessingJobArn"]).partition("/")[2]


def request(
    laptop: Laptop, name: str, sources: dict[str, str], to: str, application: dict[str, Any]
) -> dict[str, Any]:
    """What the SageMaker SDK would ask for."""
    bucket = laptop.outputs["DataBucketName"]
    code = ["python", "/opt/ml/processing/input/code/script.py"]
    return {
        "ProcessingJobName": f"kanmon-local-explore--{name}",
        "RoleArn": laptop.outputs["ExploreJobRoleArn"],
        "AppSpecification": {
            "ImageUri": image(laptop),
            "ContainerEntrypoint": code,
            **application,
        },
        "NetworkConfig": {"EnableNetworkIsolation": True},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 30,
            }
        },
        "ProcessingInputs": [
            {
                "InputName": one,
                "S3Input": {
                    "S3Uri": f"s3://{bucket}/{key}",
                    "LocalPath": f"/opt/ml/processing/input/{one}",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
            for one, key in sources.items()
        ],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "result",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/{to}/{name}",
                        "LocalPath": OUTPUT,
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        "Tags": [{"Key": "kanmon:exploration", "Value": "somebody"}],
    }


def image(laptop: Laptop) -> str:
    """Evaluate's image, by its digest."""
    repository = laptop.outputs["StepsRepositoryUri"]
    found = laptop.client("ecr").describe_images(
        repositoryName=repository.partition("/")[2], imageIds=[{"imageTag": "evaluate"}]
    )
    return f"{repository}@{found['imageDetails'][0]['imageDigest']}"


def ended(laptop: Laptop, name: str) -> dict[str, Any]:
    """The job's description when it has ended."""
    client = acting(laptop, "DataScientistRoleArn", "sagemaker")

    def described() -> dict[str, Any] | None:
        found = dict(client.describe_processing_job(ProcessingJobName=name))
        return found if found["ProcessingJobStatus"] in ENDED else None

    return eventually(described)
