"""What the stack's resources must be like after every edit of the template.

Buckets and alarms have files of their own.
"""

import json

import pytest

from core.stage.release_pipeline import Pipeline
from core.stage.serving_stack import HALT_SECONDS
from tests.support.translation import (
    control_functions,
    properties,
    resolve,
    resources,
    source,
    step_functions,
    translated,
    whole,
)
from tests.support.workflow_definition import WORKFLOWS, states

# The steps as functions have rules of their own: test_steps_as_functions.py.
FUNCTIONS = control_functions()
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
    # Of a network, NAT and endpoints that are interfaces are billed by the hour: none of these is.
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::ECR::Repository",
    "AWS::Events::EventBus",  # by its events
    "AWS::Events::EventBusPolicy",
    "AWS::Events::Rule",
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
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
    "AWS::SageMaker::MlflowApp",  # by what it keeps
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",  # by its requests
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::Schedule",  # by its calls, of which an account has millions for nothing
    "AWS::StepFunctions::StateMachine",
}
# They end in Name and name nothing of the stack's. A function's own FunctionName does name it.
FOR_PEOPLE = (
    "DisplayName",
    "PolicyName",
    "FunctionName",
    "MetricName",
    "DatabaseName",
    "EventBusName",
    "ServiceName",
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
    "PlanMissedAlarm": "kanmon-test-plan-missed",
    "PlanDeadLettersAlarm": "kanmon-test-plan-dead-letters",
    "ChatDeadLettersAlarm": "kanmon-test-chat-dead-letters",
    "ExperimentsWaitingAlarm": "kanmon-test-experiments-waiting",
    "MlflowApp": "kanmon-test-mlflow",  # it wants a name
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
    "EventsGivenUpAlarm": "kanmon-test-events-given-up",
    "HashRowsFunction": "kanmon-test-hash-rows",
    "MetricsWorkGroup": "kanmon-test-metrics",
    **{f"UpTo{gb}Gb": f"kanmon-test-gather-{gb}gb" for gb in (1, 10, 100, 1000)},
    # The workflow chooses the role of the model.
    "GatherRoleglasses": "kanmon-test-gather-glasses",
    "GatherRoleseashells": "kanmon-test-gather-sea-shells",
    # What people see in QuickSight.
    "MetricsSource": "kanmon-test metrics",
    "MetricsDataSet": "kanmon-test metrics",
    "MetricsDashboard": "kanmon-test models",
    # The workflows call them, whether their stack is there or not.
    **{
        name: f"kanmon-test-step-{name.removesuffix('Function').lower()}"
        for name in step_functions()
    },
    "StepsLogGroup": "/aws/lambda/kanmon-test-steps",
}


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
    # What only a stage with a tracking server has.
    record = environments["RecordExperimentFunction"]
    for name in ("MLFLOW_TRACKING", "MLFLOW_SECRET_ARN", "EXPERIMENTS_QUEUE_URL"):
        record.pop(name)
    # The list grows with the models, and the variables of one function have 4 KB in all.
    assert environments["OpenRunFunction"].pop("GATHER_MODELS") == "glasses,sea-shells"
    assert environments["OpenRunFunction"] == {
        "STAGE": "dev",
        "STACK_NAME": "kanmon-test",
        "STAGE_LANGUAGE": "en",
        "STAGE_TIME_ZONE": "UTC",
        "DATA_BUCKET": "DataBucket",
        "MODEL_TABLE": "ModelTable",
        "STEPS_REPOSITORY": "StepsRepository",
        "STEP_IMAGE_DIGESTS": "",
        "STEP_MEMORY_MB": 3008,
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
        "GATHER_WORKGROUPS": "kanmon-test-gather-",
        "HASH_ROWS_FUNCTION": "kanmon-test-hash-rows",
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
    # A query's result may be large: Take Snapshot waits for what reads it.
    assert timeouts.pop("HashRowsFunction") < timeouts.pop("TakeSnapshotFunction")
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
        # The latter are in test_experiments.py.
        if name != "DataArrivedRule" and "RecordExperiment" not in name
    ]

    assert {
        rule["Targets"][0]["Arn"].rpartition(":")[2]: rule["EventPattern"] for rule in found
    } == RULES
    assert all(len(rule["Targets"]) == 1 for rule in found)


def test_mail_is_made_from_the_stages_own_bus_and_loses_nothing() -> None:
    [rule] = [
        resolve(rule["Properties"])
        for name, rule in resources("AWS::Events::Rule").items()
        if "EventBusName" in rule["Properties"]
        and name not in ("SendChatFunctionFact", "RecordExperimentFunctionFact")
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


def test_nothing_is_billed_while_nothing_runs() -> None:
    kinds = {entry["Type"] for entry in whole()["Resources"].values()}

    assert kinds <= WITHOUT_STANDING_COST


def test_only_what_others_must_know_beforehand_is_named() -> None:
    named = {
        name: value
        for name, entry in whole()["Resources"].items()
        for key, value in properties(name).items()
        if key == "Name"
        or (key.endswith("Name") and key not in FOR_PEOPLE)
        or (key, entry["Type"]) == ("FunctionName", "AWS::Lambda::Function")
    }

    assert named == NAMED


def test_all_functions_are_built_once_from_one_folder_but_for_the_one_that_reads_parquet() -> None:
    functions = [
        entry
        for name, entry in source()["Resources"].items()
        if entry["Type"] == "AWS::Serverless::Function" and name != "HashRowsFunction"
    ]

    assert {entry["Metadata"]["BuildMethod"] for entry in functions} == {"python-uv"}
    assert not [entry for entry in functions if "CodeUri" in entry["Properties"]]
