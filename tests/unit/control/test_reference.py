"""Which release the candidate is compared with besides the champion."""

from typing import cast

import pytest

from core.runs.reference import find_reference, reference_release
from core.stage.registry import Package, Registry
from core.stage.release_records import Champion, Release, Status

P, F, R, X = Status.PROMOTED, Status.FAILED, Status.ROLLED_BACK, Status.REJECTED


def release(number: int, decision: str | None, status: Status = P) -> Release:
    return Release("churn", number, status, decision=decision)


@pytest.mark.parametrize(
    ("releases", "champion", "expected"),
    [
        ([(1, "approved", P), (2, "automatic", P), (3, "automatic", P)], 3, 1),
        ([(1, "approved", P), (2, "approved", P), (3, "automatic", P)], 3, 2),
        ([(1, "approved", P), (2, "approved", P)], 2, 2),  # the champion itself
        ([(1, "automatic", P), (2, "automatic", P)], 2, 1),  # no person ever: the first
        ([(2, "automatic", P), (3, "automatic", P)], 3, 2),
        # Approved, but never in service.
        ([(1, "approved", P), (2, "approved", F), (3, "approved", R), (4, "automatic", P)], 4, 1),
        ([(1, "rejected", X), (2, "automatic", P), (3, "automatic", P)], 3, 2),
        # A rollback took 3 out of service: a person found it worse.
        ([(1, "approved", P), (2, "automatic", P), (3, "approved", P)], 2, 1),
        # Recorded as the champion a moment before its status.
        ([(1, "approved", P), (2, "approved", Status.APPROVED)], 2, 2),
        ([(10, "approved", P), (9, "approved", P), (11, "automatic", P)], 11, 10),
        # What a rollback took out of service is later than the champion, also the first approved.
        ([(1, "automatic", P), (2, "automatic", P), (3, "approved", P)], 2, 1),
        # The champion counts whatever its status says; another release only if it was promoted.
        ([(1, "automatic", F), (2, "automatic", Status.APPROVED)], 2, 2),
        ([], 1, None),
    ],
)
def test_the_reference_is_the_last_release_in_service_that_a_person_approved(
    releases: list[tuple[int, str, Status]], champion: int, expected: int | None
) -> None:
    records = [release(*each) for each in releases]

    found = reference_release(records, Champion("churn", champion))

    assert (found.release if found else None) == expected


class Packages(dict[str, Package]):
    """A registry's packages by their ARNs."""

    def find(self, arn: str) -> Package | None:
        return self.get(arn)


METADATA = {
    "run": "churn-1",
    "artifact_uri": "s3://b/model.tar.gz",
    "artifact_sha256": "e" * 64,
    "report_uri": "s3://b/report/",
    "evaluation_uri": "s3://b/evaluation.json",
    "definition": "d" * 64,
}


def named(number: int, decision: str) -> Release:
    """A promoted release with its package and its run."""
    return Release(
        "churn",
        number,
        P,
        decision=decision,
        package_arn=f"arn-{number}",
        package_version=number + 40,
        run=f"churn-{number}",
    )


@pytest.mark.parametrize(("decision", "why"), [("approved", "approved"), ("automatic", "first")])
def test_the_run_plan_names_the_reference_its_files_and_why_it_is_one(
    decision: str, why: str
) -> None:
    releases = [named(1, decision), named(2, "automatic")]
    packages = Packages({"arn-1": Package("arn-1", version=41, metadata=METADATA)})

    found = find_reference(releases, Champion("churn", 2), cast(Registry, packages))

    assert found == {
        "release": 1,
        "package_arn": "arn-1",
        "version": 41,
        "run": "churn-1",
        "model_uri": "s3://b/model.tar.gz",
        "model_sha256": "e" * 64,
        "report_uri": "s3://b/report/",
        "evaluation_uri": "s3://b/evaluation.json",
        "definition_sha256": "d" * 64,
        "why": why,
    }


@pytest.mark.parametrize(
    ("package", "words"),
    [
        (None, "is not in the registry any more"),
        (Package("arn-1", metadata={**METADATA, "run": ""}), "has lost the metadata run"),
    ],
)
@pytest.mark.parametrize(("decision", "why"), [("approved", "approved"), ("automatic", "first")])
def test_a_reference_that_cannot_be_read_is_named_with_its_obstacle(
    package: Package | None, words: str, decision: str, why: str
) -> None:
    releases = [named(1, decision), named(2, "automatic")]
    packages = Packages({"arn-1": package} if package else {})

    found = find_reference(releases, Champion("churn", 2), cast(Registry, packages))

    assert found is not None
    assert words in found.pop("obstacle")
    assert found == {
        "release": 1,
        "package_arn": "arn-1",
        "version": 41,
        "run": "churn-1",
        "why": why,
    }


@pytest.mark.parametrize("releases", [[], [named(2, "approved")]], ids=["none", "the champion"])
def test_where_no_other_release_served_the_run_plan_has_no_reference(
    releases: list[Release],
) -> None:
    assert find_reference(releases, Champion("churn", 2), cast(Registry, Packages())) is None
