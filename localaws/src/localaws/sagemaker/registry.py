"""The model registry: package groups and their numbered packages."""

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

from localaws.emulator import Event
from localaws.protocol.errors import ServiceError, invalid
from localaws.protocol.paging import page, within_times
from localaws.sagemaker.account import Access, Names, Ports, Tags

DETAIL_TYPE = "SageMaker Model Package State Change"
PENDING = "PendingManualApproval"
GROUP_SUMMARY = (
    "ModelPackageGroupName",
    "ModelPackageGroupArn",
    "ModelPackageGroupDescription",
    "CreationTime",
    "ModelPackageGroupStatus",
)
PACKAGE_SUMMARY = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
# What an update replaces as a whole; metadata and additional specifications are merged.
REPLACED = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
# What the event shows of a package, besides times and people.
TOLD = (
    "ModelPackageGroupName",
    "ModelPackageName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "ModelApprovalStatus",
    "ApprovalDescription",
    "CustomerMetadataProperties",
    "InferenceSpecification",
    "ModelLifeCycle",
)


class Registry:
    """Groups by name, packages by ARN, and what each idempotency token has made."""

    def __init__(
        self, ports: Ports, names: Names, tags: Tags, access: Access, lock: threading.RLock
    ) -> None:
        self._ports = ports
        self._names = names
        self._tags = tags
        self._access = access
        self._lock = lock
        self.state: dict[str, dict[str, Any]] = {"groups": {}, "packages": {}, "tokens": {}}

    def operations(self) -> dict[str, Any]:
        return {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": self.describe_group,
            "ListModelPackageGroups": self.list_groups,
            "DeleteModelPackageGroup": self.delete_group,
            "CreateModelPackage": self.create_package,
            "DescribeModelPackage": self.describe_package,
            "UpdateModelPackage": self.update_package,
            "ListModelPackages": self.list_packages,
            "DeleteModelPackage": self.delete_package,
        }

    def has(self, arn: str) -> bool:
        groups = self.state["groups"].values()
        return arn in self.state["packages"] or any(
            group["ModelPackageGroupArn"] == arn for group in groups
        )

    # Groups

    def create_group(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ModelPackageGroupName"]
        arn = self._names.arn("model-package-group", name)
        if name in self.state["groups"]:
            raise invalid(f"Model Package Group already exists: {arn}")
        self._access.may_tag(arn, request.get("Tags"))
        self.state["groups"][name] = {
            **{member: value for member, value in request.items() if member != "Tags"},
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupStatus": "Completed",
            "CreationTime": time.time(),
            "CreatedBy": self._who(),
            "versions": 0,
        }
        self._tags.put(arn, request.get("Tags", []))
        self._ports.changed()
        return {"ModelPackageGroupArn": arn}

    def describe_group(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._group(request["ModelPackageGroupName"])

    def list_groups(self, request: dict[str, Any]) -> dict[str, Any]:
        found = [
            group
            for name, group in self.state["groups"].items()
            if request.get("NameContains", "").lower() in name.lower()
            and within_times(request, group)
        ]
        key = "ModelPackageGroupName" if request.get("SortBy") == "Name" else "CreationTime"
        entries, token = page(
            request,
            found,
            order=lambda group: group[key],
            descending=request.get("SortOrder") == "Descending",
        )
        summaries = [
            {key: group[key] for key in GROUP_SUMMARY if key in group} for group in entries
        ]
        return {"ModelPackageGroupSummaryList": summaries, "NextToken": token}

    def delete_group(self, request: dict[str, Any]) -> None:
        group = self._group(request["ModelPackageGroupName"])
        name = group["ModelPackageGroupName"]
        if any(self._versions(name)):
            raise ServiceError(
                "ConflictException",
                f"Model Package Group {group['ModelPackageGroupArn']} cannot be deleted because it"
                " still contains Model Packages.",
            )
        del self.state["groups"][name]
        self._tags.drop(group["ModelPackageGroupArn"])
        self._ports.changed()

    # Packages

    def create_package(self, request: dict[str, Any]) -> dict[str, Any]:
        token = request.get("ClientToken")
        asked = digest(request)
        made = self.state["tokens"].get(token) if token else None
        if made and made["arn"] in self.state["packages"]:
            if made["request"] != asked:
                raise ServiceError(
                    "ConflictException",
                    f"The client token {token} was already used for another request, which made"
                    f" {made['arn']}.",
                )
            return {"ModelPackageArn": made["arn"]}
        package = self._new_package(request)
        arn = package["ModelPackageArn"]
        self._access.may_tag(arn, request.get("Tags"))
        if "ModelPackageVersion" in package:
            group = self._group(request["ModelPackageGroupName"])
            group["versions"] = package["ModelPackageVersion"]
        self.state["packages"][arn] = package
        if token:
            self.state["tokens"][token] = {"arn": arn, "request": asked}
        self._tags.put(arn, request.get("Tags", []))
        self._report(package)
        return {"ModelPackageArn": arn}

    def describe_package(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._package(request["ModelPackageName"])

    def update_package(self, request: dict[str, Any]) -> dict[str, Any]:
        package = self._package(request["ModelPackageArn"])
        metadata = {
            **package.get("CustomerMetadataProperties", {}),
            **request.get("CustomerMetadataProperties", {}),
        }
        for key in request.get("CustomerMetadataPropertiesToRemove", []):
            metadata.pop(key, None)
        added = request.get("AdditionalInferenceSpecificationsToAdd", [])
        changes = {member: request[member] for member in REPLACED if member in request}
        package.update(
            changes,
            CustomerMetadataProperties=metadata,
            AdditionalInferenceSpecifications=[
                *package.get("AdditionalInferenceSpecifications", []),
                *added,
            ],
            LastModifiedTime=time.time(),
            LastModifiedBy=self._who(),
        )
        for member in ("CustomerMetadataProperties", "AdditionalInferenceSpecifications"):
            if not package[member]:
                del package[member]
        self._report(package)
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def list_packages(self, request: dict[str, Any]) -> dict[str, Any]:
        group = request.get("ModelPackageGroupName")
        if group:
            found = self._versions(self._group(group)["ModelPackageGroupName"])
        else:
            kind = request.get("ModelPackageType", "Unversioned")
            found = [
                package
                for package in self.state["packages"].values()
                if kind == "Both" or ("ModelPackageVersion" in package) == (kind == "Versioned")
            ]
        status = request.get("ModelApprovalStatus")
        matching = [
            package
            for package in found
            if (status is None or package["ModelApprovalStatus"] == status)
            and request.get("NameContains", "").lower() in package["ModelPackageArn"]
            and within_times(request, package)
        ]
        named = request.get("SortBy") == "Name"
        entries, token = page(
            request,
            matching,
            # Packages made within one tick of the clock still have an order: their numbers.
            order=lambda package: (
                package.get("ModelPackageName", "") if named else package["CreationTime"],
                package.get("ModelPackageVersion", 0),
            ),
            descending=request.get("SortOrder") == "Descending",
        )
        return {
            "ModelPackageSummaryList": [
                {key: package[key] for key in PACKAGE_SUMMARY if key in package}
                for package in entries
            ],
            "NextToken": token,
        }

    def delete_package(self, request: dict[str, Any]) -> None:
        package = self._package(request["ModelPackageName"])
        del self.state["packages"][package["ModelPackageArn"]]
        self._tags.drop(package["ModelPackageArn"])
        self._ports.changed()

    # What they are made of

    def _new_package(self, request: dict[str, Any]) -> dict[str, Any]:
        now = time.time()
        package = {
            **{
                member: value
                for member, value in request.items()
                if member not in ("Tags", "ClientToken")
            },
            **self._identity(request),
            "ModelApprovalStatus": request.get("ModelApprovalStatus", PENDING),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CreationTime": now,
            "LastModifiedTime": now,
            "CreatedBy": self._who(),
        }
        if not any(
            member in request
            for member in ("InferenceSpecification", "SourceAlgorithmSpecification", "SourceUri")
        ):
            raise invalid(
                "A model package needs an InferenceSpecification, a SourceAlgorithmSpecification"
                " or a SourceUri."
            )
        return package

    def _identity(self, request: dict[str, Any]) -> dict[str, Any]:
        """The names of a new package: the next number of its group, or a name of its own."""
        name, group = request.get("ModelPackageName"), request.get("ModelPackageGroupName")
        if (name is None) == (group is None):
            raise invalid("Give either a ModelPackageName or a ModelPackageGroupName.")
        if group is None:
            arn = self._names.arn("model-package", str(name))
            if arn in self.state["packages"]:
                raise ServiceError("ConflictException", f"ModelPackage already exists: {arn}")
            return {"ModelPackageName": name, "ModelPackageArn": arn}
        found = self._group(group)
        own = found["ModelPackageGroupName"]
        # Never a number twice: an old one may still be written down somewhere.
        version = found["versions"] + 1
        return {
            "ModelPackageGroupName": own,
            "ModelPackageVersion": version,
            "ModelPackageArn": self._names.arn("model-package", f"{own}/{version}"),
        }

    def _group(self, reference: str) -> dict[str, Any]:
        name = self._names.name(reference)
        for own, group in self.state["groups"].items():
            if own.lower() == name.lower():
                found: dict[str, Any] = group
                return found
        arn = self._names.arn("model-package-group", name)
        raise invalid(f"ModelPackageGroup {arn} does not exist.")

    def _package(self, reference: str) -> dict[str, Any]:
        arn = self._names.arn("model-package", self._names.name(reference))
        if arn not in self.state["packages"]:
            raise invalid(f"ModelPackage {arn} does not exist.")
        package: dict[str, Any] = self.state["packages"][arn]
        return package

    def _versions(self, group: str) -> list[dict[str, Any]]:
        return [
            package
            for package in self.state["packages"].values()
            if package.get("ModelPackageGroupName") == group
        ]

    def _who(self) -> dict[str, Any]:
        return {"IamIdentity": {"Arn": self._ports.identity()}}

    def _report(self, package: Mapping[str, Any]) -> None:
        detail = {member: package[member] for member in TOLD if member in package}
        for member in ("CreationTime", "LastModifiedTime"):
            detail[member] = int(package[member] * 1000)
        for member in ("CreatedBy", "LastModifiedBy"):
            detail[member] = package.get(member, {})
        self._ports.changed()
        self._ports.emit(Event("aws.sagemaker", DETAIL_TYPE, package["ModelPackageArn"], detail))


def digest(request: Mapping[str, Any]) -> str:
    """The request's content without its token, to recognize a repeated request."""
    content = {member: value for member, value in request.items() if member != "ClientToken"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
