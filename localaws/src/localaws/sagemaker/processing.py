"""Processing jobs: what of their requests AWS refuses, and what is not possible here."""

from collections.abc import Mapping
from typing import Any

from localaws.jobs.work import PROCESSING, selected
from localaws.protocol.errors import invalid, not_here
from localaws.sagemaker.jobs import SUMMARY, Jobs


class ProcessingJobs(Jobs):
    """All Processing jobs of the account."""

    kind = "Processing"
    told = ("FailureReason", "ExitMessage")
    summary = (*SUMMARY, *told)

    def check(self, request: Mapping[str, Any]) -> None:
        check_data(request)
        check_machines(request["ProcessingResources"]["ClusterConfig"])

    def added(self, job: Mapping[str, Any]) -> dict[str, Any]:
        cluster = job["ProcessingResources"]["ClusterConfig"]
        resources = {**job["ProcessingResources"], "ClusterConfig": selected(cluster)}
        return {"ProcessingResources": resources}


def check_machines(cluster: Mapping[str, Any]) -> None:
    """Raise where a cluster does not name its machines in one way."""
    preferred = "InstancePreferences" in cluster
    if preferred == ("InstanceType" in cluster):
        what = "both" if preferred else "neither"
        raise invalid(
            f"Exactly one of InstanceType and InstancePreferences is needed; {what} was given."
        )
    if preferred and "InstanceCount" in cluster:
        raise invalid("InstanceCount belongs to each of the InstancePreferences.")
    for member in ("SelectedInstanceType", "SelectedInstanceCount"):
        if member in cluster:
            raise invalid(f"{member} is not accepted in requests.")


def check_data(request: Mapping[str, Any]) -> None:
    """Raise for inputs and outputs that AWS refuses, or that are not possible here."""
    inputs = request.get("ProcessingInputs", [])
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    for entry in inputs:
        where = f"ProcessingInput {entry['InputName']}"
        if "S3Input" not in entry:
            raise not_here(f"inputs without S3Input, as {where} is one")
        check_path(where, entry["S3Input"])
        if entry["S3Input"].get("S3InputMode", "File") != "File":
            raise not_here(f"S3InputModes but File, as {where} has one")
        if entry["S3Input"].get("S3CompressionType", "None") != "None":
            raise invalid(f"{where}: S3CompressionType Gzip is for S3InputMode Pipe only.")
    for entry in outputs:
        where = f"ProcessingOutput {entry['OutputName']}"
        if "S3Output" not in entry:
            raise not_here(f"outputs without S3Output, as {where} is one")
        check_path(where, entry["S3Output"])
    for kind, names in (
        ("InputName", [entry["InputName"] for entry in inputs]),
        ("OutputName", [entry["OutputName"] for entry in outputs]),
    ):
        if len(set(names)) < len(names):
            raise invalid(f"{kind} must be unique: {', '.join(sorted(names))}")


def check_path(where: str, place: Mapping[str, Any]) -> None:
    path = place.get("LocalPath", "")
    if not f"{path}/".startswith(f"{PROCESSING}/") or ".." in path.split("/"):
        raise invalid(f"{where}: LocalPath {path!r} must be an absolute path under {PROCESSING}.")
    if not place["S3Uri"].startswith("s3://"):
        raise invalid(f"{where}: S3Uri {place['S3Uri']!r} must begin with s3://.")
