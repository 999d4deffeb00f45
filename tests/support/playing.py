"""Plays a workflow through the real interpreter, with every service it calls played by us."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

from localaws import authorization, sagemaker
from localaws.asl import clients, interpreter
from tests.support.waiting import PATIENCE_SECONDS
from tests.support.workflow_definition import (
    RETRAIN,
    SAMPLE_BATCH,
    SAMPLE_JUDGEMENT,
    SAMPLE_MONITORING,
    SAMPLE_RUN,
    deployed,
)

RUN = SAMPLE_RUN["run"]
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test"
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-test-abalone/2"
COMPLETED = {"ProcessingJobStatus": "Completed"}


def query(state: str, reason: str = "") -> dict[str, Any]:
    """A query as GetQueryExecution describes it."""
    return {
        "QueryExecutionId": "q-1",
        "WorkGroup": "kanmon-test-gather-10gb",
        "Status": {"State": state, "StateChangeReason": reason},
        "Statistics": {"DataScannedInBytes": 7_000_000},
    }


OPENED: dict[str, Any] = {
    "release": 7,
    "review_uri": "s3://kanmon-test-data/releases/abalone/7/review.html",
    "execution": "11111111-2222-3333-4444-555555555555",
    "approval": "manual",
    "summary": SAMPLE_JUDGEMENT["summary"],
}

# What each state's service answers when all is well.
ANSWERS: dict[str, Any] = {
    "Open Run": SAMPLE_RUN,
    "Gather": query("SUCCEEDED"),
    "Gather In A Job": {**COMPLETED, "ExitMessage": '{"files": 1}'},
    "Take Snapshot": SAMPLE_RUN,
    "Preprocess": COMPLETED,
    "Train": COMPLETED,
    "Train On Several Hosts": {"TrainingJobStatus": "Completed"},
    "Train On Spot": {
        "TrainingJobStatus": "Completed",
        "TrainingTimeInSeconds": 100,
        "BillableTimeInSeconds": 37,
    },
    "Evaluate": COMPLETED,
    "Judge Candidate": SAMPLE_JUDGEMENT,
    "Create Package Group": {"ModelPackageGroupArn": "arn"},
    "Register Candidate": {"ModelPackageArn": PACKAGE},
    "Open Release": OPENED,
    "Close Run": {"run": RUN, "closed": True},
    "Open Batch": SAMPLE_BATCH,
    "Score": {
        **COMPLETED,
        "ProcessingStartTime": 1795240501000,
        "ProcessingEndTime": 1795240561000,
    },
    "Close Batch": {
        "batch": SAMPLE_BATCH["batch"],
        "closed": True,
        # As a report of a failure.
        "error": "ScoreJobFailed",
        "message": "score: fix the data",
    },
    "Open Monitoring": SAMPLE_MONITORING,
    "Monitor": COMPLETED,
    "Close Monitoring": {
        "monitoring": SAMPLE_MONITORING["monitoring"],
        "state": "healthy",
        # As a report of a failure.
        "error": "MonitorJobFailed",
        "message": "monitor: fix the data",
    },
    "Report Failure": {"error": "PreprocessJobFailed", "message": "preprocess: fix the data"},
}


@dataclass(frozen=True)
class Refused:
    """The service's API answers with this error code, or a function raises this type."""

    code: str
    words: str = "no"


def job_failed(reason: str) -> dict[str, str]:
    return {"ProcessingJobStatus": "Failed", "FailureReason": reason}


LOST = job_failed("InternalServerError: We encountered an internal error. Please try again.")


@dataclass
class Services:
    """Answers for each state in turn; the last one, or the usual one, is repeated."""

    script: dict[str, list[Any]]
    requests: list[tuple[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    _jobs: dict[str, Any] = field(default_factory=dict)

    def answer(self, state: str, request: Any, usual: Any = None) -> Any:
        self.requests.append((state, request))
        answers = self.script.get(state, [])
        if not answers:
            return usual if usual is not None else ANSWERS[state]
        return answers[0] if len(answers) == 1 else answers.pop(0)

    def asked(self, state: str) -> list[Any]:
        return [request for name, request in self.requests if name == state]

    # ---- Lambda

    def invoke(self, **request: Any) -> dict[str, Any]:
        name = request["FunctionName"].rsplit(":", 1)[1]
        event = json.loads(request["Payload"])
        if "-step-" in name:
            state = f"{name.rsplit('-', 1)[1].title()} On Lambda"
            step = name.rsplit("-", 1)[1]
            at = f"{event.get('attempts')}/{event['attempt']}/{step}"
            usual: Any = {"at": at, "memory_mb": 3008, "seconds": 2.5}
        else:
            words = name.removesuffix("Function")
            state = "".join(f" {c}" if c.isupper() else c for c in words).strip()
            usual = None
        answer = self.answer(state, event, usual)
        if isinstance(answer, Refused):
            raised = {"errorType": answer.code, "errorMessage": answer.words}
            return {"Payload": _body(raised), "FunctionError": "Unhandled"}
        return {"Payload": _body(answer)}

    # ---- SageMaker

    def create_processing_job(self, **request: Any) -> dict[str, Any]:
        name = request["ProcessingJobName"]
        state = name.split("-")[-2].title()
        state = "Gather In A Job" if state == "Gather" else state
        self._jobs[name] = request | self._api(state, request)
        return {"ProcessingJobArn": f"arn:{name}"}

    def describe_processing_job(self, **request: Any) -> dict[str, Any]:
        return dict(self._jobs[request["ProcessingJobName"]])

    def stop_processing_job(self, **request: Any) -> None:
        self.stopped.append(request["ProcessingJobName"])

    def create_training_job(self, **request: Any) -> dict[str, Any]:
        name = request["TrainingJobName"]
        spot = request.get("EnableManagedSpotTraining")
        state = "Train On Spot" if spot else "Train On Several Hosts"
        self._jobs[name] = request | self._api(state, request)
        return {"TrainingJobArn": f"arn:{name}"}

    def describe_training_job(self, **request: Any) -> dict[str, Any]:
        return dict(self._jobs[request["TrainingJobName"]])

    def stop_training_job(self, **request: Any) -> None:
        self.stopped.append(request["TrainingJobName"])

    # ---- Athena

    def start_query_execution(self, **request: Any) -> dict[str, str]:
        self._jobs["q-1"] = self._api("Gather", request)
        return {"QueryExecutionId": "q-1"}

    def get_query_execution(self, **request: Any) -> dict[str, Any]:
        return {"QueryExecution": self._jobs[request["QueryExecutionId"]]}

    def stop_query_execution(self, **request: Any) -> None:
        self.stopped.append(request["QueryExecutionId"])

    # ---- the registry

    def create_model_package_group(self, **request: Any) -> Any:
        return self._api("Create Package Group", request)

    def create_model_package(self, **request: Any) -> Any:
        return self._api("Register Candidate", request)

    def _api(self, state: str, request: Any) -> Any:
        answer = self.answer(state, request)
        if isinstance(answer, Refused):
            error = {"Code": answer.code, "Message": answer.words}
            metadata = {"HTTPStatusCode": 400, "RequestId": "0"}
            raise ClientError({"Error": error, "ResponseMetadata": metadata}, "Operation")
        return dict(answer)


def _body(document: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(document).encode())


@dataclass(frozen=True)
class Played:
    """An execution that has ended."""

    path: list[str]
    outcome: interpreter.Outcome
    services: Services

    @property
    def output(self) -> Any:
        assert self.outcome.output is not None, self.outcome
        return json.loads(self.outcome.output)

    @property
    def steps(self) -> set[tuple[str, str]]:
        return set(zip(self.path, self.path[1:], strict=False))


@contextmanager
def playing(services: Services) -> Iterator[None]:
    """Put the played services in the place of the stage's, and take no time between retries."""
    with (
        patch.object(clients, "client_for", lambda region, service, role: services),
        patch.object(authorization, "allowed", lambda role, action, resource: True),
        patch.object(sagemaker, "wait", lambda kind, job, seconds: True),
        patch.object(retrier_decl, "time", SimpleNamespace(sleep=lambda seconds: None)),
    ):
        yield


def start(request: Any, workflow: str = RETRAIN) -> interpreter.Running:
    definition = deployed("local", workflow)
    definition["States"]["Wait For The Platform"]["Seconds"] = 0
    machine = {
        "name": f"kanmon-test-{workflow}",
        "stateMachineArn": f"{MACHINE}-{workflow}",
        "definition": json.dumps(definition),
    }
    execution = f"{MACHINE.replace(':stateMachine:', ':execution:')}-{workflow}:{RUN}"
    role = f"arn:aws:iam::123456789012:role/{workflow.title()}StateMachineRole"
    return interpreter.start(execution, RUN, machine, role, json.dumps(request))


def play(
    script: dict[str, list[Any]] | None = None, request: Any = None, workflow: str = RETRAIN
) -> Played:
    """Play a run; `script` says what the services answer in turn, by the state that asks."""
    services = Services({state: list(answers) for state, answers in (script or {}).items()})
    with playing(services):
        running = start({"model": "abalone"} if request is None else request, workflow)
        assert running.ended.wait(PATIENCE_SECONDS)
    return Played(path_of(running), running.outcome(), services)


def path_of(running: interpreter.Running) -> list[str]:
    return [
        event["stateEnteredEventDetails"]["name"]
        for event in running.events()
        if event["type"].endswith("StateEntered")
    ]
