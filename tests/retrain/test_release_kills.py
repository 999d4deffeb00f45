"""The stage is killed while releases are being deployed, and started again."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.support.laptop import Laptop, deployed
from tests.support.releasing import SLOW, Releases
from tests.support.saving import everything_is_saved
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults

PACE = 150.0
# An hour, which a hook may take, passes in less time than its check does.
RUSH = 200_000.0


@dataclass
class Killed:
    """One release in each of these actions when the stage was killed."""

    laptop: Laptop
    cups: Releases
    mugs: Releases
    canary: int
    admission: int
    review: int
    # As it was when what the kill interrupted had ended, before any test went on from there.
    champion_after: int | None = None
    advice: dict[int, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    with deployed(tmp_path_factory.mktemp("laptop"), pace=PACE) as laptop:
        cups, mugs = Releases(laptop, "cups"), Releases(laptop, "mugs")
        cups.run("serving: {canary: AllAtOnce}\n")
        cups.decide(1)
        mugs.run()
        cups.ended(1, "PROMOTED")
        there = Killed(
            laptop, cups, mugs, cups.open(canary=SLOW), cups.open(canary=SLOW), cups.open()
        )
        cups.decide(there.canary)
        eventually(lambda: there.canary in cups.traffic())
        mugs.decide(1)
        cups.decide(there.admission)
        cups.reached(there.admission, "AdmitRelease")
        cups.token(there.review)
        mugs.reached(1, "VerifyRelease")
        cups.kill()
        mugs.ended(1, "FAILED")
        cups.ended(there.canary, "FAILED", "ROLLED_BACK")
        cups.ended(there.admission, "FAILED")
        for number in (there.canary, there.admission):
            there.advice[number] = cups.advice(number)
        there.champion_after = cups.champion
        yield there


def test_after_the_kill_the_release_before_serves_and_everything_shows_it(killed: Killed) -> None:
    mugs, champion = killed.mugs, killed.champion_after

    assert champion == 1 and mugs.champion is None
    for number, advice in killed.advice.items():
        assert "the local stage stopped while this action ran" in advice, advice
        assert f"kanmon retry cups/{number}" in advice
    assert "kanmon retry mugs/1" in mugs.advice(1)
    killed.cups.check()
    mugs.check()


def test_what_the_advice_says_works(killed: Killed) -> None:
    cups, number = killed.cups, killed.admission

    assert cups.say("retry", f"cups/{number}", "--no-wait").code == 0

    eventually(lambda: number in cups.traffic())
    assert cups.say("stop", f"cups/{number}", "--reason", "enough").code == 0
    cups.ended(number, "ROLLED_BACK")
    cups.check()


def test_a_review_outlives_the_stage(killed: Killed) -> None:
    cups, number = killed.cups, killed.review
    assert f"cups/{number} has been waiting for a review" in cups.advice(number)

    cups.promote(number)

    cups.check()


# Its check answers when a file is gone, or too late.
SLOW_CHECK = """
_quick = handler


def handler(event, context):
    import os, time

    if event.get("check"):
        limit = time.monotonic() + 9.0
        while os.path.exists({file!r}) and time.monotonic() < limit:
            time.sleep(0.02)
    return _quick(event, context)
"""


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    """A model on a stage of its own, whose first release was killed while it was recorded."""
    with deployed(tmp_path_factory.mktemp("hurried"), pace=PACE) as laptop:
        mugs = Releases(laptop, "mugs")
        mugs.run()
        checking = laptop.root / "checking"
        checking.touch()
        with mugs.scoring_with(SLOW_CHECK.format(file=str(checking))):
            mugs.decide(1)
            mugs.reached(1, "RecordRelease")
            everything_is_saved(laptop.client, laptop.home)
        laptop.pace = RUSH
        mugs.kill()
        checking.unlink()
        mugs.ended(1, "PROMOTED")
        yield mugs


def test_killed_while_it_records_what_is_live_it_ends_recorded(hurried: Releases) -> None:
    assert "mugs/1 has been in service" in hurried.advice(1)
    hurried.check()


def test_a_check_that_does_not_answer_in_time_keeps_the_release_before(hurried: Releases) -> None:
    number = hurried.open()

    hurried.decide(number)

    hurried.ended(number, "ROLLED_BACK")
    advice = hurried.advice(number)
    assert "the check before traffic failed" in advice
    assert "did not answer within" in advice
    assert hurried.champion == 1
    hurried.check()
