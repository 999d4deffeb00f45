"""The ARNs of what SageMaker keeps here."""

from dataclasses import dataclass
from typing import Any

TARGET_PREFIX = "SageMaker."


@dataclass(frozen=True)
class Names:
    """Makes ARNs in one region and account. SageMaker writes names in them in lower case."""

    region: str
    account: str

    def arn(self, kind: str, name: str) -> str:
        """
        >>> Names("us-east-1", "123456789012").arn("processing-job", "Mine")
        'arn:aws:sagemaker:us-east-1:123456789012:processing-job/mine'
        """
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name.lower()}"

    @staticmethod
    def name(reference: str) -> str:
        """The name in an ARN, or the name itself where it is none.

        >>> Names.name("arn:aws:sagemaker:us-east-1:123456789012:model-package/mine/3")
        'mine/3'
        """
        return reference.partition("/")[2] if reference.startswith("arn:") else reference


# Operation → what kind of resource it names, and by which member of the request.
RESOURCES = {
    "CreateModelPackageGroup": ("model-package-group", "ModelPackageGroupName"),
    "CreateProcessingJob": ("processing-job", "ProcessingJobName"),
    "DeleteModelPackage": ("model-package", "ModelPackageName"),
    "DeleteModelPackageGroup": ("model-package-group", "ModelPackageGroupName"),
    "DescribeModelPackage": ("model-package", "ModelPackageName"),
    "DescribeModelPackageGroup": ("model-package-group", "ModelPackageGroupName"),
    "DescribeProcessingJob": ("processing-job", "ProcessingJobName"),
    "StopProcessingJob": ("processing-job", "ProcessingJobName"),
    "UpdateModelPackage": ("model-package", "ModelPackageArn"),
}


def resource_arn(action: str, request: dict[str, Any], region: str, account: str) -> str:
    """Return the resource an IAM policy is held against, "*" where the action has none.

    Deciding by the request alone: it is asked before the request is checked.
    """
    names = Names(region, account)
    if action in ("AddTags", "DeleteTags", "ListTags"):
        return str(request.get("ResourceArn") or "*")
    if action == "CreateModelPackage":
        # A version of a group is a model-package of that group, its number not yet known.
        group = request.get("ModelPackageGroupName")
        name = f"{names.name(str(group))}/*" if group else str(request.get("ModelPackageName"))
        return names.arn("model-package", name)
    if action == "ListModelPackages" and request.get("ModelPackageGroupName"):
        return names.arn("model-package", f"{names.name(request['ModelPackageGroupName'])}/*")
    kind, member = RESOURCES.get(action, ("", ""))
    value = request.get(member)
    return names.arn(kind, names.name(str(value))) if value else "*"
