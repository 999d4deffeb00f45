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
        self.requests: list[dict[str, Any]] = []

    def client(self, service: str) -> Asked:
        return self.client_in(service, "the stage's region")

    def client_in(self, service: str, region: str) -> Asked:
        self.where.append((service, region))
        return self

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> dict[str, Any]:
            self.requests.append(request)
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
    assert connection.requests == [{"ChatConfigurationArn": SLACK}]


def test_a_channel_that_the_service_does_not_know_is_gone() -> None:
    said = {"Code": "InvalidRequestException", "Message": "The configuration could not be found"}
    gone = Asked(ClientError({"Error": said}, "GetMicrosoftTeamsChannelConfiguration"))
    channel = Resource("AWS::Chatbot::MicrosoftTeamsChannelConfiguration", SLACK)

    assert is_there(gone, channel) is False  # type: ignore[arg-type]


NETWORK = {
    "RouteTable": ("rtb-1", "RouteTableIds", "RouteTables", "InvalidRouteTableID.NotFound"),
    "SecurityGroup": ("sg-1", "GroupIds", "SecurityGroups", "InvalidGroup.NotFound"),
    "Subnet": ("subnet-1", "SubnetIds", "Subnets", "InvalidSubnetID.NotFound"),
    "VPC": ("vpc-1", "VpcIds", "Vpcs", "InvalidVpcID.NotFound"),
    "VPCEndpoint": ("vpce-1", "VpcEndpointIds", "VpcEndpoints", "InvalidVpcEndpointId.NotFound"),
}


@pytest.mark.parametrize("kind", NETWORK)
def test_a_part_of_a_network_is_asked_about_by_its_id_and_ec2_has_a_code_for_each_that_is_gone(
    kind: str,
) -> None:
    name, parameter, member, code = NETWORK[kind]
    there = Asked({member: [{"State": "available"}]})
    gone = Asked(ClientError({"Error": {"Code": code, "Message": "it is not"}}, "Describe"))
    refused = Asked(ClientError({"Error": {"Code": "UnauthorizedOperation"}}, "Describe"))
    part = Resource(f"AWS::EC2::{kind}", name)

    assert is_there(there, part) is True  # type: ignore[arg-type]
    assert is_there(gone, part) is False  # type: ignore[arg-type]
    assert there.requests == [{parameter: [name]}]
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        is_there(refused, part)  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "there"), [("available", True), ("deleted", False)])
def test_an_endpoint_that_ec2_lists_for_a_while_after_its_end_is_gone(
    state: str, there: bool
) -> None:
    listed = Asked({"VpcEndpoints": [{"State": state}]})

    assert is_there(listed, Resource("AWS::EC2::VPCEndpoint", "vpce-1")) is there  # type: ignore[arg-type]
