"""A model's releases on a stage: opened, decided and watched by the API, and held to what must be
true of them at any time."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from core.stage.release_history import HistoryEntry
from core.stage.release_records import history_from
from tests.support.laptop import TINY, Laptop, Said, deployed, rows
from tests.support.waiting import PATIENCE_SECONDS, eventually

SLOW = "Linear10PercentEvery10Minutes"
OPEN = ("WAITING", "APPROVED")
# What the registry says of a release's package, by the release's status.
REGISTRY = {
    "WAITING": "PendingManualApproval",
    "APPROVED": "Approved",
    "PROMOTED": "Approved",
    "REJECTED": "Rejected",
    "EXPIRED": "Rejected",
    "SUPERSEDED": "Rejected",
    "ROLLED_BACK": "Rejected",
}
_plain = TypeDeserializer().deserialize


@dataclass
class Releases:
    """The releases of one model. `first` is the run that the others are made like."""

    laptop: Laptop
    model: str
    first: dict[str, Any] = field(default_factory=dict)
    _made: int = 0

    # ---- the stage

    def client(self, service: str) -> Any:
        return self.laptop.client(service)

    @cached_property
    def outputs(self) -> dict[str, str]:
        return self.laptop.outputs

    @cached_property
    def resources(self) -> dict[str, str]:
        """The platform's physical names by their logical ones."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        found = pages.paginate(StackName="kanmon-local").search("StackResourceSummaries")
        return {one["LogicalResourceId"]: one.get("PhysicalResourceId", "") for one in found}

    @property
    def stack(self) -> str:
        return f"kanmon-local-serving-{self.model}"

    def serving(self, logical: str) -> str:
        """The physical name of a resource of the model's serving stack."""
        detail = self.client("cloudformation").describe_stack_resource(
            StackName=self.stack, LogicalResourceId=logical
        )["StackResourceDetail"]
        return str(detail["PhysicalResourceId"])

    def say(self, *words: str) -> Said:
        return self.laptop.kanmon(*words)

    def told(self, number: int) -> dict[str, Any]:
        """What `kanmon show MODEL/NUMBER` reports."""
        said = self.say("show", f"{self.model}/{number}", "--json")
        assert said.code == 0, said.err
        return dict(json.loads(said.out))

    def advice(self, number: int) -> str:
        """All of it that a person reads: what happened, why, what to do next."""
        said = self.say("show", f"{self.model}/{number}")
        assert said.code == 0, said.err
        return said.out

    # ---- opening

    def run(self, more: str = "", data: str | None = None) -> dict[str, Any]:
        """Train the model once, for real; more lines of its definition may be given."""
        self.laptop.add_model(self.model, TINY.format(name=self.model, floor=5.0) + more)
        self.laptop.put_object(self.model, data or rows(300))
        said = self.say("run", self.model, "--json")
        assert said.code == 0, said
        self.first = dict(json.loads(said.out))
        return self.first

    def open(self, verdict: str = "promote", canary: str = "AllAtOnce", **definition: Any) -> int:
        """Open a release as a further run of the same model would, without training it again.

        A run that is forced gives the same bytes (see test_loop), so they are copied under another
        run's name, registered, and given to Open Release. It leaves older releases waiting.
        """
        self._made += 1
        old = str(self.first["run"])
        run = f"{old[:-3]}{self._made:03d}"
        self._copy(old, run, canary, {"releases": {"supersede": False}, **definition})
        package = self._register(old, run)
        event = {
            "run": run,
            "model": self.model,
            "package_arn": package,
            "verdict": verdict,
        }
        answer = self.invoke("OpenReleaseFunction", event)
        return int(answer["release"])

    def _copy(self, old: str, run: str, canary: str, definition: dict[str, Any]) -> None:
        s3, bucket = self.client("s3"), self.outputs["DataBucketName"]
        prefix = f"runs/{self.model}/{old}/"
        for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
            content = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            name = item["Key"].removeprefix(prefix)
            if name.endswith(".json"):
                content = content.replace(old.encode(), run.encode())
            if name == "run.json":
                plan = json.loads(content)
                plan["definition"]["content"] |= definition
                plan["definition"]["content"]["serving"]["canary"] = canary
                plan["champion"] = None
                content = json.dumps(plan).encode()
            s3.put_object(Bucket=bucket, Key=f"runs/{self.model}/{run}/{name}", Body=content)

    def _register(self, old: str, run: str) -> str:
        sagemaker = self.client("sagemaker")
        known = sagemaker.describe_model_package(ModelPackageName=self.first["package_arn"])
        metadata = known["CustomerMetadataProperties"]
        made = sagemaker.create_model_package(
            ModelPackageGroupName=known["ModelPackageGroupName"],
            InferenceSpecification=known["InferenceSpecification"],
            ModelApprovalStatus="PendingManualApproval",
            CustomerMetadataProperties={
                name: value.replace(old, run) for name, value in metadata.items()
            },
        )
        return str(made["ModelPackageArn"])

    def invoke(self, logical: str, event: dict[str, Any]) -> Any:
        """Call a function of the platform; its answer."""
        answer = self.client("lambda").invoke(
            FunctionName=self.resources[logical], Payload=json.dumps(event).encode()
        )
        document = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, document
        return document

    # ---- what stands where

    def items(self) -> dict[str, dict[str, Any]]:
        """Everything the model table has of the model."""
        pages = self.client("dynamodb").get_paginator("query")
        found = pages.paginate(
            TableName=self.outputs["ModelTableName"],
            KeyConditionExpression="model = :model",
            ExpressionAttributeValues={":model": {"S": self.model}},
            ConsistentRead=True,
        ).search("Items")
        plain = ({name: _plain(value) for name, value in item.items()} for item in found)
        return {str(item["item"]): item for item in plain}

    def item(self, name: str) -> dict[str, Any]:
        found = self.client("dynamodb").get_item(
            TableName=self.outputs["ModelTableName"],
            Key={"model": {"S": self.model}, "item": {"S": name}},
            ConsistentRead=True,
        )
        return {name: _plain(value) for name, value in found.get("Item", {}).items()}

    def release(self, number: int) -> dict[str, Any]:
        return self.item(f"release#{number:06d}")

    @property
    def champion(self) -> int | None:
        found = self.item("champion").get("release")
        return int(found) if found is not None else None

    def history(self) -> list[tuple[str, int]]:
        """(event, release), the oldest first."""
        return [(one.event, int(one.release or 0)) for one in self._history()]

    def _history(self) -> list[HistoryEntry]:
        items = self.items().items()
        return history_from(item for name, item in items if name.startswith("history#"))

    def package(self, number: int) -> dict[str, Any]:
        arn = self.release(number)["package_arn"]
        return dict(self.client("sagemaker").describe_model_package(ModelPackageName=arn))

    def status(self, number: int, *wanted: str) -> dict[str, Any]:
        """Wait until the release has one of these states; its record."""

        def there() -> dict[str, Any] | None:
            found = self.release(number)
            return found if found["status"] in wanted else None

        try:
            found: dict[str, Any] = eventually(there)
        except AssertionError:
            raise AssertionError(self.advice(number)) from None
        return found

    def ended(self, number: int, *wanted: str) -> dict[str, Any]:
        """Wait for one of these states and until all that follows from it is written down."""
        found = self.status(number, *wanted)
        if "execution" in found:
            self.over(found["execution"])
        eventually(lambda: "holder" not in self.item("deployment-lock"))
        return self.release(number)

    def over(self, execution: str) -> str:
        """Wait for the end of a pipeline execution; how it ended."""

        def done() -> str | None:
            status = self.execution(execution)["status"]
            return None if status in ("InProgress", "Stopping") else status

        return str(eventually(done))

    def execution(self, identity: str) -> dict[str, Any]:
        found = self.client("codepipeline").get_pipeline_execution(
            pipelineName=self.outputs["ReleasePipelineName"], pipelineExecutionId=identity
        )
        return dict(found["pipelineExecution"])

    def actions(self, number: int) -> dict[str, Any]:
        """The latest attempt of each action in the release's execution."""
        return self.actions_of(self.release(number).get("execution", ""))

    def actions_of(self, execution: str) -> dict[str, Any]:
        details = self.client("codepipeline").list_action_executions(
            pipelineName=self.outputs["ReleasePipelineName"],
            filter={"pipelineExecutionId": execution},
        )["actionExecutionDetails"]
        return {one["actionName"]: one for one in reversed(details)}

    def reached(self, number: int, action: str) -> Any:
        """Wait until the action has begun."""
        return eventually(lambda: self.actions(number).get(action))

    def traffic(self) -> dict[int, float]:
        """The live alias's split, by release; empty while there is no alias."""
        functions = self.client("lambda")
        try:
            function = self.serving("ScoringFunction")
            alias = functions.get_alias(FunctionName=function, Name="live")
        except (
            self.client("cloudformation").exceptions.ClientError,
            functions.exceptions.ResourceNotFoundException,
        ):
            return {}
        others = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        shares = {alias["FunctionVersion"]: 1 - sum(others.values()), **others}
        split: dict[int, float] = {}
        for version, share in shares.items():
            settings = functions.get_function_configuration(
                FunctionName=function, Qualifier=version
            )
            release = int(settings["Environment"]["Variables"]["RELEASE"])
            split[release] = round(split.get(release, 0) + share, 6)
        return split

    # ---- deciding

    def token(self, number: int) -> str:
        """The token of the release's approval, once it waits for an answer."""

        def found() -> str | None:
            review = self.actions(number).get("ApproveRelease", {})
            result = review.get("output", {}).get("executionResult", {})
            waits = review.get("status") == "InProgress"
            return result.get("externalExecutionId") if waits else None

        return str(eventually(found))

    def decide(self, number: int, status: str = "Approved", summary: str = "looks right") -> None:
        self.answer(self.token(number), status, summary)

    def answer(self, token: str, status: str, summary: str = "looks right") -> None:
        self.client("codepipeline").put_approval_result(
            pipelineName=self.outputs["ReleasePipelineName"],
            stageName="Review",
            actionName="ApproveRelease",
            result={"status": status, "summary": summary},
            token=token,
        )

    def promote(self, number: int) -> dict[str, Any]:
        self.decide(number)
        return self.ended(number, "PROMOTED")

    @contextmanager
    def scoring_with(self, more: str) -> Iterator[None]:
        """Releases that are packaged now get these lines at the end of answer_requests.py: they
        are added where Verify does not look, as a fault of the machine's libraries would be."""
        s3, bucket = self.client("s3"), self.outputs["DataBucketName"]
        (base,) = s3.list_objects_v2(Bucket=bucket, Prefix="packages/base/")["Contents"]
        content = s3.get_object(Bucket=bucket, Key=base["Key"])["Body"].read()
        changed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
            for name in old.namelist():
                # What is compiled is used unchecked.
                if not name.startswith("__pycache__/answer_requests."):
                    added = more.encode() if name == "answer_requests.py" else b""
                    new.writestr(name, old.read(name) + added)
        s3.put_object(Bucket=bucket, Key=base["Key"], Body=changed.getvalue())
        yield
        s3.put_object(Bucket=bucket, Key=base["Key"], Body=content)

    # ---- what must be true

    def check(self) -> None:
        """At most one champion, approved, and live; no live alias without it; registry and history
        as the records say. To be asked when nothing is under way: what follows by events may need
        a moment."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._check()
            except AssertionError:
                if time.monotonic() > limit:
                    raise
            time.sleep(0.1)

    def _check(self) -> None:
        items = self.items()
        releases = {
            int(one["release"]): one for name, one in items.items() if name[:8] == "release#"
        }
        champion = items.get("champion")
        history = self._history()
        assert "holder" not in items.get("deployment-lock", {})
        if champion is None:
            assert self.traffic() == {}
            assert not [one for one in releases.values() if one["status"] == "PROMOTED"]
        else:
            number = int(champion["release"])
            assert releases[number]["status"] == "PROMOTED"
            assert releases[number]["decision"] in ("approved", "automatic")
            assert self.traffic() == {number: 1.0}
            came = [one for one in history if one.event == "promoted" or _went_back(one)]
            assert came[-1].release == number
        self._check_registry(releases, champion)
        self._check_history(releases, history)

    def _check_registry(
        self, releases: dict[int, dict[str, Any]], champion: dict[str, Any] | None
    ) -> None:
        serving = []
        for number, item in releases.items():
            package = self.package(number)
            decided = item.get("decision") in ("approved", "automatic")
            wanted = REGISTRY.get(item["status"], "Approved" if decided else "Rejected")
            assert package["ModelApprovalStatus"] == wanted, (number, item)
            if package.get("ModelLifeCycle", {}).get("StageStatus") == "InService":
                serving.append(number)
        assert serving == ([int(champion["release"])] if champion else [])

    def _check_history(
        self, releases: dict[int, dict[str, Any]], history: list[HistoryEntry]
    ) -> None:
        told = [(one.event, one.release, one.execution, one.at) for one in history]
        assert len(told) == len(set(told))
        for number, item in releases.items():
            events = [one.event for one in history if one.release == number]
            decision = str(item.get("decision", "")).replace("automatic", "approved")
            decisions = [one for one in events if one in ("approved", "rejected", "expired")]
            assert events.count("opened") == 1, (number, events)
            assert decisions == ([decision] if decision not in ("", "superseded") else [])
            assert ("promoted" in events) == (item["status"] == "PROMOTED"), (number, events)

    def kill(self) -> None:
        """Kill the stage's process, and start it again."""
        self.laptop.kill()


def _went_back(happening: HistoryEntry) -> bool:
    """Is it the end of a rollback, not that of a canary?"""
    return happening.what == "back in service"


@contextmanager
def in_service(root: Path, model: str, pace: float) -> Iterator[Releases]:
    """A stage of its own with a model whose first release is in service."""
    with deployed(root, pace=pace) as laptop:
        releases = Releases(laptop, model)
        releases.run("serving: {canary: AllAtOnce}\n")
        releases.promote(1)
        yield releases
