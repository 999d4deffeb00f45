"""Sources and functions as actions, against ports that a test conducts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from localaws.codepipeline.account import Acting, Artifact, Result
from localaws.codepipeline.cloud import artifact_policy
from localaws.codepipeline.jobs import InvokeError, Jobs, LambdaInvoke
from localaws.codepipeline.sources import S3Source
from localaws.protocol.errors import ServiceError
from support.codepipeline_bench import ACCOUNT, BUNDLE, VERIFIED, Objects, failure, task

# Source by S3


SOURCE = {"S3Bucket": "data", "S3ObjectKey": "bundle.zip", "PollForSourceChanges": "false"}


def test_the_source_is_the_object_at_the_version_asked_for():
    store = Objects({("data", "other.zip", "v1"): b"old", ("data", "bundle.zip", None): b"new"})
    overrides = {"S3_OBJECT_KEY": "other.zip", "S3_OBJECT_VERSION_ID": "v1"}

    result = S3Source(store)(task("Bundle", SOURCE, outputs=[BUNDLE], overrides=overrides))

    assert store.content[("artifacts", BUNDLE.key, None)] == b"old"
    assert result.variables == {
        "BucketName": "data",
        "ObjectKey": "other.zip",
        "VersionId": "v1",
        "ETag": "tag",
    }
    assert result.external_id == "v1"
    assert result.revision is not None
    assert result.revision["revisionId"] == "v1"


def test_without_overrides_the_source_is_the_newest_version():
    store = Objects({("data", "bundle.zip", None): b"new"})

    result = S3Source(store)(task("Bundle", SOURCE, outputs=[BUNDLE]))

    assert result.variables["VersionId"] == "v2"


@pytest.mark.parametrize(
    ("store", "code", "words"),
    [
        (Objects(), "ConfigurationError", "bundle.zip in the Amazon S3 bucket named data"),
        (Objects(refusal="AccessDenied"), "PermissionError", "doesn't have the permissions"),
        (Objects(without_versions=True), "ConfigurationError", "must have versioning enabled"),
    ],
)
def test_a_source_that_cannot_be_read_fails(store: Objects, code: str, words: str):
    error = failure(S3Source(store), task("Bundle", SOURCE, outputs=[BUNDLE]))

    assert error.code == code
    assert words in str(error)


# Invoke by Lambda


class Function:
    """A function that answers its job as it is told, call by call."""

    def __init__(self, jobs: Jobs, *behaviours: Callable[[str], None]) -> None:
        self.jobs = jobs
        self.behaviours = list(behaviours)
        self.events: list[Mapping[str, Any]] = []

    def invoke(self, acting: Acting, function: str, event: Mapping[str, Any]) -> None:
        self.events.append(event)
        self.behaviours.pop(0)(event["CodePipeline.job"]["id"])

    def artifact_credentials(
        self, acting: Acting, artifacts: Sequence[Artifact]
    ) -> Mapping[str, str]:
        return {"accessKeyId": "a", "secretAccessKey": "s", "sessionToken": "t"}


INVOKE = {"FunctionName": "record", "UserParameters": '{"release": 7}'}


def invoked(*behaviours: Any, timeout: float = 5.0) -> tuple[LambdaInvoke, Function]:
    """A provider and its function; a behaviour is what it answers, or an error it ends with."""
    jobs = Jobs()

    def behave(behaviour: Any) -> Callable[[str], None]:
        def act(job: str) -> None:
            if isinstance(behaviour, Exception):
                raise behaviour
            if behaviour is not None:
                kind, request = behaviour
                (jobs.succeed if kind == "success" else jobs.fail)({"jobId": job, **request})

        return act

    function = Function(jobs, *(behave(behaviour) for behaviour in behaviours))
    return LambdaInvoke(function, jobs, ACCOUNT, timeout=timeout, pause=0.001), function


def test_the_function_is_given_a_job_in_awss_form():
    provider, function = invoked(("success", {}))

    provider(task("Record", INVOKE, inputs=[BUNDLE], outputs=[VERIFIED]))

    job = function.events[0]["CodePipeline.job"]
    assert job["accountId"] == ACCOUNT
    assert job["data"] == {
        "actionConfiguration": {"configuration": INVOKE},
        "inputArtifacts": [
            {
                "name": "Bundle",
                "revision": "v1",
                "location": {
                    "type": "S3",
                    "s3Location": {"bucketName": "artifacts", "objectKey": BUNDLE.key},
                },
            }
        ],
        "outputArtifacts": [
            {
                "name": "Verified",
                "revision": None,
                "location": {
                    "type": "S3",
                    "s3Location": {"bucketName": "artifacts", "objectKey": VERIFIED.key},
                },
            }
        ],
        "artifactCredentials": {
            "accessKeyId": "a",
            "secretAccessKey": "s",
            "sessionToken": "t",
        },
    }


def test_the_jobs_variables_and_details_become_the_actions():
    details = {"summary": "recorded", "externalExecutionId": "r-7"}
    provider, _ = invoked(
        ("success", {"outputVariables": {"Release": "7"}, "executionDetails": details})
    )

    result = provider(task("Record", INVOKE))

    assert result == Result("recorded", "r-7", variables={"Release": "7"})


def test_a_continuation_token_brings_the_function_back():
    provider, function = invoked(
        ("success", {"continuationToken": "call 1"}),
        ("success", {"continuationToken": "call 2"}),
        ("success", {}),
    )

    provider(task("Admit", INVOKE))

    tokens = [
        event["CodePipeline.job"]["data"].get("continuationToken") for event in function.events
    ]
    assert tokens == [None, "call 1", "call 2"]


def test_a_job_that_failed_fails_the_action_in_its_words():
    details = {"type": "ConfigurationError", "message": "release 7 was not approved"}
    provider, _ = invoked(("failure", {"failureDetails": details}))

    error = failure(provider, task("Admit", INVOKE))

    assert (error.code, str(error)) == ("ConfigurationError", "release 7 was not approved")


def test_a_function_that_ends_with_an_error_and_no_answer_fails_the_action():
    provider, _ = invoked(InvokeError("KeyError", "'release'"))

    error = failure(provider, task("Record", INVOKE))

    assert error.code == "JobFailed"
    assert "KeyError: 'release'" in str(error)


def test_a_function_that_never_answers_fails_the_action_after_its_time():
    provider, _ = invoked(None, timeout=0.01)

    error = failure(provider, task("Record", INVOKE))

    assert "failed to return a result" in str(error)


def test_a_job_is_answered_once_and_with_little():
    jobs = Jobs()
    job = jobs.open()

    def refused(**request: Any) -> str:
        with pytest.raises(ServiceError) as raised:
            jobs.succeed({"jobId": job.id, **request})
        return raised.value.code

    both = {"continuationToken": "t", "outputVariables": {"a": "1"}}
    assert refused(**both) == "ValidationException"
    large = {"a": "x" * 122_880}
    assert refused(outputVariables=large) == "OutputVariablesSizeExceededException"
    jobs.succeed({"jobId": job.id})
    assert refused() == "InvalidJobStateException"


def test_a_jobs_credentials_are_for_its_artifacts_alone():
    (statement,) = artifact_policy([BUNDLE])["Statement"]

    assert statement["Resource"] == [f"arn:aws:s3:::artifacts/{BUNDLE.key}"]
    assert artifact_policy([])["Statement"][0]["Effect"] == "Deny"
