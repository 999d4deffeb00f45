"""Training jobs: their own members, and what is not possible here."""

import time
from collections.abc import Mapping
from typing import Any

from localaws.jobs.work import Work
from localaws.protocol.errors import invalid, not_here
from localaws.sagemaker.jobs import SUMMARY, Jobs

# What would change what a job does. Isolation and encryption are said to differ instead.
NOT_HERE = (
    *("CheckpointConfig", "VpcConfig", "DebugHookConfig", "ProfilerConfig", "RetryStrategy"),
    *("RemoteDebugConfig", "InfraCheckConfig", "SessionChainingConfig"),
)


class TrainingJobs(Jobs):
    """All Training jobs of the account."""

    kind = "Training"
    summary = (*SUMMARY, "SecondaryStatus")

    def check(self, request: Mapping[str, Any]) -> None:
        if "TrainingImage" not in request["AlgorithmSpecification"]:
            raise not_here("Training jobs without an AlgorithmSpecification.TrainingImage")
        if request["AlgorithmSpecification"].get("TrainingInputMode") != "File":
            raise not_here("TrainingInputModes but File")
        if request["OutputDataConfig"].get("CompressionType", "GZIP") != "NONE":
            raise not_here("OutputDataConfig with a CompressionType but NONE")
        if request.get("EnableManagedSpotTraining"):
            raise not_here("managed spot training")
        for member in NOT_HERE:
            if member in request:
                raise not_here(f"Training jobs with {member}")
        if "InstanceType" not in request["ResourceConfig"]:
            raise not_here("Training jobs without a ResourceConfig.InstanceType")
        names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
        if len(set(names)) < len(names):
            raise invalid(f"ChannelName must be unique: {', '.join(sorted(names))}")
        for channel in request.get("InputDataConfig", []):
            check_channel(channel)

    def added(self, job: Mapping[str, Any]) -> dict[str, Any]:
        status = job["TrainingJobStatus"]
        found: dict[str, Any] = {
            "SecondaryStatus": "Training" if status == "InProgress" else status,
            "ModelArtifacts": {"S3ModelArtifacts": Work.of(job).outputs[0]["S3Uri"]},
        }
        if "TrainingStartTime" in job:
            seconds = int(job.get("TrainingEndTime", time.time()) - job["TrainingStartTime"])
            count = job["ResourceConfig"].get("InstanceCount", 1)
            found["TrainingTimeInSeconds"] = seconds
            found["BillableTimeInSeconds"] = seconds * count
        return found


def check_channel(channel: Mapping[str, Any]) -> None:
    """Raise for a channel that AWS refuses, or that is not possible here."""
    where = f"channel {channel['ChannelName']}"
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise not_here(f"channels without an S3DataSource, as {where} is one")
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise not_here(f"S3DataTypes but S3Prefix and ManifestFile, as {where} has one")
    if channel.get("InputMode", "File") != "File":
        raise not_here(f"InputModes but File, as {where} has one")
    if channel.get("CompressionType", "None") != "None" or "ShuffleConfig" in channel:
        raise not_here(f"compressed or shuffled channels, as {where} is one")
    if not source["S3Uri"].startswith("s3://"):
        raise invalid(f"{where}: S3Uri {source['S3Uri']!r} must begin with s3://.")
