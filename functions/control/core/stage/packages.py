"""The registry's word on a release's package: approval, why, by whom, its life in production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from core.releases.decision import one_line

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

Status = Literal["Approved", "Rejected"]
StageStatus = Literal["InService", "Retired", "Failed"]
# The only stage of a model's life that releases speak of.
PRODUCTION = "Production"


@dataclass(frozen=True)
class Package:
    """`by` is who changed the package last, where SageMaker says it."""

    arn: str
    group: str
    approval: str
    reason: str | None = None
    by: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class Packages:
    def __init__(self, client: SageMakerClient) -> None:
        self._client = client

    def package(self, arn: str) -> Package:
        found: Any = self._client.describe_model_package(ModelPackageName=arn)
        changed = found.get("LastModifiedBy") or {}
        return Package(
            arn=arn,
            group=found.get("ModelPackageGroupName", ""),
            approval=found.get("ModelApprovalStatus", ""),
            reason=found.get("ApprovalDescription") or None,
            by=(changed.get("IamIdentity") or {}).get("Arn") or changed.get("UserProfileName"),
            metadata=found.get("CustomerMetadataProperties") or {},
        )

    def settle(self, arn: str, status: Status, reason: str) -> None:
        """Give the package this status; one that has it keeps the reason it was given."""
        if self.package(arn).approval != status:
            self._client.update_model_package(
                ModelPackageArn=arn,
                ModelApprovalStatus=status,
                ApprovalDescription=one_line(reason),
            )

    def live(self, arn: str, status: StageStatus, why: str) -> None:
        """Say where the package stands in production."""
        self._client.update_model_package(
            ModelPackageArn=arn,
            ModelLifeCycle={
                "Stage": PRODUCTION,
                "StageStatus": status,
                "StageDescription": one_line(why),
            },
        )
