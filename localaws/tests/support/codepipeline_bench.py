"""A workbench for pipelines without a server: declarations, and providers that a test conducts."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from localaws.codepipeline.account import Acting, ActionError, Artifact, Names, Ports, Result, Task
from localaws.codepipeline.jobs import Jobs
from localaws.codepipeline.pipelines import CodePipeline
from localaws.codepipeline.sources import Found, StoreError
from localaws.emulator import Event
from localaws.protocol.errors import ServiceError
from support.waiting import eventually

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pipeline"
NAMES = Names("us-east-1", ACCOUNT)
NAME = "release"


def action(name: str, category: str, provider: str, **more: Any) -> dict[str, Any]:
    """Declare an action; `more` are members of the declaration."""
    type_id = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": type_id, **more}


def source(name: str = "Bundle", **configuration: str) -> dict[str, Any]:
    return action(
        name,
        "Source",
        "S3",
        namespace=name,
        configuration={"S3Bucket": "data", "S3ObjectKey": "bundle.zip", **configuration},
        outputArtifacts=[{"name": name}],
    )


def approval(name: str = "Approve", **more: Any) -> dict[str, Any]:
    return action(name, "Approval", "Manual", **more)


def function(name: str, run_order: int = 1, **more: Any) -> dict[str, Any]:
    return action(
        name,
        "Invoke",
        "Lambda",
        runOrder=run_order,
        **{"configuration": {"FunctionName": name}, **more},
    )


def stage(name: str, *actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "actions": list(actions), **more}


def entered_when(variable: str, value: str, result: str = "SKIP", operator: str = "EQ") -> Any:
    """A beforeEntry condition of one VariableCheck."""
    rule = {
        "name": "Check",
        "ruleTypeId": {
            "category": "Rule",
            "owner": "AWS",
            "provider": "VariableCheck",
            "version": "1",
        },
        "configuration": {"Variable": variable, "Value": value, "Operator": operator},
    }
    return {"conditions": [{"result": result, "rules": [rule]}]}


def pipeline(*stages: dict[str, Any], mode: str = "PARALLEL", **more: Any) -> dict[str, Any]:
    return {
        "name": NAME,
        "roleArn": ROLE,
        "pipelineType": "V2",
        "executionMode": mode,
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": list(stages),
        **more,
    }


def reviewed(mode: str = "PARALLEL", **more: Any) -> dict[str, Any]:
    """Source, an approval, and a function afterwards."""
    return pipeline(
        stage("Source", source()),
        stage("Review", approval(**more)),
        stage("Record", function("record")),
        mode=mode,
    )


def task(
    name: str,
    configuration: Mapping[str, str],
    inputs: Sequence[Artifact] = (),
    outputs: Sequence[Artifact] = (),
    **more: Any,
) -> Task:
    """A task of an action; `report` does nothing unless given."""
    made = Task(
        pipeline=NAME,
        execution="execution-1",
        stage="Work",
        action=name,
        id="run-1",
        acting=Acting(ROLE),
        configuration=configuration,
        inputs=inputs,
        outputs=outputs,
        overrides={},
        abandoned=threading.Event(),
        report=lambda identity, url: None,
    )
    return replace(made, **more)


BUNDLE = Artifact("Bundle", "artifacts", "release/Bundle/aaaaaaa", "v1")
VERIFIED = Artifact("Verified", "artifacts", "release/Verified/bbbbbbb")


def failure(provider: Callable[[Task], Result], given: Task) -> ActionError:
    with pytest.raises(ActionError) as raised:
        provider(given)
    return raised.value


@dataclass
class Objects:
    """A store: (bucket, key, version) → content; None is the current version."""

    content: dict[tuple[str, str, str | None], bytes] = field(default_factory=dict)
    refusal: str | None = None
    without_versions: bool = False

    def versioned(self, acting: Acting, bucket: str) -> bool:
        return not self.without_versions

    def read(self, acting: Acting, bucket: str, key: str, version: str | None) -> Found:
        if self.refusal:
            raise StoreError(self.refusal, "Access Denied")
        try:
            body = self.content[(bucket, key, version)]
        except KeyError:
            raise StoreError("NoSuchKey", "The specified key does not exist.") from None
        return Found(body, version or "v2", '"tag"', 1.0, {})

    def write(self, acting: Acting, bucket: str, key: str, body: bytes) -> None:
        self.content[(bucket, key, None)] = body


def two_functions(mode: str = "PARALLEL") -> dict[str, object]:
    return pipeline(
        stage("Source", source()),
        stage("Work", function("one"), function("two"), function("three", 2)),
        stage("End", function("end")),
        mode=mode,
    )


class Conducted:
    """A provider whose actions end when and as the test says; those it knows nothing of succeed."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []
        self._outcomes: dict[str, Result | ActionError] = {}
        self._held: dict[str, threading.Event] = {}

    def __call__(self, task: Task) -> Result:
        self.tasks.append(task)
        held = self._held.get(task.action)
        if held:
            assert held.wait(10), f"the test did not release {task.action}"
        outcome = self._outcomes.get(task.action, Result())
        if isinstance(outcome, ActionError):
            raise outcome
        return outcome

    def ends(self, name: str, outcome: Result | ActionError | None = None) -> None:
        """Let the action end so from now on."""
        if outcome is not None:
            self._outcomes[name] = outcome

    def fails(self, name: str, message: str = "it broke") -> None:
        self._outcomes[name] = ActionError("JobFailed", message)

    def succeeds(self, name: str, **made: Any) -> None:
        self._outcomes[name] = Result(**made)

    @contextmanager
    def failing(self, name: str) -> Iterator[None]:
        """Let the action fail at once for a while."""
        known = dict(self._outcomes), dict(self._held)
        self._held.pop(name, None)
        self.fails(name)
        yield
        self._outcomes, self._held = known

    def hold(self, name: str) -> Callable[[], None]:
        """Let the action run until the returned function is called."""
        held = self._held[name] = threading.Event()
        return held.set

    def started(self, name: str) -> list[Task]:
        return [task for task in self.tasks if task.action == name]


@dataclass
class Bench:
    """One CodePipeline, and everything around it that a test may look at or change."""

    provider: Conducted = field(default_factory=Conducted)
    events: list[Event] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    untrusting: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    caller: str | None = None
    identity: str = f"arn:aws:iam::{ACCOUNT}:root"
    ahead: float = 0.0
    """How far the clock of this bench is ahead, in seconds."""
    scale: float = 1.0

    def __post_init__(self) -> None:
        self.service = self.made()

    def ports(self) -> Ports:
        return Ports(
            caller=lambda: self.caller,
            identity=lambda: self.identity,
            allowed=self._allowed,
            trusted=lambda role: role not in self.untrusting,
            emit=self.events.append,
            changed=lambda: None,
            now=lambda: time.time() + self.ahead,
        )

    def made(self) -> CodePipeline:
        """A service with these surroundings, as after a restart."""
        kinds = ("S3", "Manual", "Lambda", "CodeBuild", "CloudFormation")
        providers = dict.fromkeys(kinds, self.provider)
        return CodePipeline(self.ports(), providers, Jobs(), NAMES, self.scale)

    def _allowed(
        self, role: str, what: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> bool:
        self.asked.append((role, what, resource))
        return what not in self.denied

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.service.call(operation, request)

    def create(self, declaration: dict[str, Any]) -> None:
        """Make the pipeline; its first execution fails at the source and is forgotten."""
        name = declaration["stages"][0]["actions"][0]["name"]
        with self.provider.failing(name):
            self.call("CreatePipeline", pipeline=declaration)
            [first] = self.call("ListPipelineExecutions", pipelineName=NAME)[
                "pipelineExecutionSummaries"
            ]
            self.ends(first["pipelineExecutionId"])
        self.service._state.executions.clear()
        self.service._outbox.state.clear()
        self.provider.tasks.clear()
        self.events.clear()

    def start(self, **more: Any) -> str:
        return str(self.call("StartPipelineExecution", name=NAME, **more)["pipelineExecutionId"])

    def execution(self, identity: str) -> dict[str, Any]:
        answer = self.call("GetPipelineExecution", pipelineName=NAME, pipelineExecutionId=identity)
        found: dict[str, Any] = answer["pipelineExecution"]
        return found

    def status(self, identity: str) -> str:
        return str(self.execution(identity)["status"])

    def actions(self, identity: str) -> dict[str, dict[str, Any]]:
        """The newest run of each action of an execution, by the action's name."""
        answer = self.call(
            "ListActionExecutions", pipelineName=NAME, filter={"pipelineExecutionId": identity}
        )
        newest_first = answer["actionExecutionDetails"]
        return {detail["actionName"]: detail for detail in reversed(newest_first)}

    def stage(self, name: str) -> dict[str, Any]:
        """What GetPipelineState returns for a stage."""
        states = self.call("GetPipelineState", name=NAME)["stageStates"]
        found: dict[str, Any] = next(one for one in states if one["stageName"] == name)
        return found

    def ends(self, identity: str) -> str:
        """Wait for the end of an execution; return its status."""
        self.until(lambda: self.status(identity) not in ("InProgress", "Stopping"))
        return self.status(identity)

    def waits(self, identity: str, name: str = "Approve") -> str:
        """Wait until an approval waits in an execution; return its token."""
        self.until(lambda: name in self.actions(identity))
        result: dict[str, str] = self.actions(identity)[name]["output"]["executionResult"]
        if "externalExecutionId" in result:
            return result["externalExecutionId"]
        states = self.call("GetPipelineState", name=NAME)["stageStates"]
        runs = [run for one in states for run in one["actionStates"] if run["actionName"] == name]
        return str(runs[0]["latestExecution"]["token"])

    def answer(self, token: str, status: str = "Approved", **more: Any) -> dict[str, Any]:
        request = {
            "pipelineName": NAME,
            "stageName": "Review",
            "actionName": "Approve",
            "result": {"status": status, "summary": "looked at it"},
            "token": token,
            **more,
        }
        return self.service.call("PutApprovalResult", request)

    def refused(self, operation: str, **request: Any) -> tuple[str, str]:
        """Call what must be refused; return the code and the words."""
        with pytest.raises(ServiceError) as raised:
            self.call(operation, **request)
        return raised.value.code, str(raised.value)

    def restart(self) -> None:
        """Go on in a new service with what was kept."""
        kept = json.loads(json.dumps(self.service.get_state()))
        self.service = self.made()
        self.service.load_persisted_state(kept)

    def told(self, kind: str) -> list[tuple[str, str]]:
        """The events of a kind ("Pipeline", "Stage", "Action"): (what it is about, state)."""
        detail_type = f"CodePipeline {kind} Execution State Change"
        return [
            (event.detail.get(kind.lower(), ""), event.detail["state"])
            for event in self.events
            if event.detail_type == detail_type
        ]

    @staticmethod
    def until(question: Callable[[], Any]) -> None:
        """Wait until the answer is true."""
        eventually(question, pause_seconds=0.002)
