"""What the services say about a release is gathered, however little of it is there."""

from types import SimpleNamespace
from typing import Any

from kanmon.releases.evidence import gather
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
