"""The topic that mails are sent through; programs get the fact as JSON from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

    from core.report.fact import Fact


class Topic:
    def __init__(self, client: SNSClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, fact: Fact, subject: str, text: str) -> None:
        """Subscriptions can filter by the attributes event, model and severity."""
        attributes = {"event": fact.event, "model": fact.model or "-", "severity": fact.severity}
        self._client.publish(
            TopicArn=self._arn,
            Subject=subject,
            Message=json.dumps({"default": json.dumps(fact.document()), "email": text}),
            MessageStructure="json",
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )
