"""Decisions about a release, from either side: the registry and the approval follow each other."""

from __future__ import annotations

import pytest

from core.releases.admit_release import admit_release
from core.releases.approval_sync import (
    TooEarlyError,
    follow_package,
    follow_registry,
    follow_review,
)
from core.releases.close_release import close_release
from core.stage.release_pipeline import Action
from tests.support.release_acts import approve, refused
from tests.support.release_doubles import ADA, BOB, MODEL
from tests.support.release_world import World


def test_a_rejection_in_the_pipeline_reaches_the_registry(world: World) -> None:
    number = world.open()
    world.pipeline.answer(world.token(number), "Rejected", "the data is odd", ADA)

    follow_review(world, world.run_of(number).id)

    release = world.release(number)
    assert (release.status, release.decided_by, release.decision_reason) == (
        "REJECTED",
        ADA,
        "the data is odd",
    )
    package = world.registry.package(release.package_arn)
    assert (package.approval, "the data is odd" in str(package.reason)) == ("Rejected", True)
    assert world.events.events == ["release rejected"]


def test_an_expired_review_counts_as_a_rejection_with_that_reason(world: World) -> None:
    number = world.open()
    world.pipeline.expire(world.run_of(number))

    follow_review(world, world.run_of(number).id)

    release = world.release(number)
    assert (release.status, release.decision, release.decided_by) == (
        "EXPIRED",
        "expired",
        None,
    )
    package = world.registry.package(release.package_arn)
    assert "nobody decided within the time a review is open" in str(package.reason)
    assert refused(world, world.run_of(number)).startswith("churn/1 expired: nobody decided")


@pytest.mark.parametrize(
    ("status", "outcome"), [("Approved", "APPROVED"), ("Rejected", "REJECTED")]
)
def test_a_decision_in_the_registry_reaches_the_approval_with_who_and_why(
    world: World, status: str, outcome: str
) -> None:
    number = world.open()
    arn = world.release(number).package_arn
    world.registry.put(arn, status, "checked by hand", BOB)

    follow_package(world, arn)

    release, review = world.release(number), world.run_of(number).actions["ApproveRelease"]
    assert review.status == ("Succeeded" if status == "Approved" else "Failed")
    assert review.summary == f"{status} in the model registry by {BOB}: checked by hand"
    assert (release.status, release.decided_by, release.decision_reason) == (
        outcome,
        BOB,
        "checked by hand",
    )
    assert world.registry.package(arn).reason == "checked by hand"


def test_the_registry_may_be_quicker_than_the_pipeline(world: World) -> None:
    number = world.open()
    arn, run = world.release(number).package_arn, world.run_of(number)
    review = run.actions.pop("ApproveRelease")
    world.registry.put(arn, "Approved", "early", BOB)
    follow_package(world, arn)
    assert world.release(number).status == "WAITING"

    run.actions["ApproveRelease"] = review
    follow_review(world, run.id)

    assert (world.release(number).status, world.release(number).decided_by) == ("APPROVED", BOB)


def test_who_decided_in_the_registry_is_told_by_whichever_function_writes_it_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = world.open()
    arn, run = world.release(number).package_arn, world.run_of(number)
    world.registry.put(arn, "Rejected", "too dear", BOB)
    look = world.pipeline.review

    def looked_at_last(identity: str) -> Action | None:
        """What another function does between this one's looks at the record and the approval."""
        monkeypatch.setattr(world.pipeline, "review", look)
        monkeypatch.setattr(world.releases, "advance", lambda *_: None)
        follow_package(world, arn)
        monkeypatch.undo()
        return look(identity)

    monkeypatch.setattr(world.pipeline, "review", looked_at_last)
    follow_review(world, run.id)

    release = world.release(number)
    assert (release.status, release.decided_by) == ("REJECTED", BOB)
    assert release.decision_reason == "too dear"


def test_the_first_decision_stands_when_both_sides_decide_at_once(world: World) -> None:
    number = world.open()
    arn = world.release(number).package_arn
    world.pipeline.answer(world.token(number), "Rejected", "no", ADA)
    world.registry.put(arn, "Approved", "yes", BOB)

    follow_package(world, arn)

    release, package = world.release(number), world.registry.package(arn)
    assert (release.status, release.decided_by) == ("REJECTED", ADA)
    assert (package.approval, "no" in str(package.reason)) == ("Rejected", True)
    assert "that is final" in refused(world, world.run_of(number))


def test_an_approval_in_the_registry_that_comes_too_late_is_put_right(world: World) -> None:
    number = world.open()
    world.pipeline.expire(world.run_of(number))
    follow_review(world, world.run_of(number).id)
    arn = world.release(number).package_arn
    world.registry.put(arn, "Approved", "sorry, late", BOB)

    line = follow_package(world, arn)

    assert line == "churn/1 is expired; its package is Rejected again"
    assert world.registry.package(arn).approval == "Rejected"


def test_following_ends_with_both_sides_alike_and_no_more_events(world: World) -> None:
    number = world.open()
    world.pipeline.answer(world.token(number), "Approved", "yes", ADA)

    for _ in range(20):
        if not world.pipeline.events:
            break
        kind, of = world.pipeline.events.pop(0)
        follow_review(world, of) if kind == "review" else follow_package(world, of)

    assert world.pipeline.events == []
    assert world.history() == [("approved", 1)]


def test_a_package_without_a_release_is_left_alone(world: World) -> None:
    arn = "arn:aws:sagemaker:us-east-1:1:model-package/kanmon-test-churn/9"
    world.register(arn, "churn-by-hand")
    world.registry.put(arn, "Approved", "", BOB)

    assert follow_package(world, arn) == f"{arn} has no release"


# ---- what CodePipeline shows a moment late


def test_an_approval_that_cannot_be_read_yet_is_waited_for_and_never_taken_for_granted(
    world: World,
) -> None:
    run = approve(world, world.open())
    world.pipeline.late = 1

    early = admit_release(world, world.claim(run), world.clock.now()).admission
    later = admit_release(world, world.claim(run), world.clock.now()).admission

    assert (early.outcome, later.outcome) == ("wait", "admit")
    assert "until the answer to the review of churn/1 can be read" in early.line


def test_an_execution_that_asks_nobody_waits_for_no_answer(world: World) -> None:
    """Somebody who starts it without a review gets no further than Admit Release."""
    number = world.open()
    run = world.run_of(number)
    run.actions.clear()
    run.variables["review"] = "automatic"

    admission = admit_release(world, world.claim(run), world.clock.now()).admission

    assert (admission.outcome, world.release(number).status) == ("refuse", "WAITING")


@pytest.mark.parametrize("status", ["InProgress", "Failed", "Abandoned"])
def test_a_release_nobody_has_approved_is_not_admitted(world: World, status: str) -> None:
    number = world.open()
    run = world.run_of(number)
    world.pipeline.act(run, "ApproveRelease", status)

    assert admit_release(world, world.claim(run), world.clock.now()).admission.outcome != "admit"
    assert world.releases.lock(MODEL).holder is None


def test_an_event_that_comes_before_what_it_tells_is_looked_at_again(world: World) -> None:
    number = world.open()
    run = world.run_of(number)
    world.pipeline.answer(world.token(number), "Rejected", "no", ADA)
    world.pipeline.late = 3

    line = follow_review(world, run.id, "FAILED")

    assert line == "churn/1 is rejected"
    world.pipeline.late = 100
    with pytest.raises(TooEarlyError, match="churn/1: its review does not show its end yet"):
        follow_review(world, run.id, "FAILED")


def test_the_end_of_an_execution_is_waited_for_as_its_event_told_it(world: World) -> None:
    number = world.open()
    run = world.run_of(number)
    world.pipeline.answer(world.token(number), "Rejected", "no", ADA)
    world.pipeline.late = 3

    closed = close_release(world, run.id, world.clock.now())

    assert (closed.outcome, world.release(number).status) == ("rejected", "REJECTED")


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "Abandoned"])
def test_the_registry_answers_no_review_that_is_over(world: World, status: str) -> None:
    number = world.open()
    world.pipeline.act(world.run_of(number), "ApproveRelease", status, external_id="token")
    world.registry.put(world.release(number).package_arn, "Approved", "fine", ADA)
    answered: list[str] = []
    world.pipeline.decide = lambda token, *_: answered.append(token)  # type: ignore[method-assign,assignment,func-returns-value]

    follow_registry(world, MODEL, number)

    assert answered == []
