"""The pipeline takes no more executions: a release is kept, and started when another one ends."""

from collections.abc import Iterator

import pytest

from tests.support.laptop import Laptop, deployed
from tests.support.releasing import Releases
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A stage whose pipeline takes one execution at a time."""
    with pytest.MonkeyPatch.context() as limit:
        limit.setenv("LOCALAWS_PIPELINE_EXECUTIONS", "1")
        with deployed(tmp_path_factory.mktemp("laptop")) as laptop:
            yield laptop


def test_a_release_that_finds_no_room_waits_for_the_next_end(laptop: Laptop) -> None:
    cups, mugs = Releases(laptop, "cups"), Releases(laptop, "mugs")
    cups.run()
    run = mugs.run()

    assert run["outcome"] == "new"  # its jobs were paid for, and nothing of them is lost
    kept = mugs.release(1)
    assert (kept["status"], kept.get("execution")) == ("WAITING", None)
    assert "is kept until the release pipeline has room" in mugs.advice(1)

    cups.decide(1, "Rejected", "to make room")

    eventually(lambda: mugs.release(1).get("execution"))
    mugs.decide(1, "Rejected", "to make room")
    mugs.ended(1, "REJECTED")


def test_a_newer_release_takes_the_place_of_the_one_that_waits(laptop: Laptop) -> None:
    bowls = Releases(laptop, "bowls")
    bowls.run()
    bowls.token(1)
    newer = bowls.open(releases={"supersede": True})

    older = bowls.ended(newer - 1, "SUPERSEDED")

    assert older["decision_reason"] == f"release {newer} is newer and waits for its review"
    assert "superseded" in bowls.package(newer - 1)["ApprovalDescription"]
    eventually(lambda: bowls.release(newer).get("execution"))
    execution = bowls.client("codepipeline").get_pipeline_execution(
        pipelineName=bowls.outputs["ReleasePipelineName"], pipelineExecutionId=older["execution"]
    )["pipelineExecution"]
    assert execution["status"] == "Stopped"
    bowls.decide(newer, "Rejected", "to make room")
    bowls.ended(newer, "REJECTED")


def test_a_stage_killed_while_a_release_is_kept_still_starts_it(laptop: Laptop) -> None:
    pans, pots = Releases(laptop, "pans"), Releases(laptop, "pots")
    pans.run()
    pots.run()
    assert pots.release(1).get("execution") is None

    laptop.kill()
    pans.decide(1, "Rejected", "to make room")

    eventually(lambda: pots.release(1).get("execution"))
