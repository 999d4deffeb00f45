"""The environment variables of a build: CodeBuild's own, the role's, and nobody else's."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from localaws.codebuild.names import Names
from localaws.credentials import Credentials

PLAINTEXT, PARAMETER_STORE = "PLAINTEXT", "PARAMETER_STORE"


def search_path(interpreter: Path, inherited: str) -> str:
    """Where a build finds its programs: `python` is this stage's own."""
    return f"{interpreter.parent}{os.pathsep}{inherited}"


def of_machine(home: Path, scratch: Path, path: str) -> dict[str, str]:
    """What a fresh container would have."""
    return {"HOME": str(home), "LANG": "C.UTF-8", "PATH": path, "TMPDIR": str(scratch)}


def of_role(credentials: Credentials, endpoint: str, region: str) -> dict[str, str]:
    """What lets every AWS SDK act as the service role, on this stage and nowhere else."""
    return {
        **credentials.environment(),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": endpoint,
        # Without these an SDK would look for the developer's own files and for EC2's service.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def of_build(build: Mapping[str, Any], names: Names, folder: Path) -> dict[str, str]:
    """What CodeBuild tells every build about itself; `folder` holds the source."""
    source = build["source"]
    location = source.get("location", "")
    return {
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_IMAGE": build["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": build["initiator"],
        "CODEBUILD_KMS_KEY_ID": build["encryptionKey"],
        "CODEBUILD_LOG_PATH": build["logs"].get("streamName", ""),
        "CODEBUILD_PROJECT_ARN": names.project(build["projectName"]),
        "CODEBUILD_RESOLVED_SOURCE_VERSION": build.get("resolvedSourceVersion", ""),
        "CODEBUILD_SOURCE_REPO_URL": f"s3://{location}" if source["type"] == "S3" else "",
        "CODEBUILD_SOURCE_VERSION": build.get("sourceVersion", ""),
        "CODEBUILD_SRC_DIR": str(folder),
        "CODEBUILD_START_TIME": str(int(build["startTime"] * 1000)),
    }


def merged(
    project: Sequence[Mapping[str, str]], override: Sequence[Mapping[str, str]]
) -> list[dict[str, str]]:
    """The variables of a build: those given at its start replace the project's of the same name.

    >>> merged([{"name": "A", "value": "1"}], [{"name": "A", "value": "2"}])
    [{'type': 'PLAINTEXT', 'name': 'A', 'value': '2'}]
    """
    found = {variable["name"]: variable for variable in (*project, *override)}
    return [{"type": PLAINTEXT, **variable} for variable in found.values()]


def wanted_parameters(
    declared: Mapping[str, str], given: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    """Names in Parameter Store by variable; `declared` is the buildspec's, which comes second."""
    return {
        **declared,
        **{entry["name"]: entry["value"] for entry in given if entry["type"] == PARAMETER_STORE},
    }


def chosen(
    declared: Mapping[str, str],
    given: Sequence[Mapping[str, str]],
    fetched: Mapping[str, str],
) -> dict[str, str]:
    """The project's own variables: what the build was given wins over the buildspec's.

    `fetched` are the values of `wanted_parameters`, by variable.
    """
    plain = {entry["name"]: entry["value"] for entry in given if entry["type"] == PLAINTEXT}
    return {**declared, **fetched, **plain}
