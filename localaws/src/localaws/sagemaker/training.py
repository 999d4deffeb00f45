"""Training jobs: their own members, and what is not possible here."""

import math
import time
from collections.abc import Mapping
from typing import Any

from localaws.jobs.runner import Control, Outcome
from localaws.jobs.spot import MarketError, billed
from localaws.jobs.work import DEFAULT_RUNTIME_SECONDS, Work, selected
from localaws.protocol.errors import invalid, not_here
from localaws.sagemaker.jobs import SUMMARY, Jobs
from localaws.sagemaker.processing import check_machines

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
        check_waiting(request)
        for member in NOT_HERE:
            if member in request:
                raise not_here(f"Training jobs with {member}")
        if "InstanceGroups" in request["ResourceConfig"]:
            raise not_here("Training jobs with ResourceConfig.InstanceGroups")
        check_machines(request["ResourceConfig"])
        names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
        if len(set(names)) < len(names):
            raise invalid(f"ChannelName must be unique: {', '.join(sorted(names))}")
        for channel in request.get("InputDataConfig", []):
            check_channel(channel)

    def control(self, job: dict[str, Any]) -> Control:
        if not job.get("EnableManagedSpotTraining"):
            return Control()
        try:
            market = self._ports.market()
        except MarketError as error:
            raise invalid(str(error)) from error

        def tell(status: str) -> None:
            with self._ended:
                self._set(job, **moved_to(job, status))

        return Control(market=market, tell=tell)

    def begun(self, job: Mapping[str, Any]) -> dict[str, Any]:
        # On spot machines it begins with the first machine, if there is one.
        return {} if job.get("EnableManagedSpotTraining") else super().begun(job)

    def ended(self, job: Mapping[str, Any], outcome: Outcome, control: Control) -> dict[str, Any]:
        if not job.get("EnableManagedSpotTraining"):
            return {}
        known = moved_to(job, outcome.secondary or outcome.status)
        return known | ({"BillableTimeInSeconds": billed(control.worked)} if control.worked else {})

    def told_in_events(self, job: Mapping[str, Any]) -> dict[str, Any]:
        passed = [
            {
                name: int(value * 1000) if name.endswith("Time") else value
                for name, value in one.items()
            }
            for one in job.get("SecondaryStatusTransitions", [])
        ]
        return {"SecondaryStatusTransitions": passed} if passed else {}

    def added(self, job: Mapping[str, Any]) -> dict[str, Any]:
        status = job["TrainingJobStatus"]
        found: dict[str, Any] = {
            "SecondaryStatus": _secondary(status, job.get("SecondaryStatus")),
            "ResourceConfig": selected(job["ResourceConfig"]),
            "ModelArtifacts": {"S3ModelArtifacts": Work.of(job).outputs[0]["S3Uri"]},
        }
        if "TrainingStartTime" in job:
            seconds = job.get("TrainingEndTime", time.time()) - job["TrainingStartTime"]
            spot = job.get("EnableManagedSpotTraining")
            found["TrainingTimeInSeconds"] = math.ceil(seconds) if spot else int(seconds)
            found["BillableTimeInSeconds"] = job.get("BillableTimeInSeconds", int(seconds))
        return found


def _secondary(status: str, known: str | None) -> str:
    """The SecondaryStatus of a job with this status; `known` is what was kept of it."""
    if status == "InProgress":
        return known or "Training"
    return known if known == "MaxWaitTimeExceeded" else status


def moved_to(job: Mapping[str, Any], status: str) -> dict[str, Any]:
    """What changes in a job's record where it comes to a SecondaryStatus, with its history."""
    now = time.time()
    passed = [dict(one) for one in job.get("SecondaryStatusTransitions", [])]
    if passed:
        passed[-1]["EndTime"] = now
    known = {
        "SecondaryStatus": status,
        "SecondaryStatusTransitions": [*passed, {"Status": status, "StartTime": now}],
    }
    started = status == "Downloading" and "TrainingStartTime" not in job
    return known | ({"TrainingStartTime": now} if started else {})


def check_waiting(request: Mapping[str, Any]) -> None:
    """Raise where spot machines and the time that is waited for them do not fit together."""
    condition = request.get("StoppingCondition", {})
    if (
        request.get("EnableManagedSpotTraining")
        and "InstancePreferences" in request["ResourceConfig"]
    ):
        raise invalid("InstancePreferences and EnableManagedSpotTraining exclude each other.")
    waits, runs = condition.get("MaxWaitTimeInSeconds"), condition.get("MaxRuntimeInSeconds")
    if not request.get("EnableManagedSpotTraining"):
        if waits is not None:
            raise invalid(
                "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining"
                " is set to true"
            )
        return
    if waits is None or waits < (runs or DEFAULT_RUNTIME_SECONDS):
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to"
            " MaxRuntimeInSeconds"
        )


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
