"""A release's facts: whichever way it ends, and however often its events come, one for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from core.releases.approval_sync import follow_package, follow_review
from core.releases.close_release import close_release
from core.releases.superseding import supersede_waiting
from core.stage.serving_stack import Failure
from tests.support.release_acts import approve, promote, refused
from tests.support.release_doubles import ADA, BOB, MODEL
from tests.support.release_world import World


def rejected_in_the_pipeline(world: World, number: int) -> None:
    world.pipeline.answer(world.token(number), "Rejected", "the data is odd", ADA)


def rejected_in_the_registry(world: World, number: int) -> None:
    world.registry.put(world.release(number).package_arn, "Rejected", "odd", BOB)
    follow_package(world, world.release(number).package_arn)


def expired(world: World, number: int) -> None:
    world.pipeline.expire(world.run_of(number))


def superseded_by_one_that_waits(world: World, number: int) -> None:
    supersede_waiting(world, world.release(world.open()))


def superseded_by_one_that_is_promoted(world: World, number: int) -> None:
    promote(world, world.open())


def superseded_on_its_way(world: World, number: int) -> None:
    """It was approved before a newer one was promoted."""
    approve(world, number)
    follow_review(world, world.run_of(number).id)
    promote(world, world.open())
    refused(world, world.run_of(number))


def stopped(world: World, number: int) -> None:
    world.pipeline.stop(world.run_of(number).id, "wrong data")


def failed(world: World, number: int) -> None:
    approve(world, number)
    follow_review(world, world.run_of(number).id)
    run = world.run_of(number)
    world.pipeline.act(run, "VerifyRelease", "Failed", error="a digest differs")
    world.pipeline.end(run, "Failed")


WAYS: dict[Callable[[World, int], None], list[str]] = {
    rejected_in_the_pipeline: ["release rejected"],
    rejected_in_the_registry: ["release rejected"],
    expired: ["release expired"],
    superseded_by_one_that_waits: ["release superseded"],
    superseded_by_one_that_is_promoted: ["release superseded"],
    superseded_on_its_way: ["release approved", "release superseded"],
    stopped: ["release stopped"],
    failed: ["release approved", "release failed"],
}


@pytest.mark.parametrize("end", WAYS, ids=lambda way: way.__name__)
def test_each_way_to_end_is_one_fact_however_often_its_events_come(
    world: World, end: Callable[[World, int], None]
) -> None:
    number = world.open()

    end(world, number)
    for _ in range(2):
        for follow in (follow_review, follow_the_end):
            follow(world, world.run_of(number).id)
        follow_package(world, world.release(number).package_arn)

    put = [fact for fact in world.events.facts if fact.release == number]
    assert Counter(fact.event for fact in put) == Counter(WAYS[end])
    assert len({fact.id for fact in world.events.facts}) == len(world.events.facts)
    assert {(fact.model, fact.run) for fact in put} == {(MODEL, world.release(number).run)}


def follow_the_end(world: World, execution: str) -> None:
    close_release(world, execution, world.clock.now())


def test_a_canary_that_somebody_stopped_was_stopped_and_one_that_an_alarm_ended_was_not(
    world: World,
) -> None:
    ends = {}
    for how in ("Stopped", "Failed"):
        number = world.open()
        run = approve(world, number)
        follow_review(world, run.id)
        world.pipeline.act(run, "DeployRelease", "Failed", error="the deployment failed")
        world.serving.wrong = Failure("CodeDeploy d-7: it was undone", True)
        world.pipeline.end(run, how)
        close_release(world, run.id, world.clock.now())
        assert world.release(number).status == "ROLLED_BACK"
        ends[how] = world.events.events[-1]

    assert ends == {"Stopped": "release stopped", "Failed": "release rolled back"}
