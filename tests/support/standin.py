"""A stage that answers from memory: a model table, a release pipeline, a canary."""

from types import SimpleNamespace
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from core.stage.table_key import partition
from tests.support.sample_releases import START


def refusal(code: str, operation: str = "Operation") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class Pages:
    """A paginator with one page."""

    def __init__(self, page: Any) -> None:
        self._page = page

    def paginate(self, **request: Any) -> list[Any]:
        return [self._page(**request)]


class Table:
    """DynamoDB's client, for items of one table."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self.items = {}
        for item in items:
            whole = partition(item["model"], item["item"])
            self.items[whole, item["item"]] = {**item, "model": whole}

    def get_item(self, **request: Any) -> dict[str, Any]:
        key = request["Key"]
        found = self.items.get((key["model"]["S"], key["item"]["S"]))
        return {"Item": _written(found)} if found else {}

    def get_paginator(self, operation: str) -> Pages:
        assert operation == "query"

        def page(**request: Any) -> dict[str, Any]:
            values = request["ExpressionAttributeValues"]
            model, prefix = values[":model"]["S"], values[":prefix"]["S"]
            names = sorted(k for k in self.items if k[0] == model and k[1].startswith(prefix))
            return {"Items": [_written(self.items[name]) for name in names]}

        return Pages(page)


def _written(item: dict[str, Any]) -> dict[str, Any]:
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


class Pipeline:
    """CodePipeline's client; `on_decision` is what happens when somebody decides."""

    def __init__(
        self,
        details: list[dict[str, Any]],
        on_decision: Any = None,
        variables: dict[str, str] | None = None,
    ) -> None:
        self.details = details
        self.variables = variables or {}
        self.decisions: list[dict[str, Any]] = []
        self.started: list[dict[str, Any]] = []
        self._on_decision = on_decision

    def get_paginator(self, operation: str) -> Pages:
        assert operation == "list_action_executions"
        return Pages(lambda **request: {"actionExecutionDetails": self.details[::-1]})

    def get_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        variables = [{"name": k, "resolvedValue": v} for k, v in self.variables.items()]
        return {"pipelineExecution": {"status": "InProgress", "variables": variables}}

    def put_approval_result(self, **request: Any) -> dict[str, Any]:
        if self._on_decision:
            self._on_decision(request)
        self.decisions.append(request)
        return {"approvedAt": START}

    def start_pipeline_execution(self, **request: Any) -> dict[str, Any]:
        self.started.append(request)
        return {"pipelineExecutionId": "e-9"}


class Stage:
    """A connection to a stage called local whose services are the ones given."""

    name, stack, region, bucket, table = "local", "kanmon-local", "us-east-1", "data", "models"
    endpoint, poll_seconds = "http://127.0.0.1:1", 0.0

    def __init__(self, items: list[dict[str, Any]] = (), **clients: Any) -> None:  # type: ignore[assignment]
        self.dynamodb = Table(list(items))
        self.outputs = {"ReleasePipelineName": "kanmon-local-release"}
        self.cloudformation = clients.get("cloudformation", SimpleNamespace(
            describe_stack_resource=_no_stack, describe_stacks=_no_stack
        ))  # fmt: skip
        self._clients = clients

    def client(self, service: str) -> Any:
        return self._clients[service]


def _no_stack(**request: Any) -> Any:
    raise refusal("ValidationError")
