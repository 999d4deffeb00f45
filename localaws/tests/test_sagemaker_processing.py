"""CreateProcessingJob and its relatives, called as the gateway calls them."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from localaws.credentials import Credentials
from localaws.jobs.runner import Control, Outcome
from localaws.protocol.errors import ServiceError
from localaws.sagemaker.stage import SageMaker
from support.workbench import REGION, ROLE, Surroundings, instances, s3_input, s3_outputs

ACCOUNT = "123456789012"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:processing-job"
CALLER = "arn:aws:iam::123456789012:role/machine"


class Ends:
    """A runner whose jobs end as told, or when they are stopped."""

    def __init__(self, outcome: Outcome | None) -> None:
        self.outcome = outcome

    def run(self, job: Mapping[str, Any], credentials: Credentials, control: Control) -> Outcome:
        if self.outcome is None:
            assert control.stop.wait(10)
        return self.outcome or Outcome("Stopped")


@pytest.fixture
def around() -> Surroundings:
    return Surroundings("http://127.0.0.1:1", Credentials("key", "secret", "token"))


def serve(around: Surroundings, outcome: Outcome | None = None) -> SageMaker:
    return SageMaker(around.ports(), Ends(outcome), REGION, ACCOUNT)


def request(name: str = "job-1", **changes: Any) -> dict[str, Any]:
    return {
        "ProcessingJobName": name,
        "ProcessingResources": instances(1),
        "AppSpecification": {"ImageUri": "image"},
        "RoleArn": ROLE,
        **changes,
    }


def refused(sagemaker: SageMaker, operation: str, asked: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ServiceError) as raised:
        sagemaker.call(operation, asked)
    return raised.value.code, str(raised.value)


def described(sagemaker: SageMaker, name: str = "job-1") -> dict[str, Any]:
    return sagemaker.call("DescribeProcessingJob", {"ProcessingJobName": name})


def test_a_job_is_described_as_it_was_asked_for_and_as_it_ended(around: Surroundings):
    sagemaker = serve(around, Outcome("Failed", "AlgorithmError: bad, exit code: 1", "bad"))
    asked = request(
        Environment={"A": "b"},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        ProcessingInputs=[s3_input("s3://bucket/in")],
        ProcessingOutputConfig=s3_outputs("s3://bucket/out"),
    )

    created = sagemaker.call("CreateProcessingJob", {**asked, "Tags": [{"Key": "k", "Value": "v"}]})
    assert sagemaker.jobs.wait("job-1", 5)

    job = described(sagemaker)
    times = [
        job.pop(name)
        for name in (
            "CreationTime",
            "ProcessingStartTime",
            "ProcessingEndTime",
            "LastModifiedTime",
        )
    ]
    assert times == sorted(times)
    assert created == {"ProcessingJobArn": f"{ARN}/job-1"}
    assert job == {
        **asked,
        "ProcessingJobArn": f"{ARN}/job-1",
        "ProcessingJobStatus": "Failed",
        "FailureReason": "AlgorithmError: bad, exit code: 1",
        "ExitMessage": "bad",
    }
    assert sagemaker.call("ListTags", {"ResourceArn": f"{ARN}/job-1"}) == {
        "Tags": [{"Key": "k", "Value": "v"}]
    }


PREFERRED = [{"InstanceType": name, "InstanceCount": 2} for name in ("ml.m5.large", "ml.m6i.large")]


def cluster(**members: Any) -> dict[str, Any]:
    return {"ClusterConfig": {"VolumeSizeInGB": 1, **members}}


def test_of_several_preferred_machines_a_job_has_the_first_and_says_so(around: Surroundings):
    sagemaker = serve(around, Outcome("Completed"))
    asked = cluster(InstancePreferences=PREFERRED)

    sagemaker.call("CreateProcessingJob", request(ProcessingResources=asked))

    chosen = {"SelectedInstanceType": "ml.m5.large", "SelectedInstanceCount": 2}
    found = described(sagemaker)["ProcessingResources"]["ClusterConfig"]
    assert found == {**asked["ClusterConfig"], **chosen}
    assert sagemaker.jobs.wait("job-1", 5)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"InstancePreferences": PREFERRED, "InstanceType": "ml.m5.large"}, "both was given"),
        ({"InstanceCount": 1}, "neither was given"),
        ({"InstancePreferences": PREFERRED, "InstanceCount": 1}, "belongs to each"),
        (
            {"InstanceType": "ml.m5.large", "InstanceCount": 1, "SelectedInstanceCount": 1},
            "SelectedInstanceCount is not accepted in requests",
        ),
    ],
)
def test_a_job_names_its_machines_in_one_way(
    around: Surroundings, members: dict[str, Any], words: str
):
    code, said = refused(
        serve(around), "CreateProcessingJob", request(ProcessingResources=cluster(**members))
    )

    assert code == "ValidationException"
    assert words in said


def test_every_change_of_state_is_told_to_the_event_bus(around: Surroundings):
    sagemaker = serve(around, Outcome("Completed"))

    sagemaker.call("CreateProcessingJob", request())
    assert sagemaker.jobs.wait("job-1", 5)

    assert [
        (event.detail_type, event.resource, event.detail["ProcessingJobStatus"])
        for event in around.events
    ] == [
        ("SageMaker Processing Job State Change", f"{ARN}/job-1", "InProgress"),
        ("SageMaker Processing Job State Change", f"{ARN}/job-1", "Completed"),
    ]
    # Times are milliseconds in events, unlike in the API.
    assert around.events[-1].detail["ProcessingEndTime"] > 10**12


def test_a_name_is_used_once(around: Surroundings):
    sagemaker = serve(around, Outcome("Completed"))
    sagemaker.call("CreateProcessingJob", request())

    assert refused(sagemaker, "CreateProcessingJob", request()) == (
        "ResourceInUse",
        "Job name must be unique within an AWS account and region, and a job with this name"
        f" already exists ({ARN}/job-1)",
    )


def test_a_stopped_job_is_stopping_and_then_stopped(around: Surroundings):
    sagemaker = serve(around)
    sagemaker.call("CreateProcessingJob", request())

    sagemaker.call("StopProcessingJob", {"ProcessingJobName": "job-1"})
    assert sagemaker.jobs.wait("job-1", 5)

    statuses = [event.detail["ProcessingJobStatus"] for event in around.events]
    assert statuses == ["InProgress", "Stopping", "Stopped"]
    assert refused(sagemaker, "StopProcessingJob", {"ProcessingJobName": "job-1"}) == (
        "ValidationException",
        "The request was rejected because the processing job is in status Stopped.",
    )


def test_a_job_that_is_not_there_is_a_validation_error(around: Surroundings):
    assert refused(serve(around), "DescribeProcessingJob", {"ProcessingJobName": "none"}) == (
        "ValidationException",
        "Could not find requested job with name: none",
    )


def test_jobs_are_listed_by_name_status_order_and_page(around: Surroundings):
    sagemaker = serve(around, Outcome("Completed"))
    for name in ("b-1", "a-1", "b-2"):
        sagemaker.call("CreateProcessingJob", request(name))
        assert sagemaker.jobs.wait(name, 5)

    def names(**asked: Any) -> list[str]:
        answer = sagemaker.call("ListProcessingJobs", asked)
        return [job["ProcessingJobName"] for job in answer["ProcessingJobSummaries"]]

    assert names() == ["b-1", "a-1", "b-2"]
    assert names(NameContains="b-", SortOrder="Descending") == ["b-2", "b-1"]
    assert names(SortBy="Name", MaxResults=2) == ["a-1", "b-1"]
    assert names(StatusEquals="Failed") == []


def test_whoever_starts_a_job_must_be_allowed_to_pass_its_role(around: Surroundings):
    around.caller = CALLER
    around.denied.add("iam:PassRole")

    code, words = refused(serve(around), "CreateProcessingJob", request())

    assert code == "AccessDeniedException"
    assert words == (
        f"User: {CALLER} is not authorized to perform: iam:PassRole on resource: {ROLE} because no"
        " identity-based policy allows the iam:PassRole action"
    )
    assert around.asked == [(CALLER, "iam:PassRole", ROLE)]


def test_a_role_that_does_not_trust_sagemaker_is_refused(around: Surroundings):
    around.untrusting.add(ROLE)

    assert refused(serve(around), "CreateProcessingJob", request()) == (
        "ValidationException",
        f"Could not assume role {ROLE}. Please ensure that the role exists and allows principal"
        " 'sagemaker.amazonaws.com' to assume the role.",
    )


def test_jobs_of_a_stage_that_was_killed_have_failed(around: Surroundings):
    sagemaker = serve(around)
    sagemaker.call("CreateProcessingJob", request())
    written = json.dumps(sagemaker.get_state())

    restarted = serve(around)
    restarted.load_persisted_state(json.loads(written))

    job = described(restarted)
    assert (job["ProcessingJobStatus"], job["FailureReason"]) == (
        "Failed",
        "InternalServerError: the local stage ended while the job was running; run it again",
    )
    sagemaker.call("StopProcessingJob", {"ProcessingJobName": "job-1"})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"ProcessingJobName": "x" * 64},
            f"2 validation errors detected: Value '{'x' * 64}' at 'processingJobName' failed to"
            " satisfy constraint: Member must have length less than or equal to 63; Value"
            f" '{'x' * 64}' at 'processingJobName' failed to satisfy constraint: Member must"
            " satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 0}},
            "1 validation error detected: Value '0' at 'stoppingCondition.maxRuntimeInSeconds'"
            " failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": "60"}},
            "1 validation error detected: Value at 'stoppingCondition.maxRuntimeInSeconds' failed"
            " to satisfy constraint: Member must be of type integer",
        ),
        (
            {"AppSpecification": {}},
            "1 validation error detected: Value null at 'appSpecification.imageUri' failed to"
            " satisfy constraint: Member must not be null",
        ),
        (
            {"Environment": {"not a name": "1"}},
            "1 validation error detected: Value 'not a name' at 'environment.not a name.key' failed"
            " to satisfy constraint: Member must satisfy regular expression pattern:"
            " [a-zA-Z_][a-zA-Z0-9_]*",
        ),
        (
            {"ProcessingInputs": [s3_input("s3://bucket/in", LocalPath="/etc")]},
            "ProcessingInput data: LocalPath '/etc' must be an absolute path under"
            " /opt/ml/processing.",
        ),
        (
            {"ProcessingInputs": [s3_input("s3://b/1"), s3_input("s3://b/2")]},
            "InputName must be unique: data, data",
        ),
    ],
)
def test_a_request_aws_would_refuse_is_refused(
    around: Surroundings, changes: dict[str, Any], words: str
):
    said = refused(serve(around), "CreateProcessingJob", request(**changes))

    assert said == ("ValidationException", words)


def test_a_way_of_input_that_is_not_here_is_refused_by_name(around: Surroundings):
    piped = {"ProcessingInputs": [s3_input("s3://bucket/in", S3InputMode="Pipe")]}

    assert refused(serve(around), "CreateProcessingJob", request(**piped)) == (
        "NotImplementedException",
        "localaws does not have S3InputModes but File, as ProcessingInput data has one",
    )
