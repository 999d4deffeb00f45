"""The ARNs of pipelines, their stages and their actions, and the console's addresses."""

import secrets
import string
from dataclasses import dataclass
from typing import Any

TARGET_PREFIX = "CodePipeline_20150709."
PRINCIPAL = "codepipeline.amazonaws.com"

# AWS cuts the names of pipeline and artifact to these lengths in the keys of artifacts.
PIPELINE_LETTERS = 20
ARTIFACT_LETTERS = 10
KEY_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Names:
    """Makes ARNs and addresses in one region and account."""

    region: str
    account: str

    def arn(self, *path: str) -> str:
        """
        >>> Names("us-east-1", "123456789012").arn("release", "Review", "ApproveRelease")
        'arn:aws:codepipeline:us-east-1:123456789012:release/Review/ApproveRelease'
        """
        return f"arn:aws:codepipeline:{self.region}:{self.account}:{'/'.join(path)}"

    def console(self, pipeline: str, *path: str) -> str:
        """The address of a pipeline, or of a place in it, in the older console's form."""
        view = "/".join((pipeline, *path))
        return f"https://console.aws.amazon.com/codepipeline/home?region={self.region}#/view/{view}"


def artifact_key(pipeline: str, artifact: str) -> str:
    """A new key for an artifact, in AWS's form: name/name/seven random letters."""
    letters = "".join(secrets.choice(KEY_LETTERS) for _ in range(7))
    return f"{pipeline[:PIPELINE_LETTERS]}/{artifact[:ARTIFACT_LETTERS]}/{letters}"


# Operation → the members of its request that name the resource, outermost first.
STAGE = ("pipelineName", "stageName")
RESOURCES: dict[str, tuple[str, ...]] = {
    "DeletePipeline": ("name",),
    "DisableStageTransition": STAGE,
    "EnableStageTransition": STAGE,
    "GetPipeline": ("name",),
    "GetPipelineExecution": ("pipelineName",),
    "GetPipelineState": ("name",),
    "ListActionExecutions": ("pipelineName",),
    "ListPipelineExecutions": ("pipelineName",),
    "ListRuleExecutions": ("pipelineName",),
    "OverrideStageCondition": STAGE,
    "PutApprovalResult": (*STAGE, "actionName"),
    "RetryStageExecution": STAGE,
    "RollbackStage": STAGE,
    "StartPipelineExecution": ("name",),
    "StopPipelineExecution": ("pipelineName",),
}


def resource_arn(action: str, request: dict[str, Any], region: str, account: str) -> str:
    """Return the resource an IAM policy is held against, "*" where the action has none.

    Deciding by the request alone: it is asked before the request is checked.
    """
    if action in ("TagResource", "UntagResource", "ListTagsForResource"):
        return str(request.get("resourceArn") or "*")
    if action in ("CreatePipeline", "UpdatePipeline"):
        declared = request.get("pipeline")
        path = [declared.get("name")] if isinstance(declared, dict) else [None]
    else:
        path = [request.get(member) for member in RESOURCES.get(action, ())]
    if not path or not all(path):
        return "*"
    return Names(region, account).arn(*(str(part) for part in path))
