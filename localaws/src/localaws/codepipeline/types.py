"""The types of actions there are here, and what a declaration of each must and may say."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ActionType:
    """What AWS checks of an action: keys of its configuration, numbers of its artifacts."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    inputs: tuple[int, int] = (0, 0)
    outputs: tuple[int, int] = (0, 0)


CODEBUILD = ActionType(
    required=("ProjectName",),
    optional=("PrimarySource", "EnvironmentVariables"),
    inputs=(1, 5),
    outputs=(0, 5),
)
# Category and provider → type. All are owned by AWS and of version 1.
TYPES: Mapping[tuple[str, str], ActionType] = {
    ("Source", "S3"): ActionType(
        required=("S3Bucket", "S3ObjectKey"),
        optional=("PollForSourceChanges", "AllowOverrideForS3ObjectKey"),
        outputs=(1, 1),
    ),
    ("Approval", "Manual"): ActionType(
        optional=("CustomData", "ExternalEntityLink", "NotificationArn"),
    ),
    ("Build", "CodeBuild"): CODEBUILD,
    ("Test", "CodeBuild"): CODEBUILD,
    ("Deploy", "CloudFormation"): ActionType(
        required=("ActionMode", "StackName"),
        optional=(
            *("Capabilities", "OutputFileName", "ParameterOverrides", "RoleArn"),
            *("TemplateConfiguration", "TemplatePath"),
        ),
        inputs=(0, 10),
        outputs=(0, 1),
    ),
    ("Invoke", "Lambda"): ActionType(
        required=("FunctionName",),
        optional=("UserParameters",),
        inputs=(0, 5),
        outputs=(0, 5),
    ),
}
STACK_MODES = ("CREATE_UPDATE", "REPLACE_ON_FAILURE", "DELETE_ONLY")
# What the modes need besides the stack's name.
STACK_MODE_NEEDS = {
    "CREATE_UPDATE": ("TemplatePath", "RoleArn"),
    "REPLACE_ON_FAILURE": ("TemplatePath", "RoleArn"),
    "DELETE_ONLY": ("RoleArn",),
}
