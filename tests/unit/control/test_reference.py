"""Which release the candidate is compared with besides the champion."""

import pytest

from core.runs.reference import reference_release
from core.stage.release_table import Champion, Release, Status

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
        ([], 1, None),
    ],
)
def test_the_reference_is_the_last_release_in_service_that_a_person_approved(
    releases: list[tuple[int, str, Status]], champion: int, expected: int | None
) -> None:
    records = [release(*each) for each in releases]

    found = reference_release(records, Champion("churn", champion))

    assert (found.release if found else None) == expected
