"""What makes the planner tick, and what it hears of new data."""

import re
from typing import Any

import pytest

from core.words.language import LANGUAGES
from tests.support.translation import resolve, resources, source, statements, translated, whole

QUEUES = resources("AWS::SQS::Queue")


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = resolve(whole()["Resources"][name]["Properties"])
    return found


def schedule_of(function: str, **parameters: Any) -> dict[str, Any]:
    """The schedule that calls a function, with these parameters of the stage."""
    every = [
        resolve(each["Properties"], **parameters)
        for each in translated()["Resources"].values()
        if each["Type"] == "AWS::Scheduler::Schedule"
    ]
    [found] = [each for each in every if str(each["Target"]["Arn"]).endswith(f":{function}")]
    return found


@pytest.mark.parametrize(
    ("digest", "expression", "state"),
    [
        ("daily", "cron(0 8 * * ? *)", "ENABLED"),
        ("weekly", "cron(0 8 ? * MON *)", "ENABLED"),
        ("off", "cron(0 8 ? * MON *)", "DISABLED"),
    ],
)
def test_a_digest_is_due_at_eight_in_the_stages_time_zone(
    digest: str, expression: str, state: str
) -> None:
    found = schedule_of("SendDigestFunction", Digest=digest, TimeZone="Asia/Tokyo")

    assert (found["ScheduleExpression"], found["State"]) == (expression, state)
    assert found["ScheduleExpressionTimezone"] == "Asia/Tokyo"
    assert found["Target"]["DeadLetterConfig"]["Arn"].endswith(":NoticeDeadLetters")


def test_the_planner_ticks_every_five_minutes_with_the_time_at_which_it_was_to() -> None:
    found = schedule_of("PlanFunction")

    assert found["ScheduleExpression"] == "rate(5 minutes)"
    assert found["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert found["Target"] == {
        "Arn": "arn:aws:lambda:us-east-1:123456789012:function:PlanFunction",
        "RoleArn": "arn:aws:iam::123456789012:role/PlanScheduleRole",
        "Input": '{"at": "<aws.scheduler.scheduled-time>"}',
        "RetryPolicy": {"MaximumEventAgeInSeconds": 240, "MaximumRetryAttempts": 3},
        "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:123456789012:PlanDeadLetters"},
    }


def test_a_tick_ends_before_the_next_one_and_before_its_messages_come_back() -> None:
    timeout = properties("PlanFunction")["Timeout"]

    assert timeout < 300
    assert timeout < properties("ArrivalsQueue")["VisibilityTimeout"]


def test_an_object_of_a_data_set_reaches_the_queue_of_arrivals_and_nothing_runs_for_it() -> None:
    rule = properties("DataArrivedRule")

    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": ["DataBucket"]},
            "object": {"key": [{"prefix": "datasets/"}]},
        },
    }
    [target] = rule["Targets"]
    assert target["Arn"].endswith(":ArrivalsQueue")
    assert target["DeadLetterConfig"]["Arn"].endswith(":ArrivalsDeadLetters")
    assert properties("DataBucket")["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    assert not resources("AWS::Lambda::EventSourceMapping")


def test_what_a_tick_cannot_read_again_and_again_goes_to_the_dead_letters() -> None:
    assert properties("ArrivalsQueue")["RedrivePolicy"] == {
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:ArrivalsDeadLetters",
        "maxReceiveCount": 10,
    }


@pytest.mark.parametrize("name", QUEUES)
def test_queues_are_encrypted_and_keep_their_messages_for_two_weeks(name: str) -> None:
    found = properties(name)

    assert found["SqsManagedSseEnabled"] is True
    assert found["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize("name", QUEUES)
def test_queues_answer_through_tls_only_and_take_from_outside_what_rules_send(
    name: str,
) -> None:
    policies = [resolve(one["Properties"]) for one in resources("AWS::SQS::QueuePolicy").values()]
    [policy] = [one["PolicyDocument"] for one in policies if one["Queues"][0].endswith(f"/{name}")]
    deny, *allowed = statements(policy)

    assert (deny["Effect"], deny["Action"]) == ("Deny", ["sqs:*"])
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    rules = "arn:aws:events:us-east-1:123456789012:rule"
    sends = {
        "ChatDeadLetters": {"ArnEquals": {"aws:SourceArn": f"{rules}/SendChatFunctionFact"}},
        "ExperimentsWaiting": {
            "ArnEquals": {
                "aws:SourceArn": [
                    f"{rules}/RecordExperimentFunctionFact",
                    f"{rules}/RecordExperimentFunctionMonitoringEnded",
                ]
            }
        },
        "NoticeDeadLetters": {"ArnLike": {"aws:SourceArn": f"{rules}/EventBus/*"}},
    }
    data = {"ArnEquals": {"aws:SourceArn": f"{rules}/DataArrivedRule"}}
    assert [(one["Principal"], one["Action"], one["Condition"]) for one in allowed] == (
        []
        # The schedule's own role writes there, and SQS itself.
        if name in ("PlanDeadLetters", "ExperimentDeadLetters")
        else [
            (
                {"Service": "events.amazonaws.com"},
                ["sqs:SendMessage"],
                sends.get(name, data),
            )
        ]
    )


def test_missing_ticks_alarm_and_so_do_dead_letters() -> None:
    missed, letters = properties("PlanMissedAlarm"), properties("PlanDeadLettersAlarm")

    assert missed["TreatMissingData"] == "breaching"
    assert missed["AlarmActions"] == letters["AlarmActions"]
    assert (missed["MetricName"], missed["Dimensions"][0]["Value"]) == (
        "Invocations",
        "PlanFunction",
    )
    # Three ticks.
    assert (missed["Period"], missed["ComparisonOperator"], missed["Threshold"]) == (
        900,
        "LessThanThreshold",
        1,
    )
    watched = [one["MetricStat"]["Metric"]["Dimensions"] for one in letters["Metrics"][1:]]
    assert watched == [
        [{"Name": "QueueName", "Value": "PlanDeadLetters.QueueName"}],
        [{"Name": "QueueName", "Value": "ArrivalsDeadLetters.QueueName"}],
    ]


@pytest.mark.parametrize("written", ["", "250", "99.50"])
def test_a_budget_of_the_stage_is_a_number_or_none(written: str) -> None:
    pattern = source()["Parameters"]["MonthlyBudgetUsd"]["AllowedPattern"]

    assert re.search(pattern, written)
    assert not re.search(pattern, "about 5")


def test_the_functions_are_told_how_to_speak() -> None:
    function = translated()["Resources"]["PlanFunction"]["Properties"]
    told = resolve(function, Language="ja", TimeZone="Asia/Tokyo")["Environment"]["Variables"]

    assert (told["STAGE_LANGUAGE"], told["STAGE_TIME_ZONE"]) == ("ja", "Asia/Tokyo")
    assert source()["Parameters"]["Language"]["AllowedValues"] == list(LANGUAGES)


def test_the_functions_are_told_the_limits_of_planning() -> None:
    function = translated()["Resources"]["PlanFunction"]["Properties"]
    told = resolve(function, MonthlyBudgetUsd="250", PlannedAtOnce=3)["Environment"]["Variables"]

    assert (told["MONTHLY_BUDGET_USD"], told["PLANNED_AT_ONCE"]) == ("250", 3)
