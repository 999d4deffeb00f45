"""Processing jobs: the API around the runner that really runs them."""

import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from localaws.credentials import Credentials
from localaws.emulator import Event
from localaws.jobs.layout import PROCESSING
from localaws.jobs.runner import Control, Outcome
from localaws.protocol.errors import ServiceError, invalid, not_here
from localaws.protocol.paging import page, within_times
from localaws.sagemaker.account import Access, Names, Ports, Tags

DETAIL_TYPE = "SageMaker Processing Job State Change"
ENDED = ("Completed", "Failed", "Stopped")
# The order of AWS's answer; everything else of a request is kept as it came.
TIMES = ("CreationTime", "LastModifiedTime", "ProcessingStartTime", "ProcessingEndTime")
SUMMARY = (
    "ProcessingJobName",
    "ProcessingJobArn",
    "CreationTime",
    "ProcessingEndTime",
    "LastModifiedTime",
    "ProcessingJobStatus",
    "FailureReason",
    "ExitMessage",
)


class JobRunner(Protocol):
    """Runs a job to its end."""

    def run(
        self, job: Mapping[str, Any], credentials: Credentials, control: Control
    ) -> Outcome: ...


class ProcessingJobs:
    """All jobs of the account, by name, and a thread for each that is in progress."""

    def __init__(
        self,
        ports: Ports,
        runner: JobRunner,
        names: Names,
        tags: Tags,
        access: Access,
        lock: threading.RLock,
    ) -> None:
        self._ports = ports
        self._runner = runner
        self._names = names
        self._tags = tags
        self._access = access
        self._ended = threading.Condition(lock)
        self._controls: dict[str, Control] = {}
        self.state: dict[str, dict[str, Any]] = {}

    def operations(self) -> dict[str, Any]:
        return {
            "CreateProcessingJob": self.create,
            "DescribeProcessingJob": self.describe,
            "StopProcessingJob": self.stop,
            "ListProcessingJobs": self.list,
        }

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ProcessingJobName"]
        arn = self._names.arn("processing-job", name)
        if name in self.state:
            raise ServiceError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this"
                f" name already exists ({arn})",
            )
        check_data(request)
        self._access.may_tag(arn, request.get("Tags"))
        self._access.may_pass_role(request["RoleArn"])
        credentials = self._access.assume(request["RoleArn"], "SageMaker")
        now = time.time()
        job = {
            **{member: value for member, value in request.items() if member != "Tags"},
            "ProcessingJobArn": arn,
            "ProcessingJobStatus": "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        self.state[name] = job
        self._tags.put(arn, request.get("Tags", []))
        control = self._controls[name] = Control()
        self._report(job)
        threading.Thread(
            target=self._run, args=(job, credentials, control), name=f"job {name}", daemon=True
        ).start()
        return {"ProcessingJobArn": arn}

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._find(request["ProcessingJobName"])

    def stop(self, request: dict[str, Any]) -> None:
        job = self._find(request["ProcessingJobName"])
        if job["ProcessingJobStatus"] != "InProgress":
            raise invalid(
                "The request was rejected because the processing job is in status"
                f" {job['ProcessingJobStatus']}."
            )
        self._set(job, ProcessingJobStatus="Stopping")
        self._controls[job["ProcessingJobName"]].request_stop()

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        found = [
            job
            for job in self.state.values()
            if request.get("NameContains", "").lower() in job["ProcessingJobName"].lower()
            and request.get("StatusEquals", job["ProcessingJobStatus"])
            == job["ProcessingJobStatus"]
            and within_times(request, job)
        ]
        keys = {"Name": "ProcessingJobName", "Status": "ProcessingJobStatus"}
        key = keys.get(request.get("SortBy", ""), "CreationTime")
        entries, token = page(
            request,
            found,
            order=lambda job: job[key],
            descending=request.get("SortOrder") == "Descending",
        )
        summaries = [{key: job[key] for key in SUMMARY if key in job} for job in entries]
        return {"ProcessingJobSummaries": summaries, "NextToken": token}

    def wait(self, name: str, seconds: float) -> bool:
        """Wait until a job has ended, at most so long; return whether it has."""

        def over() -> bool:
            return self.state.get(name, {}).get("ProcessingJobStatus") in (*ENDED, None)

        with self._ended:
            return self._ended.wait_for(over, seconds)

    def has(self, arn: str) -> bool:
        return any(job["ProcessingJobArn"] == arn for job in self.state.values())

    def load(self, jobs: Mapping[str, dict[str, Any]]) -> None:
        """Take up the jobs of an earlier process; what ran then cannot be running now."""
        self.state.update(jobs)
        for job in self.state.values():
            if job["ProcessingJobStatus"] not in ENDED:
                reason = "InternalServerError: the local stage ended while the job was running"
                self._set(
                    job,
                    ProcessingJobStatus="Failed",
                    FailureReason=f"{reason}; run it again",
                    ProcessingEndTime=time.time(),
                )

    def _run(self, job: dict[str, Any], credentials: Credentials, control: Control) -> None:
        with self._ended:
            self._set(job, ProcessingStartTime=time.time())
        outcome = self._runner.run(job, credentials, control)
        with self._ended:
            ending = {"FailureReason": outcome.failure_reason, "ExitMessage": outcome.exit_message}
            self._set(
                job,
                ProcessingJobStatus=outcome.status,
                ProcessingEndTime=time.time(),
                **{key: value for key, value in ending.items() if value},
            )
            self._controls.pop(job["ProcessingJobName"], None)
            self._ended.notify_all()

    def _set(self, job: dict[str, Any], **values: Any) -> None:
        before = job["ProcessingJobStatus"]
        job.update(values, LastModifiedTime=time.time())
        self._ports.changed()
        if job["ProcessingJobStatus"] != before:
            self._report(job)

    def _report(self, job: Mapping[str, Any]) -> None:
        detail = dict(job)
        for member in TIMES:
            if member in detail:
                detail[member] = int(detail[member] * 1000)
        self._ports.changed()
        event = Event("aws.sagemaker", DETAIL_TYPE, job["ProcessingJobArn"], detail)
        self._ports.emit(event)

    def _find(self, name: str) -> dict[str, Any]:
        job = self.state.get(name)
        if job is None:
            raise invalid(f"Could not find requested job with name: {name}")
        return job


def check_data(request: Mapping[str, Any]) -> None:
    """Raise for inputs and outputs that AWS refuses, or that are not possible here."""
    inputs = request.get("ProcessingInputs", [])
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    for entry in inputs:
        where = f"ProcessingInput {entry['InputName']}"
        if "S3Input" not in entry:
            raise not_here(f"inputs without S3Input, as {where} is one")
        check_path(where, entry["S3Input"])
        if entry["S3Input"].get("S3InputMode", "File") != "File":
            raise not_here(f"S3InputModes but File, as {where} has one")
        if entry["S3Input"].get("S3CompressionType", "None") != "None":
            raise invalid(f"{where}: S3CompressionType Gzip is for S3InputMode Pipe only.")
    for entry in outputs:
        where = f"ProcessingOutput {entry['OutputName']}"
        if "S3Output" not in entry:
            raise not_here(f"outputs without S3Output, as {where} is one")
        check_path(where, entry["S3Output"])
    for kind, names in (
        ("InputName", [entry["InputName"] for entry in inputs]),
        ("OutputName", [entry["OutputName"] for entry in outputs]),
    ):
        if len(set(names)) < len(names):
            raise invalid(f"{kind} must be unique: {', '.join(sorted(names))}")


def check_path(where: str, place: Mapping[str, Any]) -> None:
    path = place.get("LocalPath", "")
    if not f"{path}/".startswith(f"{PROCESSING}/") or ".." in path.split("/"):
        raise invalid(f"{where}: LocalPath {path!r} must be an absolute path under {PROCESSING}.")
    if not place["S3Uri"].startswith("s3://"):
        raise invalid(f"{where}: S3Uri {place['S3Uri']!r} must begin with s3://.")
