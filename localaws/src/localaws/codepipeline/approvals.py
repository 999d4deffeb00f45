"""Approvals: who decides, until when, and what the pipeline's action waits for."""

import json
import logging
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from localaws.codepipeline.account import Acting, ActionError, Names, Ports, Result, Task
from localaws.codepipeline.engine import Engine
from localaws.codepipeline.events import Deadlines
from localaws.codepipeline.records import Record, State, running_actions, stage_of
from localaws.protocol.errors import ServiceError

log = logging.getLogger(__name__)

MOST_SUBJECT = 100


class NoticeError(Exception):
    """The topic did not take the notice; worded as AWS words it."""


class Notices(Protocol):
    """SNS as a role sees it; raises NoticeError."""

    def publish(self, acting: Acting, topic: str, subject: str, message: str) -> None: ...


class ManualApproval:
    """The provider "Manual": publishes the approval; the service waits for it."""

    def __init__(self, notices: Notices, names: Names) -> None:
        self._notices = notices
        self._names = names

    def __call__(self, task: Task) -> Result:
        topic = task.configuration.get("NotificationArn")
        if topic and task.approval:
            token, expires = task.approval["token"], task.approval["expires"]
            subject = f"APPROVAL NEEDED: AWS CodePipeline {task.pipeline} for action {task.action}"
            message = json.dumps(notice(task, self._names, token, expires))
            try:
                self._notices.publish(task.acting, topic, subject[:MOST_SUBJECT], message)
            except NoticeError as error:
                raise ActionError(
                    "PermissionError",
                    f"The approval's notice could not be published to {topic}: {error}",
                ) from error
        return Result()


def notice(task: Task, names: Names, token: str, expires: float) -> dict[str, object]:
    """The message in AWS's format for approvals."""
    path = (task.stage, task.action, "approve", token)
    approval = {
        "pipelineName": task.pipeline,
        "stageName": task.stage,
        "actionName": task.action,
        "token": token,
        "expires": datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "externalEntityLink": task.configuration.get("ExternalEntityLink"),
        "approvalReviewLink": names.console(task.pipeline, *path),
        "customData": task.configuration.get("CustomData"),
    }
    return {
        "region": names.region,
        "consoleLink": names.console(task.pipeline),
        "approval": approval,
    }


DEFAULT_MINUTES = 7 * 24 * 60
# A longer limit is meant for a person, whose time no setting makes faster.
LONGEST_SCALED_MINUTES = 60
EXPIRED_CODE = "TimeoutError"
EXPIRED_WORDS = "The approval action timed out: no response was received before it expired"


def seconds_open(minutes: int, scale: float) -> float:
    """How long an approval stays open here; `scale` is how fast the stage's time runs.

    >>> seconds_open(30, 60.0), seconds_open(120, 60.0)
    (30.0, 7200.0)
    """
    return minutes * 60.0 / (scale if minutes <= LONGEST_SCALED_MINUTES else 1.0)


class Approvals:
    """Opens and decides approvals. Callers hold the service's lock."""

    def __init__(
        self,
        ports: Ports,
        state: State,
        engine: Engine,
        deadlines: Deadlines,
        lock: threading.RLock,
        scale: float,
    ) -> None:
        self._ports = ports
        self._state = state
        self._engine = engine
        self._deadlines = deadlines
        self._lock = lock
        self._scale = scale
        engine.runs.open_approval = self.open

    def operations(self) -> dict[str, Any]:
        return {"PutApprovalResult": self.put}

    def open(self, execution: Record, record: Record) -> None:
        """Let the action wait for a decision, under a new token."""
        declared = self._declared(execution, record)
        minutes = declared.get("timeoutInMinutes", DEFAULT_MINUTES)
        token = str(uuid.uuid4())
        expires = self._ports.now() + seconds_open(minutes, self._scale)
        record["approval"] = {"token": token, "expires": expires, "notified": False}
        if execution["mode"] == "PARALLEL":
            # Here GetPipelineState cannot show the token, so ListActionExecutions does.
            record["result"]["externalExecutionId"] = token
        self._watch(execution, record)

    def resume(self, execution: Record) -> None:
        """Go on waiting after a restart; publish again what may not have arrived."""
        for record in running_actions(execution):
            if record["approval"] is not None:
                self._watch(execution, record)
                if not record["approval"]["notified"]:
                    self._engine.runs.run_provider(
                        execution, record, self._declared(execution, record)
                    )

    def put(self, request: dict[str, Any]) -> dict[str, Any]:
        execution, record = self._find(request)
        if record["status"] == "InProgress" and self._ports.now() >= record["approval"]["expires"]:
            self._expire(execution["id"], record["id"])
        self._refuse_unless_open(execution, record)
        result = request["result"]
        at = self._ports.now()
        record["updatedBy"] = self._ports.identity()
        record["approval"]["decided"] = {"status": result["status"], "at": at}
        if result["summary"]:
            record["result"]["externalExecutionSummary"] = result["summary"]
        if result["status"] == "Approved":
            self._engine.runs.succeed(execution, record, {})
        else:
            self._engine.runs.fail(execution, record)
        self._engine.advance(execution)
        return {"approvedAt": at}

    def _find(self, request: Mapping[str, Any]) -> tuple[Record, Record]:
        """The approval that the request's token belongs to, with its execution.

        An execution may go by an older structure than the pipeline's, with other names in it.
        """
        pipeline, place = request["pipelineName"], (request["stageName"], request["actionName"])
        declaration = self._state.current(pipeline)
        for execution in self._state.executions_of(pipeline):
            for record in execution["actions"].values():
                if (
                    record["approval"] is not None
                    and record["approval"]["token"] == request["token"]
                    and (record["stage"], record["action"]) == place
                ):
                    return execution, record
        stage = stage_of(declaration, place[0])
        if not any(action["name"] == place[1] for action in stage["actions"]):
            raise ServiceError(
                "ActionNotFoundException",
                f"Stage '{place[0]}' of pipeline '{pipeline}' does not have an action with name"
                f" '{place[1]}'",
            )
        raise invalid_token()

    def _refuse_unless_open(self, execution: Record, record: Record) -> None:
        if record["status"] == "InProgress":
            return
        counts = execution["stages"][record["stage"]]["runs"].get(record["action"])
        if "decided" in record["approval"] and counts == record["id"]:
            raise ServiceError(
                "ApprovalAlreadyCompletedException",
                f"The approval action {record['action']} has already been approved or rejected.",
            )
        raise invalid_token()

    def _watch(self, execution: Record, record: Record) -> None:
        identity, run = execution["id"], record["id"]

        def expire() -> None:
            with self._lock:
                self._expire(identity, run)

        self._deadlines.at(record["approval"]["expires"], expire)

    def _expire(self, identity: str, run: str) -> None:
        execution = self._state.executions.get(identity)
        record = execution["actions"].get(run) if execution else None
        if execution is None or record is None or record["status"] != "InProgress":
            return
        record["result"]["externalExecutionSummary"] = EXPIRED_WORDS
        record["result"]["errorDetails"] = {"code": EXPIRED_CODE, "message": EXPIRED_WORDS}
        self._engine.runs.fail(execution, record)
        self._engine.advance(execution)

    def _declared(self, execution: Record, record: Record) -> Mapping[str, Any]:
        stage = self._state.stage_declaration(execution, record["stage"])
        found: Mapping[str, Any] = next(
            action for action in stage["actions"] if action["name"] == record["action"]
        )
        return found


def invalid_token() -> ServiceError:
    return ServiceError(
        "InvalidApprovalTokenException",
        "The approval request already received a response or has expired, or its token is wrong.",
    )
