"""The reference: an earlier release that the candidate must not be worse than either.

A champion may be a little worse than the one before it, within the gate's margin. Many such steps
would add up. So each candidate is also compared with the last release that a person approved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.stage.registry import model_of, not_readable
from core.stage.release_records import Champion, Release, Status

if TYPE_CHECKING:
    from core.stage.registry import Registry


def reference_release(releases: Sequence[Release], champion: Champion) -> Release | None:
    """The last release up to the champion that was in service and that a person approved; without
    one, the first that was in service.

    Releases after the champion are those that a rollback took out of service.
    """
    served = [
        one
        for one in releases
        if one.release <= champion.release
        and (one.status == Status.PROMOTED or one.release == champion.release)
    ]
    approved = [one for one in served if by_a_person(one)]
    if approved:
        return max(approved, key=lambda one: one.release)
    return min(served, key=lambda one: one.release, default=None)


def by_a_person(release: Release) -> bool:
    """An approval that model.yaml gives is no person's."""
    return release.decision == "approved"


def find_reference(
    releases: Sequence[Release], champion: Champion, registry: Registry
) -> dict[str, Any] | None:
    """The reference as the run plan holds it; None where it is the champion.

    One that cannot be read any more is no failure: the gate then holds the candidate, and the
    release that a person approves next is the reference.
    """
    release = reference_release(releases, champion)
    if release is None or release.release == champion.release:
        return None
    why = "approved" if by_a_person(release) else "first"
    package = registry.find(release.package_arn)
    problem = not_readable(release.package_arn, package)
    if package is None or problem:
        known = {
            "release": release.release,
            "package_arn": release.package_arn,
            "version": release.package_version,
            "run": release.run,
        }
        return {**known, "why": why, "obstacle": problem}
    return {**model_of(release.release, package), "why": why}
