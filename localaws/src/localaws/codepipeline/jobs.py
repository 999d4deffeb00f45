"""Functions as actions: they are called, and they answer for their job."""

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from localaws.codepipeline.account import Acting, ActionError, Artifact, Result, Task
from localaws.protocol.errors import ServiceError, invalid

# Of the names and values of one answer's variables, in bytes.
MOST_VARIABLES = 122_880


@dataclass(frozen=True)
class Answer:
    """What a job was answered; `failure` is (type, message), `token` asks for another call."""

    variables: Mapping[str, str] = field(default_factory=dict)
    summary: str | None = None
    external_id: str | None = None
    token: str | None = None
    failure: tuple[str, str] | None = None


class Job:
    """Asked of one function, perhaps several times; answered once for each time."""

    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        self._answers: list[Answer] = []
        self._calls = 0
        self._crashed: str | None = None
        self._changed = threading.Condition()
        self.over = False

    def answer(self, answer: Answer) -> None:
        """Take an answer; raises InvalidJobStateException when there is nothing to answer."""
        with self._changed:
            if self.over:
                raise ServiceError(
                    "InvalidJobStateException", f"The job {self.id} has already been completed"
                )
            self.over = answer.token is None
            self._answers.append(answer)
            self._changed.notify_all()

    def begin_call(self) -> int:
        """Count a call of the function; what an earlier call did is of no interest any more."""
        with self._changed:
            self._calls += 1
            self._crashed = None
            return self._calls

    def crash(self, call: int, words: str) -> None:
        """Note that a call ended with an error. What it answered before that counts."""
        with self._changed:
            if call == self._calls:
                self._crashed = words
                self._changed.notify_all()

    def wait(self, until: float) -> Answer | str | None:
        """Wait for the next answer or for the function's error; None when it ran out of time.

        `until` is a moment of the monotonic clock.
        """
        with self._changed:
            while not self._answers and self._crashed is None:
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)
            return self._answers.pop(0) if self._answers else self._crashed


class Jobs:
    """The jobs of this process, also those that are over."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def open(self) -> Job:
        job = Job()
        self._jobs[job.id] = job
        return job

    def close(self, job: Job) -> None:
        """Take no more answers."""
        job.over = True

    def operations(self) -> dict[str, Any]:
        return {
            "PutJobSuccessResult": self.succeed,
            "PutJobFailureResult": self.fail,
        }

    def succeed(self, request: dict[str, Any]) -> None:
        job = self._find(request["jobId"])
        made = request.get("outputVariables", {})
        token = request.get("continuationToken")
        if token and made:
            raise invalid("outputVariables can be given only without a continuationToken")
        if sum(len(key.encode()) + len(value.encode()) for key, value in made.items()) > (
            MOST_VARIABLES
        ):
            raise ServiceError(
                "OutputVariablesSizeExceededException",
                f"The output variables of an action can have {MOST_VARIABLES} bytes",
            )
        details = request.get("executionDetails", {})
        summary, external_id = details.get("summary"), details.get("externalExecutionId")
        job.answer(Answer(made, summary, external_id, token))

    def fail(self, request: dict[str, Any]) -> None:
        details = request["failureDetails"]
        failure = (details["type"], details["message"])
        external_id = details.get("externalExecutionId")
        self._find(request["jobId"]).answer(Answer(failure=failure, external_id=external_id))

    def _find(self, identity: str) -> Job:
        job = self._jobs.get(identity)
        if job is None:
            raise ServiceError("JobNotFoundException", f"There is no job with id {identity}")
        return job


# AWS's own limit. Functions take the time they take, so no setting makes it shorter.
TIMEOUT_SECONDS = 20 * 60.0
# Between an answer with a continuation token and the next call; about half a minute on AWS.
CONTINUE_SECONDS = 0.25


class InvokeError(Exception):
    """Lambda did not take the call, or the function ended with an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Functions(Protocol):
    """Lambda as a role sees it."""

    def invoke(self, acting: Acting, function: str, event: Mapping[str, Any]) -> None:
        """Call a function and wait for its end; raises InvokeError."""

    def artifact_credentials(
        self, acting: Acting, artifacts: Sequence[Artifact]
    ) -> Mapping[str, str]:
        """Credentials for just these artifacts, as the job's event carries them."""


class LambdaInvoke:
    """The provider "Lambda"."""

    def __init__(
        self,
        functions: Functions,
        jobs: Jobs,
        account: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        pause: float = CONTINUE_SECONDS,
    ) -> None:
        self._functions = functions
        self._jobs = jobs
        self._account = account
        self._timeout = timeout
        self._pause = pause

    def __call__(self, task: Task) -> Result:
        job = self._jobs.open()
        until = time.monotonic() + self._timeout
        task.report(job.id, None)
        try:
            answer = self._ask(task, job, None, until)
            while answer.token is not None:
                if task.abandoned.wait(self._pause):
                    raise ActionError("JobFailed", "The action was abandoned")
                answer = self._ask(task, job, answer.token, until)
        finally:
            self._jobs.close(job)
        if answer.failure:
            kind, message = answer.failure
            raise ActionError(kind, message, answer.external_id)
        return Result(answer.summary, answer.external_id, variables=answer.variables)

    def _ask(self, task: Task, job: Job, token: str | None, until: float) -> Answer:
        """Call the function once and wait for what it answers."""
        function = task.configuration["FunctionName"]
        threading.Thread(
            target=self._invoke,
            args=(task, job, job.begin_call(), token),
            name=f"{task.pipeline} {task.action} invoke",
            daemon=True,
        ).start()
        answer = job.wait(until)
        if isinstance(answer, Answer):
            return answer
        if answer is not None:
            raise ActionError("JobFailed", answer)
        raise ActionError(
            "JobFailed",
            f"The AWS Lambda function {function} failed to return a result. Check the function to"
            " verify that it has permission to call the PutJobSuccessResult action and that it"
            " made a call to PutJobSuccessResult.",
        )

    def _invoke(self, task: Task, job: Job, call: int, token: str | None) -> None:
        function = task.configuration["FunctionName"]
        try:
            credentials = self._functions.artifact_credentials(
                task.acting, [*task.inputs, *task.outputs]
            )
            event = job_event(task, job.id, self._account, credentials, token)
            self._functions.invoke(task.acting, function, event)
        except InvokeError as error:
            job.crash(call, f"The AWS Lambda function {function} failed: {error.code}: {error}")
        except Exception as error:
            job.crash(call, f"The AWS Lambda function {function} could not be called: {error}")
            raise


def job_event(
    task: Task, identity: str, account: str, credentials: Mapping[str, str], token: str | None
) -> dict[str, Any]:
    """The event that the function is invoked with."""
    configured = ("FunctionName", "UserParameters")
    data: dict[str, Any] = {
        "actionConfiguration": {
            "configuration": {
                key: task.configuration[key] for key in configured if key in task.configuration
            }
        },
        "inputArtifacts": [told(artifact) for artifact in task.inputs],
        "outputArtifacts": [told(artifact) for artifact in task.outputs],
        "artifactCredentials": dict(credentials),
    }
    if token is not None:
        data["continuationToken"] = token
    return {"CodePipeline.job": {"id": identity, "accountId": account, "data": data}}


def told(artifact: Artifact) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "revision": artifact.revision,
        "location": {
            "type": "S3",
            "s3Location": {"bucketName": artifact.bucket, "objectKey": artifact.key},
        },
    }
