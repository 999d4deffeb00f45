"""The account as SageMaker sees it: its ARNs, its tags, the rest of the stage."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from localaws.credentials import Credentials, RoleRefusedError
from localaws.emulator import Event
from localaws.jobs.spot import Market
from localaws.protocol.errors import ServiceError, invalid
from localaws.protocol.paging import page

PRINCIPAL = "sagemaker.amazonaws.com"


class Allowed(Protocol):
    """Decides, and records, whether a role may do something; decisions are IAM's."""

    def __call__(
        self, role: str, action: str, resource: str, context: Mapping[str, Any] | None = None
    ) -> bool: ...


@dataclass(frozen=True)
class Ports:
    """The stage, as seen from here. Everything may be called from any thread."""

    endpoint: Callable[[], str]
    """The gateway's address, such as http://127.0.0.1:45231."""
    caller: Callable[[], str | None]
    """The ARN of the role that makes the current request; None for the account's root."""
    identity: Callable[[], str]
    """The full ARN of who makes it, a role's session with its name."""
    allowed: Allowed
    assume: Callable[[str, str], Credentials]
    """Credentials of a role (ARN, session name) for SageMaker; raises RoleRefusedError."""
    emit: Callable[[Event], None]
    log_group_exists: Callable[[str], bool]
    write_log: Callable[[str, str, Sequence[tuple[int, str]]], None]
    """Append (milliseconds, line) to a log group's stream, making both where needed."""
    write_metric: Callable[[str, str, float, str], None]
    """Record a percentage: a namespace, the metric's name, the value, the host it is about."""
    changed: Callable[[], None]
    """Called after every change of the state, so that it can be saved."""
    market: Callable[[], Market] = Market
    """What happens to a job on spot machines that begins now; raises MarketError."""


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
    "CreateTrainingJob": ("training-job", "TrainingJobName"),
    "DeleteModelPackage": ("model-package", "ModelPackageName"),
    "DeleteModelPackageGroup": ("model-package-group", "ModelPackageGroupName"),
    "DescribeModelPackage": ("model-package", "ModelPackageName"),
    "DescribeModelPackageGroup": ("model-package-group", "ModelPackageGroupName"),
    "DescribeProcessingJob": ("processing-job", "ProcessingJobName"),
    "DescribeTrainingJob": ("training-job", "TrainingJobName"),
    "StopProcessingJob": ("processing-job", "ProcessingJobName"),
    "StopTrainingJob": ("training-job", "TrainingJobName"),
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


class Access:
    """Checks of the current request's caller. The account's root may do everything."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def may_pass_role(self, role: str) -> None:
        """Raise unless the caller may hand this role to SageMaker."""
        self._require("iam:PassRole", role, {"iam:PassedToService": PRINCIPAL})

    def may_tag(self, arn: str, tags: object) -> None:
        """Raise unless the caller may give tags to what it creates, if it gives any."""
        if tags:
            self._require("sagemaker:AddTags", arn, {})

    def assume(self, role: str, session: str) -> Credentials:
        """Return the role's credentials for SageMaker, or raise as Create operations do."""
        try:
            return self._ports.assume(role, session)
        except RoleRefusedError as error:
            raise invalid(
                f"Could not assume role {role}. Please ensure that the role exists and allows"
                f" principal '{PRINCIPAL}' to assume the role."
            ) from error

    def _require(self, action: str, resource: str, context: Mapping[str, Any]) -> None:
        caller = self._ports.caller()
        if caller is None or self._ports.allowed(caller, action, resource, context):
            return
        raise ServiceError(
            "AccessDeniedException",
            f"User: {caller} is not authorized to perform: {action} on resource: {resource}"
            f" because no identity-based policy allows the {action} action",
        )


MOST = 50

TagList = list[dict[str, str]]


class Tags:
    """ARN → {key: value}. Callers hold the service's lock."""

    def __init__(self, lock: threading.RLock, changed: Callable[[], None]) -> None:
        self._lock = lock
        self._changed = changed
        self.state: dict[str, dict[str, str]] = {}

    def put(self, arn: str, tags: TagList) -> None:
        merged = {**self.state.get(arn, {}), **{tag["Key"]: tag["Value"] for tag in tags}}
        if len(merged) > MOST:
            raise invalid(f"Too many tags for {arn}: a resource can have {MOST}.")
        if merged:
            self.state[arn] = merged
            self._changed()

    def drop(self, arn: str) -> None:
        self.state.pop(arn, None)

    def operations(self, exists: Callable[[str], bool]) -> dict[str, Any]:
        """The operations on tags; `exists` returns whether an ARN names something here."""

        def found(request: dict[str, Any]) -> str:
            arn: str = request["ResourceArn"]
            if not exists(arn):
                raise invalid(f"The resource {arn} does not exist.")
            return arn

        def add(request: dict[str, Any]) -> dict[str, Any]:
            arn = found(request)
            self.put(arn, request["Tags"])
            return {"Tags": listed(self.state.get(arn, {}))}

        def delete(request: dict[str, Any]) -> None:
            tags = self.state.get(found(request), {})
            for key in request["TagKeys"]:
                tags.pop(key, None)
            self._changed()

        def list_(request: dict[str, Any]) -> dict[str, Any]:
            tags = listed(self.state.get(found(request), {}))
            entries, token = page(
                {"MaxResults": MOST, **request},
                tags,
                order=lambda tag: tag["Key"],
                descending=False,
            )
            return {"Tags": entries, "NextToken": token}

        return {"AddTags": add, "DeleteTags": delete, "ListTags": list_}


def listed(tags: dict[str, str]) -> TagList:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
