"""How far each grant reaches: over which resources.

Use shows no grant that is too wide: what was widened still covers what is used. So this
is pinned, by IAM's own rules of evaluation.
"""

import re
from fnmatch import fnmatchcase

import pytest

from tests.support.policy_decisions import may
from tests.support.translation import granted, resources

DATA = "arn:aws:s3:::DataBucket"
HERE = "us-east-1:123456789012"
ROLES = sorted(resources("AWS::IAM::Role"))
# Of the same kinds as the stage's own, but another stage's, or nobody's.
FOREIGN = [
    "arn:aws:s3:::another-bucket/runs/glasses/R/run.json",
    f"{DATA}/elsewhere/file",
    f"arn:aws:cloudformation:{HERE}:stack/another-serving-glasses/0a1b",
    f"arn:aws:codebuild:{HERE}:project/another",
    f"arn:aws:codedeploy:{HERE}:application:another-serving-glasses",
    f"arn:aws:codedeploy:{HERE}:deploymentgroup:another-serving-glasses/group",
    f"arn:aws:codepipeline:{HERE}:another-release",
    f"arn:aws:codepipeline:{HERE}:another-release/Review/ApproveRelease",
    f"arn:aws:dynamodb:{HERE}:table/another",
    f"arn:aws:ecr:{HERE}:repository/another-steps",
    f"arn:aws:events:{HERE}:rule/another",
    f"arn:aws:lambda:{HERE}:function:another",
    f"arn:aws:lambda:{HERE}:function:another-serving-glasses:live",
    f"arn:aws:logs:{HERE}:log-group:another:log-stream:a",
    f"arn:aws:sagemaker:{HERE}:model-package-group/another-glasses",
    f"arn:aws:sagemaker:{HERE}:model-package/another-glasses/1",
    f"arn:aws:sagemaker:{HERE}:processing-job/another-job",
    f"arn:aws:sagemaker:{HERE}:training-job/another-job",
    f"arn:aws:sagemaker:{HERE}:mlflow-app/another",
    f"arn:aws:secretsmanager:{HERE}:secret:another-0a1b2c",
    f"arn:aws:sns:{HERE}:another",
    f"arn:aws:sqs:{HERE}:another",
    f"arn:aws:states:{HERE}:stateMachine:another-retrain",
    f"arn:aws:states:{HERE}:execution:another-retrain:run",
    f"arn:aws:states:{HERE}:stateMachine:another-monitor",
    f"arn:aws:athena:{HERE}:workgroup/another-gather-10gb",
    f"arn:aws:athena:{HERE}:workgroup/primary",
    f"arn:aws:glue:{HERE}:table/another/orders",
    "arn:aws:iam::123456789012:role/another-role",
    "arn:aws:iam::123456789012:role/another-serving-role",
]

# What acts on the stage's own resources, and who may do it. A function's own name begins with the
# stack's, as every name that CloudFormation gives: a grant on all such names reaches it.
OWN = "kanmon-test"
LAMBDA = f"arn:aws:lambda:{HERE}:function:"
PIPELINE = f"arn:aws:codepipeline:{HERE}:{OWN}-release"
STATES = f"arn:aws:states:{HERE}:"
STACK = f"arn:aws:cloudformation:{HERE}:stack/"
ROLE = "arn:aws:iam::123456789012:role/"
PACKAGES = f"arn:aws:sagemaker:{HERE}:model-package"
ACTS = {
    ("lambda:InvokeFunction", f"{LAMBDA}{OWN}-OpenRunFunction-1X"): "",
    ("lambda:InvokeFunction", f"{LAMBDA}OpenRunFunction"): "RetrainStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}TakeSnapshotFunction"): "RetrainStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}HashRowsFunction"): "TakeSnapshot",
    (
        "athena:StartQueryExecution",
        f"arn:aws:athena:{HERE}:workgroup/{OWN}-gather-10gb",
    ): "RetrainStateMachine",
    ("athena:UpdateWorkGroup", f"arn:aws:athena:{HERE}:workgroup/{OWN}-gather-10gb"): "",
    ("glue:GetTable", f"arn:aws:glue:{HERE}:table/sales/orders"): "RetrainStateMachine",
    ("glue:GetTable", f"arn:aws:glue:{HERE}:table/people/salaries"): "",
    ("s3:GetObject", "arn:aws:s3:::lake/sales/a.parquet"): "RetrainStateMachine",
    ("s3:GetObject", "arn:aws:s3:::lake/people/a.parquet"): "",
    ("s3:PutObject", "arn:aws:s3:::lake/sales/a.parquet"): "",
    ("lambda:InvokeFunction", f"{LAMBDA}JudgeCandidateFunction"): "RetrainStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}OpenReleaseFunction"): "RetrainStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}CloseRunFunction"): "RetrainStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}ReportFailureFunction"): "RetrainStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}{OWN}-step-preprocess"): "RetrainStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}{OWN}-step-train"): "RetrainStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}{OWN}-step-evaluate"): "RetrainStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}{OWN}-step-score"): "ScoreStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}{OWN}-step-monitor"): "MonitorStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}{OWN}-step-other"): "",
    (
        "logs:FilterLogEvents",
        f"arn:aws:logs:{HERE}:log-group:/aws/lambda/{OWN}-steps",
    ): "DataScientist Operator",
    (
        "logs:FilterLogEvents",
        f"arn:aws:logs:{HERE}:log-group:/aws/sagemaker/ProcessingJobs",
    ): "DataScientist Operator",
    ("lambda:UpdateFunctionCode", f"{LAMBDA}{OWN}-step-train"): "",
    ("lambda:InvokeFunction", f"{LAMBDA}AdmitReleaseFunction"): "ReleasePipeline",
    ("lambda:InvokeFunction", f"{LAMBDA}RecordReleaseFunction"): "ReleasePipeline",
    ("lambda:InvokeFunction", f"{LAMBDA}CloseReleaseFunction"): "",
    ("lambda:InvokeFunction", f"{LAMBDA}FollowReviewFunction"): "",
    ("lambda:InvokeFunction", f"{LAMBDA}FollowRegistryFunction"): "",
    (
        "lambda:InvokeFunction",
        f"{LAMBDA}{OWN}-serving-glasses-S:live",
    ): "CloseRelease Operator RecordRelease",
    ("lambda:InvokeFunction", f"{LAMBDA}{OWN}-serving-glasses-S:7"): "Operator",
    ("lambda:UpdateAlias", f"{LAMBDA}{OWN}-OpenRunFunction-1X"): "",
    ("lambda:UpdateFunctionCode", f"{LAMBDA}{OWN}-OpenRunFunction-1X"): "",
    ("lambda:UpdateFunctionCode", f"{LAMBDA}{OWN}-serving-glasses-S"): "ServingDeploy",
    ("codepipeline:StartPipelineExecution", PIPELINE): "CloseRelease OpenRelease Operator",
    ("codepipeline:StopPipelineExecution", PIPELINE): (
        "AdmitRelease CloseRelease DataScientist OpenRelease Operator RecordRelease"
    ),
    (
        "codepipeline:PutApprovalResult",
        f"{PIPELINE}/Review/ApproveRelease",
    ): "Approver FollowRegistry FollowReview",
    ("codepipeline:PutApprovalResult", f"{PIPELINE}/Other/ApproveRelease"): "",
    ("codepipeline:RetryStageExecution", f"{PIPELINE}/Review"): "",
    ("codepipeline:RetryStageExecution", f"{PIPELINE}/Verify"): "Operator",
    ("codepipeline:RetryStageExecution", f"{PIPELINE}/Promote"): "Operator",
    ("codepipeline:RetryStageExecution", f"{PIPELINE}/Redeploy"): "Operator",
    ("codepipeline:RetryStageExecution", f"{PIPELINE}/Record"): "Operator",
    (
        "states:StartExecution",
        f"{STATES}stateMachine:{OWN}-retrain",
    ): "CloseRun DataScientist Plan ReportFailure",
    ("states:StartExecution", f"{STATES}stateMachine:{OWN}-other"): "",
    (
        "sagemaker:DescribeProcessingJob",
        f"arn:aws:sagemaker:{HERE}:processing-job/{OWN}-R-train-0",
    ): (
        "CloseBatch CloseMonitoring MonitorStateMachine ReportFailure RetrainStateMachine "
        "ScoreStateMachine"
    ),
    # Of no run, whatever its model is called.
    (
        "sagemaker:CreateProcessingJob",
        f"arn:aws:sagemaker:{HERE}:processing-job/{OWN}-explore--train-0",
    ): "DataScientist MonitorStateMachine RetrainStateMachine ScoreStateMachine",
    (
        "sagemaker:CreateProcessingJob",
        f"arn:aws:sagemaker:{HERE}:processing-job/{OWN}-explore-261201031709-0a1-train-0",
    ): "MonitorStateMachine RetrainStateMachine ScoreStateMachine",
    (
        "sagemaker:StopProcessingJob",
        f"arn:aws:sagemaker:{HERE}:processing-job/{OWN}-explore--train-0",
    ): "DataScientist MonitorStateMachine RetrainStateMachine ScoreStateMachine",
    (
        "sagemaker:StopProcessingJob",
        f"arn:aws:sagemaker:{HERE}:processing-job/{OWN}-glasses-R-train-0",
    ): "MonitorStateMachine RetrainStateMachine ScoreStateMachine",
    (
        "sagemaker:DescribeTrainingJob",
        f"arn:aws:sagemaker:{HERE}:training-job/{OWN}-R-train-0",
    ): "ReportFailure RetrainStateMachine",
    (
        "sagemaker:CreateTrainingJob",
        f"arn:aws:sagemaker:{HERE}:training-job/{OWN}-R-train-0",
    ): "RetrainStateMachine",
    ("states:GetExecutionHistory", f"{STATES}execution:{OWN}-retrain:R"): (
        "Approver CloseRun DataScientist Operator ReportFailure Steward"
    ),
    ("states:GetExecutionHistory", f"{STATES}execution:{OWN}-score:B"): (
        "Approver CloseBatch DataScientist Operator Steward"
    ),
    ("states:GetExecutionHistory", f"{STATES}execution:{OWN}-monitor:M"): (
        "Approver CloseMonitoring DataScientist Operator Steward"
    ),
    ("states:StopExecution", f"{STATES}execution:{OWN}-retrain:R"): "DataScientist Operator",
    ("iam:PassRole", f"{ROLE}JobRole"): "RetrainStateMachine",
    ("iam:PassRole", f"{ROLE}ExploreJobRole"): "DataScientist",
    ("iam:PassRole", f"{ROLE}ServingDeployRole"): "ReleasePipeline",
    ("iam:PassRole", f"{ROLE}{OWN}-serving-glasses-R"): "ServingDeploy",
    ("iam:PassRole", f"{ROLE}{OWN}-OpenRunRole-1X"): "",
    ("iam:PutRolePolicy", f"{ROLE}{OWN}-OpenRunRole-1X"): "",
    ("iam:UpdateAssumeRolePolicy", f"{ROLE}{OWN}-OpenRunRole-1X"): "",
    ("cloudformation:CreateStack", f"{STACK}{OWN}-serving-glasses/0a1b"): "ReleasePipeline",
    ("cloudformation:UpdateStack", f"{STACK}{OWN}-serving-glasses/0a1b"): "ReleasePipeline",
    ("cloudformation:DeleteStack", f"{STACK}{OWN}-serving-glasses/0a1b"): "ReleasePipeline",
    ("cloudformation:CancelUpdateStack", f"{STACK}{OWN}-serving-glasses/0a1b"): "CloseRelease",
    ("cloudformation:ContinueUpdateRollback", f"{STACK}{OWN}-serving-glasses/0a1b"): "Operator",
    ("cloudformation:UpdateStack", f"{STACK}{OWN}/0a1b"): "",
    ("cloudformation:DeleteStack", f"{STACK}{OWN}/0a1b"): "",
    ("cloudformation:CancelUpdateStack", f"{STACK}{OWN}/0a1b"): "",
    ("cloudformation:ContinueUpdateRollback", f"{STACK}{OWN}/0a1b"): "",
    ("codebuild:StartBuild", f"arn:aws:codebuild:{HERE}:project/VerifyProject"): "ReleasePipeline",
    ("sagemaker:CreateModelPackage", f"{PACKAGES}/{OWN}-glasses/1"): "RetrainStateMachine",
    ("sagemaker:UpdateModelPackage", f"{PACKAGES}/{OWN}-glasses/1"): (
        "AdmitRelease Approver CloseRelease FollowRegistry FollowReview OpenRelease RecordRelease"
    ),
    (
        "dynamodb:DeleteItem",
        f"arn:aws:dynamodb:{HERE}:table/ModelTable",
    ): "CloseRelease OpenRelease",
    (
        "dynamodb:PutItem",
        f"arn:aws:dynamodb:{HERE}:table/ModelTable",
    ): "CloseRun OpenRun ReportFailure",
    ("dynamodb:UpdateItem", f"arn:aws:dynamodb:{HERE}:table/ModelTable"): (
        "AdmitRelease CloseBatch CloseMonitoring CloseRelease CloseRun "
        "DataScientist FollowRegistry FollowReview OpenBatch OpenMonitoring "
        "OpenRelease OpenRun Operator Plan RecordExperiment RecordRelease ReportFailure SendChat "
        "SendMail "
        "TakeSnapshot"
    ),
    (
        "s3:GetObject",
        "arn:aws:s3:::PipelineBucket/release/a",
    ): "AdmitRelease ReleasePipeline Verify",
    (
        "s3:PutObject",
        "arn:aws:s3:::PipelineBucket/release/a",
    ): "AdmitRelease ReleasePipeline Verify",
    ("s3:PutObject", "arn:aws:s3:::AccessLogsBucket/data/a"): "",
    ("lambda:InvokeFunction", f"{LAMBDA}OpenMonitoringFunction"): "MonitorStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}CloseMonitoringFunction"): "MonitorStateMachine",
    ("states:StartExecution", f"{STATES}stateMachine:{OWN}-monitor"): "DataScientist Operator Plan",
    ("states:StopExecution", f"{STATES}execution:{OWN}-monitor:M"): "DataScientist Operator",
    ("iam:PassRole", f"{ROLE}{OWN}-gather-glasses"): "RetrainStateMachine",
    ("iam:PassRole", f"{ROLE}MonitorJobRole"): "MonitorStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}OpenBatchFunction"): "ScoreStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}CloseBatchFunction"): "ScoreStateMachine",
    ("states:StartExecution", f"{STATES}stateMachine:{OWN}-score"): "DataScientist Operator Plan",
    ("states:StopExecution", f"{STATES}execution:{OWN}-score:B"): "DataScientist Operator",
    ("iam:PassRole", f"{ROLE}ScoreJobRole"): "ScoreStateMachine",
    ("lambda:InvokeFunction", f"{LAMBDA}PlanFunction"): "PlanSchedule",
    ("lambda:InvokeFunction", f"{LAMBDA}SendDigestFunction"): "SendDigestSchedule",
    ("sqs:SendMessage", f"arn:aws:sqs:{HERE}:PlanDeadLetters"): "PlanSchedule",
    ("sqs:SendMessage", f"arn:aws:sqs:{HERE}:ArrivalsQueue"): "",
    ("sqs:SendMessage", f"arn:aws:sqs:{HERE}:NoticeDeadLetters"): "SendDigestSchedule SendMail",
    ("sqs:ReceiveMessage", f"arn:aws:sqs:{HERE}:NoticeDeadLetters"): "",
    ("events:PutEvents", f"arn:aws:events:{HERE}:event-bus/EventBus"): (
        "AdmitRelease CloseBatch CloseMonitoring CloseRelease CloseRun FollowRegistry FollowReview "
        "OpenRelease Plan RecordRelease ReportFailure SendDigest"
    ),
    ("events:PutRule", f"arn:aws:events:{HERE}:rule/EventBus/R"): "",
    ("sns:Publish", f"arn:aws:sns:{HERE}:NotificationsTopic"): "SendMail",
    ("sqs:ReceiveMessage", f"arn:aws:sqs:{HERE}:ArrivalsQueue"): "Plan",
    ("sqs:DeleteMessage", f"arn:aws:sqs:{HERE}:ArrivalsQueue"): "Plan",
    ("sqs:ReceiveMessage", f"arn:aws:sqs:{HERE}:ArrivalsDeadLetters"): "",
    ("sqs:SendMessage", f"arn:aws:sqs:{HERE}:ChatDeadLetters"): "SendChat",
    ("sqs:SendMessage", f"arn:aws:sqs:{HERE}:ExperimentsWaiting"): "RecordExperiment",
    ("sqs:ReceiveMessage", f"arn:aws:sqs:{HERE}:ExperimentsWaiting"): "RecordExperiment",
    ("sqs:DeleteMessage", f"arn:aws:sqs:{HERE}:ExperimentsWaiting"): "RecordExperiment",
    ("sqs:DeleteMessage", f"arn:aws:sqs:{HERE}:ExperimentDeadLetters"): "",
    (
        "lambda:InvokeFunction",
        f"{LAMBDA}RecordExperimentFunction",
    ): "RecordExperimentSchedule",
    **{
        (
            "sagemaker:CallMlflowAppApi",
            f"arn:aws:sagemaker:{HERE}:mlflow-app/{app}",
        ): who
        for app, who in (
            *(("MlflowApp", "RecordExperiment"), ("app-given", "RecordExperiment")),
            ("another", ""),
        )
    },
    ("s3:GetObject", f"{DATA}/mlflow/1/artifact"): "MlflowApp",
    ("s3:PutObject", f"{DATA}/mlflow/1/artifact"): "MlflowApp",
    ("s3:DeleteObject", f"{DATA}/mlflow/1/artifact"): "",
    ("lambda:InvokeFunction", f"{LAMBDA}SendChatFunction"): "",
    ("sns:Publish", f"arn:aws:sns:{HERE}:ChatTopic"): "SendChat",
    ("sns:Publish", f"arn:aws:sns:{HERE}:Other"): "",
}


@pytest.mark.parametrize("role", ROLES)
def test_no_grant_on_named_resources_reaches_what_is_not_the_stages(role: str) -> None:
    actions = {
        action
        for statement in granted(role)
        for action in statement["Action"]
        if statement["Resource"] != ["*"]
    }
    # As a request that meets every condition would be.
    context = {
        "s3__if_none_match": "*",
        "iam__PassedToService": "lambda.amazonaws.com",
        "iam__PermissionsBoundary": "arn:aws:iam::123456789012:policy/ServingBoundary",
        "lambda__FunctionUrlAuthType": "AWS_IAM",
        "sagemaker__ModelApprovalStatus": "Approved",
        "sagemaker__NetworkIsolation": "true",
        "sagemaker__MaxRuntimeInSeconds": "60",
    }

    reached = [
        (action, arn)
        for action in sorted(actions)
        for arn in FOREIGN
        if re.match(rf"arn:aws:{action.split(':')[0]}:", arn) and may(role, action, arn, **context)
    ]

    # What the team keeps in folders of its own may be scored, and is then monitored.
    open_to_scoring = [("s3:GetObjectVersion", f"{DATA}/elsewhere/file")]
    readers = {"ScoreJobRole", "ScoreRole", "MonitorJobRole", "MonitorRole"}
    assert reached == (open_to_scoring if role in readers else [])


def test_what_acts_on_the_stages_own_resources_is_granted_to_these_roles_alone() -> None:
    """Whatever else a condition asks, which the test above holds."""
    found: dict[tuple[str, str], set[str]] = {act: set() for act in ACTS}
    for role in ROLES:
        for statement in granted(role):
            for action, arn in ACTS:
                if any(fnmatchcase(action, each) for each in statement["Action"]) and any(
                    fnmatchcase(arn, each) for each in statement["Resource"]
                ):
                    found[action, arn].add(role.removesuffix("Role"))

    assert found == {act: set(names.split()) for act, names in ACTS.items()}
