"""Admit Release: what it looks at, what it records, and whose lock it respects."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.releases.admit_release import admit_release, to_deploy
from core.stage.bucket import ObjectMissingError
from core.stage.release_pipeline import REVIEW
from core.stage.release_records import DeploymentLock
from core.stage.serving_stack import Standing
from core.words.formats import timestamp
from tests.support.release_acts import approve, promote, refused
from tests.support.release_doubles import ADA, BOB, MODEL, Run
from tests.support.release_world import World

NOON = datetime(2026, 11, 21, 12, 0, 0, 900_000, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)


def hold_lock(world: World, holder: str, until: int) -> None:
    assert world.releases.take_lock(world.releases.lock(MODEL), holder, until)


def answer(world: World, run: Run, now: datetime = NOON) -> tuple[str, str]:
    admission = admit_release(world, world.claim(run), now).admission
    return admission.outcome, admission.line


def rollback(world: World, to: int) -> Run:
    return world.pipeline.runs[world.start(to, "rollback", "automatic")]


# ---- who asks


def test_an_execution_that_nobody_knows_is_refused(world: World) -> None:
    claim = replace(world.claim(approve(world, world.open())), execution="nowhere")

    admitted = admit_release(world, claim, NOON)

    assert (admitted.admission.outcome, admitted.admission.line) == (
        "refuse",
        "execution nowhere has ended",
    )
    assert admitted.variables == {}


@pytest.mark.parametrize(("name", "written"), [("verify", 'no", "x": "'), ("traffic", "canary")])
def test_an_execution_goes_the_way_that_its_variables_say_and_no_other(
    world: World, name: str, written: str
) -> None:
    promote(world, world.open())
    run = rollback(world, 1)
    claim = world.claim(run)
    run.variables[name] = written

    assert "not plain values" in admit_release(world, claim, NOON).admission.line


def test_a_release_whose_opening_died_before_it_named_its_execution_gets_this_one(
    world: World,
) -> None:
    number = world.open()
    run = approve(world, number)
    del world.table.items[MODEL, "release#000001"]["execution"]

    assert answer(world, run)[0] == "admit"
    assert world.release(number).execution == run.id


def test_a_rollback_is_never_named_as_the_execution_that_promotes(world: World) -> None:
    number = world.open()
    del world.table.items[MODEL, "release#000001"]["execution"]

    refused(world, rollback(world, number))

    assert world.release(number).execution is None


# ---- what it looks at


def test_the_stack_in_the_way_is_the_models(world: World) -> None:
    run = approve(world, world.open())
    world.serving.status = "UPDATE_IN_PROGRESS"

    assert answer(world, run) == (
        "wait",
        "waits for the stack kanmon-test-serving-churn, which is UPDATE_IN_PROGRESS",
    )


@pytest.mark.parametrize("bundle", ["there", "gone"])
def test_an_answer_that_cannot_be_seen_yet_is_waited_for(world: World, bundle: str) -> None:
    run = world.run_of(world.open())
    del run.actions[REVIEW]
    if bundle == "gone":
        world.store.versions.clear()

    assert answer(world, run) == (
        "wait",
        "waits until the answer to the review of churn/1 can be read",
    )
    assert world.release(1).status == "WAITING"


def test_an_automatic_release_that_a_person_is_asked_about_is_not_approved_before_the_answer(
    world: World,
) -> None:
    run = world.run_of(world.open("automatic"))
    run.variables["review"] = "manual"

    assert answer(world, run)[0] == "wait"
    assert world.release(1).status == "WAITING"


def test_a_way_back_is_held_to_all_parts_of_the_release(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    world.store.versions[world.release(1).bundle_key, "v1"] += b"x"

    assert "churn/1: the bundle was changed" in refused(world, rollback(world, 1))


def test_a_release_that_the_registry_has_lost_can_still_be_withdrawn(world: World) -> None:
    promote(world, world.open())
    world.registry.found.clear()
    run = world.pipeline.runs[world.start(1, "withdrawal", "automatic")]

    assert answer(world, run)[0] == "admit"


# ---- the lock


def test_the_lock_is_held_for_four_hours_in_whole_seconds(world: World) -> None:
    run = approve(world, world.open())

    answer(world, run, NOON)

    lock = world.releases.lock(MODEL)
    assert lock == DeploymentLock(MODEL, run.id, int(NOON.timestamp()) + 4 * 60 * 60)
    assert isinstance(lock.until, int)


@pytest.mark.parametrize(
    ("seconds_left", "outcome"), [(3600, "wait"), (1, "wait"), (0, "admit"), (-1, "admit")]
)
def test_the_lock_of_an_execution_that_cannot_be_looked_up_holds_until_its_time(
    world: World, seconds_left: int, outcome: str
) -> None:
    run = approve(world, world.open())
    hold_lock(world, "forgotten", int(NOON.timestamp()) + seconds_left)

    assert answer(world, run)[0] == outcome


def test_a_lock_without_a_time_is_free_once_its_execution_cannot_be_looked_up(
    world: World,
) -> None:
    run = approve(world, world.open())
    world.table.change(MODEL, "deployment-lock", {"holder": "forgotten"})

    assert answer(world, run, datetime.fromtimestamp(0, UTC))[0] == "admit"


def test_the_lock_of_an_execution_that_goes_on_holds_beyond_its_time(world: World) -> None:
    other, run = world.run_of(world.open()), approve(world, world.open())
    hold_lock(world, other.id, int(NOON.timestamp()) - 1)

    assert answer(world, run) == (
        "wait",
        f"waits for execution {other.id}, which is deploying churn",
    )


def test_of_two_executions_that_saw_a_free_lock_one_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = approve(world, world.open())

    def meanwhile(model: str) -> Standing | None:
        hold_lock(world, "faster", int(NOON.timestamp()) + 60)
        return None

    monkeypatch.setattr(world.serving, "standing", meanwhile)

    assert answer(world, run) == (
        "wait",
        "waits: another execution has just taken the lock of churn",
    )
    assert world.releases.lock(MODEL).holder == "faster"


# ---- what it records


def test_a_superseded_release_says_by_which_and_since_when(world: World) -> None:
    older, newer = world.open(), world.open()
    run = approve(world, older)
    promote(world, newer)
    world.table.items[MODEL, "release#000001"] |= {"status": "APPROVED"}
    del world.table.items[MODEL, "release#000001"]["approval_closed"]
    run.status = "InProgress"

    outcome, _ = answer(world, run)

    release = world.release(older)
    assert (outcome, release.status) == ("supersede", "SUPERSEDED")
    assert release.decision_reason == "release 2 was promoted"
    assert (release.decided_at, release.ended_at) == (timestamp(NOON), timestamp(NOON))


def test_an_approval_is_recorded_although_the_release_is_refused_for_another_reason(
    world: World,
) -> None:
    number = world.open()
    run = approve(world, number)
    world.serving.status = "DELETE_FAILED"

    refused(world, run)

    assert (world.release(number).status, world.release(number).decided_by) == ("APPROVED", ADA)


def test_an_automatic_release_is_approved_from_its_first_admission(world: World) -> None:
    number = world.open(approval="automatic")
    run = world.run_of(number)

    answer(world, run, NOON)
    answer(world, run, NOON + AN_HOUR)  # before the deployment

    release = world.release(number)
    assert (release.status, release.decided_at) == ("APPROVED", timestamp(NOON))
    assert world.registry.package(release.package_arn).approval == "Approved"
    assert world.history() == [("approved", number)]


def test_an_automatic_release_that_waits_for_the_lock_is_approved_already(world: World) -> None:
    number = world.open(approval="automatic")
    hold_lock(world, world.run_of(world.open()).id, 0)

    assert answer(world, world.run_of(number))[0] == "wait"
    assert world.release(number).status == "APPROVED"


def test_a_person_who_reviews_an_automatic_release_is_named(world: World) -> None:
    number = world.open(approval="automatic")
    run = world.run_of(number)
    run.variables["review"] = "manual"
    world.pipeline.open_review(run)
    approve(world, number)

    assert answer(world, run)[0] == "admit"
    assert (world.release(number).decision, world.release(number).decided_by) == ("approved", ADA)


def test_a_failed_release_is_failed_until_its_retry_is_admitted(world: World) -> None:
    number = world.open()
    run = approve(world, number)
    answer(world, run)
    failed: dict[str, Any] = {"status": "FAILED", "error": "no room", "ended_at": timestamp(NOON)}
    world.table.items[MODEL, "release#000001"] |= failed
    world.releases.unlock(MODEL, run.id)
    hold_lock(world, world.run_of(world.open()).id, 0)

    waiting = answer(world, run)[0], world.release(number)
    world.table.remove(MODEL, "deployment-lock")
    admitted = answer(world, run)[0], world.release(number)

    assert (waiting[0], waiting[1].status, waiting[1].error) == ("wait", "FAILED", "no room")
    assert (admitted[0], admitted[1].status) == ("admit", "APPROVED")
    assert (admitted[1].error, admitted[1].ended_at) == (None, None)


@pytest.mark.parametrize(
    ("purpose", "event"),
    [("rollback", "rollback started"), ("withdrawal", "withdrawal started")],
)
@pytest.mark.parametrize("lock", ["free", "held"])
def test_the_start_of_a_way_back_or_out_is_told_with_who_when_and_why(
    world: World, purpose: str, event: str, lock: str
) -> None:
    promote(world, world.open())
    run = world.pipeline.runs[world.start(1, purpose, "automatic", summary="it is wrong")]
    if lock == "held":
        hold_lock(world, world.run_of(world.open()).id, 0)

    answer(world, run)

    entry = world.table.beginning_with(MODEL, "history#")[-1]
    assert entry == {
        "model": MODEL,
        "item": f"history#{timestamp(NOON)}#000001-2-started-{run.id}",
        "at": timestamp(NOON),
        "event": event,
        "release": 1,
        "by": BOB,
        "reason": "it is wrong",
        "execution": run.id,
        "number": 3,  # after it was approved and promoted
    }


def test_a_way_back_started_when_its_first_action_began(world: World) -> None:
    promote(world, world.open())
    run = rollback(world, 1)
    world.pipeline.act(run, "AdmitRelease", "InProgress")

    answer(world, run)

    began = run.actions["AdmitRelease"].began
    assert began is not None
    assert world.table.beginning_with(MODEL, "history#")[-1]["at"] == timestamp(began)


# ---- what is deployed


@pytest.mark.parametrize(
    ("traffic", "canary"), [("canary", "Canary10Percent5Minutes"), ("all", "AllAtOnce")]
)
def test_a_verified_release_is_deployed_as_it_was_verified_with_the_traffic_asked_for(
    world: World, traffic: str, canary: str
) -> None:
    number = world.open()
    claim = replace(world.claim(world.run_of(number)), traffic=traffic)
    given = {"Release": "1", "Canary": "Canary10Percent5Minutes", "PreviousRelease": "verified"}
    settings = {"Parameters": given, "Tags": {"kanmon:model": MODEL}}
    verified = {"packaged.yaml": "Resources: {}\n", "configuration.json": json.dumps(settings)}

    files = to_deploy(world, claim, verified, "attempt-1", "other")

    deployed = json.loads(files["configuration.json"])
    assert deployed == {**settings, "Parameters": {**given, "Canary": canary}}


def test_a_withdrawal_changes_what_is_deployed_and_not_what_was_kept(world: World) -> None:
    promote(world, world.open())
    del world.table.items[MODEL, "release#000001"]["deployment_version"]
    run = world.pipeline.runs[world.start(1, "withdrawal", "automatic")]

    files = to_deploy(world, world.claim(run), {}, "attempt-1", "1")

    assert json.loads(files["configuration.json"])["Parameters"]["Withdrawn"] == "true"


@pytest.mark.parametrize("missing", ["deployment_key", "deployment_version", "record"])
def test_a_way_back_to_what_was_not_kept_says_so(world: World, missing: str) -> None:
    promote(world, world.open())
    claim = world.claim(rollback(world, 1))
    if missing == "record":
        world.table.remove(MODEL, "release#000001")
    else:
        del world.table.items[MODEL, "release#000001"][missing]

    with pytest.raises(ObjectMissingError, match=r"^nothing is kept of the deployment of churn/1$"):
        to_deploy(world, claim, {}, "attempt-1", "none")
