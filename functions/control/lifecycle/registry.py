"""The model registry: one package group per model, one package per candidate.

The champion is the newest package that is Approved. What Kanmon must know of a package stands in
its metadata, written when it was registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

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

_NEEDED_OF_A_CHAMPION = (
    RUN,
    DEFINITION,
    ARTIFACT_URI,
    ARTIFACT_SHA256,
    EVALUATION_URI,
    REPORT_URI,
)


class ForeignPackageError(Exception):
    """The newest approved package was not registered by a run."""


@dataclass(frozen=True)
class Package:
    arn: str
    version: int
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Group:
    """A model's packages, as far as a run needs them."""

    name: str
    exists: bool
    newest: Package | None
    champion: Package | None


class Registry:
    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def group(self, name: str) -> Group:
        if not self._exists(name):
            return Group(name, False, None, None)
        newest = self._newest(name)
        if newest is not None and newest[1] == "Approved":
            return Group(name, True, newest[0], newest[0])
        approved = self._newest(name, "Approved") if newest else None
        return Group(name, True, newest and newest[0], approved and approved[0])

    def _exists(self, name: str) -> bool:
        try:
            self._client.describe_model_package_group(ModelPackageGroupName=name)
        except ClientError as error:
            # SageMaker answers ValidationException where other services say not found.
            words = error.response["Error"].get("Message", "").lower()
            code = error.response["Error"].get("Code", "")
            if code == "ResourceNotFound" or ("does not exist" in words or "not found" in words):
                return False
            raise
        return True

    def _newest(self, name: str, status: str | None = None) -> tuple[Package, str] | None:
        filters: dict[str, Any] = {"ModelApprovalStatus": status} if status else {}
        pages = self._client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=name, SortBy="CreationTime", SortOrder="Descending", **filters
        )
        # The filter may leave the first pages empty: that is not yet to have no champion.
        listed = (package for page in pages for package in page["ModelPackageSummaryList"])
        first = next(listed, None)
        if first is None:
            return None
        arn = first["ModelPackageArn"]
        described = self._client.describe_model_package(ModelPackageName=arn)
        package = Package(
            arn,
            described.get("ModelPackageVersion", 0),
            described.get("CustomerMetadataProperties", {}),
        )
        return package, described.get("ModelApprovalStatus", "")


def champion_of(group: Group) -> dict[str, Any] | None:
    """The champion as the run plan holds it; None is a named case, not a failure."""
    package = group.champion
    if package is None:
        return None
    missing = [name for name in _NEEDED_OF_A_CHAMPION if not package.metadata.get(name)]
    if missing:
        raise ForeignPackageError(
            f"{package.arn}: approved, but without the metadata {', '.join(missing)} that a run "
            "writes; reject the package in the registry, or approve one that a run registered"
        )
    return {
        "package_arn": package.arn,
        "version": package.version,
        "run": package.metadata[RUN],
        "model_uri": package.metadata[ARTIFACT_URI],
        "model_sha256": package.metadata[ARTIFACT_SHA256],
        "report_uri": package.metadata[REPORT_URI],
        "evaluation_uri": package.metadata[EVALUATION_URI],
        "definition_sha256": package.metadata[DEFINITION],
    }


def run_with_fingerprint(group: Group, fingerprint: str) -> str | None:
    """The run that registered the newest package, if from the same fingerprint.

    It finds a run that registered its candidate and was killed before it could be recorded.
    """
    newest = group.newest
    if newest is None or newest.metadata.get(FINGERPRINT) != fingerprint:
        return None
    return newest.metadata.get(RUN)
