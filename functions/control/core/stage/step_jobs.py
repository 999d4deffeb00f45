"""SageMaker's jobs of the steps, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


class StepJobs:
    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def describe(self, kind: str, name: str) -> Mapping[str, Any] | None:
        """A Processing or Training job's description; None where SageMaker has none to give."""
        try:
            if kind == "Training":
                return dict(self._client.describe_training_job(TrainingJobName=name))
            return dict(self._client.describe_processing_job(ProcessingJobName=name))
        except ClientError:
            return None
