"""Pipelines themselves, and CodePipeline's API for the gateway."""

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localaws.codepipeline import structure, views
from localaws.codepipeline.account import PRINCIPAL, TARGET_PREFIX, Names, Ports, Provider, page
from localaws.codepipeline.approvals import Approvals
from localaws.codepipeline.engine import Engine
from localaws.codepipeline.events import Deadlines, Outbox
from localaws.codepipeline.executions import Executions
from localaws.codepipeline.jobs import Jobs
from localaws.codepipeline.records import RUNNING, Record, State
from localaws.codepipeline.structure import Declaration
from localaws.protocol.errors import ServiceError
from localaws.protocol.service import JsonService, Operation, Response
from localaws.protocol.shapes import Api

MOST_TAGS = 50
MOST_PIPELINES = 1000


class Pipelines:
    """Callers hold the service's lock. A pipeline that is made starts its first execution."""

    def __init__(
        self, ports: Ports, state: State, names: Names, engine: Engine, executions: Executions
    ) -> None:
        self._ports = ports
        self._state = state
        self._names = names
        self._engine = engine
        self._executions = executions

    def operations(self) -> dict[str, Any]:
        return {
            "CreatePipeline": self.create,
            "UpdatePipeline": self.update,
            "GetPipeline": self.get,
            "DeletePipeline": self.delete,
            "ListPipelines": self.list_all,
            "GetPipelineState": self.get_state,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list_tags,
        }

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["pipeline"]["name"]
        if name in self._state.pipelines:
            raise ServiceError(
                "PipelineNameInUseException", f"A pipeline with name '{name}' already exists"
            )
        if len(self._state.pipelines) >= MOST_PIPELINES:
            raise ServiceError("LimitExceededException", f"There are {MOST_PIPELINES} pipelines")
        declaration = self._checked(request["pipeline"], version=1)
        tags = checked_tags({}, request.get("tags", []))
        now = self._ports.now()
        self._state.pipelines[name] = {
            "version": 1,
            "versions": {"1": declaration},
            "created": now,
            "updated": now,
            "tags": tags,
        }
        self._executions.start_first(declaration)
        self._ports.changed()
        return {"pipeline": declaration, "tags": listed(tags)}

    def update(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["pipeline"]["name"]
        pipeline = self._state.pipeline(name)
        before = self._state.current(name)
        declaration = self._checked(request["pipeline"], version=pipeline["version"] + 1)
        pipeline["version"] = declaration["version"]
        pipeline["versions"][str(declaration["version"])] = declaration
        pipeline["updated"] = self._ports.now()
        if before["stages"] != declaration["stages"]:
            for execution in self._state.executions_of(name):
                if execution["status"] in RUNNING:
                    self._engine.cancel(execution)
        self._ports.changed()
        return {"pipeline": declaration}

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["name"]
        pipeline = self._state.pipeline(name)
        version = str(request.get("version", pipeline["version"]))
        if version not in pipeline["versions"]:
            raise ServiceError(
                "PipelineVersionNotFoundException",
                f"Pipeline '{name}' does not have version {version}",
            )
        metadata = {
            "pipelineArn": self._names.arn(name),
            "created": pipeline["created"],
            "updated": pipeline["updated"],
        }
        return {"pipeline": pipeline["versions"][version], "metadata": metadata}

    def delete(self, request: dict[str, Any]) -> None:
        name = request["name"]
        for execution in self._state.executions_of(name):
            if execution["status"] in RUNNING:
                self._engine.runs.abandon(execution, "ABANDONED")
            del self._state.executions[execution["id"]]
        self._state.pipelines.pop(name, None)
        self._ports.changed()

    def list_all(self, request: dict[str, Any]) -> dict[str, Any]:
        summaries = [
            {
                "name": name,
                "version": pipeline["version"],
                "pipelineType": self._state.current(name)["pipelineType"],
                "executionMode": self._state.current(name)["executionMode"],
                "created": pipeline["created"],
                "updated": pipeline["updated"],
            }
            for name, pipeline in sorted(self._state.pipelines.items())
        ]
        entries, token = page(request, summaries, 1000)
        return {"pipelines": entries, "nextToken": token}

    def get_state(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["name"]
        pipeline, declaration = self._state.pipeline(name), self._state.current(name)
        executions = self._state.executions_of(name)
        return {
            "pipelineName": name,
            "pipelineVersion": pipeline["version"],
            "stageStates": [
                views.stage_state(stage, declaration, executions) for stage in declaration["stages"]
            ],
            "created": pipeline["created"],
            "updated": pipeline["updated"],
        }

    # Tags

    def tag(self, request: dict[str, Any]) -> None:
        pipeline = self._by_arn(request["resourceArn"])
        pipeline["tags"] = checked_tags(pipeline["tags"], request["tags"])
        self._ports.changed()

    def untag(self, request: dict[str, Any]) -> None:
        tags = self._by_arn(request["resourceArn"])["tags"]
        for key in request["tagKeys"]:
            tags.pop(key, None)
        self._ports.changed()

    def list_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"tags": listed(self._by_arn(request["resourceArn"])["tags"])}

    def _by_arn(self, arn: str) -> Record:
        for name, pipeline in self._state.pipelines.items():
            if self._names.arn(name) == arn:
                return pipeline
        raise ServiceError("ResourceNotFoundException", f"The resource {arn} does not exist")

    # What AWS asks IAM on its own side

    def _checked(self, given: Mapping[str, Any], version: int) -> Declaration:
        declaration = structure.normalized(given, version)
        structure.check(declaration)
        self._check_roles(declaration)
        return declaration

    def _check_roles(self, declaration: Declaration) -> None:
        """The caller must be allowed to pass the roles; the pipeline's must trust the service."""
        caller = self._ports.caller()
        roles = {declaration["roleArn"]: None}
        for stage in declaration["stages"]:
            roles |= {action["roleArn"]: None for action in stage["actions"] if "roleArn" in action}
        context = {"iam:PassedToService": PRINCIPAL}
        for role in roles if caller else ():
            if not self._ports.allowed(caller or "", "iam:PassRole", role, context):
                raise ServiceError(
                    "AccessDeniedException",
                    f"User: {caller} is not authorized to perform: iam:PassRole on resource:"
                    f" {role} because no identity-based policy allows the iam:PassRole action",
                )
        if not self._ports.trusted(declaration["roleArn"]):
            raise structure.structure_error(
                "CodePipeline is not authorized to perform AssumeRole on role"
                f" {declaration['roleArn']}"
            )


def checked_tags(tags: Mapping[str, str], more: list[dict[str, str]]) -> dict[str, str]:
    merged = {**tags, **{tag["key"]: tag["value"] for tag in more}}
    if any(key.lower().startswith("aws:") for key in merged):
        raise ServiceError("InvalidTagsException", "Tag keys that begin with aws: are reserved")
    if len(merged) > MOST_TAGS:
        raise ServiceError("TooManyTagsException", f"A pipeline can have {MOST_TAGS} tags")
    return merged


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


class CodePipeline:
    """The service of one account in one region. All it holds is plain JSON.

    `providers` are by the provider's name in an action type; `scale` is how many seconds of an
    approval's time pass here in one.
    """

    def __init__(
        self,
        ports: Ports,
        providers: Mapping[str, Provider],
        jobs: Jobs,
        names: Names,
        scale: float = 1.0,
    ) -> None:
        self._lock = threading.RLock()
        self._state = State()
        self._deadlines = Deadlines(ports.now)
        self._outbox = Outbox(ports, self._deadlines, self._lock)
        ports = replace(ports, emit=self._outbox.emit)
        self._engine = Engine(ports, self._state, names, providers, self._lock)
        self._approvals = Approvals(
            ports, self._state, self._engine, self._deadlines, self._lock, scale
        )
        executions = Executions(ports, self._state, names, self._engine)
        operations: dict[str, Operation] = {
            **Pipelines(ports, self._state, names, self._engine, executions).operations(),
            **executions.operations(),
            **self._approvals.operations(),
            **jobs.operations(),
        }
        self._api = Api("codepipeline")
        self._service = JsonService(self._api, TARGET_PREFIX, operations, self._lock)

    def respond(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one HTTP request. Everything here is in memory and returns at once."""
        return self._service.respond(headers, body)

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Call an operation by its name, as a client would; raises ServiceError."""
        return self._service.call(name, request)

    def warm_up(self) -> None:
        """Load the API's model now instead of at the first request."""
        self._api.model  # noqa: B018 - loading it is the point

    @property
    def in_use(self) -> bool:
        """Whether there is any pipeline."""
        return bool(self._state.pipelines)

    def get_state(self) -> dict[str, Any]:
        """Return a copy of all that is kept, as plain JSON."""
        with self._lock:
            taken = {**self._state.take(), "events": self._outbox.state}
            kept: dict[str, Any] = json.loads(json.dumps(taken))
        return kept

    def load_persisted_state(self, state: Mapping[str, Any] | None) -> None:
        """Take up what `get_state` returned in an earlier process, and go on with it.

        What ran then is failed, so that its stage can be retried; what waits goes on waiting.
        """
        if not state:
            return
        with self._lock:
            self._state.load(state)
            self._outbox.load(state.get("events", []))
            under_way = [
                execution
                for execution in self._state.executions.values()
                if execution["status"] in RUNNING
            ]
            for execution in under_way:
                self._engine.runs.fail_interrupted(execution)
                self._approvals.resume(execution)
            for execution in under_way:
                self._engine.advance(execution)

    def close(self) -> None:
        self._deadlines.close()
