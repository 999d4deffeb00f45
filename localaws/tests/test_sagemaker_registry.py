"""The model registry, called as the gateway calls it."""

import json
from typing import Any

import pytest

from localaws.credentials import Credentials
from localaws.jobs.runner import Outcome
from localaws.protocol.errors import ServiceError
from localaws.sagemaker.stage import SageMaker
from support.workbench import REGION, ROOT_USER, Surroundings

ACCOUNT = "123456789012"
GROUP = "shop-abalone"
SPECIFICATION = {"Containers": [{"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}]}


class NoJobs:
    """A runner for tests that start no job."""

    def run(self, *_: object) -> Outcome:
        return Outcome("Completed")


@pytest.fixture
def around() -> Surroundings:
    return Surroundings("http://127.0.0.1:1", Credentials("key", "secret", "token"))


@pytest.fixture
def sagemaker(around: Surroundings) -> SageMaker:
    return SageMaker(around.ports(), NoJobs(), REGION, ACCOUNT)


@pytest.fixture
def group(sagemaker: SageMaker) -> str:
    return str(
        sagemaker.call("CreateModelPackageGroup", {"ModelPackageGroupName": GROUP})[
            "ModelPackageGroupArn"
        ]
    )


def register(sagemaker: SageMaker, **changes: Any) -> str:
    request = {
        "ModelPackageGroupName": GROUP,
        "InferenceSpecification": SPECIFICATION,
        **changes,
    }
    return str(sagemaker.call("CreateModelPackage", request)["ModelPackageArn"])


def refused(sagemaker: SageMaker, operation: str, request: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ServiceError) as raised:
        sagemaker.call(operation, request)
    return raised.value.code, str(raised.value)


def listed(sagemaker: SageMaker, **filters: Any) -> list[int]:
    answer = sagemaker.call("ListModelPackages", {"ModelPackageGroupName": GROUP, **filters})
    return [package["ModelPackageVersion"] for package in answer["ModelPackageSummaryList"]]


@pytest.mark.usefixtures("group")
def test_a_candidate_waits_for_approval_under_the_next_number(sagemaker: SageMaker):
    register(sagemaker)
    arn = register(
        sagemaker,
        ModelPackageDescription="rmse 2.1",
        CustomerMetadataProperties={"run": "abalone-1"},
    )

    package = sagemaker.call("DescribeModelPackage", {"ModelPackageName": arn})

    created = package.pop("CreationTime")
    assert package.pop("LastModifiedTime") == created
    assert arn == f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{GROUP}/2"
    assert package == {
        "ModelPackageArn": arn,
        "ModelPackageGroupName": GROUP,
        "ModelPackageVersion": 2,
        "ModelPackageDescription": "rmse 2.1",
        "InferenceSpecification": SPECIFICATION,
        "CustomerMetadataProperties": {"run": "abalone-1"},
        "ModelApprovalStatus": "PendingManualApproval",
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CreatedBy": {"IamIdentity": {"Arn": ROOT_USER}},
    }


@pytest.mark.usefixtures("group")
def test_the_same_token_registers_once(sagemaker: SageMaker):
    first = register(sagemaker, ClientToken="of-this-fingerprint")
    again = register(sagemaker, ClientToken="of-this-fingerprint")

    assert again == first
    assert listed(sagemaker) == [1]
    assert refused(
        sagemaker,
        "CreateModelPackage",
        {
            "ModelPackageGroupName": GROUP,
            "SourceUri": "s3://b/k",
            "ClientToken": "of-this-fingerprint",
        },
    ) == (
        "ConflictException",
        "The client token of-this-fingerprint was already used for another request, which made"
        f" {first}.",
    )


@pytest.mark.usefixtures("group")
def test_a_deleted_number_is_not_given_again(sagemaker: SageMaker):
    first = register(sagemaker)
    sagemaker.call("DeleteModelPackage", {"ModelPackageName": first})

    assert register(sagemaker) == f"{first[:-1]}2"


@pytest.mark.usefixtures("group")
def test_approval_is_kept_with_who_and_why_and_told_to_the_event_bus(
    sagemaker: SageMaker, around: Surroundings
):
    arn = register(sagemaker, CustomerMetadataProperties={"run": "r", "old": "o"})
    around.caller = "arn:aws:iam::123456789012:role/operator"

    sagemaker.call(
        "UpdateModelPackage",
        {
            "ModelPackageArn": arn,
            "ModelApprovalStatus": "Approved",
            "ApprovalDescription": "looks right",
            "CustomerMetadataProperties": {"ticket": "7"},
            "CustomerMetadataPropertiesToRemove": ["old"],
        },
    )

    package = sagemaker.call("DescribeModelPackage", {"ModelPackageName": arn})
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["ApprovalDescription"] == "looks right"
    assert package["CustomerMetadataProperties"] == {"run": "r", "ticket": "7"}
    assert package["LastModifiedBy"] == {"IamIdentity": {"Arn": around.caller}}
    event = around.events[-1]
    assert (event.detail_type, event.resource) == ("SageMaker Model Package State Change", arn)
    assert event.detail["ModelApprovalStatus"] == "Approved"
    assert event.detail["ModelPackageGroupName"] == GROUP
    assert event.detail["ModelPackageVersion"] == 1


@pytest.mark.usefixtures("group")
def test_packages_are_listed_by_status_order_and_page(sagemaker: SageMaker):
    for status in ("Approved", "Rejected", "Approved"):
        register(sagemaker, ModelApprovalStatus=status)

    assert listed(sagemaker) == [1, 2, 3]
    assert listed(sagemaker, SortOrder="Descending", MaxResults=1) == [3]
    assert listed(sagemaker, ModelApprovalStatus="Approved", SortOrder="Descending") == [3, 1]
    assert listed(sagemaker, CreationTimeAfter=4_000_000_000) == []
    first = sagemaker.call("ListModelPackages", {"ModelPackageGroupName": GROUP, "MaxResults": 2})
    rest = listed(sagemaker, MaxResults=2, NextToken=first["NextToken"])
    assert rest == [3]


def test_without_a_group_only_packages_of_no_group_are_listed(sagemaker: SageMaker, group: str):
    register(sagemaker)
    sagemaker.call(
        "CreateModelPackage",
        {"ModelPackageName": "alone", "InferenceSpecification": SPECIFICATION},
    )

    def names(**filters: Any) -> list[str]:
        answer = sagemaker.call("ListModelPackages", filters)
        return [
            package["ModelPackageArn"].rpartition("model-package/")[2]
            for package in answer["ModelPackageSummaryList"]
        ]

    assert names() == ["alone"]
    assert names(ModelPackageType="Versioned") == [f"{GROUP}/1"]
    assert names(ModelPackageType="Both") == [f"{GROUP}/1", "alone"]


def test_a_group_lives_until_it_is_deleted_empty(sagemaker: SageMaker, group: str):
    package = register(sagemaker)
    asked = {"ModelPackageGroupName": GROUP}

    code, words = refused(sagemaker, "DeleteModelPackageGroup", asked)
    sagemaker.call("DeleteModelPackage", {"ModelPackageName": package})
    [summary] = sagemaker.call("ListModelPackageGroups", {})["ModelPackageGroupSummaryList"]
    sagemaker.call("DeleteModelPackageGroup", asked)

    assert code == "ConflictException"
    assert "still contains Model Packages" in words
    assert summary["ModelPackageGroupName"] == GROUP
    assert refused(sagemaker, "DescribeModelPackageGroup", asked) == (
        "ValidationException",
        f"ModelPackageGroup {group} does not exist.",
    )


@pytest.mark.parametrize(
    ("operation", "request_", "words"),
    [
        (
            "CreateModelPackageGroup",
            {"ModelPackageGroupName": GROUP},
            "Model Package Group already exists: "
            f"arn:aws:sagemaker:us-east-1:123456789012:model-package-group/{GROUP}",
        ),
        (
            "CreateModelPackageGroup",
            {"ModelPackageGroupName": "a_b"},
            "1 validation error detected: Value 'a_b' at 'modelPackageGroupName' failed to satisfy"
            " constraint: Member must satisfy regular expression pattern:"
            " [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ),
        (
            "CreateModelPackage",
            {"ModelPackageGroupName": "other", "InferenceSpecification": SPECIFICATION},
            "ModelPackageGroup arn:aws:sagemaker:us-east-1:123456789012:model-package-group/other"
            " does not exist.",
        ),
        (
            "CreateModelPackage",
            {"ModelPackageGroupName": GROUP},
            "A model package needs an InferenceSpecification, a SourceAlgorithmSpecification or a"
            " SourceUri.",
        ),
        (
            "CreateModelPackage",
            {"ModelPackageGroupName": GROUP, "ModelApprovalStatus": "Approve"},
            "1 validation error detected: Value 'Approve' at 'modelApprovalStatus' failed to"
            " satisfy constraint: Member must satisfy enum value set: [Approved, Rejected,"
            " PendingManualApproval]",
        ),
        # A line break belongs to none of the character categories the model allows.
        (
            "CreateModelPackage",
            {"ModelPackageGroupName": GROUP, "CustomerMetadataProperties": {"a": "b\nc"}},
            "1 validation error detected: Value 'b\nc' at 'customerMetadataProperties.a.member'"
            " failed to satisfy constraint: Member must satisfy regular expression pattern:"
            r" ([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)${1,256}",
        ),
        (
            "DescribeModelPackage",
            {"ModelPackageName": f"{GROUP}/9"},
            "ModelPackage arn:aws:sagemaker:us-east-1:123456789012:model-package/"
            f"{GROUP}/9 does not exist.",
        ),
        ("ListModelPackages", {"NextToken": "no"}, "The pagination token is invalid."),
        (
            "ListModelPackages",
            {"MaxResults": 0, "Sort": "Name"},
            "2 validation errors detected: Value '0' at 'maxResults' failed to satisfy constraint:"
            " Member must have value greater than or equal to 1; 'sort' is not a member of"
            " ListModelPackagesInput",
        ),
    ],
)
@pytest.mark.usefixtures("group")
def test_what_does_not_fit_is_refused_in_aws_words(
    sagemaker: SageMaker, operation: str, request_: dict[str, Any], words: str
):
    assert refused(sagemaker, operation, request_) == ("ValidationException", words)


def test_tags_are_added_listed_and_removed(sagemaker: SageMaker, group: str):
    sagemaker.call("AddTags", {"ResourceArn": group, "Tags": [{"Key": "team", "Value": "ml"}]})
    sagemaker.call("AddTags", {"ResourceArn": group, "Tags": [{"Key": "cost", "Value": "1"}]})
    sagemaker.call("DeleteTags", {"ResourceArn": group, "TagKeys": ["cost"]})

    assert sagemaker.call("ListTags", {"ResourceArn": group}) == {
        "Tags": [{"Key": "team", "Value": "ml"}]
    }
    assert refused(sagemaker, "ListTags", {"ResourceArn": f"{group}x"})[0] == "ValidationException"


def test_everything_comes_back_after_a_restart(sagemaker: SageMaker, around: Surroundings, group):
    arn = register(sagemaker, ClientToken="t", Tags=[{"Key": "a", "Value": "b"}])
    before = around.changes
    written = json.dumps(sagemaker.get_state())

    restarted = SageMaker(around.ports(), NoJobs(), REGION, ACCOUNT)
    restarted.load_persisted_state(json.loads(written))

    assert before > 0
    assert restarted.get_state() == sagemaker.get_state()
    assert register(restarted, ClientToken="t", Tags=[{"Key": "a", "Value": "b"}]) == arn
    assert register(restarted) == f"{arn[:-1]}2"


def test_answers_are_json_with_times_in_seconds(sagemaker: SageMaker, group: str):
    body = json.dumps({"ModelPackageGroupName": GROUP}).encode()
    headers = {"x-amz-target": "SageMaker.DescribeModelPackageGroup"}

    status, head, answer = sagemaker.respond(headers, body)

    described = json.loads(answer)
    assert (status, head) == (200, {"Content-Type": "application/x-amz-json-1.1"})
    assert isinstance(described.pop("CreationTime"), float)
    assert described == {
        "ModelPackageGroupName": GROUP,
        "ModelPackageGroupArn": group,
        "ModelPackageGroupStatus": "Completed",
        "CreatedBy": {"IamIdentity": {"Arn": ROOT_USER}},
    }


@pytest.mark.parametrize(
    ("target", "body", "error"),
    [
        ("ListModelPackages", b"{", "SerializationException"),
        ("ListModelPackages", b"[]", "SerializationException"),
        ("MakeCoffee", b"{}", "UnknownOperationException"),
        ("DescribeModelPackageGroup", b"{}", "ValidationException"),
    ],
)
def test_a_bad_request_is_answered_not_raised(
    sagemaker: SageMaker, target: str, body: bytes, error: str
):
    headers = {"X-Amz-Target": f"SageMaker.{target}"}

    status, _, answer = sagemaker.respond(headers, body)

    assert (status, json.loads(answer)["__type"]) == (400, error)


def test_an_operation_that_is_not_here_is_refused_by_name(sagemaker: SageMaker):
    status, _, answer = sagemaker.respond({"X-Amz-Target": "SageMaker.CreateTransformJob"}, b"{}")

    assert (status, json.loads(answer)) == (
        501,
        {
            "__type": "NotImplementedException",
            "message": "localaws does not have sagemaker's operation CreateTransformJob",
        },
    )
