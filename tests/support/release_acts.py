"""What people and the pipeline do to a release in the world of release_world."""

from __future__ import annotations

from core.releases.admit_release import admit_release
from core.releases.record_release import record_live
from tests.support.release_doubles import ADA, ADMIT, Run
from tests.support.release_world import World


def approve(world: World, number: int, by: str = ADA, reason: str = "looks good") -> Run:
    run = world.run_of(number)
    assert world.pipeline.answer(world.token(number), "Approved", reason, by)
    return run


def promote(world: World, number: int) -> None:
    """All the way, when nothing goes wrong."""
    run = world.run_of(number)
    if run.variables["review"] == "manual":
        approve(world, number)
    admitted = admit_release(world, world.claim(run), world.clock.now())
    assert admitted.admission.outcome == "admit", admitted.admission.line
    world.deploy(run)
    record_live(world, world.live(run), world.clock.now())
    run.status = "Succeeded"


def refused(world: World, run: Run) -> str:
    run.status = "InProgress"  # a stage that had failed is retried
    admitted = admit_release(world, world.claim(run), world.clock.now())
    assert admitted.admission.outcome in ("refuse", "supersede")
    world.pipeline.act(run, ADMIT, "Failed", error=admitted.admission.line)
    run.status = "Failed"
    return admitted.admission.line
