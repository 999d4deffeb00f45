"""From an opened release to the model in service: what each function leaves behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.releases.admit_release import admit_release
from core.releases.approval_sync import follow_review
from core.releases.close_release import close_release
from core.releases.record_release import record_live
from core.releases.superseding import supersede_older, supersede_waiting
from core.words.formats import moment
from tests.support.release_acts import approve, promote, refused
from tests.support.release_doubles import ADA, MODEL
from tests.support.release_world import World

# The parts of a release that lie in the bucket, by how their keys end.
PARTS = {
    "bundle": "/bundle.zip",
    "artifact": "/model.tar.gz",
    "evaluation": "/evaluation.json",
    "review": "/review.html",
}


def test_an_approved_release_becomes_the_champion(world: World) -> None:
    number = world.open()

    promote(world, number)

    release, arn = world.release(number), world.release(number).package_arn
    assert (release.status, release.decision, release.decided_by) == ("PROMOTED", "approved", ADA)
    assert release.decision_reason == "looks good"
    assert world.champion() == number
    assert world.registry.package(arn).approval == "Approved"
    assert world.registry.package(arn).reason == (
        f"release 1: approved by {ADA} at {moment(release.decided_at)}: looks good"
    )
    since = f"release 1, since {moment(release.promoted_at)}"
    assert world.registry.lives[arn] == ("InService", since)
    assert world.history() == [("approved", 1), ("promoted", 1)]
    assert world.events.events == ["release approved", "release promoted"]
    assert world.releases.lock(MODEL).holder is None


def test_the_release_that_was_in_service_is_retired_and_stays_approved(world: World) -> None:
    promote(world, world.open())
    former = world.release(1).package_arn

    promote(world, world.open())

    champion = world.releases.champion(MODEL)
    assert champion is not None
    assert (champion.release, champion.previous, champion.purpose) == (2, 1, "promotion")
    assert world.registry.package(former).approval == "Approved"
    status, why = world.registry.lives[former]
    assert (status, "churn/2 is in service" in why) == ("Retired", True)
    assert world.release(1).status == "PROMOTED"


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

    release = world.release(number)
    assert (release.decision, release.decided_by) == ("automatic", "model.yaml")
    assert "approval: automatic" in release.decision_reason
    assert world.registry.package(release.package_arn).approval == "Approved"


def test_a_release_that_says_automatic_but_was_held_is_not_admitted(world: World) -> None:
    number = world.open(approval="automatic", verdict="hold")

    assert "was not approved in this execution" in refused(world, world.run_of(number))


def test_skipping_the_review_by_hand_does_not_help(world: World) -> None:
    number = world.open()
    execution = world.pipeline.start(
        {**world.run_of(number).variables, "review": "automatic"}, "key", "v1", "by hand"
    )

    line = refused(world, world.pipeline.runs[execution])

    assert f"is promoted by execution {world.release(number).execution} and by no other" in line
    assert world.release(number).status == "WAITING"


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
    assert world.releases.lock(MODEL).holder is None


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

    release, review = world.release(older), world.run_of(older).actions["ApproveRelease"]
    assert (release.status, release.decision) == ("SUPERSEDED", "superseded")
    assert release.decision_reason == "release 2 was promoted"
    # Stopped and not failed: that a newer release came first is no alarm.
    run = world.run_of(older)
    assert (review.status, run.status) == ("Abandoned", "Stopped")
    assert run.summary == "superseded: release 2 was promoted"
    assert world.registry.package(release.package_arn).approval == "Rejected"
    follow_review(world, release.execution)
    close_release(world, release.execution, world.clock.now())
    assert world.release(older).status == "SUPERSEDED"
    assert ("rejected", older) not in world.history()


def test_a_release_that_was_superseded_costs_the_later_ones_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a retraining a day there are hundreds of them after a year."""
    world.open()
    newer = world.release(world.open())
    supersede_waiting(world, newer)
    # From here on nothing is asked of the pipeline, and nothing is written.
    monkeypatch.setattr(world.pipeline, "review", None)
    world.table.left = 0

    supersede_waiting(world, newer)
    supersede_older(world, newer, newer.opened_at)

    assert world.release(1).status == "SUPERSEDED"


def test_an_older_release_that_is_on_its_way_is_superseded_at_admission(world: World) -> None:
    older, newer = world.open(), world.open()
    run = approve(world, older)
    follow_review(world, run.id)
    promote(world, newer)

    line = refused(world, run)

    assert line.startswith("churn/1 is older than release 2, which is in service")
    assert world.release(older).status == "SUPERSEDED"
    assert world.champion() == newer


def test_a_call_that_comes_after_the_execution_ended_changes_nothing(world: World) -> None:
    number = world.open()
    run = approve(world, number)
    world.pipeline.end(run, "Stopped")
    close_release(world, run.id, world.clock.now())

    late = admit_release(world, world.claim(run), world.clock.now()).admission

    assert (late.outcome, late.line) == ("refuse", f"execution {run.id} has ended")
    assert world.release(number).status == "FAILED"
    assert world.releases.lock(MODEL).holder is None


def test_one_release_of_a_model_is_deployed_at_a_time(world: World) -> None:
    first, second = world.open(), world.open()
    one, other = approve(world, first), approve(world, second)
    admit_release(world, world.claim(other), world.clock.now())

    waiting = admit_release(world, world.claim(one), world.clock.now()).admission

    assert (waiting.outcome, waiting.line) == (
        "wait",
        f"waits for execution {other.id}, which is deploying churn",
    )
    assert world.release(first).status == "APPROVED"


def test_a_lock_whose_execution_ended_without_releasing_it_is_taken_over(world: World) -> None:
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
        assert "continues its rollback in CloudFormation" in admission.line


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
        ("evaluation", "the evaluation was changed"),
        ("no evaluation", "the evaluation is gone"),
        ("review", "the review page was changed"),
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
    arn, files = world.release(number).package_arn, world.store.versions
    package = world.registry.package(arn)
    if part := PARTS.get(what.removeprefix("no ")):
        [key] = [key for key in files if key[0].endswith(part)]
        if what.startswith("no "):
            del files[key]
        else:
            files[key] += b"x"
    elif what == "image":
        metadata = {**package.metadata, "image_train": "sha256:" + "0" * 64}
        world.registry.found[arn] = replace(package, metadata=metadata)
    elif what == "registered":
        metadata = {**package.metadata, "artifact_sha256": "0" * 64}
        world.registry.found[arn] = replace(package, metadata=metadata)
    else:
        world.table.items[MODEL, "release#000001"]["release_sha256"] = "0" * 64

    line = refused(world, run)

    assert line.startswith(f"churn/1: {words}")
    assert line.endswith("nothing of a release may change; run the model again to open a new one")
    assert world.champion() is None
