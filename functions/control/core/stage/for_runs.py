"""What Close Run and Report Failure both reach: ledger, workflow and notices of their stage."""

from __future__ import annotations

import os
from functools import cache

import boto3
from botocore.config import Config

from core.runs.close_run import Closing
from core.runs.run_table import Ledger
from core.stage.notices import NoticeBoard
from core.stage.state_machine import Workflow


@cache
def gateways() -> Closing:
    config = Config(retries={"mode": "standard", "max_attempts": 6})
    return Closing(
        stack=os.environ["STACK_NAME"],
        ledger=Ledger(boto3.client("dynamodb", config=config), os.environ["MODEL_TABLE"]),
        workflow=Workflow(
            boto3.client("stepfunctions", config=config), os.environ["RETRAIN_MACHINE_ARN"]
        ),
        notices=NoticeBoard(
            boto3.client("sns", config=config), os.environ["NOTIFICATIONS_TOPIC_ARN"]
        ),
    )
