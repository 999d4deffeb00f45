"""Invoke by Lambda: the function is given a job and answers it through the API."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from localaws.codepipeline.jobs import Answer, Job, Jobs
from localaws.codepipeline.ports import Acting, ActionError, Artifact, Result, Task

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
