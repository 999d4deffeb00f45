"""Grants against use: what the roles of a stage were given and what the stage saw them do."""

import json
from collections import defaultdict
from pathlib import Path

from tests.template.translation import granted, resources

TRACING = "the local stage has no X-Ray"
LOG_DELIVERY = "the local stage keeps an execution's history, and delivers no log"
MISSING_KEYS = "S3 itself asks, when a key is missing, to choose between 404 and 403"

# Granted for AWS's sake, with what keeps the local stage from ever asking for it.
UNSEEN_LOCALLY = {
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
UNSEEN_BY_ROLE = {
    "OpenRunRole": {"s3:ListBucket": MISSING_KEYS},
    "JudgeCandidateRole": {"s3:ListBucket": MISSING_KEYS},
}


def unused(authorizations: Path) -> dict[str, set[str]]:
    """By role, the granted actions that a stage's record of decisions never shows allowed.

    What only AWS asks for is left out. Roles that use all they have are not in the answer.
    """
    used: dict[str, set[str]] = defaultdict(set)
    roles = list(resources("AWS::IAM::Role"))
    for line in authorizations.read_text().splitlines():
        decision = json.loads(line)
        for role in roles:
            if decision["allowed"] and f"-{role}-" in decision["role"]:
                used[role].add(decision["action"])
    left = {
        role: {action for statement in granted(role) for action in statement["Action"]}
        - used[role]
        - set(UNSEEN_LOCALLY)
        - set(UNSEEN_BY_ROLE.get(role, ()))
        for role in roles
    }
    return {role: actions for role, actions in left.items() if actions}
