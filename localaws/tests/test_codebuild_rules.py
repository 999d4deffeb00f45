"""CodeBuild's pure rules: phases, patterns, variables, orders, names, events."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.codebuild.account import resource_arn
from localaws.codebuild.buildspec import Output, Phase
from localaws.codebuild.files import NothingFoundError, Source, collect, destination, matches
from localaws.codebuild.projects import Handover, PipelineArtifact, handed_over, order_of, settled
from localaws.codebuild.record import following, outcome
from localaws.codebuild.shell import chosen, merged, wanted_parameters
from localaws.protocol.errors import ServiceError
from support.codebuild_bench import ENVIRONMENT, ROLE

ABORT, CONTINUE = Phase(on_failure="ABORT"), Phase(on_failure="CONTINUE")


@pytest.mark.parametrize(
    ("phase", "status", "phases", "next_phase"),
    [
        ("INSTALL", "SUCCEEDED", {}, "PRE_BUILD"),
        ("INSTALL", "FAILED", {}, "FINALIZING"),
        ("INSTALL", "FAILED", {"install": CONTINUE}, "PRE_BUILD"),
        ("PRE_BUILD", "FAILED", {}, "FINALIZING"),
        ("BUILD", "FAILED", {}, "POST_BUILD"),  # so that post_build can clean up
        ("BUILD", "FAILED", {"build": ABORT}, "FINALIZING"),
        ("POST_BUILD", "FAILED", {}, "UPLOAD_ARTIFACTS"),
        ("UPLOAD_ARTIFACTS", "FAILED", {}, "FINALIZING"),
        ("BUILD", "TIMED_OUT", {"build": CONTINUE}, "FINALIZING"),
        ("BUILD", "STOPPED", {}, "FINALIZING"),
    ],
)
def test_a_failure_leads_where_codebuild_goes(
    phase: str, status: str, phases: Mapping[str, Phase], next_phase: str
) -> None:
    assert following(phase, status, phases) == next_phase


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["SUCCEEDED", "SUCCEEDED"], "SUCCEEDED"),
        (["FAILED", "SUCCEEDED"], "FAILED"),
        (["FAILED", "TIMED_OUT", "SUCCEEDED"], "TIMED_OUT"),
        (["FAILED", "STOPPED"], "STOPPED"),
        (["FAULT", "SUCCEEDED"], "FAULT"),
    ],
)
def test_the_build_is_as_good_as_its_worst_phase(statuses: list[str], status: str) -> None:
    assert outcome(dict(enumerate(statuses))) == status  # type: ignore[arg-type]


names = st.text("az.]()+^$ ", min_size=1, max_size=6).filter(lambda name: name not in (".", ".."))
paths = st.lists(names, min_size=1, max_size=4).map("/".join)


@given(paths)
def test_every_file_is_matched_by_itself_and_by_all(path: str) -> None:
    assert matches(path, path)
    assert matches("**/*", path)
    assert matches("*", path) is ("/" not in path)


@given(paths, paths)
def test_a_folder_s_pattern_matches_what_is_in_it(folder: str, path: str) -> None:
    assert matches(f"{folder}/**/*", f"{folder}/{path}")
    assert matches(f"{folder}/*", f"{folder}/{path}") is ("/" not in path)
    assert not matches(f"{folder}/**/*", f"{folder}x/{path}")


@given(st.text("ab-/*?[]!.", max_size=12), st.text("ab/.", max_size=8))
def test_no_pattern_breaks(pattern: str, path: str) -> None:
    try:
        matches(pattern, path)
    except re.error:
        pytest.fail(pattern)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The folders of the example in CodeBuild's documentation."""
    for path in (
        "my-build1/my-file1.txt",
        "my-build2/my-file2.txt",
        "my-build2/my-subdirectory/my-file3.txt",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    return tmp_path


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (Output(("*/my-file3.txt",), "my-build2"), ["my-subdirectory/my-file3.txt"]),
        (
            Output(("**/*",), "my-build*", discard_paths=True),
            ["my-file1.txt", "my-file2.txt", "my-file3.txt"],
        ),
        (Output(("my-build1/*",)), ["my-build1/my-file1.txt"]),
        (Output(("**/*",), exclude=("**/my-file3.txt", "my-build1/*")), ["my-build2/my-file2.txt"]),
    ],
)
def test_artifacts_are_chosen_as_documented(tree: Path, output: Output, found: list[str]) -> None:
    assert sorted(collect(output, tree, output.base_directory)) == found


@pytest.mark.parametrize("output", [Output(("nothing",)), Output(("**/*",), "nowhere")])
def test_artifacts_that_are_not_there_are_an_error(tree: Path, output: Output) -> None:
    with pytest.raises(NothingFoundError):
        collect(output, tree, output.base_directory)


@pytest.mark.parametrize(
    ("settings", "name", "key"),
    [
        ({"path": "MyArtifacts", "namespaceType": "NONE"}, "a.zip", "MyArtifacts/a.zip"),
        ({"path": "MyArtifacts", "namespaceType": "BUILD_ID"}, "a.zip", "MyArtifacts/1f0c/a.zip"),
        ({"namespaceType": "NONE"}, "/", ""),
        ({"path": "MyArtifacts", "namespaceType": "BUILD_ID"}, "/", "MyArtifacts/1f0c"),
    ],
)
def test_artifacts_go_where_the_api_s_reference_says(
    settings: dict[str, str], name: str, key: str
) -> None:
    assert destination({"location": "out", **settings}, "verify:1f0c", name).key == key


def test_variables_given_at_the_start_win_over_the_project_and_that_over_the_buildspec() -> None:
    given = merged(
        [{"name": "A", "value": "project"}, {"name": "B", "value": "project"}],
        [{"name": "B", "value": "start"}, {"name": "D", "value": "/d", "type": "PARAMETER_STORE"}],
    )
    declared = {"A": "buildspec", "C": "buildspec"}

    wanted = wanted_parameters({"E": "/e", "D": "/other"}, given)
    taken = chosen(declared, given, {"D": "secret", "E": "hidden"})

    assert wanted == {"E": "/e", "D": "/d"}
    assert taken == {"A": "project", "B": "start", "C": "buildspec", "D": "secret", "E": "hidden"}


PROJECT = {
    "name": "verify",
    "source": {"type": "S3", "location": "in/a.zip", "buildspec": "ci.yml"},
    "artifacts": {"type": "S3", "location": "out"},
    "environment": ENVIRONMENT,
    "serviceRole": ROLE,
}
PIPELINED = {
    **PROJECT,
    "source": {"type": "CODEPIPELINE"},
    "artifacts": {"type": "CODEPIPELINE"},
}


def test_a_request_overrides_its_project_and_leaves_it_alone() -> None:
    settings = settled(
        PROJECT,
        {
            "projectName": "verify",
            "sourceLocationOverride": "in/b.zip",
            "sourceVersion": "v7",
            "buildspecOverride": "version: 0.2\nphases: {}",
            "timeoutInMinutesOverride": 7,
        },
    )

    order = order_of(settings, None)

    assert order.source == Source("in/b.zip", "v7")
    assert order.buildspec == "version: 0.2\nphases: {}"
    assert settings["timeoutInMinutes"] == 7
    assert PROJECT["source"] == {"type": "S3", "location": "in/a.zip", "buildspec": "ci.yml"}


@pytest.mark.parametrize(
    ("project", "request_", "message"),
    [
        (
            PROJECT,
            {"debugSessionEnabled": True},
            "have StartBuild's debugSessionEnabled",
        ),
        (PROJECT, {"sourceTypeOverride": "GITHUB"}, "does not have build sources of type GITHUB"),
        (PIPELINED, {}, "ArtifactsOverride must be set when using artifacts type CodePipelines"),
        (
            PIPELINED,
            {"artifactsOverride": {"type": "NO_ARTIFACTS"}},
            "SourceTypeOverride must be set",
        ),
    ],
)
def test_a_request_that_cannot_be_built_is_refused(
    project: dict[str, Any], request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(ServiceError, match=message):
        settled(project, request_)


def test_a_pipeline_brings_its_own_source_and_takes_the_artifacts() -> None:
    handover = Handover(
        initiator="codepipeline/release",
        source=PipelineArtifact("Bundle", "store", "in/bundle"),
        output=PipelineArtifact("Verified", "store", "out/verified"),
    )

    settings = handed_over(PROJECT, handover)
    order = order_of(settings, handover)

    assert order.source == Source("store/in/bundle")
    assert (order.buildspec, order.artifacts) == ("ci.yml", {"type": "CODEPIPELINE"})
    assert settings["source"] == {"type": "CODEPIPELINE", "buildspec": "ci.yml"}
    assert settings["sourceVersion"] == "arn:aws:s3:::store/in/bundle"


ARN = "arn:aws:codebuild:us-east-1:1:project/"


@pytest.mark.parametrize(
    ("action", "request_", "resource"),
    [
        ("CreateProject", {"name": "a"}, f"{ARN}a"),
        ("StartBuild", {"projectName": f"{ARN}a"}, f"{ARN}a"),
        ("StopBuild", {"id": "a:1f0c"}, f"{ARN}a"),
        ("BatchGetBuilds", {"ids": ["a:1", "a:2"]}, f"{ARN}a"),
        ("BatchGetBuilds", {"ids": ["a:1", "b:2"]}, "*"),
        ("BatchGetBuilds", {"ids": "a"}, "*"),
        ("ListProjects", {}, "*"),
    ],
)
def test_builds_are_held_against_their_project(
    action: str, request_: dict[str, Any], resource: str
) -> None:
    assert resource_arn(action, request_, "us-east-1", "1") == resource
