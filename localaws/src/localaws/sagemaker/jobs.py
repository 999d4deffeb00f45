"""Jobs of a kind, Processing or Training: the API around the runner that really runs them."""

import threading
import time
from collections.abc import Mapping
from typing import Any, Protocol

from localaws.credentials import Credentials
from localaws.emulator import Event
from localaws.jobs.runner import Control, Outcome
from localaws.protocol.errors import ServiceError, invalid
from localaws.protocol.paging import page, within_times
from localaws.sagemaker.account import Access, Names, Ports, Tags

ENDED = ("Completed", "Failed", "Stopped")
# The order of AWS's answer; everything else of a request is kept as it came.
TIMES = ("CreationTime", "LastModifiedTime", "{kind}StartTime", "{kind}EndTime")
SUMMARY = (
    "{kind}JobName",
    "{kind}JobArn",
    "CreationTime",
    "{kind}EndTime",
    "LastModifiedTime",
    "{kind}JobStatus",
)


class JobRunner(Protocol):
    """Runs a job to its end."""

    def run(
        self, job: Mapping[str, Any], credentials: Credentials, control: Control
    ) -> Outcome: ...


class Jobs:
    """All jobs of one kind, by name, and a thread for each that is in progress."""

    kind = ""
    summary: tuple[str, ...] = SUMMARY
    told: tuple[str, ...] = ("FailureReason",)
    """What an ended job's description says of its end."""

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
        self._name, self._arn, self._status = (
            f"{self.kind}Job{member}" for member in ("Name", "Arn", "Status")
        )
        self.state: dict[str, dict[str, Any]] = {}

    def operations(self) -> dict[str, Any]:
        return {
            f"Create{self.kind}Job": self.create,
            f"Describe{self.kind}Job": self.describe,
            f"Stop{self.kind}Job": self.stop,
            f"List{self.kind}Jobs": self.list,
        }

    def check(self, request: Mapping[str, Any]) -> None:
        """Raise for what AWS refuses, or what is not possible here."""

    def added(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """What else a description of the job has."""
        return {}

    def control(self, job: dict[str, Any]) -> Control:
        """How the job's thread is reached."""
        return Control()

    def begun(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """What the job's record has from the moment that its thread begins."""
        return {f"{self.kind}StartTime": time.time()}

    def ended(self, job: Mapping[str, Any], outcome: Outcome, control: Control) -> dict[str, Any]:
        """What else the job's record has of its end."""
        return {}

    def told_in_events(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """What an event about the job has otherwise than its record."""
        return {}

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request[self._name]
        arn = self._names.arn(f"{self.kind.lower()}-job", name)
        if name in self.state:
            raise ServiceError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this"
                f" name already exists ({arn})",
            )
        self.check(request)
        self._access.may_tag(arn, request.get("Tags"))
        self._access.may_pass_role(request["RoleArn"])
        credentials = self._access.assume(request["RoleArn"], "SageMaker")
        now = time.time()
        job = {
            **{member: value for member, value in request.items() if member != "Tags"},
            self._arn: arn,
            self._status: "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        control = self.control(job)
        self.state[name] = job
        self._tags.put(arn, request.get("Tags", []))
        self._controls[name] = control
        self._report(job)
        threading.Thread(
            target=self._run, args=(job, credentials, control), name=f"job {name}", daemon=True
        ).start()
        return {self._arn: arn}

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._find(request[self._name])
        return {**job, **self.added(job)}

    def stop(self, request: dict[str, Any]) -> None:
        job = self._find(request[self._name])
        if job[self._status] != "InProgress":
            raise invalid(
                f"The request was rejected because the {self.kind.lower()} job is in status"
                f" {job[self._status]}."
            )
        self._set(job, **{self._status: "Stopping"})
        self._controls[job[self._name]].request_stop()

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        found = [
            job
            for job in self.state.values()
            if request.get("NameContains", "").lower() in job[self._name].lower()
            and request.get("StatusEquals", job[self._status]) == job[self._status]
            and within_times(request, job)
        ]
        keys = {"Name": self._name, "Status": self._status}
        key = keys.get(request.get("SortBy", ""), "CreationTime")
        entries, token = page(
            request,
            found,
            order=lambda job: job[key],
            descending=request.get("SortOrder") == "Descending",
        )
        members = [member.format(kind=self.kind) for member in self.summary]
        described = [{**job, **self.added(job)} for job in entries]
        summaries = [{key: job[key] for key in members if key in job} for job in described]
        return {f"{self.kind}JobSummaries": summaries, "NextToken": token}

    def wait(self, name: str, seconds: float) -> bool:
        """Wait until a job has ended, at most so long; return whether it has."""

        def over() -> bool:
            return self.state.get(name, {}).get(self._status) in (*ENDED, None)

        with self._ended:
            return self._ended.wait_for(over, seconds)

    def has(self, arn: str) -> bool:
        return any(job[self._arn] == arn for job in self.state.values())

    def load(self, jobs: Mapping[str, dict[str, Any]]) -> None:
        """Take up the jobs of an earlier process; what ran then cannot be running now."""
        self.state.update(jobs)
        for job in self.state.values():
            if job[self._status] not in ENDED:
                reason = "InternalServerError: the local stage ended while the job was running"
                self._set(
                    job,
                    **{self._status: "Failed", f"{self.kind}EndTime": time.time()},
                    FailureReason=f"{reason}; run it again",
                )

    def _run(self, job: dict[str, Any], credentials: Credentials, control: Control) -> None:
        with self._ended:
            self._set(job, **self.begun(job))
        outcome = self._runner.run(job, credentials, control)
        with self._ended:
            ending = {"FailureReason": outcome.failure_reason, "ExitMessage": outcome.exit_message}
            self._set(
                job,
                **{self._status: outcome.status, f"{self.kind}EndTime": time.time()},
                **{key: ending[key] for key in self.told if ending[key]},
                **self.ended(job, outcome, control),
            )
            self._controls.pop(job[self._name], None)
            self._ended.notify_all()

    def _set(self, job: dict[str, Any], **values: Any) -> None:
        before = job[self._status]
        job.update(values, LastModifiedTime=time.time())
        self._ports.changed()
        if job[self._status] != before:
            self._report(job)

    def _report(self, job: Mapping[str, Any]) -> None:
        detail = dict(job)
        for member in (member.format(kind=self.kind) for member in TIMES):
            if member in detail:
                detail[member] = int(detail[member] * 1000)
        detail.update(self.told_in_events(job))
        self._ports.changed()
        event = Event(
            "aws.sagemaker", f"SageMaker {self.kind} Job State Change", job[self._arn], detail
        )
        self._ports.emit(event)

    def _find(self, name: str) -> dict[str, Any]:
        job = self.state.get(name)
        if job is None:
            raise invalid(f"Could not find requested job with name: {name}")
        return job
