"""Chat: there only where it is asked for, and nobody acts from a channel."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.translation import (
    _holds,
    denied,
    granted,
    resolve,
    resources,
    source,
    statements,
    whole,
)

SLACK = "T0ABC123DEF/C0ABC123DEF"
TEAM = "8a1b2c3d-0000-4000-8000-0123456789ab"
TEAMS = f"{TEAM}/{TEAM}/19%3aabc_DEF-1%40thread.tacv2"
PARAMETERS = source()["Parameters"]


def conditions(**given: Any) -> set[str]:
    """Which of the conditions about chat hold."""
    defaults = {name: entry["Default"] for name, entry in PARAMETERS.items()}
    names = ("HasChannelOnAws", "HasChat")
    return {name for name in names if _holds({"Condition": name}, {**defaults, **given})}


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ({}, set()),
        ({"SlackChannel": SLACK}, {"HasChannelOnAws", "HasChat"}),
        ({"TeamsChannel": TEAMS}, {"HasChannelOnAws", "HasChat"}),
        ({"SlackChannel": SLACK, "TeamsChannel": TEAMS}, {"HasChannelOnAws", "HasChat"}),
        ({"ChatMessages": "true"}, {"HasChat"}),
        ({"SlackChannel": SLACK, "Stage": "local"}, {"HasChat"}),
    ],
)
def test_a_stage_has_chat_only_where_a_parameter_asks_for_it(
    given: dict[str, str], held: set[str]
) -> None:
    assert conditions(**given) == held


def test_all_that_chat_needs_is_behind_its_conditions() -> None:
    part_of = {
        name: entry.get("Condition")
        for name, entry in whole()["Resources"].items()
        if "Chat" in name and "Channel" not in name and name != "NothingFromChatPolicy"
    }

    assert set(part_of.values()) == {"HasChat"}
    assert whole()["Resources"]["ChatChannels"]["Condition"] == "HasChannelOnAws"


@pytest.mark.parametrize(
    ("parameter", "value", "taken"),
    [
        ("SlackChannel", SLACK, True),
        ("SlackChannel", "T0ABC123DEF", False),  # the channel is missing
        ("SlackChannel", "/C0ABC123DEF", False),
        ("SlackChannel", "T0ABC123DEF/#general", False),
        ("TeamsChannel", TEAMS, True),
        ("TeamsChannel", f"{TEAM}/{TEAM}", False),
        ("TeamsChannel", f"{TEAM}/19%3aabc%40thread.tacv2", False),
        ("TeamsChannel", f"{TEAM}/{TEAM}/19:abc@thread.tacv2", False),  # not as it is in the link
    ],
)
def test_a_channel_is_named_whole_or_not_at_all(parameter: str, value: str, taken: bool) -> None:
    pattern = PARAMETERS[parameter]["AllowedPattern"]

    assert bool(re.fullmatch(pattern, value)) is taken
    assert re.fullmatch(pattern, "")


def test_the_channels_get_the_chat_topic_and_their_ids() -> None:
    given = {"SlackChannel": SLACK, "TeamsChannel": TEAMS}

    def configuration(kind: str) -> dict[str, Any]:
        [one] = resources(f"AWS::Chatbot::{kind}ChannelConfiguration").values()
        found: dict[str, Any] = resolve(one["Properties"], **given)
        return found

    slack, teams = configuration("Slack"), configuration("MicrosoftTeams")
    assert [slack["SlackWorkspaceId"], slack["SlackChannelId"]] == SLACK.split("/")
    assert [teams["TeamsTenantId"], teams["TeamId"], teams["TeamsChannelId"]] == TEAMS.split("/")
    for one in (slack, teams):
        assert one["SnsTopicArns"] == ["arn:aws:sns:us-east-1:123456789012:ChatTopic"]


def test_nobody_can_do_anything_from_a_channel() -> None:
    nothing = "arn:aws:iam::123456789012:policy/NothingFromChatPolicy"
    for kind in ("Slack", "MicrosoftTeams"):
        [one] = resources(f"AWS::Chatbot::{kind}ChannelConfiguration").values()
        found = resolve(one["Properties"])
        assert found["IamRoleArn"].endswith(":role/ChatChannelRole")
        # Without one, AWS takes AdministratorAccess.
        assert found["GuardrailPolicies"] == [nothing]

    assert granted("ChatChannelRole") == denied("ChatChannelRole") == []
    policy = resources("AWS::IAM::ManagedPolicy")["NothingFromChatPolicy"]["Properties"]
    [statement] = statements(policy["PolicyDocument"])
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == (
        *("Deny", ["*"], ["*"]),
    )


def test_the_topic_takes_messages_through_tls_only_and_from_send_chat() -> None:
    policy = resources("AWS::SNS::TopicPolicy")["ChatTopicPolicy"]["Properties"]
    [deny] = statements(policy["PolicyDocument"])

    assert (deny["Effect"], deny["Action"]) == ("Deny", ["sns:Publish"])
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_what_cannot_be_sent_is_left_in_the_dead_letters_which_have_an_alarm() -> None:
    letters = "arn:aws:sqs:us-east-1:123456789012:ChatDeadLetters"
    rule = resolve(resources("AWS::Events::Rule")["SendChatFunctionFact"]["Properties"])
    [failing] = [
        resolve(one["Properties"])
        for one in resources("AWS::Lambda::EventInvokeConfig").values()
        if one["Properties"]["FunctionName"] == {"Ref": "SendChatFunction"}
    ]
    alarm = resolve(resources("AWS::CloudWatch::Alarm")["ChatDeadLettersAlarm"]["Properties"])

    assert rule["Targets"][0]["DeadLetterConfig"] == {"Arn": letters}
    assert failing["DestinationConfig"] == {"OnFailure": {"Destination": letters}}
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "ChatDeadLetters.QueueName"}]
    assert alarm["AlarmActions"] == ["arn:aws:sns:us-east-1:123456789012:NotificationsTopic"]
