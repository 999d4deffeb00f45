"""What the stack's resources must be like after every edit of the template."""

import json
from typing import Any

import pytest

from core.stage.release_pipeline import Pipeline
from core.stage.serving_stack import HALT_SECONDS
from tests.support.translation import resolve, resources, source, statements, translated, whole
from tests.support.workflow_definition import WORKFLOWS, states

BUCKETS = resources("AWS::S3::Bucket")
FUNCTIONS = resources("AWS::Lambda::Function")
ALARMS = resources("AWS::CloudWatch::Alarm")
# Types that cost nothing, or next to nothing, while nothing runs. Anything else needs a thought.
WITHOUT_STANDING_COST = {
    "AWS::Athena::WorkGroup",  # by what its queries read
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration",
    "AWS::Chatbot::SlackChannelConfiguration",
    "AWS::CloudFormation::Stack",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::CodeBuild::Project",
    "AWS::CodePipeline::Pipeline",  # of type V2: by the minute of its actions
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::Events::EventBus",  # by its events
    "AWS::Events::EventBusPolicy",
    "AWS::Events::Rule",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    # QuickSight bills its users, and a stage has these only when it names one.
    "AWS::QuickSight::Dashboard",
    "AWS::QuickSight::DataSet",
    "AWS::QuickSight::DataSource",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",  # by its requests
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",  # by its calls, of which an account has millions for nothing
    "AWS::StepFunctions::StateMachine",
}
# They end in Name and name nothing of the stack's.
FOR_PEOPLE = (
    "DisplayName",
    "PolicyName",
    "FunctionName",
    "MetricName",
    "DatabaseName",
    "EventBusName",
)
# Names that something outside the stack must know beforehand; all others are CloudFormation's.
NAMED = {
    "RetrainStateMachine": "kanmon-test-retrain",
    "MonitorStateMachine": "kanmon-test-monitor",
    "MonitorLogGroup": "/aws/vendedlogs/states/kanmon-test-monitor",
    "MonitorFailedAlarm": "kanmon-test-monitor-failed",
    "ScoreStateMachine": "kanmon-test-score",
    "ScoreLogGroup": "/aws/vendedlogs/states/kanmon-test-score",
    "ScoreFailedAlarm": "kanmon-test-score-failed",
    "WatchFunctionErrorsAlarm": "kanmon-test-watch-function-errors",
    "PlanMissedAlarm": "kanmon-test-plan-missed",
    "PlanDeadLettersAlarm": "kanmon-test-plan-dead-letters",
    "ChatDeadLettersAlarm": "kanmon-test-chat-dead-letters",
    "EventBus": "kanmon-test",
    "NoticeDeadLettersAlarm": "kanmon-test-notice-dead-letters",
    # What the chat service wants.
    "SlackChannelConfiguration": "kanmon-test-slack",
    "TeamsChannelConfiguration": "kanmon-test-teams",
    "OperationsDashboard": "kanmon-test-operations",
    "RetrainLogGroup": "/aws/vendedlogs/states/kanmon-test-retrain",
    "ReleasePipeline": "kanmon-test-release",
    "ServingSourceLayer": "kanmon-test-serving-source",  # else SAM's, the same on every stage
    "StepsRepository": "kanmon-test-steps",
    "RetrainFailedAlarm": "kanmon-test-retrain-failed",
    "ReleaseFailedAlarm": "kanmon-test-release-failed",
    "FunctionErrorsAlarm": "kanmon-test-function-errors",
    "MetricsWorkGroup": "kanmon-test-metrics",
    # What people see in QuickSight.
    "MetricsSource": "kanmon-test metrics",
    "MetricsDataSet": "kanmon-test metrics",
    "MetricsDashboard": "kanmon-test models",
}


def properties(name: str, stage: str = "dev") -> dict[str, Any]:
    found: dict[str, Any] = resolve(whole()["Resources"][name]["Properties"], stage)
    return found


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_are_versioned_encrypted_and_private(bucket: str) -> None:
    found = properties(bucket)
    [encryption] = found["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert found["VersioningConfiguration"] == {"Status": "Enabled"}
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert found["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert found["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_answer_through_tls_only(bucket: str) -> None:
    [policy] = [
        entry["Properties"]["PolicyDocument"]
        for entry in resources("AWS::S3::BucketPolicy").values()
        if entry["Properties"]["Bucket"] == {"Ref": bucket}
    ]

    assert statements(policy)[0] == {
        "Sid": "OnlyThroughTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:*"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


@pytest.mark.parametrize("bucket", BUCKETS)
def test_no_bucket_policy_allows_the_public_anything(bucket: str) -> None:
    for entry in resources("AWS::S3::BucketPolicy").values():
        for statement in statements(entry["Properties"]["PolicyDocument"]):
            assert statement["Effect"] == "Deny" or statement["Principal"] != "*"


def test_access_to_data_is_logged() -> None:
    assert properties("DataBucket")["LoggingConfiguration"] == {
        "DestinationBucketName": "AccessLogsBucket",
        "LogFilePrefix": "data/",
    }


def test_replaced_data_outlives_the_runs_that_read_it_and_champions_never_expire() -> None:
    rules = {
        rule["Id"]: rule for rule in properties("DataBucket")["LifecycleConfiguration"]["Rules"]
    }

    assert rules["ReplacedData"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 400}
    expiring = [rule["Prefix"] for rule in rules.values() if "ExpirationInDays" in rule]
    assert expiring == ["capture/", "inputs/", "batches/"]
    assert "NoncurrentVersionExpiration" not in rules["AbandonedUploads"]
    # A package whose version is gone cannot be gone back to.
    assert "NoncurrentVersionExpiration" not in rules["OldPackages"]
    assert not [rule for rule in rules.values() if rule.get("Prefix", "").startswith("releases")]


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("CapturedRequests", "CaptureRetentionDays"),
        ("FilesForBatches", "ScoreRetentionDays"),
        ("ScoresOfBatches", "ScoreRetentionDays"),
    ],
)
def test_what_may_be_about_people_goes_after_as_many_days_as_asked(
    name: str, parameter: str
) -> None:
    found = translated()["Resources"]["DataBucket"]["Properties"]["LifecycleConfiguration"]
    [rule] = [one for one in found["Rules"] if one["Id"] == name]

    assert resolve(rule, **{parameter: 77})["ExpirationInDays"] == 77


def test_pipeline_artifacts_go_a_month_after_the_review_and_the_access_to_them_is_logged() -> None:
    bucket = properties("PipelineBucket")
    [rule] = bucket["LifecycleConfiguration"]["Rules"]

    assert (rule["ExpirationInDays"], rule.get("Prefix")) == (37, None)
    assert bucket["LoggingConfiguration"] == {
        "DestinationBucketName": "AccessLogsBucket",
        "LogFilePrefix": "pipeline/",
    }


def test_s3_may_deliver_every_log_that_a_bucket_asks_for() -> None:
    [policy] = [
        entry["Properties"]["PolicyDocument"]
        for entry in resources("AWS::S3::BucketPolicy").values()
        if entry["Properties"]["Bucket"] == {"Ref": "AccessLogsBucket"}
    ]
    [allowed] = [one for one in statements(policy) if one["Effect"] == "Allow"]
    asked = {
        f"arn:aws:s3:::{name}": f"arn:aws:s3:::AccessLogsBucket/{logging['LogFilePrefix']}*"
        for name in BUCKETS
        if (logging := properties(name).get("LoggingConfiguration"))
    }

    assert allowed["Condition"]["ArnLike"] == {"aws:SourceArn": list(asked)}
    assert allowed["Resource"] == list(asked.values())


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("DataBucket", "RetainExceptOnCreate"),
        ("PipelineBucket", "RetainExceptOnCreate"),
        ("AccessLogsBucket", "RetainExceptOnCreate"),
        ("ModelTable", "Retain"),  # a protected table would make a rollback fail
    ],
)
def test_history_outlives_the_stack(name: str, kept: str) -> None:
    resource = translated()["Resources"][name]

    assert resource["DeletionPolicy"] == kept
    assert resource["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize(("stage", "protected"), [("local", False), ("dev", True), ("prod", True)])
def test_the_table_can_be_restored_and_is_hard_to_delete(stage: str, protected: bool) -> None:
    table = properties("ModelTable", stage)

    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is protected


def test_images_are_scanned_and_only_untagged_ones_are_cleared_away() -> None:
    repository = properties("StepsRepository")
    policy = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])

    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert [rule["selection"] for rule in policy["rules"]] == [
        {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 100}
    ]


@pytest.mark.parametrize("name", resources("AWS::Logs::LogGroup"))
def test_logs_are_kept_as_long_as_asked_and_no_longer(name: str) -> None:
    assert properties(name)["RetentionInDays"] == 30


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_log_json_to_the_one_group_and_are_traced(name: str) -> None:
    function = properties(name)

    assert function["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "FunctionsLogGroup"}
    assert function["TracingConfig"] == {"Mode": "Active"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_run_on_python_3_13(name: str) -> None:
    assert properties(name)["Runtime"] == "python3.13"


def test_functions_know_their_stage_by_the_same_variables() -> None:
    environments = {name: properties(name)["Environment"]["Variables"] for name in FUNCTIONS}

    # A topic that only some stages have.
    chat = environments["SendChatFunction"].pop("CHAT_TOPIC_ARN")
    assert chat == "arn:aws:sns:us-east-1:123456789012:ChatTopic"
    assert environments["OpenRunFunction"] == {
        "STAGE": "dev",
        "STACK_NAME": "kanmon-test",
        "STAGE_LANGUAGE": "en",
        "STAGE_TIME_ZONE": "UTC",
        "DATA_BUCKET": "DataBucket",
        "MODEL_TABLE": "ModelTable",
        "STEPS_REPOSITORY": "StepsRepository",
        "EVENT_BUS": "EventBus",
        "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:NotificationsTopic",
        "RETRAIN_MACHINE_ARN": (
            "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-retrain"
        ),
        "SCORE_MACHINE_ARN": (
            "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-score"
        ),
        "MONITOR_MACHINE_ARN": (
            "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-monitor"
        ),
        "ARRIVALS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/ArrivalsQueue",
        "MONTHLY_BUDGET_USD": "",
        "PLANNED_AT_ONCE": 20,
        "DIGEST": "weekly",
        "RELEASE_PIPELINE": "kanmon-test-release",
        "AUTOMATIC_APPROVAL": "true",
        "APPROVAL_MINUTES": 7 * 24 * 60,
        "SIGN_IN_PORTAL": "",
        "APPROVER_PERMISSION_SET": "Approver",
        "REVIEW_DASHBOARD": "",
        "POWERTOOLS_SERVICE_NAME": "kanmon-test",
        "POWERTOOLS_METRICS_NAMESPACE": "Kanmon",
    }
    assert all(one == environments["OpenRunFunction"] for one in environments.values())


def test_a_function_gives_up_before_the_state_that_called_it() -> None:
    timeouts = {name: properties(name)["Timeout"] for name in FUNCTIONS}
    waiting = {
        f"{name.replace(' ', '')}Function": state["TimeoutSeconds"]
        for workflow in WORKFLOWS
        for name, state in states("Task", workflow).items()
        if ":function:" in state["Resource"] and f"{name.replace(' ', '')}Function" in timeouts
    }

    assert all(timeouts[name] < waiting[name] for name in waiting)
    # The others are called by the pipeline, which waits for an hour, and by events.
    assert all(timeout <= 300 for timeout in timeouts.values())


def test_close_release_has_time_for_all_that_it_waits_for() -> None:
    """A pause and the two questions that follow it take up to two seconds."""
    waits = 2 * Pipeline.pauses * Pipeline.pause_seconds + HALT_SECONDS

    assert properties("CloseReleaseFunction")["Timeout"] >= waits + 30


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_the_workflows_are_traced_and_log_everything(workflow: str) -> None:
    machine = properties(WORKFLOWS[workflow][1])

    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is True


RULES = {
    "CloseMonitoringFunction": {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [
                "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-monitor"
            ],
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        },
    },
    "SendChatFunction": {"source": ["kanmon"]},
    "CloseBatchFunction": {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [
                "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-score"
            ],
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        },
    },
    "SendMailFunction": {"source": ["kanmon"]},
    "ReportFailureFunction": {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [
                "arn:aws:states:us-east-1:123456789012:stateMachine:kanmon-test-retrain"
            ],
            "status": ["FAILED", "TIMED_OUT", "ABORTED"],
        },
    },
    "CloseReleaseFunction": {
        "source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Pipeline Execution State Change"],
        "detail": {
            "pipeline": ["kanmon-test-release"],
            "state": ["SUCCEEDED", "FAILED", "STOPPED", "SUPERSEDED", "CANCELED"],
        },
    },
    "FollowReviewFunction": {
        "source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Action Execution State Change"],
        "detail": {
            "pipeline": ["kanmon-test-release"],
            "stage": ["Review"],
            "action": ["ApproveRelease"],
            "state": ["STARTED", "SUCCEEDED", "FAILED"],
        },
    },
    "FollowRegistryFunction": {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {
            "ModelPackageGroupName": [{"prefix": "kanmon-test-"}],
            "ModelApprovalStatus": ["Approved", "Rejected"],
        },
    },
}


def test_functions_follow_the_events_of_this_stack_alone() -> None:
    found = [
        resolve(rule["Properties"])
        for name, rule in resources("AWS::Events::Rule").items()
        if name != "DataArrivedRule"
    ]

    assert {
        rule["Targets"][0]["Arn"].rpartition(":")[2]: rule["EventPattern"] for rule in found
    } == RULES
    assert all(len(rule["Targets"]) == 1 for rule in found)


# What fails is a fact, and mailed as one.
REPORTED = {"RetrainFailedAlarm", "ScoreFailedAlarm", "MonitorFailedAlarm", "ReleaseFailedAlarm"}


@pytest.mark.parametrize("name", sorted(ALARMS.keys() - {"PlanMissedAlarm"}))
def test_alarms_turn_at_the_first_failure_and_mail_what_no_fact_says(name: str) -> None:
    alarm = properties(name)

    topic = ["arn:aws:sns:us-east-1:123456789012:NotificationsTopic"]
    assert alarm.get("AlarmActions", []) == ([] if name in REPORTED else topic)
    assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 1)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_an_alarm_tells_of_this_stages_releases_that_fail() -> None:
    alarm = properties("ReleaseFailedAlarm")
    variables = resolve(translated()["Resources"]["CloseReleaseFunction"]["Properties"])

    assert (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"]) == (
        "Kanmon",
        "ReleasesFailed",
        [{"Name": "service", "Value": "kanmon-test"}],
    )
    named = variables["Environment"]["Variables"]
    assert named["POWERTOOLS_METRICS_NAMESPACE"] == alarm["Namespace"]
    assert named["POWERTOOLS_SERVICE_NAME"] == alarm["Dimensions"][0]["Value"]


@pytest.mark.parametrize("name", ALARMS)
def test_no_alarm_has_more_metrics_than_cloudwatch_takes(name: str) -> None:
    metrics = [one for one in properties(name).get("Metrics", []) if "MetricStat" in one]

    assert len(metrics) <= 10


def test_alarms_watch_how_runs_end_by_themselves_and_every_function() -> None:
    def watched(alarm: str) -> set[tuple[str, str]]:
        stats = [metric["MetricStat"] for metric in properties(alarm)["Metrics"][1:]]
        return {
            (stat["Metric"]["MetricName"], stat["Metric"]["Dimensions"][0]["Value"])
            for stat in stats
        }

    for workflow in ("Retrain", "Score", "Monitor"):
        machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{workflow}StateMachine"
        assert watched(f"{workflow}FailedAlarm") == {
            ("ExecutionsFailed", machine),
            ("ExecutionsTimedOut", machine),  # one that is aborted was stopped on purpose
        }
    of_functions = watched("FunctionErrorsAlarm"), watched("WatchFunctionErrorsAlarm")
    assert not of_functions[0] & of_functions[1]
    # What this one cannot do is left in its dead letters, which have an alarm.
    others = FUNCTIONS.keys() - {"SendChatFunction"}
    assert of_functions[0] | of_functions[1] == {("Errors", name) for name in others}


def test_mail_is_made_from_the_stages_own_bus_and_loses_nothing() -> None:
    [rule] = [
        resolve(rule["Properties"])
        for name, rule in resources("AWS::Events::Rule").items()
        if "EventBusName" in rule["Properties"] and name != "SendChatFunctionFact"
    ]
    [target] = rule["Targets"]
    [invoked] = [name for name in resources("AWS::Lambda::EventInvokeConfig") if "SendMail" in name]
    letters = "arn:aws:sqs:us-east-1:123456789012:NoticeDeadLetters"

    assert rule["EventBusName"] == "EventBus"
    assert target["DeadLetterConfig"] == {"Arn": letters}
    assert properties(invoked)["DestinationConfig"] == {"OnFailure": {"Destination": letters}}
    assert properties("NoticeDeadLettersAlarm")["Dimensions"][0]["Value"] == (
        "NoticeDeadLetters.QueueName"
    )


def test_alarms_may_publish_and_their_names_are_those_the_topic_expects() -> None:
    policy = resources("AWS::SNS::TopicPolicy")["NotificationsTopicPolicy"]
    deny, allow = statements(policy["Properties"]["PolicyDocument"])
    allowed = allow["Condition"]["ArnLike"]["aws:SourceArn"].split(":")[-1]

    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    for name in ALARMS:
        assert properties(name)["AlarmName"].startswith(allowed.removesuffix("*"))


def test_nothing_is_billed_while_nothing_runs() -> None:
    kinds = {entry["Type"] for entry in whole()["Resources"].values()}

    assert kinds <= WITHOUT_STANDING_COST


def test_only_what_others_must_know_beforehand_is_named() -> None:
    named = {
        name: value
        for name in whole()["Resources"]
        for key, value in properties(name).items()
        if key == "Name" or (key.endswith("Name") and key not in FOR_PEOPLE)
    }

    assert named == NAMED


def test_all_functions_are_built_once_from_one_folder() -> None:
    functions = [
        entry
        for entry in source()["Resources"].values()
        if entry["Type"] == "AWS::Serverless::Function"
    ]

    assert {entry["Metadata"]["BuildMethod"] for entry in functions} == {"python-uv"}
    assert not [entry for entry in functions if "CodeUri" in entry["Properties"]]
