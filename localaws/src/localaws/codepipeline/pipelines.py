"""The operations on pipelines themselves: declarations, tags, state."""

from collections.abc import Mapping
from typing import Any

from localaws.codepipeline import structure, views
from localaws.codepipeline.engine import Engine
from localaws.codepipeline.names import PRINCIPAL, Names
from localaws.codepipeline.paging import page
from localaws.codepipeline.ports import Ports
from localaws.codepipeline.records import RUNNING, Record
from localaws.codepipeline.state import State
from localaws.codepipeline.structure import Declaration
from localaws.protocol.errors import ServiceError

MOST_TAGS = 50
MOST_PIPELINES = 1000


class Pipelines:
    """Callers hold the service's lock."""

    def __init__(self, ports: Ports, state: State, names: Names, engine: Engine) -> None:
        self._ports = ports
        self._state = state
        self._names = names
        self._engine = engine

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
                # In PARALLEL mode each goes on by the structure it was started with.
                if execution["status"] in RUNNING and execution["mode"] != "PARALLEL":
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
