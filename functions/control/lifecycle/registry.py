"""The model registry: one package group per model, one package per candidate.

What Kanmon must know of a package stands in its metadata, written when it was registered. Which
package is the champion is not for the registry to say: it is the one whose release was promoted
last, and the model table names it.
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
    """The champion's package is not there, or not as a run registered it."""


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


class Registry:
    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def group(self, name: str) -> Group:
        if not self._exists(name):
            return Group(name, False, None)
        return Group(name, True, self._newest(name))

    def package(self, arn: str) -> Package | None:
        """The package; None if it was deleted."""
        try:
            described = self._client.describe_model_package(ModelPackageName=arn)
        except ClientError as error:
            if _is_missing(error):
                return None
            raise
        return Package(
            arn,
            described.get("ModelPackageVersion", 0),
            described.get("CustomerMetadataProperties", {}),
        )

    def _exists(self, name: str) -> bool:
        try:
            self._client.describe_model_package_group(ModelPackageGroupName=name)
        except ClientError as error:
            if _is_missing(error):
                return False
            raise
        return True

    def _newest(self, name: str) -> Package | None:
        pages = self._client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=name, SortBy="CreationTime", SortOrder="Descending"
        )
        # A page may be empty although another one follows.
        listed = (package for page in pages for package in page["ModelPackageSummaryList"])
        first = next(listed, None)
        return self.package(first["ModelPackageArn"]) if first is not None else None


def _is_missing(error: ClientError) -> bool:
    """SageMaker answers ValidationException where other services say not found."""
    words = error.response["Error"].get("Message", "").lower()
    code = error.response["Error"].get("Code", "")
    return code == "ResourceNotFound" or "does not exist" in words or "not found" in words


def champion_of(promoted: Mapping[str, Any], package: Package | None) -> dict[str, Any]:
    """The champion as the run plan holds it, from the table's item and the registry's package."""
    arn, model = promoted["package_arn"], promoted["model"]
    mend = f"bring it back, or go to another release with `kanmon rollback {model}`"
    if package is None:
        raise ForeignPackageError(
            f"{arn}: the package of the release in service is not in the registry any more; {mend}"
        )
    missing = [name for name in _NEEDED_OF_A_CHAMPION if not package.metadata.get(name)]
    if missing:
        raise ForeignPackageError(
            f"{arn}: the package of the release in service has lost the metadata "
            f"{', '.join(missing)} that its run wrote; {mend}"
        )
    return {
        "release": int(promoted["release"]),
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
