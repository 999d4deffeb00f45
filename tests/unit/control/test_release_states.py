"""Whatever happens to releases, in whatever order, however often, and wherever a function dies.

The invariants are those that a person relies on: never two champions, never one that was not
approved, never a live alias without a release, and when all is quiet the table, the registry and
what is live say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.releases.admission_rule import Claim
from core.releases.admit_release import admit_release
from core.releases.approval_sync import follow_package, follow_review
from core.releases.close_release import close_release
from core.releases.decision import registry_status
from core.releases.record_release import record_live
from core.releases.service import NotLiveError
from core.stage.release_pipeline import DEPLOY, REVIEW
from core.stage.release_records import CLOSED, OPEN, Status
from tests.support.release_doubles import ADA, ADMIT, BOB, CONFIRM, MODEL, RECORD, Run
from tests.support.release_table import KilledError
from tests.support.release_world import World

RESULTS = st.sampled_from(["Approved", "Rejected"])
PICK = st.integers(0, 99)
# After so many writes the function is killed; None: it is left alone.
LIVES = st.one_of(st.none(), st.none(), st.integers(0, 8))


class Releases(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.approved: set[int] = set()
        self.refused: set[int] = set()
        self.was: dict[int, str] = {}

    # ---- what people do

    @rule(automatic=st.booleans())
    def open(self, automatic: bool) -> None:
        if len(self.world.releases.releases(MODEL)) < 6:
            number = self.world.open("automatic" if automatic else "manual")
            if automatic:
                self.approved.add(number)

    @rule(
        pick=PICK, result=st.sampled_from(["Approved", "Rejected"]), by=st.sampled_from([ADA, BOB])
    )
    def decide_in_the_pipeline(self, pick: int, result: str, by: str) -> None:
        """Also with the token of an approval that is closed."""
        run = self.one_of(pick, self.runs(lambda run: REVIEW in run.actions))
        if run is not None:
            token = str(run.actions[REVIEW].external_id)
            self.world.pipeline.answer(token, result, "words", by)

    @rule(pick=PICK, status=RESULTS)
    def decide_in_the_registry(self, pick: int, status: str) -> None:
        arn = self.one_of(pick, sorted(self.world.registry.found))
        if arn is not None:
            self.world.registry.put(arn, status, "by hand", BOB)

    @rule(pick=PICK, really=st.integers(0, 3))
    def let_a_review_expire(self, pick: int, really: int) -> None:
        if really:
            return
        run = self.one_of(pick, self.runs(_waits))
        if run is not None:
            self.world.pipeline.expire(run)

    @rule(pick=PICK, really=st.integers(0, 3))
    def stop(self, pick: int, really: int) -> None:
        """More seldom than other things: most of what is stopped never becomes interesting."""
        if really:
            return
        run = self.one_of(pick, self.runs(lambda run: run.status == "InProgress"))
        if run is not None:
            if _waits(run):
                self.world.pipeline.act(run, REVIEW, "Abandoned")
            self.world.pipeline.end(run, "Stopped")

    @rule(pick=PICK)
    def retry(self, pick: int) -> None:
        """RetryStageExecution of the failed actions; no role may retry the stage Promote."""
        ended = self.runs(
            lambda run: (
                run.status in ("Failed", "Stopped")
                and (CONFIRM not in run.actions or run.actions.get(RECORD) is not None)
            )
        )
        run = self.one_of(pick, ended)
        if run is None:
            return
        run.status = "InProgress"
        if REVIEW in run.actions and run.actions[REVIEW].status != "Succeeded":
            self.world.pipeline.open_review(run)
            return
        for name in (RECORD, ADMIT):
            if name in run.actions and run.actions[name].status == "Failed":
                del run.actions[name]

    @rule(pick=PICK)
    def roll_back(self, pick: int) -> None:
        """Also to a release that was never in service."""
        numbers = [one.release for one in self.world.releases.releases(MODEL)]
        to = self.one_of(pick, numbers)
        if to is not None and len(self.world.pipeline.runs) < 12:
            self.world.start(to, "rollback", "automatic")

    # ---- what the pipeline does

    @rule(pick=PICK, left=LIVES, steps=st.integers(1, 5), good=st.integers(0, 4))
    def go_on(self, pick: int, left: int | None, steps: int, good: int) -> None:
        """Some steps of one execution; one deployment in five fails."""
        run = self.one_of(pick, self.runs(lambda run: run.status == "InProgress"))
        if run is None:
            return
        for step in range(steps):
            self.step(run, left if step == steps - 1 else None, good > 0)

    def step(self, run: Run, left: int | None, good: bool) -> None:
        if _waits(run):
            self.world.pipeline.answer(str(run.actions[REVIEW].external_id), "Approved", "yes", ADA)
            self.a_decision_is_taken_by_a_person_or_by_the_definition()
        elif _may_be_admitted(run):
            self.ask(run, ADMIT, self.world.claim(run), left)
        elif _may_be_confirmed(run):
            previous = run.outputs[ADMIT]["previous"]
            self.ask(run, CONFIRM, replace(self.world.claim(run), previous=previous), left)
        elif _may_be_deployed(run):
            self.deploy(run, good)
        elif _may_be_recorded(run):
            self.record(run, left)

    def ask(self, run: Run, action: str, claim: Claim, left: int | None) -> None:
        admitted: Any = self.called(
            left, lambda: admit_release(self.world, claim, self.world.clock.now())
        )
        if admitted is None or admitted.admission.outcome in ("refuse", "supersede"):
            self.world.pipeline.act(run, action, "Failed", error="refused")
            self.world.pipeline.end(run, "Failed")
        elif admitted.admission.outcome == "admit":
            self.world.pipeline.act(run, action, "Succeeded")
            run.outputs[action] = admitted.variables

    def deploy(self, run: Run, good: bool) -> None:
        number = int(run.variables["release"])
        assert number in self.approved, "deployed without an approval"
        assert self.world.releases.lock(MODEL).holder == run.id, "deployed without the lock"
        if good:
            self.world.deploy(run)
        else:
            self.world.pipeline.act(run, DEPLOY, "Failed", error="rolled back")
            self.world.pipeline.end(run, "Failed")

    def record(self, run: Run, left: int | None) -> None:
        try:
            line = self.called(
                left,
                lambda: record_live(self.world, self.world.live(run), self.world.clock.now()),
            )
        except NotLiveError:
            line = None
        self.world.pipeline.act(run, RECORD, "Succeeded" if line else "Failed")
        if line:
            run.status = "Succeeded"
        else:
            self.world.pipeline.end(run, "Failed")

    @rule(pick=PICK, left=LIVES, again=st.booleans())
    @precondition(lambda self: bool(self.world.pipeline.events))
    def deliver(self, pick: int, left: int | None, again: bool) -> None:
        """Any event, perhaps not for the last time."""
        events = self.world.pipeline.events
        event = events[pick % len(events)]
        handled = self.called(left, lambda: self.handle(*event))
        if handled is not None and not again:
            events.remove(event)

    # ---- what must be true

    @invariant()
    def a_decision_is_taken_by_a_person_or_by_the_definition(self) -> None:
        for run in self.world.pipeline.runs.values():
            review = run.actions.get(REVIEW)
            if review is not None and review.status == "Succeeded":
                self.approved.add(int(run.variables["release"]))

    @invariant()
    def the_champion_was_approved_and_is_on_record(self) -> None:
        number = self.world.champion()
        if number is not None:
            item = self.world.release(number)
            assert number in self.approved
            assert item.decision in ("approved", "automatic")
            assert item.status not in CLOSED

    @invariant()
    def the_live_alias_serves_an_approved_release(self) -> None:
        alias = self.world.serving.alias
        assert alias is None or alias in self.approved

    @invariant()
    def what_is_final_stays_and_what_was_in_service_is_not_forgotten(self) -> None:
        for item in self.world.releases.releases(MODEL):
            number, status = item.release, item.status
            before = self.was.get(number)
            if before in (*CLOSED, Status.PROMOTED):
                assert status == before, f"release {number} was {before} and is {status}"
            self.was[number] = status

    @invariant()
    def one_execution_of_the_model_deploys(self) -> None:
        deploying = self.runs(_may_be_deployed)
        assert len(deploying) <= 1

    def teardown(self) -> None:
        """When everything that began has ended and every event was delivered."""
        world = self.world
        for run in self.runs(lambda run: run.status == "InProgress"):
            if _may_be_recorded(run):
                self.record_one(run)
            else:
                if _waits(run):
                    world.pipeline.act(run, REVIEW, "Abandoned")
                world.pipeline.end(run, "Stopped")
        rounds = 0
        while world.pipeline.events:
            self.handle(*world.pipeline.events.pop(0))
            rounds += 1
            assert rounds < 500, "the registry and the pipeline follow each other without end"
        for happened in {what for what, _ in world.history()}:
            event(happened)
        assert world.champion() == world.serving.alias
        assert world.releases.lock(MODEL).holder is None
        for item in world.releases.releases(MODEL):
            assert item.status not in OPEN, item
            wanted = registry_status(item)
            assert world.registry.package(item.package_arn).approval == wanted, item
        for number, _ in enumerate(world.releases.releases(MODEL), 1):
            told = [event for event, of in world.history() if of == number]
            assert told.count("approved") <= 1
            assert told.count("rejected") + told.count("expired") + told.count("superseded") <= 1

    # ---- tools

    def record_one(self, run: Run) -> None:
        try:
            record_live(self.world, self.world.live(run), self.world.clock.now())
            run.status = "Succeeded"
        except NotLiveError:
            self.world.pipeline.act(run, RECORD, "Failed")
            self.world.pipeline.end(run, "Failed")

    def handle(self, kind: str, of: str) -> Any:
        if kind == "review":
            return follow_review(self.world, of)
        if kind == "package":
            return follow_package(self.world, of)
        return close_release(self.world, of, self.world.clock.now())

    def called(self, left: int | None, function: Callable[[], Any]) -> Any:
        """The function's answer; None if it was killed on the way."""
        self.world.table.left = left
        try:
            return function()
        except KilledError:
            return None
        finally:
            self.world.table.left = None

    def runs(self, which: Callable[[Run], bool]) -> list[Run]:
        return [run for run in self.world.pipeline.runs.values() if which(run)]

    @staticmethod
    def one_of(pick: int, of: list[Any]) -> Any:
        return of[pick % len(of)] if of else None


def _waits(run: Run) -> bool:
    return REVIEW in run.actions and run.actions[REVIEW].status == "InProgress"


def _may_be_admitted(run: Run) -> bool:
    reviewed = REVIEW not in run.actions or run.actions[REVIEW].status == "Succeeded"
    return run.status == "InProgress" and reviewed and ADMIT not in run.actions


def _may_be_confirmed(run: Run) -> bool:
    admitted = ADMIT in run.actions and run.actions[ADMIT].status == "Succeeded"
    return run.status == "InProgress" and admitted and CONFIRM not in run.actions


def _may_be_deployed(run: Run) -> bool:
    confirmed = CONFIRM in run.actions and run.actions[CONFIRM].status == "Succeeded"
    return run.status == "InProgress" and confirmed and DEPLOY not in run.actions


def _may_be_recorded(run: Run) -> bool:
    deployed = DEPLOY in run.actions and run.actions[DEPLOY].status == "Succeeded"
    return run.status == "InProgress" and deployed and RECORD not in run.actions


TestReleases = Releases.TestCase
TestReleases.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
