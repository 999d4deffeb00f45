"""CodeBuild's two events for the event bus, in the shape that AWS documents."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from localaws.emulator import Event

SOURCE = "aws.codebuild"
STATE_CHANGE = "CodeBuild Build State Change"
PHASE_CHANGE = "CodeBuild Build Phase Change"


def state_change(build: Mapping[str, Any]) -> Event:
    """A build has begun or ended."""
    detail = {
        "build-status": build["buildStatus"],
        **common(build),
        "current-phase": build["currentPhase"],
        "current-phase-context": "[]",
    }
    return Event(SOURCE, STATE_CHANGE, build["arn"], detail)


def phase_change(build: Mapping[str, Any], phase: Mapping[str, Any]) -> Event:
    """A phase of a build has ended."""
    detail = {
        "completed-phase": phase["phaseType"],
        **common(build),
        "completed-phase-context": f"[{', '.join(contexts(phase))}]",
        "completed-phase-status": phase["phaseStatus"],
        "completed-phase-duration-seconds": float(phase["durationInSeconds"]),
        "completed-phase-start": clock(phase["startTime"]),
        "completed-phase-end": clock(phase["endTime"]),
    }
    return Event(SOURCE, PHASE_CHANGE, build["arn"], detail)


def common(build: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "project-name": build["projectName"],
        "build-id": build["arn"],
        "additional-information": additional(build),
        "version": "1",
    }


def additional(build: Mapping[str, Any]) -> dict[str, Any]:
    environment, logs = build["environment"], build["logs"]
    artifact = build["artifacts"]
    return {
        "artifact": {
            key: artifact[key] for key in ("md5sum", "sha256sum", "location") if key in artifact
        },
        "cache": {"type": build["cache"]["type"]},
        "environment": {
            "image": environment["image"],
            "privileged-mode": environment.get("privilegedMode", False),
            "image-pull-credentials-type": environment.get("imagePullCredentialsType", "CODEBUILD"),
            "compute-type": environment["computeType"],
            "type": environment["type"],
            "environment-variables": environment.get("environmentVariables", []),
        },
        "timeout-in-minutes": float(build["timeoutInMinutes"]),
        "queued-timeout-in-minutes": float(build["queuedTimeoutInMinutes"]),
        "build-complete": build["buildComplete"],
        "build-number": float(build["buildNumber"]),
        "initiator": build["initiator"],
        "build-start-time": clock(build["startTime"]),
        "source": {
            key: build["source"][key] for key in ("location", "type") if key in build["source"]
        },
        "source-version": build.get("sourceVersion", ""),
        "logs": {
            written: logs[key]
            for key, written in (
                ("groupName", "group-name"),
                ("streamName", "stream-name"),
                ("deepLink", "deep-link"),
            )
            if key in logs
        },
        "phases": [phase_detail(phase) for phase in build["phases"]],
    }


def phase_detail(phase: Mapping[str, Any]) -> dict[str, Any]:
    detail = {"start-time": clock(phase["startTime"]), "phase-type": phase["phaseType"]}
    if "endTime" not in phase:
        return detail
    return {
        "phase-context": contexts(phase),
        **detail,
        "end-time": clock(phase["endTime"]),
        "duration-in-seconds": float(phase["durationInSeconds"]),
        "phase-status": phase["phaseStatus"],
    }


def contexts(phase: Mapping[str, Any]) -> list[str]:
    return [f"{entry['statusCode']}: {entry['message']}" for entry in phase["contexts"]]


def clock(seconds: float) -> str:
    """
    >>> clock(1504282349.2)
    'Sep 1, 2017 4:12:29 PM'
    """
    when = datetime.fromtimestamp(seconds, UTC)
    return f"{when:%b} {when.day}, {when.year} {when.hour % 12 or 12}:{when:%M:%S %p}"
