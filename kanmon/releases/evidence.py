"""Gathers what the services say of a release: the more it failed, the closer the look."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from kanmon.releases.explanation import Evidence
from kanmon.releases.pipeline import Progress, progress
from kanmon.releases.records import APPROVED, PROMOTED, Release, champion_of
from kanmon.releases.traffic import Deployment, deployments, serving_stack, traffic
from kanmon.stage.aws_errors import REFUSED
from kanmon.stage.model_table import item_of

if TYPE_CHECKING:
    from kanmon.stage.connection import Connection

# The last lines of a build: the failed command and what it said.
BUILD_LINES = 6
HOOK_FUNCTIONS = {
    "BeforeAllowTraffic": "CheckBeforeTrafficFunction",
    "AfterAllowTraffic": "CheckAfterTrafficFunction",
}


def gather(connection: "Connection", release: Release) -> Evidence:
    """Everything there is to say about a release now."""
    champion = champion_of(connection, release.model) or {}
    stands = progress(connection, release)
    deployed = stands.action("DeployRelease") if stands else None
    began = deployed.began if deployed else None
    moved: list[Deployment] = []
    if began and (release.status != PROMOTED or release.in_service):
        # Clocks of two services differ a little.
        moved = deployments(connection, release.model, since=began - timedelta(seconds=5))
    return Evidence(
        release,
        stands,
        tuple(moved),
        tuple(unless_refused(lambda: _stack_causes(connection, release, stands))),
        tuple(unless_refused(lambda: _build_lines(connection, stands))),
        tuple(unless_refused(lambda: _hook_lines(connection, release, moved, began))),
        tuple(traffic(connection, release.model)) if began else (),
        champion.get("release"),
        champion.get("promoted_at"),
        _behind(connection, release, stands),
    )


def unless_refused(look: Callable[[], list[str]]) -> list[str]:
    """What a closer look finds; what to ask for where these credentials may not look closer."""
    from botocore.exceptions import ClientError

    try:
        return look()
    except ClientError as error:
        if error.response["Error"]["Code"] not in REFUSED:
            raise
        return [f"more is known to those who may use {error.operation_name}"]


def _behind(connection: "Connection", release: Release, stands: Progress | None) -> int | None:
    """The release whose promotion this one waits for."""
    now = stands.current if stands else None
    if (
        release.status != APPROVED
        or now is None
        or now.name not in ("AdmitRelease", "ConfirmRelease")
    ):
        return None
    turn = item_of(connection, release.model, "deployment") or {}
    holder = turn.get("holder")
    if not holder or holder == release.execution:
        return None
    from kanmon.releases.pipeline import progress_of

    other = progress_of(connection, str(holder))
    said = other.variables.get("release", "") if other else ""
    return int(said) if said.isdigit() else None


def _stack_causes(connection: "Connection", release: Release, stands: Progress | None) -> list[str]:
    """What CloudFormation says failed in the serving stack during this promotion."""
    from botocore.exceptions import ClientError

    from kanmon.deployment.stack import failure_reasons, stack_events

    failed = stands.failed if stands else None
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


def _build_lines(connection: "Connection", stands: Progress | None) -> list[str]:
    """The end of a failed build's log."""
    failed = stands.failed if stands else None
    if failed is None or failed.name != "VerifyRelease" or not failed.external_id:
        return []
    builds = connection.client("codebuild").batch_get_builds(ids=[failed.external_id])["builds"]
    logs: Any = builds[0].get("logs", {}) if builds else {}
    if not logs.get("groupName") or not logs.get("streamName"):
        return []
    events = connection.client("logs").get_log_events(
        logGroupName=logs["groupName"], logStreamName=logs["streamName"], startFromHead=False,
        limit=200,
    )["events"]  # fmt: skip
    return telling(event["message"] for event in events)


def telling(lines: Any) -> list[str]:
    """The last lines of a build's log that say why, the last first: it is nearest to the failure.

    What CodeBuild and make remark frames the program's own words.

    >>> telling(["[Container] x Running command make", "read", "scores differ", "make: ***"])
    ['scores differ', 'read']
    """
    said = [line.strip() for line in lines if line.strip()]
    own = [line for line in said if not line.startswith(("[Container]", "make: ", "make["))]
    return own[: -BUILD_LINES - 1 : -1]


def _hook_lines(
    connection: "Connection", release: Release, moved: list[Deployment], began: datetime | None
) -> list[str]:
    """What a failed check wrote: CodeDeploy itself only knows that it failed."""
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
            # The function or its log went with the stack that was rolled back.
            if error.response["Error"]["Code"] in {
                "ValidationError",
                "ResourceNotFoundException",
            }:
                continue
            raise
        lines += hook_words(event["message"] for event in found["events"])
    return lines


def hook_words(messages: Any) -> list[str]:
    """What the checks found, among a function's JSON log lines.

    >>> hook_words(['{"level": "ERROR", "found": "row 3: 10.1, not 9.8"}', "START x"])
    ['row 3: 10.1, not 9.8']
    """
    import json

    said = []
    for message in messages:
        try:
            entry = json.loads(message)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") in {"ERROR", "CRITICAL"}:
            words = entry.get("found") or entry.get("errorMessage") or entry.get("message")
            said.append(str(words or ""))
    return [words for words in said if words][-3:]


def brief(connection: "Connection", release: Release) -> Evidence:
    """What says how a release stands, without looking into why."""
    champion = champion_of(connection, release.model) or {}
    return Evidence(
        release,
        progress(connection, release),
        champion=champion.get("release"),
        champion_since=champion.get("promoted_at"),
    )
