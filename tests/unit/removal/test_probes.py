"""Whether a resource is still there, as its own service says, asked where the service is."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from kanmon.removal.probes import is_there
from kanmon.removal.things import Resource

SLACK = "arn:aws:chatbot::123456789012:chat-configuration/slack-channel/kanmon-dev-slack"


class Asked:
    """A connection that notes where a service was asked, and answers as it is told to."""

    def __init__(self, answer: dict[str, Any] | ClientError) -> None:
        self.answer = answer
        self.where: list[tuple[str, str]] = []

    def client(self, service: str) -> Asked:
        return self.client_in(service, "the stage's region")

    def client_in(self, service: str, region: str) -> Asked:
        self.where.append((service, region))
        return self

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> dict[str, Any]:
            assert request == {"ChatConfigurationArn": SLACK}
            if isinstance(self.answer, ClientError):
                raise self.answer
            return self.answer

        return call


@pytest.mark.parametrize(
    ("kind", "answer", "there"),
    [
        ("Slack", {"SlackChannelConfigurations": [{"ChatConfigurationArn": SLACK}]}, True),
        ("Slack", {"SlackChannelConfigurations": []}, False),
        ("MicrosoftTeams", {"ChannelConfiguration": {"ChatConfigurationArn": SLACK}}, True),
        ("MicrosoftTeams", {}, False),
    ],
)
def test_a_channel_of_chat_is_asked_about_in_a_region_where_the_service_answers(
    kind: str, answer: dict[str, Any], there: bool
) -> None:
    connection = Asked(answer)
    channel = Resource(f"AWS::Chatbot::{kind}ChannelConfiguration", SLACK)

    assert is_there(connection, channel) is there  # type: ignore[arg-type]
    assert connection.where == [("chatbot", "us-east-2")]


def test_a_channel_that_the_service_does_not_know_is_gone() -> None:
    said = {"Code": "InvalidRequestException", "Message": "The configuration could not be found"}
    gone = Asked(ClientError({"Error": said}, "GetMicrosoftTeamsChannelConfiguration"))
    channel = Resource("AWS::Chatbot::MicrosoftTeamsChannelConfiguration", SLACK)

    assert is_there(gone, channel) is False  # type: ignore[arg-type]
