"""The stage a function is deployed to: every gateway, each made when it is first used."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from core.stage.arrivals import Arrivals
from core.stage.batch_table import BatchTable
from core.stage.bucket import Store
from core.stage.chat_topic import ChatTopic
from core.stage.cost_table import CostTable
from core.stage.event_bus import EventBus
from core.stage.experiment_table import ExperimentTable
from core.stage.images import RUN_STEPS, STEPS, StepFunctions, StepImage, resolve_images
from core.stage.items import Items
from core.stage.links import Links
from core.stage.monitoring_table import MonitoringTable
from core.stage.notice_table import NoticeTable
from core.stage.pipeline_job import Artifacts, Jobs
from core.stage.plan_table import PlanTable
from core.stage.registry import Registry
from core.stage.release_pipeline import Pipeline
from core.stage.release_table import ReleaseTable
from core.stage.row_hasher import RowHasher
from core.stage.run_table import RunTable
from core.stage.serving_stack import Serving
from core.stage.state_machine import Workflow
from core.stage.step_jobs import StepJobs
from core.stage.topic import Topic
from core.stage.waiting_records import WaitingRecords

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_dynamodb import DynamoDBClient

# A throttled service is worth waiting for: a run takes minutes, a retry less. A live model that
# does not answer in this time counts as none: the action fails.
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 6}, read_timeout=60)


class Stage:
    """Names and gateways. A function pays only for the clients it uses."""

    @cached_property
    def name(self) -> str:
        return os.environ["STACK_NAME"]

    @cached_property
    def short_name(self) -> str:
        """local, dev or prod: what a command takes as --stage."""
        return os.environ["STAGE"]

    @cached_property
    def region(self) -> str:
        return os.environ["AWS_REGION"]

    @cached_property
    def account(self) -> str:
        return os.environ["NOTIFICATIONS_TOPIC_ARN"].split(":")[4]

    @cached_property
    def step_functions(self) -> StepFunctions:
        """The steps that are functions on this stage."""
        digests, memory = os.environ["STEP_IMAGE_DIGESTS"], os.environ["STEP_MEMORY_MB"]
        return StepFunctions.read(digests, STEPS, int(memory))

    @cached_property
    def runs(self) -> RunTable:
        return RunTable(self._dynamodb, os.environ["MODEL_TABLE"])

    @cached_property
    def releases(self) -> ReleaseTable:
        return ReleaseTable(Items(self._dynamodb, os.environ["MODEL_TABLE"]))

    @cached_property
    def batches(self) -> BatchTable:
        return BatchTable(Items(self._dynamodb, os.environ["MODEL_TABLE"]))

    @cached_property
    def monitorings(self) -> MonitoringTable:
        return MonitoringTable(Items(self._dynamodb, os.environ["MODEL_TABLE"]))

    @cached_property
    def plans(self) -> PlanTable:
        return PlanTable(Items(self._dynamodb, os.environ["MODEL_TABLE"]))

    @cached_property
    def arrivals(self) -> Arrivals:
        return Arrivals(_client("sqs"), os.environ["ARRIVALS_QUEUE_URL"])

    @cached_property
    def costs(self) -> CostTable:
        return CostTable(self._dynamodb, os.environ["MODEL_TABLE"])

    @cached_property
    def step_jobs(self) -> StepJobs:
        return StepJobs(_client("sagemaker"))

    @cached_property
    def store(self) -> Store:
        return Store(_client("s3"), os.environ["DATA_BUCKET"])

    @property
    def gather_workgroups(self) -> str:
        """What the names of the workgroups begin with; empty where no query may run."""
        return os.environ.get("GATHER_WORKGROUPS", "")

    @property
    def gather_models(self) -> frozenset[str]:
        """The models that a job may gather the data of."""
        return frozenset(os.environ.get("GATHER_MODELS", "").split(",")) - {""}

    @cached_property
    def row_hasher(self) -> RowHasher:
        patient = _CONFIG.merge(Config(read_timeout=900))
        client = boto3.client("lambda", config=patient)
        return RowHasher(client, os.environ["HASH_ROWS_FUNCTION"], self.store.bucket)

    @cached_property
    def registry(self) -> Registry:
        return Registry(_client("sagemaker"))

    @cached_property
    def workflow(self) -> Workflow:
        return Workflow(_client("stepfunctions"), os.environ["RETRAIN_MACHINE_ARN"])

    @cached_property
    def scoring(self) -> Workflow:
        return Workflow(_client("stepfunctions"), os.environ["SCORE_MACHINE_ARN"])

    @cached_property
    def watching(self) -> Workflow:
        return Workflow(_client("stepfunctions"), os.environ["MONITOR_MACHINE_ARN"])

    def machine_of(self, work: str) -> Workflow:
        """The workflow that does it."""
        return {"retrain": self.workflow, "score": self.scoring, "monitor": self.watching}[work]

    @cached_property
    def pipeline(self) -> Pipeline:
        minutes = int(os.environ.get("APPROVAL_MINUTES", "0")) or None
        return Pipeline(self._codepipeline, os.environ["RELEASE_PIPELINE"], minutes)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self._codepipeline)

    @cached_property
    def artifacts(self) -> Artifacts:
        return Artifacts(_client("s3"))

    @cached_property
    def serving(self) -> Serving:
        return Serving(_client, self.name)

    @cached_property
    def events(self) -> EventBus:
        return EventBus(_client("events"), os.environ["EVENT_BUS"])

    @cached_property
    def notices(self) -> NoticeTable:
        return NoticeTable(Items(self._dynamodb, os.environ["MODEL_TABLE"]))

    @cached_property
    def topic(self) -> Topic:
        return Topic(_client("sns"), os.environ["NOTIFICATIONS_TOPIC_ARN"])

    @cached_property
    def chat(self) -> ChatTopic:
        return ChatTopic(_client("sns"), os.environ["CHAT_TOPIC_ARN"])

    @cached_property
    def experiments(self) -> ExperimentTable:
        return ExperimentTable(Items(self._dynamodb, os.environ["MODEL_TABLE"]))

    @cached_property
    def waiting_records(self) -> WaitingRecords:
        return WaitingRecords(_client("sqs"), os.environ["EXPERIMENTS_QUEUE_URL"])

    @property
    def mlflow_tracking(self) -> str:
        """The URI or the ARN that experiment records go to."""
        return os.environ["MLFLOW_TRACKING"]

    def secret(self, arn: str) -> str:
        """The text of a secret, read anew: it may have been given another value."""
        return str(_client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])

    @cached_property
    def links(self) -> Links:
        return Links(
            self.region,
            account=self.account,
            portal=os.environ.get("SIGN_IN_PORTAL", ""),
            permission_set=os.environ.get("APPROVER_PERMISSION_SET", ""),
            dashboard=os.environ.get("REVIEW_DASHBOARD", ""),
        )

    def spent(self, usd: float) -> None:
        """Send what work cost as the stage's metric of it. Zero is not sent."""
        from aws_lambda_powertools.metrics import MetricUnit, single_metric

        if usd:
            with single_metric("SpentUsd", MetricUnit.NoUnit, usd):
                pass

    def images(self, steps: Iterable[str] = RUN_STEPS) -> dict[str, StepImage]:
        """The images of these steps as they are now."""
        repository = os.environ["STEPS_REPOSITORY"]
        return resolve_images(
            _client("ecr"), repository, self.short_name, self.store.content_of_image, steps
        )

    @cached_property
    def _dynamodb(self) -> DynamoDBClient:
        client: DynamoDBClient = _client("dynamodb")
        return client

    @cached_property
    def _codepipeline(self) -> CodePipelineClient:
        client: CodePipelineClient = _client("codepipeline")
        return client


@cache
def stage() -> Stage:
    """The one of this process, which keeps its clients between calls."""
    return Stage()


def _client(name: str) -> Any:
    return boto3.client(name, config=_CONFIG)  # type: ignore[call-overload]
