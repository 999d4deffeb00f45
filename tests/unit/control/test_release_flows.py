"""From an opened release to the model in service, and back: what each function leaves behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from releases.admitting import admit_release
from releases.closing import close_release
from releases.following import follow_package, follow_registry, follow_review
from releases.pipeline import Action
from releases.promoting import NotLiveError, record_live
from releases.serving import Failure

from tests.unit.control.release_world import (
    ADA,
    ADMIT,
    BOB,
    MODEL,
    RECORD,
    VERIFY,
    Run,
    World,
)


@pytest.fixture
def world() -> World:
    return World()


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


# ---- a promotion


def test_an_approved_release_becomes_the_champion(world: World) -> None:
    number = world.open()

    promote(world, number)

    item, arn = world.item(number), world.item(number)["package_arn"]
    assert (item["status"], item["decision"], item["decided_by"]) == ("PROMOTED", "approved", ADA)
    assert item["decision_reason"] == "looks good"
    assert world.champion() == number
    assert world.packages.package(arn).approval == "Approved"
    assert world.packages.package(arn).reason == (
        f"release 1: approved by {ADA} at {item['decided_at']}: looks good"
    )
    assert world.packages.lives[arn] == ("InService", f"release 1, since {item['promoted_at']}")
    assert world.history() == [("approved", 1), ("promoted", 1)]
    assert [notice.event for notice in world.notices.sent] == ["release promoted"]
    assert world.ledger.turn(MODEL).get("holder") is None


def test_the_release_that_was_in_service_is_retired_and_stays_approved(world: World) -> None:
    promote(world, world.open())
    former = world.item(1)["package_arn"]

    promote(world, world.open())

    champion = world.ledger.champion(MODEL)
    assert champion is not None
    assert (champion["release"], champion["previous"], champion["purpose"]) == (2, 1, "promotion")
    assert world.packages.package(former).approval == "Approved"
    status, why = world.packages.lives[former]
    assert (status, "churn/2 is in service" in why) == ("Retired", True)
    assert world.item(1)["status"] == "PROMOTED"


def test_what_is_in_service_is_told_to_the_verification(world: World) -> None:
    first = world.open()
    run = approve(world, first)
    nothing = admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)
    record_live(world, world.live(run), world.clock.now())
    run.status = "Succeeded"
    run = approve(world, world.open())

    second = admit_release(world, world.claim(run), world.clock.now())

    assert (nothing.variables, second.variables) == ({"previous": "none"}, {"previous": "1"})


def test_an_automatic_release_says_that_nobody_decided(world: World) -> None:
    number = world.open(approval="automatic")

    promote(world, number)

    item = world.item(number)
    assert (item["decision"], item["decided_by"]) == ("automatic", "model.yaml")
    assert "approval: automatic" in item["decision_reason"]
    assert world.packages.package(item["package_arn"]).approval == "Approved"


def test_a_release_that_says_automatic_but_was_held_is_not_admitted(world: World) -> None:
    number = world.open(approval="automatic", verdict="hold")

    assert "was not approved in this execution" in refused(world, world.run_of(number))


def test_skipping_the_review_by_hand_does_not_help(world: World) -> None:
    number = world.open()
    execution = world.pipeline.start(
        {**world.run_of(number).variables, "review": "automatic"}, "key", "v1", "by hand"
    )

    line = refused(world, world.pipeline.runs[execution])

    assert f"is promoted by execution {world.item(number)['execution']} and by no other" in line
    assert world.item(number)["status"] == "WAITING"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("release", '1", "name": "PYTHON", "value": "sh -c true #'),
        ("release", "01"),
        ("release", "\N{FULLWIDTH DIGIT ONE}"),
        ("model", f"{MODEL}\\u0000"),
        ("purpose", 'rollback", "x": "'),
    ],
)
def test_nothing_is_smuggled_into_other_actions_by_an_executions_variables(
    world: World, name: str, written: str
) -> None:
    number = world.open()
    promote(world, number)
    execution = world.start(number, "rollback", "automatic")
    run = world.pipeline.runs[execution]
    claim = world.claim(run)
    run.variables[name] = written

    admitted = admit_release(world, claim, world.clock.now())

    assert admitted.admission.outcome == "refuse"
    assert "not plain values" in admitted.admission.line
    assert "holder" not in world.ledger.turn(MODEL)


@pytest.mark.parametrize("written", ["\N{SUPERSCRIPT TWO}", "", "seven"])
def test_an_execution_that_names_no_release_changes_none(world: World, written: str) -> None:
    run = world.pipeline.runs[world.start(world.open(), "rollback", "automatic")]
    run.variables["release"], run.status = written, "Failed"
    before = world.history()

    assert "names no release" in close_release(world, run.id, world.clock.now()).line
    assert "names no release" in follow_review(world, run.id)
    assert world.history() == before


def test_a_waiting_release_is_closed_when_a_newer_one_is_promoted(world: World) -> None:
    older, newer = world.open(), world.open()

    promote(world, newer)

    item, review = world.item(older), world.run_of(older).actions["ApproveRelease"]
    assert (item["status"], item["decision"]) == ("SUPERSEDED", "superseded")
    assert item["decision_reason"] == "release 2 was promoted"
    assert (review.status, "release 2 was promoted" in str(review.summary)) == ("Failed", True)
    assert world.packages.package(item["package_arn"]).approval == "Rejected"
    follow_review(world, item["execution"])
    close_release(world, item["execution"], world.clock.now())
    assert world.item(older)["status"] == "SUPERSEDED"
    assert ("rejected", older) not in world.history()


def test_an_older_release_that_is_on_its_way_is_superseded_at_admission(world: World) -> None:
    older, newer = world.open(), world.open()
    run = approve(world, older)
    follow_review(world, run.id)
    promote(world, newer)

    line = refused(world, run)

    assert line.startswith("churn/1 is older than release 2, which is in service")
    assert world.item(older)["status"] == "SUPERSEDED"
    assert world.champion() == newer


def test_a_call_that_comes_after_the_execution_ended_changes_nothing(world: World) -> None:
    number = world.open()
    run = approve(world, number)
    world.pipeline.end(run, "Stopped")
    close_release(world, run.id, world.clock.now())

    late = admit_release(world, world.claim(run), world.clock.now()).admission

    assert (late.outcome, late.line) == ("refuse", f"execution {run.id} is over")
    assert world.item(number)["status"] == "FAILED"
    assert world.ledger.turn(MODEL).get("holder") is None


def test_one_release_of_a_model_is_deployed_at_a_time(world: World) -> None:
    first, second = world.open(), world.open()
    one, other = approve(world, first), approve(world, second)
    admit_release(world, world.claim(other), world.clock.now())

    waiting = admit_release(world, world.claim(one), world.clock.now()).admission

    assert (waiting.outcome, waiting.line) == (
        "wait",
        f"waits for execution {other.id}, which is deploying churn",
    )
    assert world.item(first)["status"] == "APPROVED"


def test_a_turn_whose_execution_ended_without_giving_it_back_is_taken_over(world: World) -> None:
    first, second = world.open(), world.open()
    one = approve(world, first)
    admit_release(world, world.claim(one), world.clock.now())
    one.status = "Stopped"  # and Close Release never ran

    run = approve(world, second)

    admitted = admit_release(world, world.claim(run), world.clock.now())
    assert admitted.admission.outcome == "admit"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (None, "admit"),
        ("UPDATE_COMPLETE", "admit"),
        ("ROLLBACK_COMPLETE", "admit"),  # of a first deployment: REPLACE_ON_FAILURE replaces it
        ("UPDATE_IN_PROGRESS", "wait"),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "wait"),
        ("UPDATE_ROLLBACK_FAILED", "refuse"),
    ],
)
def test_the_stack_must_be_able_to_take_a_deployment(
    world: World, status: str | None, outcome: str
) -> None:
    run = approve(world, world.open())
    world.serving.status = status

    admission = admit_release(world, world.claim(run), world.clock.now()).admission

    assert admission.outcome == outcome
    if outcome == "refuse":
        assert "continue its rollback in CloudFormation" in admission.line


def test_a_release_verified_against_another_one_than_is_in_service_is_not_deployed(
    world: World,
) -> None:
    promote(world, world.open())
    run = approve(world, world.open())
    claim = replace(world.claim(run), previous="none")

    confirmed = admit_release(world, claim, world.clock.now()).admission

    assert (confirmed.outcome, "was verified against release none" in confirmed.line) == (
        "refuse",
        True,
    )


# ---- what must not have changed


def test_a_replaced_bundle_is_refused(world: World) -> None:
    number = world.open()
    run = approve(world, number)
    claim = replace(world.claim(run), bundle_version="v2")

    admission = admit_release(world, claim, world.clock.now()).admission

    assert admission.outcome == "refuse"
    assert "its bundle was replaced: version v2 came, version v1 was opened" in admission.line


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("bundle", "the bundle was changed"),
        ("no bundle", "the bundle is gone"),
        ("artifact", "the model file was changed"),
        ("no artifact", "the model file is gone"),
        ("image", "the image of train in the registry was changed"),
        ("registered", "the model file's sha256 in the registry was changed"),
        ("record", "the release.json was changed"),
    ],
)
def test_a_changed_part_stops_the_release_with_a_clear_line(
    world: World, what: str, words: str
) -> None:
    number = world.open()
    run = approve(world, number)
    arn, key = world.item(number)["package_arn"], (f"releases/{MODEL}/1/bundle.zip", "v1")
    artifact = next(key for key in world.store.versions if key[0].startswith("runs/"))
    package = world.packages.package(arn)
    if what == "bundle":
        world.store.versions[key] += b"x"
    elif what == "no bundle":
        del world.store.versions[key]
    elif what == "artifact":
        world.store.versions[artifact] = b"other"
    elif what == "no artifact":
        del world.store.versions[artifact]
    elif what == "image":
        metadata = {**package.metadata, "image_train": "sha256:" + "0" * 64}
        world.packages.found[arn] = replace(package, metadata=metadata)
    elif what == "registered":
        metadata = {**package.metadata, "artifact_sha256": "0" * 64}
        world.packages.found[arn] = replace(package, metadata=metadata)
    else:
        world.table.items[MODEL, "release#000001"]["release_sha256"] = "0" * 64

    line = refused(world, run)

    assert line.startswith(f"churn/1: {words}")
    assert line.endswith("nothing of a release may change; run the model again to open a new one")
    assert world.champion() is None


# ---- decisions, from either side


def test_a_rejection_in_the_pipeline_reaches_the_registry(world: World) -> None:
    number = world.open()
    world.pipeline.answer(world.token(number), "Rejected", "the data is odd", ADA)

    follow_review(world, world.run_of(number).id)

    item = world.item(number)
    assert (item["status"], item["decided_by"], item["decision_reason"]) == (
        "REJECTED",
        ADA,
        "the data is odd",
    )
    package = world.packages.package(item["package_arn"])
    assert (package.approval, "the data is odd" in str(package.reason)) == ("Rejected", True)
    assert [notice.event for notice in world.notices.sent] == ["release rejected"]


def test_an_expired_review_counts_as_a_rejection_with_that_reason(world: World) -> None:
    number = world.open()
    world.pipeline.expire(world.run_of(number))

    follow_review(world, world.run_of(number).id)

    item = world.item(number)
    assert (item["status"], item["decision"], item.get("decided_by")) == (
        "EXPIRED",
        "expired",
        None,
    )
    package = world.packages.package(item["package_arn"])
    assert "nobody decided within the time a review is open" in str(package.reason)
    assert refused(world, world.run_of(number)).startswith("churn/1 expired: nobody decided")


@pytest.mark.parametrize(
    ("status", "outcome"), [("Approved", "APPROVED"), ("Rejected", "REJECTED")]
)
def test_a_decision_in_the_registry_reaches_the_approval_with_who_and_why(
    world: World, status: str, outcome: str
) -> None:
    number = world.open()
    arn = world.item(number)["package_arn"]
    world.packages.put(arn, status, "checked by hand", BOB)

    follow_package(world, arn)

    item, review = world.item(number), world.run_of(number).actions["ApproveRelease"]
    assert review.status == ("Succeeded" if status == "Approved" else "Failed")
    assert review.summary == f"{status} in the model registry by {BOB}: checked by hand"
    assert (item["status"], item["decided_by"], item["decision_reason"]) == (
        outcome,
        BOB,
        "checked by hand",
    )
    assert world.packages.package(arn).reason == "checked by hand"


def test_the_registry_may_be_quicker_than_the_pipeline(world: World) -> None:
    number = world.open()
    arn, run = world.item(number)["package_arn"], world.run_of(number)
    review = run.actions.pop("ApproveRelease")
    world.packages.put(arn, "Approved", "early", BOB)
    follow_package(world, arn)
    assert world.item(number)["status"] == "WAITING"

    run.actions["ApproveRelease"] = review
    follow_review(world, run.id)

    assert (world.item(number)["status"], world.item(number)["decided_by"]) == ("APPROVED", BOB)


def test_who_decided_in_the_registry_is_told_by_whichever_function_writes_it_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = world.open()
    arn, run = world.item(number)["package_arn"], world.run_of(number)
    world.packages.put(arn, "Rejected", "too dear", BOB)
    look = world.pipeline.review

    def looked_at_last(identity: str) -> Action | None:
        """What another function does between this one's looks at the record and the approval."""
        monkeypatch.setattr(world.pipeline, "review", look)
        monkeypatch.setattr(world.ledger, "advance", lambda *_: None)
        follow_package(world, arn)
        monkeypatch.undo()
        return look(identity)

    monkeypatch.setattr(world.pipeline, "review", looked_at_last)
    follow_review(world, run.id)

    item = world.item(number)
    assert (item["status"], item["decided_by"]) == ("REJECTED", BOB)
    assert item["decision_reason"] == "too dear"


def test_the_first_decision_stands_when_both_sides_decide_at_once(world: World) -> None:
    number = world.open()
    arn = world.item(number)["package_arn"]
    world.pipeline.answer(world.token(number), "Rejected", "no", ADA)
    world.packages.put(arn, "Approved", "yes", BOB)

    follow_package(world, arn)

    item, package = world.item(number), world.packages.package(arn)
    assert (item["status"], item["decided_by"]) == ("REJECTED", ADA)
    assert (package.approval, "no" in str(package.reason)) == ("Rejected", True)
    assert "that is final" in refused(world, world.run_of(number))


def test_an_approval_in_the_registry_that_comes_too_late_is_put_right(world: World) -> None:
    number = world.open()
    world.pipeline.expire(world.run_of(number))
    follow_review(world, world.run_of(number).id)
    arn = world.item(number)["package_arn"]
    world.packages.put(arn, "Approved", "sorry, late", BOB)

    line = follow_package(world, arn)

    assert line == "churn/1 is expired; its package is Rejected again"
    assert world.packages.package(arn).approval == "Rejected"


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
    world.packages.put(arn, "Approved", "", BOB)

    assert follow_package(world, arn) == f"{arn} has no release"


# ---- what goes wrong


def test_a_failed_verification_says_why_and_what_stays_in_service(world: World) -> None:
    promote(world, world.open())
    number = world.open()
    run = approve(world, number)
    admit_release(world, world.claim(run), world.clock.now())
    world.pipeline.act(run, VERIFY, "Failed", error="golden records differ")
    run.status = "Failed"

    close_release(world, run.id, world.clock.now())

    item = world.item(number)
    assert (item["status"], item["error"]) == (
        "FAILED",
        "VerifyRelease: golden records differ; release 1 stays in service; mend it and retry the "
        "stage, or run the model again",
    )
    assert world.champion() == 1
    # It was approved, and a retried stage may still promote it.
    assert world.packages.package(item["package_arn"]).approval == "Approved"
    assert world.packages.lives[item["package_arn"]][0] == "Failed"
    assert world.ledger.turn(MODEL).get("holder") is None
    assert world.notices.sent[-1].event == "release failed"


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

    item = world.item(number)
    assert (item["status"], item["error"]) == (
        "ROLLED_BACK",
        f"{words}; release 1 stays in service; mend it and run the model again",
    )
    package = world.packages.package(item["package_arn"])
    assert (package.approval, words in str(package.reason)) == ("Rejected", True)
    assert world.history()[-1] == ("rolled back", number)
    assert world.champion() == 1


def test_a_deployment_that_cloudformation_refused_is_a_failure(world: World) -> None:
    number = failed_deployment(world, Failure("ScoringFunction: not enough concurrency", False))

    assert world.item(number)["status"] == "FAILED"
    assert "ScoringFunction: not enough concurrency" in world.item(number)["error"]


def test_a_release_stopped_before_it_was_decided_is_rejected_in_the_registry(world: World) -> None:
    number = world.open()
    run = world.run_of(number)
    world.pipeline.act(run, "ApproveRelease", "Abandoned")
    run.status, run.summary = "Stopped", "wrong data"

    close_release(world, run.id, world.clock.now())

    item = world.item(number)
    assert item["status"] == "FAILED"
    assert item["error"].startswith("the pipeline was stopped at ApproveRelease: wrong data")
    assert world.packages.package(item["package_arn"]).approval == "Rejected"
    assert world.history() == [("stopped", number)]


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
    assert world.item(2)["error"].startswith("the pipeline was stopped at DeployRelease: not now")
    assert (world.item(2)["status"], world.champion()) == ("FAILED", 1)


def test_an_abandoned_deployment_that_came_through_all_the_same_is_recorded(world: World) -> None:
    run = abandoned_deployment(world)
    world.deploy(run)
    world.pipeline.act(run, "DeployRelease", "Abandoned")

    close_release(world, run.id, world.clock.now())

    assert (world.champion(), world.item(1)["status"]) == (1, "PROMOTED")
    assert world.ledger.turn(MODEL).get("holder") is None


def test_a_record_that_failed_although_the_model_is_live_is_completed(world: World) -> None:
    number = world.open()
    run = approve(world, number)
    admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)
    world.pipeline.act(run, RECORD, "Failed", error="function timed out")
    run.status = "Failed"

    closed = close_release(world, run.id, world.clock.now())

    assert (closed.outcome, closed.line) == ("completed", "churn/1 is in service")
    assert (world.champion(), world.item(number)["status"]) == (number, "PROMOTED")


def test_a_live_model_that_answers_otherwise_is_not_recorded(world: World) -> None:
    number = world.open()
    run = approve(world, number)
    admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)
    world.serving.score = 0.5

    with pytest.raises(NotLiveError, match="3 of 3 golden records otherwise"):
        record_live(world, world.live(run), world.clock.now())

    assert world.champion() is None


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
    assert (world.champion(), world.item(1)["status"]) == (2, "PROMOTED")


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
    before = (world.ledger.champion(MODEL), world.item(number), world.history())

    assert record_live(world, world.live(run), world.clock.now()) == first
    assert (world.ledger.champion(MODEL), world.item(number), world.history()) == before
    assert len(world.notices.sent) == 1


def test_a_failed_release_whose_stage_is_retried_is_promoted_after_all(world: World) -> None:
    number = failed_deployment(world, Failure("throttled", False))
    run = world.run_of(number)
    run.status = "InProgress"
    del run.actions["DeployRelease"]

    admitted = admit_release(world, world.claim(run), world.clock.now()).admission
    item = world.item(number)
    assert (admitted.outcome, item["status"], item.get("error")) == ("admit", "APPROVED", None)
    # The event of the first failure comes once more.
    assert close_release(world, run.id, world.clock.now()).outcome == "nothing"
    world.deploy(run)
    record_live(world, world.live(run), world.clock.now())
    assert world.champion() == number


# ---- back to an earlier release


def rollback(world: World, to: int) -> Run:
    return world.pipeline.runs[world.start(to, "rollback", "automatic")]


def test_a_rollback_brings_an_earlier_release_back(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    run = rollback(world, 1)
    admitted = admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)
    live = replace(world.live(run), by=BOB, reason="rollback from release 2: complaints")
    record_live(world, live, world.clock.now())

    champion = world.ledger.champion(MODEL)
    assert admitted.admission.outcome == "admit"
    assert champion is not None
    assert (champion["release"], champion["previous"], champion["purpose"]) == (1, 2, "rollback")
    assert (world.item(1)["status"], world.item(2)["status"]) == ("PROMOTED", "PROMOTED")
    left, back = (world.item(number)["package_arn"] for number in (2, 1))
    # What was rolled back from was in service and stays approved; its life says that it is not.
    assert world.packages.package(left).approval == "Approved"
    status, why = world.packages.lives[left]
    assert (status, "complaints" in why) == ("Retired", True)
    assert world.packages.lives[back][0] == "InService"
    last = world.table.beginning_with(MODEL, "history#")[-1]
    assert (last["event"], last["release"], last["previous"], last["by"]) == (
        "rolled back",
        1,
        2,
        BOB,
    )


@pytest.mark.parametrize("status", ["WAITING", "REJECTED", "FAILED", "ROLLED_BACK", "SUPERSEDED"])
def test_a_rollback_goes_only_to_what_was_in_service(world: World, status: str) -> None:
    promote(world, world.open())
    number = world.open()
    world.table.items[MODEL, "release#000002"]["status"] = status

    line = refused(world, rollback(world, number))

    assert line.startswith(f"churn/2 was never in service: it is {status}")


def test_a_rollback_that_fails_leaves_everything_as_it_was(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    run = rollback(world, 1)
    admit_release(world, world.claim(run), world.clock.now())
    world.pipeline.act(run, VERIFY, "Failed", error="no network")
    run.status = "Failed"

    closed = close_release(world, run.id, world.clock.now())

    assert closed.line.startswith("going back to release 1 failed: VerifyRelease: no network")
    assert (world.champion(), world.item(1)["status"]) == (2, "PROMOTED")
    assert world.history()[-1] == ("failed", 1)
    assert world.ledger.turn(MODEL).get("holder") is None


def test_a_rollback_supersedes_nothing(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    waiting = world.open()
    run = rollback(world, 1)
    admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)
    record_live(world, world.live(run), world.clock.now())

    assert world.item(waiting)["status"] == "WAITING"


def test_a_release_newer_than_a_rolled_back_champion_may_still_be_promoted(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    newer = world.open()
    run = rollback(world, 1)
    admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)
    record_live(world, world.live(run), world.clock.now())
    run.status = "Succeeded"

    promote(world, newer)

    assert world.champion() == newer


def test_following_an_unknown_release_says_so(world: World) -> None:
    assert follow_registry(world, MODEL, 9) == "churn/9 is no release"
    assert follow_review(world, "nowhere") == "there is no execution nowhere"
    assert close_release(world, "nowhere", world.clock.now()).outcome == "nothing"
