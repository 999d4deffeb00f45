"""SageMaker's processing jobs, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


class ProcessingJobs:
    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def describe(self, name: str) -> Mapping[str, Any] | None:
        """The job's description; None where SageMaker has none to give."""
        try:
            return dict(self._client.describe_processing_job(ProcessingJobName=name))
        except ClientError:
            return None
