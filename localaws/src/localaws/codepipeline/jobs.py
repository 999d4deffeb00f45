"""Jobs: a Lambda function is given one, and answers it through the API."""

import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
        """Wait for the next answer or for the function's error; None when the time is over.

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
