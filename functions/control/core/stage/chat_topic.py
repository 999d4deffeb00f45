"""The topic whose messages chat channels show."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

    from core.report.fact import Fact


class ChatTopic:
    def __init__(self, client: SNSClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    def publish(self, fact: Fact, message: str) -> None:
        """The message as it is, with attributes that a subscription may choose by."""
        attributes = {"event": fact.event, "model": fact.model or "-", "severity": fact.severity}
        self._client.publish(
            TopicArn=self._arn,
            Message=message,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )
