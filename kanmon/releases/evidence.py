"""Gathers the evidence about a release from the services; more of it after a failure."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from core.stage.release_pipeline import Execution
from core.stage.release_records import Release, Status
from kanmon.releases.explanation import Evidence
from kanmon.releases.pipeline import progress, progress_of
from kanmon.releases.records import champion_of, deployment_lock_of, withdrawal_of
from kanmon.releases.traffic import Deployment, deployments, serving_stack, traffic
from kanmon.stage.aws_errors import REFUSED

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# The last lines of a build: the failed command and its output.
BUILD_LINES = 6
# Events of a build's log: one request's worth, far more than a verification writes.
LONGEST_LOG = 1000
VERIFY = "VerifyRelease"
HOOK_FUNCTIONS = {
    "BeforeAllowTraffic": "CheckBeforeTrafficFunction",
    "AfterAllowTraffic": "CheckAfterTrafficFunction",
}


def gather(connection: "Connection", release: Release) -> Evidence:
    """All evidence about a release."""
    champion = champion_of(connection, release.model)
    execution = progress(connection, release)
    deployed = execution.action("DeployRelease") if execution else None
    began = deployed.began if deployed else None
    moved: list[Deployment] = []
    if began and (release.status != Status.PROMOTED or release.in_service):
        # The clocks of two services differ a little.
        moved = deployments(connection, release.model, since=began - timedelta(seconds=5))
    return Evidence(
        release,
        execution,
        tuple(moved),
        tuple(unless_refused(lambda: _stack_causes(connection, release, execution))),
        tuple(unless_refused(lambda: _build_lines(connection, execution))),
        tuple(unless_refused(lambda: _hook_lines(connection, release, moved, began))),
        tuple(traffic(connection, release.model)) if began else (),
        champion.release if champion else None,
        champion.promoted_at if champion else None,
        withdrawal_of(connection, release.model) if champion is None else None,
        _behind(connection, release, execution),
    )


def verification_of(connection: "Connection", release: Release) -> str | None:
    """The build that verified the release last. A rollback repeats no verification, so its
    execution has none, and the one before has it."""
    build = _build_of(progress(connection, release))
    if build or not release.execution:
        return build
    return _build_of(progress_of(connection, release.execution))


def _build_of(execution: Execution | None) -> str | None:
    action = execution.action(VERIFY) if execution else None
    return action.external_id if action else None


def unless_refused(look: Callable[[], list[str]]) -> list[str]:
    """What `look` finds; without the permission, one line that names it."""
    from botocore.exceptions import ClientError

    try:
        return look()
    except ClientError as error:
        if error.response["Error"]["Code"] not in REFUSED:
            raise
        return [f"the permission to use {error.operation_name} would show more"]


def _behind(connection: "Connection", release: Release, execution: Execution | None) -> int | None:
    """The release whose promotion this one waits for."""
    now = execution.current if execution else None
    if (
        release.status != Status.APPROVED
        or now is None
        or now.name not in ("AdmitRelease", "ConfirmRelease")
    ):
        return None
    holder = deployment_lock_of(connection, release.model).holder
    if not holder or holder == release.execution:
        return None
    other = progress_of(connection, holder)
    number = other.variables.get("release", "") if other else ""
    return int(number) if number.isdigit() else None


def _stack_causes(
    connection: "Connection", release: Release, execution: Execution | None
) -> list[str]:
    """What failed in the serving stack during this promotion, according to CloudFormation."""
    from botocore.exceptions import ClientError

    from kanmon.deployment.stack import failure_reasons, stack_events

    failed = execution.failed if execution else None
    if failed is None or failed.name != "DeployRelease" or failed.began is None:
        return []
    since = failed.began - timedelta(seconds=5)
    events = stack_events(connection, serving_stack(connection, release.model))
    try:
        return failure_reasons(list(takewhile(lambda one: one["Timestamp"] >= since, events)))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # there is no such stack
            return []
        raise


def _build_lines(connection: "Connection", execution: Execution | None) -> list[str]:
    """The end of a failed build's log."""
    failed = execution.failed if execution else None
    if failed is None or failed.name != VERIFY or not failed.external_id:
        return []
    return explaining(event["message"] for event in build_log(connection, failed.external_id))


def build_log(connection: "Connection", build: str) -> list[Any]:
    """The last events of a build's log, oldest first; none if it was stopped before its first."""
    from botocore.exceptions import ClientError

    builds = connection.client("codebuild").batch_get_builds(ids=[build])["builds"]
    logs: Any = builds[0].get("logs", {}) if builds else {}
    if not logs.get("groupName") or not logs.get("streamName"):
        return []
    try:
        answer = connection.client("logs").get_log_events(
            logGroupName=logs["groupName"],
            logStreamName=logs["streamName"],
            startFromHead=False,
            limit=LONGEST_LOG,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return []
        raise
    return list(answer["events"])


def explaining(lines: Any) -> list[str]:
    """The program's last lines in a build's log, latest first, without those of CodeBuild and make.

    >>> explaining(["[Container] x Running command make", "read", "scores differ", "make: ***"])
    ['scores differ', 'read']
    """
    written = [line.strip() for line in lines if line.strip()]
    own = [line for line in written if not line.startswith(("[Container]", "make: ", "make["))]
    return own[: -BUILD_LINES - 1 : -1]


def _hook_lines(
    connection: "Connection", release: Release, moved: list[Deployment], began: datetime | None
) -> list[str]:
    """What a failed check logged; CodeDeploy itself knows only that it failed."""
    from botocore.exceptions import ClientError

    failed = {
        name
        for one in moved
        for name, status, _ in one.events
        if status == "Failed" and name in HOOK_FUNCTIONS
    }
    lines: list[str] = []
    for name in sorted(failed):
        try:
            resource = connection.cloudformation.describe_stack_resource(
                StackName=serving_stack(connection, release.model),
                LogicalResourceId=HOOK_FUNCTIONS[name],
            )["StackResourceDetail"]
            settings = connection.client("lambda").get_function_configuration(
                FunctionName=resource["PhysicalResourceId"]
            )
            group = settings.get("LoggingConfig", {}).get("LogGroup")
            found = connection.client("logs").filter_log_events(
                logGroupName=group or f"/aws/lambda/{resource['PhysicalResourceId']}",
                startTime=int(began.timestamp() * 1000) if began else 0,
            )
        except ClientError as error:
            # The rollback of the stack has deleted the function or its log.
            if error.response["Error"]["Code"] in {
                "ValidationError",
                "ResourceNotFoundException",
            }:
                continue
            raise
        lines += hook_words(event["message"] for event in found["events"])
    return lines


def hook_words(messages: Any) -> list[str]:
    """The findings of the checks in a function's JSON log lines.

    >>> hook_words(['{"level": "ERROR", "found": "row 3: 10.1, not 9.8"}', "START x"])
    ['row 3: 10.1, not 9.8']
    """
    import json

    findings = []
    for message in messages:
        try:
            entry = json.loads(message)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in {"ERROR", "CRITICAL"}:
            words = entry.get("found") or entry.get("errorMessage") or entry.get("message")
            findings.append(str(words or ""))
    return [words for words in findings if words][-3:]


def brief(connection: "Connection", release: Release) -> Evidence:
    """The evidence for a release's status, without the causes of a failure."""
    champion = champion_of(connection, release.model)
    return Evidence(
        release,
        progress(connection, release),
        champion=champion.release if champion else None,
        champion_since=champion.promoted_at if champion else None,
        withdrawal=withdrawal_of(connection, release.model) if champion is None else None,
    )
