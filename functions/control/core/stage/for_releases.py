"""What the functions of releases reach. Each client is made when it is first asked for."""

from __future__ import annotations

import os
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from core.releases.release_table import ReleaseLedger
from core.stage.bucket import Store
from core.stage.items import Items
from core.stage.notices import NoticeBoard
from core.stage.packages import Packages
from core.stage.pipeline_job import Jobs
from core.stage.release_pipeline import Pipeline
from core.stage.serving_stack import Serving

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

# A live model that does not answer in this time is none: the action fails and says so.
_CONFIG = Config(retries={"mode": "standard", "max_attempts": 6}, read_timeout=60)


class ReleaseStage:
    """The stage this function is deployed to; see releases.stage.Stage."""

    @cached_property
    def name(self) -> str:
        return os.environ["STACK_NAME"]

    @cached_property
    def ledger(self) -> ReleaseLedger:
        table = os.environ["MODEL_TABLE"]
        return ReleaseLedger(Items(_client("dynamodb"), table))

    @cached_property
    def store(self) -> Store:
        return Store(_client("s3"), os.environ["DATA_BUCKET"])

    @cached_property
    def pipeline(self) -> Pipeline:
        return Pipeline(self._codepipeline, os.environ["RELEASE_PIPELINE"])

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self._codepipeline)

    @cached_property
    def packages(self) -> Packages:
        return Packages(_client("sagemaker"))

    @cached_property
    def serving(self) -> Serving:
        return Serving(_client, self.name)

    @cached_property
    def notices(self) -> NoticeBoard:
        topic = os.environ["NOTIFICATIONS_TOPIC_ARN"]
        return NoticeBoard(_client("sns"), topic)

    @cached_property
    def _codepipeline(self) -> CodePipelineClient:
        client: CodePipelineClient = _client("codepipeline")
        return client


@cache
def release_stage() -> ReleaseStage:
    return ReleaseStage()


def _client(name: str) -> Any:
    return boto3.client(name, config=_CONFIG)  # type: ignore[call-overload]
