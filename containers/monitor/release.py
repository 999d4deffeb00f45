"""The live release as it was trained and tested: what everything is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.artifact import Artifact, sha256
from contract.baseline_merge import merge_baselines
from contract.paths import Paths
from contract.reports import read_json, read_reports
from contract.step import StepError
from monitor.request import Request


@dataclass(frozen=True)
class ReleaseEvidence:
    """The release's model, and what its own run found.

    baseline: the training rows. tested: evaluation.json. read, rejected: the rows of its run's data
    files, and those of them that broke a rule.
    """

    artifact: Artifact
    baseline: Mapping[str, Any]
    tested: Mapping[str, Any]
    read: int
    rejected: int

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The metrics on the test rows, with their intervals."""
        found: Mapping[str, Any] = self.tested["candidate"]["metrics"]
        return found

    @property
    def scores(self) -> Mapping[str, Any] | None:
        """The distribution of the predictions on the test rows; older releases do not have it."""
        return self.tested.get("scores")


def read_release(paths: Paths, request: Request) -> ReleaseEvidence:
    """Read the job's inputs. Raises StepError if one is missing or is of another release."""
    packed = paths.input("model") / "model.tar.gz"
    try:
        content = packed.read_bytes()
    except FileNotFoundError:
        raise StepError(
            f"{packed}: there is no model; start a new monitoring with `kanmon monitor`"
        ) from None
    if sha256(content) != request.release.sha256:
        raise StepError(
            f"{packed}: its sha256 is {sha256(content)}, but release {request.release.number} has "
            f"{request.release.sha256}: the file was changed after training; restore the recorded "
            "version"
        )
    report = paths.input("report")
    counts = read_reports(report, "preprocess")
    return ReleaseEvidence(
        artifact=Artifact.unpack(content, str(packed)),
        baseline=merge_baselines(read_reports(report, "baseline")),
        tested=read_json(paths.input("evaluation") / "evaluation.json"),
        read=sum(int(each["rows_read"]) for each in counts),
        rejected=sum(int(each["rows_rejected"]) for each in counts),
    )
