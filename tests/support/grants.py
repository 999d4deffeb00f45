"""Grants against use: what the roles of a stage were given and what the stage saw them do."""

import json
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.support.translation import granted, resources, statements

TRACING = "the local stage has no X-Ray"
LOG_DELIVERY = "the local stage keeps an execution's history, and delivers no log"
MISSING_KEYS = "S3 itself asks, when a key is missing, to choose between 404 and 403"
CODEPIPELINE_ITSELF = "CodePipeline asks for itself when it fetches a source"
CONSOLE = "AWS's console shows with it what people decide about"
NO_DELAY = "it would have to be stopped within the second that a build takes here"
BROKEN_STACK = "read when CloudFormation itself refuses a deployment, for a quota or a name"
GROUP_IS_THERE = "the jobs of runs have made the group"
RARE = "a release older than the one promoted while it waited for the model's lock"
FULL = "the pipeline takes 50 releases at once, and Close Release starts what found no room"
RACE = "the registry's event, the review's and the next action cross each other now and then"

NETWORK = "the local stage keeps a network, and connects no function to it"
GATHERS = "a stage that gathers is one of its own: test_gather.py"
REGISTRY_ITSELF = "SageMaker may ask with the caller's rights when it registers a package"

# Granted for AWS's sake, with what keeps the local stage from ever asking for it.
UNSEEN_LOCALLY = {
    "ec2:AssignPrivateIpAddresses": NETWORK,
    "ec2:CreateNetworkInterface": NETWORK,
    "ec2:DeleteNetworkInterface": NETWORK,
    "ec2:DescribeNetworkInterfaces": NETWORK,
    "ec2:DescribeSubnets": NETWORK,
    "ec2:UnassignPrivateIpAddresses": NETWORK,
    "logs:CreateLogDelivery": LOG_DELIVERY,
    "logs:DeleteLogDelivery": LOG_DELIVERY,
    "logs:DescribeLogGroups": LOG_DELIVERY,
    "logs:DescribeResourcePolicies": LOG_DELIVERY,
    "logs:GetLogDelivery": LOG_DELIVERY,
    "logs:ListLogDeliveries": LOG_DELIVERY,
    "logs:PutResourcePolicy": LOG_DELIVERY,
    "logs:UpdateLogDelivery": LOG_DELIVERY,
    "sagemaker:ListTags": "Step Functions' documented policy for jobs has it, without saying when",
    "xray:GetSamplingRules": TRACING,
    "xray:GetSamplingTargets": TRACING,
    "xray:PutTelemetryRecords": TRACING,
    "xray:PutTraceSegments": TRACING,
}
# What a query may do that the local stage never asks for.
UNSEEN_OF_QUERIES = {
    "athena:GetDataCatalog": "Step Functions' documented policy for queries has it",
    "athena:StopQueryExecution": "a query takes no time here: tests/workflow/test_paths.py",
    "glue:GetPartition": "Athena reads partitions by lists here",
    "glue:GetPartitions": "of tables with partitions: localaws/tests/test_queries.py",
    "glue:GetTables": "Athena asks for tables one by one here",
    "kms:Decrypt": "the local stage encrypts nothing",
    "s3:AbortMultipartUpload": "files are small here",
    "s3:ListBucketMultipartUploads": "files are small here",
    "s3:ListMultipartUploadParts": "files are small here",
}
GATHERING = {
    action
    for statement in statements(
        resources("AWS::IAM::Policy")["GatherPolicy"]["Properties"]["PolicyDocument"]
    )
    for action in statement["Action"]
}
# The jobs that gather are on a stage of their own: test_gather_jobs.py.
GATHER_JOBS = sorted(role for role in resources("AWS::IAM::Role") if role.startswith("GatherRole"))
# What such a job may do that the local stage never asks for.
UNSEEN_OF_JOBS = {
    "s3:AbortMultipartUpload": "of a job that cannot store its files: tests/unit/gather",
}
UNSEEN_BY_ROLE = {
    "OpenRunRole": {"s3:ListBucket": MISSING_KEYS},
    "OpenBatchRole": {"s3:ListBucket": MISSING_KEYS},
    "CloseRunRole": {"s3:ListBucket": MISSING_KEYS},
    "ReportFailureRole": {"s3:ListBucket": MISSING_KEYS},
    "CloseBatchRole": {"s3:ListBucket": MISSING_KEYS},
    "OpenMonitoringRole": {"s3:ListBucket": MISSING_KEYS},
    "CloseMonitoringRole": {"s3:ListBucket": MISSING_KEYS},
    "ScoreJobRole": {"logs:CreateLogGroup": GROUP_IS_THERE},
    "ExploreJobRole": {"logs:CreateLogGroup": GROUP_IS_THERE},
    "MonitorJobRole": {"logs:CreateLogGroup": GROUP_IS_THERE},
    "JudgeCandidateRole": {"s3:ListBucket": MISSING_KEYS},
    "OpenReleaseRole": {"s3:ListBucket": MISSING_KEYS},
    "AdmitReleaseRole": {
        "s3:ListBucket": MISSING_KEYS,
        "codepipeline:StopPipelineExecution": RARE,
        "events:PutEvents": RARE,
        "sagemaker:UpdateModelPackage": RACE,
    },
    "CloseReleaseRole": {
        "codepipeline:StopPipelineExecution": RARE,
        "codepipeline:ListPipelineExecutions": FULL,
        "codepipeline:StartPipelineExecution": FULL,
        "dynamodb:DeleteItem": FULL,
        "cloudformation:DescribeStackEvents": BROKEN_STACK,
    },
    "PlanRole": {
        "states:DescribeExecution": "asked about what has run for an hour",
    },
    "PlanScheduleRole": {
        "lambda:InvokeFunction": "the first tick comes after five minutes: test_planning.py",
        "sqs:SendMessage": "for a function that is gone: the local stage's own tests",
    },
    "SendMailRole": {"sqs:SendMessage": "for a mail that cannot be sent: test_mail.py"},
    "SendDigestRole": {
        "s3:GetObject": "the planner has read and kept every definition before",
        "states:DescribeExecution": "asked about what has run for an hour",
    },
    "SendDigestScheduleRole": {
        "lambda:InvokeFunction": "the digest is due at eight; people.py calls the function",
        "sqs:SendMessage": "for a function that is gone: the local stage's own tests",
    },
    "FollowReviewRole": {"codepipeline:PutApprovalResult": RACE},
    "FollowRegistryRole": {"sagemaker:UpdateModelPackage": RACE, "events:PutEvents": RACE},
    "VerifyRole": {"s3:ListBucket": MISSING_KEYS},
    "TakeSnapshotRole": {
        "s3:ListBucket": MISSING_KEYS,
        "dynamodb:Query": "asked of a model in service, as Open Run does",
    },
    "RetrainStateMachineRole": {
        **dict.fromkeys(GATHERING, GATHERS),
        "ecr:BatchGetImage": REGISTRY_ITSELF,
        "ecr:DescribeImages": REGISTRY_ITSELF,
        "ecr:GetDownloadUrlForLayer": REGISTRY_ITSELF,
        "s3:GetObject": REGISTRY_ITSELF,
    },
    "ReleasePipelineRole": {
        "cloudformation:DeleteStack": "a first deployment that failed is deleted before another",
        "codebuild:StopBuild": NO_DELAY,
        "s3:GetBucketAcl": CODEPIPELINE_ITSELF,
        "s3:GetBucketLocation": CODEPIPELINE_ITSELF,
        "s3:GetObjectTagging": CODEPIPELINE_ITSELF,
        "s3:GetObjectVersionTagging": CODEPIPELINE_ITSELF,
    },
    "OperatorRole": {"lambda:InvokeFunctionUrl": "`kanmon score` invokes; programs use the URL"},
    "SeeTheStagePolicy": {
        "cloudformation:DescribeStackEvents": BROKEN_STACK,
        "cloudformation:DescribeStacks": "asked by a person who signs in as the role, without --as",
        "codepipeline:GetPipeline": CONSOLE,
        "codepipeline:GetPipelineState": CONSOLE,
        "codepipeline:ListPipelineExecutions": CONSOLE,
        "sagemaker:DescribeModelPackage": CONSOLE,
        "sagemaker:ListModelPackages": CONSOLE,
        "states:ListExecutions": CONSOLE,
    },
}
# The local stage's CloudFormation makes resources without asking as anybody. What this role needs
# is held against the serving stack's resources instead: tests/template/test_deploying.py.
# And no stage here has QuickSight, which assumes the dashboard's. Chat is on a stage of its own.
CHAT = "SendChatRole"
GATHERERS = ("TakeSnapshotRole", "HashRowsRole")
# A stage that records its runs in MLflow is one of its own, too: tests/mlflow.
EXPERIMENTS = ("RecordExperimentRole", "RecordExperimentScheduleRole", "MlflowAppRole")
NOT_ASKED = {
    *("ServingDeployRole", "DashboardRole", CHAT),
    *(*GATHERERS, *GATHER_JOBS, *EXPERIMENTS),
}
# Documents without rows, which no command reads: people follow a release's record to them.
UNSEEN_OBJECTS = {
    "SeeTheStagePolicy": {"snapshots/*", "runs/*/run.json"},
    "PreprocessRole": {"gathered/*"},  # a stage that gathers is one of its own: test_gather.py
}
# What all people may see is one policy; what one of them used is used.
SHARED = "SeeTheStagePolicy"
PEOPLE = ("DataScientistRole", "ApproverRole", "OperatorRole", "StewardRole")
# The roles of steps as functions, of batches, monitorings and people, each object of which is held
# to its use, too.
HELD_TO_OBJECTS = (
    "PreprocessRole",
    "TrainRole",
    "EvaluateRole",
    "ScoreRole",
    "MonitorRole",
    "ScoreJobRole",
    "ExploreJobRole",
    "OpenBatchRole",
    "CloseBatchRole",
    "MonitorJobRole",
    "OpenMonitoringRole",
    "CloseMonitoringRole",
    *PEOPLE,
)


def unused(authorizations: Path, roles: Iterable[str] | None = None) -> dict[str, set[str]]:
    """By role, the granted actions that a stage's record of decisions never shows allowed.

    What only AWS asks for is left out. Roles that use all they have are not in the answer.
    """
    used: dict[str, set[str]] = defaultdict(set)
    roles = list(roles or sorted(resources("AWS::IAM::Role").keys() - NOT_ASKED))
    for line in authorizations.read_text().splitlines():
        decision = json.loads(line)
        for role in roles:
            if decision["allowed"] and f"-{role}-" in decision["role"]:
                used[role].add(decision["action"])
    used[SHARED] = set().union(*(used[role] for role in PEOPLE))
    left = {
        role: actions - used[role] - set(UNSEEN_LOCALLY) - set(UNSEEN_BY_ROLE.get(role, ()))
        for role, actions in grants(roles).items()
    }
    return {role: actions for role, actions in left.items() if actions}


def unasked_objects(authorizations: Path) -> dict[str, set[str]]:
    """By role of HELD_TO_OBJECTS, the granted objects that nobody asked for.

    An object is a key's pattern in a statement; `unused` knows actions alone, and one that is
    used on some objects may be granted on others for nothing.
    """
    asked: dict[str, set[str]] = defaultdict(set)
    for line in authorizations.read_text().splitlines():
        decision = json.loads(line)
        if decision["allowed"] and decision["action"].startswith("s3:"):
            for role in HELD_TO_OBJECTS:
                if f"-{role}-" in decision["role"]:
                    asked[role].add(decision["resource"].partition("/")[2])
    asked[SHARED] = set().union(*(asked[role] for role in PEOPLE))
    left = {
        role: {
            pattern
            for pattern in _patterns(own) - UNSEEN_OBJECTS.get(role, set())
            if not any(fnmatchcase(key, pattern) for key in asked[role])
        }
        for role, own in {SHARED: _shared(), **_own(list(HELD_TO_OBJECTS))}.items()
    }
    return {role: patterns for role, patterns in left.items() if patterns}


def _patterns(granting: list[dict[str, Any]]) -> set[str]:
    """What is granted of the data bucket's objects."""
    resources = {
        name for one in granting for name in one["Resource"] if ":s3:::DataBucket/" in name
    }
    return {name.partition("/")[2] for name in resources}


def grants(roles: list[str]) -> dict[str, set[str]]:
    """The actions granted to each role; those of the shared policy under its own name."""
    found = {SHARED: _actions(_shared())}
    return found | {role: _actions(own) for role, own in _own(roles).items()}


def _shared() -> list[dict[str, Any]]:
    """What all people may see."""
    policy = resources("AWS::IAM::ManagedPolicy")[SHARED]["Properties"]["PolicyDocument"]
    return statements(policy)


def _own(roles: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The statements of each role; of a person's, without the shared policy's."""
    shared = _shared()
    return {
        role: [one for one in granted(role) if role not in PEOPLE or one not in shared]
        for role in roles
    }


def _actions(granting: list[dict[str, Any]]) -> set[str]:
    return {action for statement in granting for action in statement["Action"]}
