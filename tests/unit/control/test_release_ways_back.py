"""Back to an earlier release, and out of service."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from core.releases.admit_release import admit_release, to_deploy
from core.releases.approval_sync import follow_registry, follow_review
from core.releases.close_release import close_release
from core.releases.record_release import record_live
from core.releases.service import NotLiveError
from tests.support.release_acts import approve, promote, refused
from tests.support.release_doubles import BOB, MODEL, VERIFY, Run
from tests.support.release_world import World


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

    champion = world.releases.champion(MODEL)
    assert admitted.admission.outcome == "admit"
    assert champion is not None
    assert (champion.release, champion.previous, champion.purpose) == (1, 2, "rollback")
    assert (world.release(1).status, world.release(2).status) == ("PROMOTED", "PROMOTED")
    left, back = (world.release(number).package_arn for number in (2, 1))
    # What was rolled back from was in service and stays approved; its life says that it is not.
    assert world.registry.package(left).approval == "Approved"
    status, why = world.registry.lives[left]
    assert (status, "complaints" in why) == ("Retired", True)
    assert world.registry.lives[back][0] == "InService"
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
    assert (world.champion(), world.release(1).status) == (2, "PROMOTED")
    assert world.history()[-1] == ("failed", 1)
    assert world.releases.lock(MODEL).holder is None


def test_a_rollback_is_in_the_history_from_its_start_and_once(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    run = rollback(world, 1)
    world.pipeline.act(run, "AdmitRelease", "InProgress")

    for _ in range(2):
        admit_release(world, world.claim(run), world.clock.now())

    assert world.history()[-1] == ("rollback started", 1)
    assert world.history().count(("rollback started", 1)) == 1


def test_a_rollback_that_is_refused_has_not_started(world: World) -> None:
    promote(world, world.open())
    never = world.open()
    before = world.history()

    refused(world, rollback(world, never))

    assert world.history() == before


def test_a_release_that_is_not_there_is_refused_and_another_executions_is_left_alone(
    world: World,
) -> None:
    number = world.open()
    stranger = world.pipeline.runs[world.start(number, "promotion", "manual", summary="again")]
    other = world.pipeline.runs.setdefault("other", Run("other", dict(stranger.variables)))
    world.pipeline.act(other, "ApproveRelease", "Succeeded", by=BOB, summary="mine")
    unknown = world.pipeline.runs.setdefault(
        "unknown",
        Run("unknown", {**stranger.variables, "release": "99", "review": "automatic"}),
    )

    assert "is promoted by execution" in refused(world, other)
    assert (world.release(number).status, world.release(number).decided_by) == ("WAITING", None)
    assert "there is no release churn/99" in refused(world, unknown)
    assert (MODEL, "release#000099") not in world.table.items


def test_a_rollback_deploys_what_was_kept_of_the_promotion_all_at_once(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    run = rollback(world, 1)
    claim = world.claim(run)

    files = to_deploy(world, claim, {}, "attempt-1", "2")

    settings = json.loads(files["configuration.json"])
    assert (claim.verify, claim.traffic) == ("no", "all")
    assert settings["Parameters"]["Release"] == "1"
    assert settings["Parameters"]["Canary"] == "AllAtOnce"
    assert settings["Parameters"]["PreviousRelease"] == "2"
    assert '          ATTEMPT: "attempt-1"\n' in files["packaged.yaml"]


def test_a_kept_deployment_that_was_changed_is_not_deployed(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    world.store.versions[str(world.release(1).deployment_key), "v1"] = b"{}"

    line = refused(world, rollback(world, 1))

    assert "churn/1: the template that it was promoted with was changed" in line


def test_a_release_of_before_is_verified_again_on_the_way_back(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    del world.table.items[MODEL, "release#000001"]["deployment_version"]
    run = rollback(world, 1)
    hurried = world.pipeline.runs[world.start(1, "rollback", "automatic", verify="no")]

    assert run.variables["verify"] == "yes"
    assert "has to be verified again" in refused(world, hurried)
    assert admit_release(world, world.claim(run), world.clock.now()).admission.outcome == "admit"


# ---- out of service


def withdraw(world: World, number: int) -> Run:
    run = world.pipeline.runs[world.start(number, "withdrawal", "automatic")]
    admitted = admit_release(world, world.claim(run), world.clock.now())
    assert admitted.admission.outcome == "admit", admitted.admission.line
    world.deploy(run)
    record_live(world, replace(world.live(run), by=BOB, reason="wrong"), world.clock.now())
    run.status = "Succeeded"
    return run


def test_a_withdrawn_model_has_no_champion_and_its_history_says_why(world: World) -> None:
    promote(world, world.open())

    run = withdraw(world, 1)
    record_live(world, world.live(run), world.clock.now())  # Lambda calls a function twice

    assert world.champion() is None
    assert world.history()[-2:] == [("withdrawal started", 1), ("withdrawn", 1)]
    withdrawn = world.releases.withdrawal(MODEL)
    assert withdrawn is not None
    assert (withdrawn.release, withdrawn.by, withdrawn.reason) == (1, BOB, "wrong")
    assert world.registry.lives[world.release(1).package_arn][0] == "Retired"
    assert world.events.events.count("release withdrawn") == 1
    assert world.releases.lock(MODEL).holder is None


def test_a_later_promotion_or_a_way_back_ends_a_withdrawal(world: World) -> None:
    promote(world, world.open())
    withdraw(world, 1)

    promote(world, world.open())

    assert (world.champion(), world.releases.withdrawal(MODEL)) == (2, None)
    withdraw(world, 2)
    run = rollback(world, 1)
    admitted = admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)
    record_live(world, world.live(run), world.clock.now())
    assert (admitted.admission.outcome, world.champion()) == ("admit", 1)


def test_a_withdrawal_is_not_recorded_while_the_model_still_answers(world: World) -> None:
    promote(world, world.open())
    run = world.pipeline.runs[world.start(1, "withdrawal", "automatic")]
    admit_release(world, world.claim(run), world.clock.now())

    with pytest.raises(NotLiveError, match="still answers"):
        record_live(world, world.live(run), world.clock.now())

    world.pipeline.act(run, "DeployRelease", "Failed", error="no")
    run.status = "Failed"
    closed = close_release(world, run.id, world.clock.now())
    assert closed.line.startswith("withdrawing release 1 failed: ")
    assert (world.champion(), world.history()[-1]) == (1, ("failed", 1))


def test_a_release_whose_bundle_is_gone_can_still_be_withdrawn(world: World) -> None:
    promote(world, world.open())
    world.store.versions.clear()

    withdraw(world, 1)

    assert world.champion() is None


def test_a_withdrawal_deploys_what_is_there_with_another_answer(world: World) -> None:
    promote(world, world.open())
    run = world.pipeline.runs[world.start(1, "withdrawal", "automatic")]

    files = to_deploy(world, world.claim(run), {}, "attempt-1", "1")

    given = json.loads(files["configuration.json"])["Parameters"]
    assert (given["Withdrawn"], given["Release"], given["PreviousRelease"]) == ("true", "1", "none")


def test_only_the_release_in_service_is_withdrawn(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    run = world.pipeline.runs[world.start(1, "withdrawal", "automatic")]

    assert "churn/1 is not in service" in refused(world, run)


def test_a_promotion_neither_skips_its_verification_nor_its_canary(world: World) -> None:
    for way in ({"verify": "no"}, {"traffic": "all"}, {"verify": "no", "traffic": "all"}):
        run = approve(world, world.open())
        run.variables |= {"verify": "yes", "traffic": "canary", **way}

        assert "is not done this way" in refused(world, run)


def test_a_rollback_supersedes_nothing(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    waiting = world.open()
    run = rollback(world, 1)
    admit_release(world, world.claim(run), world.clock.now())
    world.deploy(run)
    record_live(world, world.live(run), world.clock.now())

    assert world.release(waiting).status == "WAITING"


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
