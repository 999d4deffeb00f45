"""Which release a batch or a monitoring is pinned to."""

from __future__ import annotations

from datetime import datetime

import pytest

from core.releases.live_release import NoLiveReleaseError, live_release
from core.releases.release_json import sha256
from core.stage.release_records import Withdrawal
from tests.support.release_acts import promote
from tests.support.release_doubles import ARTIFACT, MODEL
from tests.support.release_world import World


def problem(world: World) -> str:
    with pytest.raises(NoLiveReleaseError) as caught:
        live_release(world, MODEL)
    return str(caught.value)


def test_the_live_release_names_the_exact_bytes_of_its_model(world: World) -> None:
    promote(world, world.open())

    live = live_release(world, MODEL)

    release = world.release(1)
    assert (live.number, live.run, live.promoted_at) == (1, release.run, release.promoted_at)
    assert live.artifact_uri.endswith("/model.tar.gz")
    assert (live.artifact_version, live.artifact_sha256) == ("v1", sha256(ARTIFACT))
    assert live.definition_sha256 == "d" * 64


def test_what_the_alias_answers_counts_and_not_what_is_recorded(world: World) -> None:
    promote(world, world.open())
    promote(world, world.open())
    world.serving.alias = 1

    live = live_release(world, MODEL)

    assert (live.number, world.champion()) == (1, 2)
    assert live.promoted_at == world.release(1).promoted_at


def test_a_release_that_came_back_is_in_service_since_then(world: World) -> None:
    promote(world, world.open())
    champion = world.releases.champion(MODEL)
    world.table.change(MODEL, "champion", {"promoted_at": "2027-01-01T00:00:00Z"})

    assert champion is not None
    assert champion.promoted_at != "2027-01-01T00:00:00Z"
    assert live_release(world, MODEL).promoted_at == "2027-01-01T00:00:00Z"


def test_without_a_release_in_service_the_line_says_what_to_do(world: World) -> None:
    world.open()

    assert problem(world) == (
        "model churn has no release in service; run it and approve its release, "
        "see `kanmon releases churn`"
    )


def test_a_withdrawn_model_has_no_live_release(world: World) -> None:
    promote(world, world.open())
    world.serving.withdrawn = True
    assert "was withdrawn from service" in problem(world)

    champion = world.releases.champion(MODEL)
    assert champion is not None
    at = datetime(2026, 11, 22).isoformat()
    world.releases.withdraw_champion(champion, Withdrawal(1, at, reason="wrong prices"))

    assert problem(world) == (
        "model churn was withdrawn from service, `kanmon rollback churn --to 1` brings its "
        "release 1 back: wrong prices"
    )


def test_an_alias_that_is_gone_is_no_release(world: World) -> None:
    promote(world, world.open())
    world.serving.alias = None

    assert "the live alias of churn is not there" in problem(world)


def test_a_release_that_the_stage_does_not_know_is_refused(world: World) -> None:
    promote(world, world.open())
    world.serving.alias = 9

    assert "answers as release 9, which the stage has no record of" in problem(world)


def test_a_model_file_other_than_the_reviewed_one_is_refused(world: World) -> None:
    promote(world, world.open())
    world.serving.artifact = b"another model"

    assert "another model file than churn/1 was reviewed with" in problem(world)


def test_a_bundle_that_was_changed_is_refused(world: World) -> None:
    promote(world, world.open())
    release = world.release(1)
    world.store.versions[release.bundle_key, "v1"] = b"other bytes"

    assert "the bundle of churn/1 cannot be read any more" in problem(world)
