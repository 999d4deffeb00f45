"""What goes wrong with a release on its way."""

from __future__ import annotations

import pytest

from core.releases.admit_release import admit_release
from core.releases.close_release import close_release
from core.releases.record_release import record_live
from core.releases.service import NotLiveError
from core.stage.release_pipeline import STAGE_REMOVED
from core.stage.serving_stack import Failure
from tests.support.release_acts import approve, promote
from tests.support.release_doubles import MODEL, RECORD, VERIFY, Run
from tests.support.release_world import World


def test_a_failed_verification_says_why_and_what_stays_in_service(world: World) -> None:
    promote(world, world.open())
    number = world.open()
    run = approve(world, number)
    admit_release(world, world.claim(run), world.clock.now())
    world.pipeline.act(run, VERIFY, "Failed", error="golden records differ")
    run.status = "Failed"

    close_release(world, run.id, world.clock.now())

    release = world.release(number)
    assert (release.status, release.error) == (
        "FAILED",
        "VerifyRelease: golden records differ; release 1 stays in service; fix it and retry the "
        "stage, or run the model again",
    )
    assert world.champion() == 1
    # It was approved, and a retried stage may still promote it.
    assert world.registry.package(release.package_arn).approval == "Approved"
    assert world.registry.lives[release.package_arn][0] == "Failed"
    assert world.releases.lock(MODEL).holder is None
    assert world.events.events[-1] == "release failed"


def failed_deployment(world: World, failure: Failure) -> int:
    promote(world, world.open())
    number = world.open()
    run = approve(world, number)
    admit_release(world, world.claim(run), world.clock.now())
    world.serving.wrong = failure
    world.pipeline.act(run, "DeployRelease", "Failed", error="stack rolled back")
    run.status = "Failed"
    close_release(world, run.id, world.clock.now())
    return number


def test_a_canary_that_an_alarm_ended_is_rolled_back_with_codedeploys_reason(world: World) -> None:
    words = "CodeDeploy d-7: One or more alarms have been activated (ALARM_ACTIVE)"

    number = failed_deployment(world, Failure(words, True))

    release = world.release(number)
    assert (release.status, release.error) == (
        "ROLLED_BACK",
        f"{words}; release 1 stays in service; fix it and run the model again",
    )
    package = world.registry.package(release.package_arn)
    assert (package.approval, words in str(package.reason)) == ("Rejected", True)
    assert world.history()[-1] == ("rolled back", number)
    assert world.champion() == 1


def test_a_deployment_that_cloudformation_refused_is_a_failure(world: World) -> None:
    number = failed_deployment(world, Failure("ScoringFunction: not enough concurrency", False))

    assert world.release(number).status == "FAILED"
    assert "ScoringFunction: not enough concurrency" in world.release(number).error


def test_a_release_stopped_before_it_was_decided_is_rejected_in_the_registry(world: World) -> None:
    number = world.open()
    run = world.run_of(number)
    world.pipeline.act(run, "ApproveRelease", "Abandoned")
    run.status, run.summary = "Stopped", "wrong data"

    close_release(world, run.id, world.clock.now())

    release = world.release(number)
    assert release.status == "FAILED"
    assert release.error.startswith("the pipeline was stopped at ApproveRelease: wrong data")
    assert world.registry.package(release.package_arn).approval == "Rejected"
    assert world.history() == [("stopped", number)]


def test_a_release_cancelled_by_a_changed_pipeline_is_to_be_run_again(world: World) -> None:
    number = world.open()
    run = world.run_of(number)
    world.pipeline.act(run, "ApproveRelease", "Abandoned")
    run.status, run.summary = "Cancelled", "the pipeline's structure was updated"

    close_release(world, run.id, world.clock.now())

    assert world.release(number).error == (
        "the pipeline was stopped at ApproveRelease: the pipeline's structure was updated; "
        "nothing is in service; run the model again with --force"
    )


def test_a_release_stopped_because_its_stage_goes_gets_no_advice(world: World) -> None:
    number = world.open()
    run = world.run_of(number)
    world.pipeline.act(run, "ApproveRelease", "Abandoned")
    run.status, run.summary = "Stopped", STAGE_REMOVED

    close_release(world, run.id, world.clock.now())

    assert world.release(number).error == (
        "the pipeline was stopped at ApproveRelease: The stage is being removed; "
        "nothing is in service"
    )


def abandoned_deployment(world: World) -> Run:
    """A release on its way whose pipeline was stopped during the deployment."""
    run = approve(world, world.open())
    admit_release(world, world.claim(run), world.clock.now())
    world.pipeline.act(run, "DeployRelease", "Abandoned")
    run.status, run.summary = "Stopped", "not now"
    return run


def test_a_deployment_that_was_abandoned_is_undone(world: World) -> None:
    promote(world, world.open())
    run = abandoned_deployment(world)

    close_release(world, run.id, world.clock.now())
    close_release(world, run.id, world.clock.now())

    assert world.serving.halted == 1  # the second time it could be another's deployment
    assert world.release(2).error.startswith("the pipeline was stopped at DeployRelease: not now")
    assert (world.release(2).status, world.champion()) == ("FAILED", 1)


def test_an_abandoned_deployment_that_came_through_all_the_same_is_recorded(world: World) -> None:
    run = abandoned_deployment(world)
    world.deploy(run)
    world.pipeline.act(run, "DeployRelease", "Abandoned")

    close_release(world, run.id, world.clock.now())

    assert (world.champion(), world.release(1).status) == (1, "PROMOTED")
    assert world.releases.lock(MODEL).holder is None


def test_a_record_that_failed_although_the_model_is_live_is_completed(world: World) -> None:
    number = world.open()
    run = approve(world, number)
    admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)
    world.pipeline.act(run, RECORD, "Failed", error="function timed out")
    run.status = "Failed"

    closed = close_release(world, run.id, world.clock.now())

    assert (closed.outcome, closed.line) == ("completed", "churn/1 is in service")
    assert (world.champion(), world.release(number).status) == (number, "PROMOTED")


def test_a_live_model_that_answers_otherwise_is_not_recorded(world: World) -> None:
    number = world.open()
    run = approve(world, number)
    admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)
    world.serving.score = 0.5

    with pytest.raises(NotLiveError, match="3 of 3 golden records otherwise"):
        record_live(world, world.live(run), world.clock.now())

    assert world.champion() is None


def test_a_release_that_got_all_traffic_and_answers_otherwise_says_so_and_the_way_back(
    world: World,
) -> None:
    promote(world, world.open())
    run = approve(world, world.open())
    admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)
    world.serving.score = 0.5
    world.pipeline.act(run, RECORD, "Failed", error="3 of 3 golden records otherwise")
    run.status = "Failed"

    close_release(world, run.id, world.clock.now())

    assert (world.champion(), world.release(2).status) == (1, "FAILED")
    assert world.release(2).error == (
        "RecordRelease: 3 of 3 golden records otherwise; the live alias answers as release 2, "
        "while release 1 is recorded as in service; `kanmon rollback churn` puts them in step; "
        "fix it and retry the stage, or run the model again"
    )


def test_a_late_record_of_an_older_release_does_not_take_the_championship_back(
    world: World,
) -> None:
    promote(world, world.open())
    old = world.run_of(1)
    promote(world, world.open())

    with pytest.raises(NotLiveError, match="release 1 should be live, but release 2 answers"):
        record_live(world, world.live(old), world.clock.now())

    old.status = "Failed"
    close_release(world, old.id, world.clock.now())
    assert (world.champion(), world.release(1).status) == (2, "PROMOTED")


def test_a_release_that_nobody_approved_is_not_recorded_even_if_it_is_live(world: World) -> None:
    number = world.open()
    run = world.run_of(number)
    world.deploy(run)

    with pytest.raises(NotLiveError, match="is waiting and was not approved"):
        record_live(world, world.live(run), world.clock.now())


def test_recording_twice_says_the_same_and_tells_once(world: World) -> None:
    number = world.open()
    run = approve(world, number)
    admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)

    first = record_live(world, world.live(run), world.clock.now())
    before = (world.releases.champion(MODEL), world.release(number), world.history())

    assert record_live(world, world.live(run), world.clock.now()) == first
    assert (world.releases.champion(MODEL), world.release(number), world.history()) == before
    assert world.events.events == ["release approved", "release promoted"]


def test_a_failed_release_whose_stage_is_retried_is_promoted_after_all(world: World) -> None:
    number = failed_deployment(world, Failure("throttled", False))
    run = world.run_of(number)
    run.status = "InProgress"
    del run.actions["DeployRelease"]

    admitted = admit_release(world, world.claim(run), world.clock.now()).admission
    release = world.release(number)
    assert (admitted.outcome, release.status, release.error) == ("admit", "APPROVED", None)
    # The event of the first failure comes once more.
    assert close_release(world, run.id, world.clock.now()).outcome == "nothing"
    world.deploy(run)
    record_live(world, world.live(run), world.clock.now())
    assert world.champion() == number
