"""What the services say about a release is gathered, however little of it is there."""

from types import SimpleNamespace
from typing import Any

from kanmon.releases.evidence import gather, verification_of
from kanmon.releases.records import find_release
from tests.support.sample_releases import BUNDLE, REVIEWED, detail, item, release
from tests.support.standin import Pipeline, Stage, refusal


def test_a_build_that_was_stopped_before_it_wrote_a_line_has_none() -> None:
    def no_stream(**request: Any) -> Any:
        raise refusal("ResourceNotFoundException", "GetLogEvents")

    verify = detail("Verify", "VerifyRelease", "Failed", externalExecutionId="verify:1")
    builds = {"builds": [{"logs": {"groupName": "/verify", "streamName": "1"}}]}
    stage = Stage(
        [item(7, "FAILED")],
        codepipeline=Pipeline([BUNDLE, REVIEWED, verify]),
        codebuild=SimpleNamespace(batch_get_builds=lambda ids: builds),
        logs=SimpleNamespace(get_log_events=no_stream),
    )

    found = gather(stage, release("FAILED"))

    assert found.build_lines == ()


def test_a_rollback_does_not_hide_the_verification_before_it() -> None:
    """Its execution verifies nothing: the log is that of the release's own."""
    verify = detail("Verify", "VerifyRelease", externalExecutionId="verify:1")
    executions = {
        "e-7": [BUNDLE, REVIEWED, verify],
        "rollback": [BUNDLE, detail("Redeploy", "DeployRelease")],
    }

    class Both(Pipeline):
        def get_paginator(self, operation: str) -> Any:
            def pages(**request: Any) -> Any:
                named = request["filter"]["pipelineExecutionId"]
                return [{"actionExecutionDetails": executions[named][::-1]}]

            return SimpleNamespace(paginate=pages)

    champion = {"model": "wine", "item": "champion", "release": 7, "execution": "rollback"}
    stage = Stage([item(7, "PROMOTED"), champion], codepipeline=Both([]))

    found = find_release(stage, "wine/7")

    assert found.in_service
    assert verification_of(stage, found) == "verify:1"
