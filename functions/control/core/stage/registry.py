"""The model registry: one package group per model, one package per candidate.

What Kanmon must know of a package is in its metadata, written when it was registered. Which
package is the champion is in the model table: the one whose release was promoted last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from core.stage.release_records import Champion
from core.words.catalogue import say
from core.words.formats import one_line
from core.words.lists import enumerated

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

# Metadata names; Judge Candidate writes them and Open Run reads them back.
RUN = "run"
FINGERPRINT = "fingerprint"
DEFINITION = "definition"
ARTIFACT_URI = "artifact_uri"
ARTIFACT_SHA256 = "artifact_sha256"
EVALUATION_URI = "evaluation_uri"
REPORT_URI = "report_uri"

_NEEDED_OF_A_MODEL = (
    RUN,
    DEFINITION,
    ARTIFACT_URI,
    ARTIFACT_SHA256,
    EVALUATION_URI,
    REPORT_URI,
)


# What a killed run registered is looked for among so many packages. Each takes a call, which every
# run with something new waits for; a candidate that is missed is trained once more, no worse.
MOST_RECENT = 10


Approval = Literal["Approved", "Rejected"]
StageStatus = Literal["InService", "Retired", "Failed"]
# The only stage of a model's life cycle that releases use.
PRODUCTION = "Production"
# What the registry may hold as the reason of a status.
LONGEST_DESCRIPTION = 1024


class ForeignPackageError(Exception):
    """The champion's package is not there, or not as a run registered it."""


@dataclass(frozen=True)
class Package:
    """`by` is who changed the package last, where SageMaker gives it."""

    arn: str
    group: str = ""
    version: int = 0
    approval: str = ""
    reason: str | None = None
    by: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """Where a model's packages are; its first run makes it."""

    name: str
    exists: bool


class Registry:
    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def group(self, name: str) -> Group:
        try:
            self._client.describe_model_package_group(ModelPackageGroupName=name)
        except ClientError as error:
            if _is_missing(error):
                return Group(name, exists=False)
            raise
        return Group(name, exists=True)

    def recent(self, group: Group) -> Iterator[Package]:
        """The group's latest packages, newest first, each read when it is needed."""
        if not group.exists:
            return
        pages = self._client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group.name, SortBy="CreationTime", SortOrder="Descending"
        )
        # A page may be empty although another one follows.
        listed = (package for page in pages for package in page["ModelPackageSummaryList"])
        for one in islice(listed, MOST_RECENT):
            package = self.find(one["ModelPackageArn"])
            if package is not None:  # deleted since it was listed
                yield package

    def find(self, arn: str) -> Package | None:
        """The package; None if it was deleted."""
        try:
            return self.package(arn)
        except ClientError as error:
            if _is_missing(error):
                return None
            raise

    def package(self, arn: str) -> Package:
        found: Any = self._client.describe_model_package(ModelPackageName=arn)
        changed = found.get("LastModifiedBy") or {}
        return Package(
            arn=arn,
            group=found.get("ModelPackageGroupName", ""),
            version=found.get("ModelPackageVersion", 0),
            approval=found.get("ModelApprovalStatus", ""),
            reason=found.get("ApprovalDescription") or None,
            by=(changed.get("IamIdentity") or {}).get("Arn") or changed.get("UserProfileName"),
            metadata=found.get("CustomerMetadataProperties") or {},
        )

    def set_approval(self, arn: str, status: Approval, reason: str) -> None:
        """Give the package this status; one that has it keeps the reason it was given."""
        if self.package(arn).approval != status:
            self._client.update_model_package(
                ModelPackageArn=arn,
                ModelApprovalStatus=status,
                ApprovalDescription=one_line(reason, LONGEST_DESCRIPTION),
            )

    def set_production(self, arn: str, status: StageStatus, why: str) -> None:
        """Record the package's place in production."""
        self._client.update_model_package(
            ModelPackageArn=arn,
            ModelLifeCycle={
                "Stage": PRODUCTION,
                "StageStatus": status,
                "StageDescription": one_line(why, LONGEST_DESCRIPTION),
            },
        )


def _is_missing(error: ClientError) -> bool:
    """SageMaker answers ValidationException where other services say not found."""
    words = error.response["Error"].get("Message", "").lower()
    code = error.response["Error"].get("Code", "")
    return code == "ResourceNotFound" or "does not exist" in words or "not found" in words


def champion_of(promoted: Champion, package: Package | None) -> dict[str, Any]:
    """The champion as the run plan holds it, from the table's record and the registry's package."""
    problem = not_readable(promoted.package_arn, package)
    if package is None or problem:
        raise ForeignPackageError(say("refused.champion", problem=problem, model=promoted.model))
    return model_of(promoted.release, package)


def not_readable(arn: str, package: Package | None) -> str:
    """Why a release's package does not say where its model is; empty where it does."""
    if package is None:
        return say("refused.package_gone", package=arn)
    missing = [name for name in _NEEDED_OF_A_MODEL if not package.metadata.get(name)]
    if not missing:
        return ""
    return say("refused.package_bare", package=arn, missing=enumerated(missing))


def model_of(release: int, package: Package) -> dict[str, Any]:
    """A release's model as the run plan holds it."""
    return {
        "release": release,
        "package_arn": package.arn,
        "version": package.version,
        "run": package.metadata[RUN],
        "model_uri": package.metadata[ARTIFACT_URI],
        "model_sha256": package.metadata[ARTIFACT_SHA256],
        "report_uri": package.metadata[REPORT_URI],
        "evaluation_uri": package.metadata[EVALUATION_URI],
        "definition_sha256": package.metadata[DEFINITION],
    }


def first_with(packages: Iterable[Package], name: str, value: str) -> Package | None:
    """The first package whose metadata of this name has this value."""
    return next((package for package in packages if package.metadata.get(name) == value), None)
