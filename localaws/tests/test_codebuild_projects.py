"""Projects, and calls that are refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.jobs.processes import Processes
from localaws.protocol.errors import ServiceError
from support.codebuild_bench import CALLER, ENVIRONMENT, ROLE, Bench, Surroundings, commands


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    launcher = Processes("folder")
    yield launcher
    launcher.close()


@pytest.fixture
def bench(tmp_path: Path, processes: Processes) -> Iterator[Bench]:
    made = Bench(tmp_path, Surroundings(), processes)
    yield made
    made.close()


def project(**changes: Any) -> dict[str, Any]:
    """A CreateProject request, changed."""
    return {
        "name": "verify",
        "source": {"type": "NO_SOURCE", "buildspec": commands()},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": ENVIRONMENT,
        "serviceRole": ROLE,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timeoutInMinutes": 1}, "at 'timeoutInMinutes' failed to satisfy constraint"),
        ({"source": {"type": "S3"}}, "Project source location is required"),
        ({"source": {"type": "NO_SOURCE"}}, "must have a buildspec"),
        ({"artifacts": {"type": "CODEPIPELINE"}}, "both sourceType, and artifactType must be set"),
        ({"artifacts": {"type": "S3"}}, "Project artifacts location is required"),
        ({"artifacts": {"type": "S3", "location": "a/b"}}, "must be a valid S3 bucket name"),
        ({"serviceRole": "builds"}, "Invalid service role"),
    ],
)
def test_a_project_that_aws_refuses_is_refused(
    bench: Bench, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ServiceError, match=message) as caught:
        bench.service.call("CreateProject", project(**changes))

    assert caught.value.code == "InvalidInputException"


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"source": {"type": "GITHUB", "location": "x"}}, "build sources of type GITHUB"),
        (
            {"secondarySources": [{"type": "S3", "location": "a/b", "sourceIdentifier": "b"}]},
            "a build project's secondarySources",
        ),
        (
            {"environment": {**ENVIRONMENT, "type": "WINDOWS_CONTAINER"}},
            "build environments of type WINDOWS_CONTAINER",
        ),
        ({"logsConfig": {"s3Logs": {"status": "ENABLED"}}}, r"build logs in S3 \(logsConfig"),
    ],
)
def test_what_localaws_leaves_out_is_refused_by_name(
    bench: Bench, changes: dict[str, Any], missing: str
) -> None:
    with pytest.raises(ServiceError, match=f"localaws does not have {missing}") as caught:
        bench.service.call("CreateProject", project(**changes))

    assert caught.value.code == "NotImplementedException"


def test_an_operation_that_localaws_leaves_out_is_refused_by_name(bench: Bench) -> None:
    with pytest.raises(ServiceError, match="have codebuild's operation ListBuilds") as caught:
        bench.service.call("ListBuilds", {})

    assert (caught.value.code, caught.value.status) == ("NotImplementedException", 501)


def test_who_makes_a_project_must_be_allowed_to_pass_its_role(bench: Bench) -> None:
    bench.around.caller = CALLER
    bench.around.denied.add("iam:PassRole")

    with pytest.raises(ServiceError, match="is not authorized to perform: iam:PassRole") as caught:
        bench.service.call("CreateProject", project())

    assert caught.value.code == "AccessDeniedException"
    assert bench.around.asked == [(CALLER, "iam:PassRole", ROLE)]


def test_projects_are_kept_changed_and_deleted(bench: Bench) -> None:
    call = bench.service.call
    made = call("CreateProject", project(description="first"))["project"]
    call("CreateProject", project(name="another"))

    changed = call("UpdateProject", {"name": "verify", "timeoutInMinutes": 9})["project"]

    assert (made["timeoutInMinutes"], changed["timeoutInMinutes"]) == (60, 9)
    assert changed["description"] == "first"
    found = call("BatchGetProjects", {"names": [made["arn"], "missing"]})
    assert (found["projects"], found["projectsNotFound"]) == ([changed], ["missing"])
    with pytest.raises(ServiceError, match="Project already exists: arn:aws") as caught:
        call("CreateProject", project())
    assert caught.value.code == "ResourceAlreadyExistsException"
    for _ in range(2):  # as on AWS, a second time is no error
        call("DeleteProject", {"name": "verify"})
    left = call("BatchGetProjects", {"names": ["verify", "another"]})
    assert [one["name"] for one in left["projects"]] == ["another"]


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("StartBuild", {"projectName": "none"}),
        ("UpdateProject", {"name": "none"}),
        ("StopBuild", {"id": "none:1"}),
    ],
)
def test_what_is_not_there_cannot_be_found(
    bench: Bench, operation: str, request_: dict[str, str]
) -> None:
    with pytest.raises(ServiceError, match="cannot be found: arn:aws:codebuild") as caught:
        bench.service.call(operation, request_)

    assert caught.value.code == "ResourceNotFoundException"
