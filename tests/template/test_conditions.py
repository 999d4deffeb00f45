"""With which condition each grant is given. Those that have none are in test_reach.py as they are.

Use shows no grant that is too wide: what was widened still covers what is used.
"""

from typing import Any

from tests.support.gather_conditions import OF_GATHER_JOBS, ON_GATHER_JOBS
from tests.support.translation import granted, resources

ROLES = sorted(resources("AWS::IAM::Role"))
CONDITIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("ApproverRole", "DecideInTheRegistry"): {
        "StringEquals": {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}
    },
    ("DashboardRole", "FindMetricsOnly"): {
        "StringLike": {"s3:prefix": ["metrics/*", "watch-metrics/*"]}
    },
    ("DataScientistRole", "ListVersionsOfData"): {"StringLike": {"s3:prefix": "datasets/*"}},
    ("DataScientistRole", "PublishDefinitions"): {"Null": {"s3:if-none-match": "false"}},
    ("DataScientistRole", "PutLabels"): {"Null": {"s3:if-none-match": "false"}},
    ("DataScientistRole", "NameTheCurrentDefinition"): {
        "ForAllValues:StringEquals": {
            "dynamodb:Attributes": ["model", "item", "sha256", "published_at"]
        },
        "Null": {"dynamodb:Attributes": "false"},
    },
    **{
        (role, "PauseAndResumeModels"): {
            "ForAllValues:StringEquals": {
                "dynamodb:Attributes": ["model", "item", "pause", "pauses"]
            },
            "Null": {"dynamodb:Attributes": "false"},
        }
        for role in ("DataScientistRole", "OperatorRole")
    },
    **{
        (role, "AllowMoreThanABudget"): {
            "ForAllValues:StringEquals": {"dynamodb:Attributes": ["model", "item", "allowances"]},
            "Null": {"dynamodb:Attributes": "false"},
        }
        for role in ("DataScientistRole", "OperatorRole")
    },
    ("DataScientistRole", "StartJobsWithoutANetwork"): {
        "Bool": {"sagemaker:NetworkIsolation": "true"},
        "NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": "14400"},
    },
    ("DataScientistRole", "GiveThemTheirRole"): {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    },
    ("ExploreJobRole", "FindInputs"): {
        "StringLike": {
            "s3:prefix": [
                "batches/*",
                "datasets/*",
                "definitions/*",
                "runs/*",
                "scratch/*",
            ]
        }
    },
    ("ExploreJobRole", "ShowCpuAndMemoryOfJobs"): {
        "StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/ProcessingJobs"}
    },
    ("JobRole", "FindInputs"): {
        "StringLike": {
            "s3:prefix": ["snapshots/*", "definitions/*", "runs/*", "attempts/*", "bases/*"]
        }
    },
    ("PreprocessRole", "FindInputs"): {
        "StringLike": {"s3:prefix": ["snapshots/*", "definitions/*", "runs/*"]}
    },
    ("TrainRole", "FindInputs"): {
        "StringLike": {"s3:prefix": ["definitions/*", "runs/*", "attempts/*"]}
    },
    ("EvaluateRole", "FindInputs"): {"StringLike": {"s3:prefix": ["runs/*", "attempts/*"]}},
    ("JobRole", "ShowCpuAndMemoryOfJobs"): {
        "StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/ProcessingJobs"}
    },
    ("JobRole", "ShowCpuAndMemoryOfTraining"): {
        "StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}
    },
    **{
        (role, "FindInputs"): {"StringLike": {"s3:prefix": ["monitoring/*", "runs/*"]}}
        for role in ("MonitorJobRole", "MonitorRole")
    },
    ("MonitorJobRole", "ShowCpuAndMemoryOfJobs"): {
        "StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/ProcessingJobs"}
    },
    ("MonitorStateMachineRole", "GiveTheStepItsRole"): {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    },
    ("OpenMonitoringRole", "ListWhatWasAnsweredAndLabelled"): {
        "StringLike": {"s3:prefix": ["capture/*", "batches/*", "labels/*"]}
    },
    ("CloseBatchRole", "FindWhatTheJobWrote"): {"StringLike": {"s3:prefix": "batches/*"}},
    **{
        (f"{function}Role", "RecordBatchesAndMonitorings"): {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": "#service/*"},
            "Null": {"dynamodb:LeadingKeys": "false"},
        }
        for function in ("OpenBatch", "CloseBatch", "OpenMonitoring", "CloseMonitoring")
    },
    **{
        (role, "AddToTheModelsCosts"): {
            "ForAllValues:StringEquals": {
                "dynamodb:Attributes": [
                    *("model", "item", "usd", f"{work}_usd", f"{work}_count", f"{work}_unknown"),
                    *(f"{work}_last", f"{work}_estimate_usd"),
                ]
            },
            "Null": {"dynamodb:Attributes": "false"},
        }
        for role, work in (("CloseBatchRole", "score"), ("CloseMonitoringRole", "monitor"))
    },
    **{
        (role, "FindThePlanAndTheModel"): {
            "StringLike": {"s3:prefix": ["batches/*", "runs/*/train/model.tar.gz"]}
        }
        for role in ("ScoreJobRole", "ScoreRole")
    },
    ("ScoreJobRole", "ShowCpuAndMemoryOfJobs"): {
        "StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/ProcessingJobs"}
    },
    ("ScoreStateMachineRole", "GiveTheStepItsRole"): {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    },
    ("OpenRunRole", "SnapshotTheData"): {"StringLike": {"s3:prefix": "datasets/*"}},
    ("TakeSnapshotRole", "FindWhatTheQueryWrote"): {"StringLike": {"s3:prefix": "gathered/*"}},
    ("RetrainStateMachineRole", "SeeThatThePrefixIsEmpty"): {
        "StringLike": {"s3:prefix": "gathered/*"}
    },
    **{
        (role, "FindTheModels"): {"StringLike": {"s3:prefix": ["definitions/*", "datasets/*"]}}
        for role in ("PlanRole", "SendDigestRole")
    },
    ("PlanRole", "KeepThePlannersOwnState"): {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["#plan"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    },
    ("MlflowAppRole", "FindArtifacts"): {"StringLike": {"s3:prefix": ["mlflow", "mlflow/*"]}},
    ("RecordExperimentRole", "KeepWhereMlflowHasIt"): {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": "#experiments/*"},
        "Null": {"dynamodb:LeadingKeys": "false"},
    },
    ("SendChatRole", "ListTheFactAndWhereItWasSent"): {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["#notices"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    },
    ("SendMailRole", "ListEachFactOnce"): {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["#notices"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    },
    ("ReleasePipelineRole", "GiveCloudFormationItsRole"): {
        "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
    },
    ("RetrainStateMachineRole", "GiveStepsTheirRole"): {
        "StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}
    },
    ("ServingDeployRole", "GiveThemAddressesThatAskForASignature"): {
        "StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}
    },
    ("ServingDeployRole", "MakeRolesWithinTheBoundary"): {
        "StringEquals": {
            "iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/ServingBoundary"
        }
    },
    ("ServingDeployRole", "GiveFunctionsAndDeploymentsTheirRoles"): {
        "StringEquals": {
            "iam:PassedToService": ["lambda.amazonaws.com", "codedeploy.amazonaws.com"]
        }
    },
    ("StewardRole", "FindEveryVersionOfRowsOfPeople"): {
        "StringLike": {"s3:prefix": ["labels/*", "batches/*", "inputs/*", "capture/*"]}
    },
    ("VerifyRole", "PackWhatIsNotThereYet"): {"Null": {"s3:if-none-match": "false"}},
}


def test_every_condition_is_there_and_says_what_it_said() -> None:
    found = {
        (role, statement["Sid"]): statement["Condition"]
        for role in ROLES
        for statement in granted(role)
        if "Condition" in statement
    }

    of_gathering = {**OF_GATHER_JOBS, **ON_GATHER_JOBS}
    assert found == {**CONDITIONS, **of_gathering}
