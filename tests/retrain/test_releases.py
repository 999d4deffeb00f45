"""Who decides about a release, and that registry, pipeline and record follow one another, once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.releasing import Releases, in_service
from tests.support.waiting import eventually

ROOT_USER = "arn:aws:iam::123456789012:root"
AUTOMATIC = "approval: automatic\nserving: {canary: AllAtOnce}\n"


@pytest.fixture(scope="module")
def cups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    """A model whose first release is in service; an approval's shortest time passes quickly."""
    with in_service(tmp_path_factory.mktemp("laptop"), "cups", pace=300) as cups:
        yield cups


def test_the_first_release_is_in_service_and_answers_each_row_for_itself(cups: Releases) -> None:
    good, bad = {"a": 3, "b": "u"}, {"a": "x1", "b": "u"}
    hostile: list[Any] = [
        bad,
        {"a": 1e400, "b": "u"},
        {**good, "c": 1},
        {"a": 1, "b": ["u"]},
        None,
        7,
        "'; drop",
        {"a": None, "b": None},
    ]
    alias = cups.item("champion")["alias_arn"]

    def ask(event: Any) -> Any:
        answer = cups.client("lambda").invoke(
            FunctionName=alias, Payload=json.dumps(event).encode()
        )
        assert "FunctionError" not in answer
        return json.loads(answer["Payload"].read())

    answer = ask({"rows": [good, *hostile, good]})
    first, last = answer["predictions"][0], answer["predictions"][-1]
    assert (answer["model"], answer["release"]) == ("cups", 1)
    assert (first["row"], last["row"]) == (0, len(hostile) + 1)
    assert first["prediction"] == last["prediction"]
    refused = {error["row"]: error["message"] for error in answer["errors"]}
    assert "'x1' is not a number" in refused[1]
    assert set(refused) == {1, 2, 3, 4, 5, 6, 7}
    assert [warning["row"] for warning in answer["warnings"]] == [8]  # nothing but missing values
    incomplete = ask({"rows": [good, {"a": 3}]})
    assert (incomplete["status"], incomplete["predictions"]) == (400, [])
    assert [error["feature"] for error in incomplete["errors"]] == ["b"]
    for nothing in (None, [], "rows", {"rows": "abc"}, {"rows": [good] * 5001}, {"row": 1}):
        refused = ask(nothing)
        assert refused["status"] in (400, 413) and not refused["predictions"]
    cups.check()


def test_a_release_is_approved_once(cups: Releases) -> None:
    number = cups.open()
    token = cups.token(number)
    cups.decide(number, summary="the first word")

    again = cups.say("approve", f"cups/{number}", "--reason", "again")
    reject = cups.say("reject", f"cups/{number}", "--reason", "no")

    for said in (again, reject):
        assert said.code == 2
        assert "already approved by root" in said.err, said.err
    ended = cups.ended(number, "PROMOTED")
    assert (ended["decision_reason"], ended["decided_by"]) == ("the first word", ROOT_USER)
    with pytest.raises(Exception, match=r"AlreadyCompleted|InvalidApprovalToken"):
        cups.answer(token, "Rejected")
    cups.check()


def test_of_an_approval_and_a_rejection_at_once_one_counts_and_the_other_is_told(
    cups: Releases,
) -> None:
    number = cups.open()
    token = cups.token(number)

    def answer(status: str) -> str | None:
        try:
            cups.answer(token, status, f"{status} by a thread")
        except cups.client("codepipeline").exceptions.ClientError as error:
            return str(error.response["Error"]["Code"])
        return None

    with ThreadPoolExecutor(6) as pool:
        words = ["Approved", "Rejected"] * 3
        told = list(pool.map(answer, words))

    (won,) = [word for word, error in zip(words, told, strict=True) if error is None]
    assert set(told) - {None} <= {
        "ApprovalAlreadyCompletedException",
        "InvalidApprovalTokenException",
    }
    ended = cups.ended(number, "PROMOTED" if won == "Approved" else "REJECTED")
    assert ended["decision_reason"] == f"{won} by a thread"
    cups.check()


def test_a_rejection_in_the_registry_ends_the_review_once_with_who_and_why(cups: Releases) -> None:
    number = cups.open()
    cups.token(number)

    settle_in_the_registry(cups, number, "Rejected", "too dear")

    ended = cups.ended(number, "REJECTED")
    assert (ended["decided_by"], ended["decision_reason"]) == (ROOT_USER, "too dear")
    assert cups.execution(ended["execution"])["status"] == "Failed"
    assert cups.package(number)["ApprovalDescription"] == "too dear"
    late = cups.say("approve", f"cups/{number}")
    assert late.code == 2
    assert "was already rejected by root" in late.err and "too dear" in late.err
    assert f"cups/{number} was rejected by root" in cups.advice(number)
    settle_in_the_registry(cups, number, "Approved", "after all")
    eventually(lambda: cups.package(number)["ModelApprovalStatus"] == "Rejected")
    cups.check()


def settle_in_the_registry(cups: Releases, number: int, status: str, why: str) -> None:
    cups.client("sagemaker").update_model_package(
        ModelPackageArn=cups.release(number)["package_arn"],
        ModelApprovalStatus=status,
        ApprovalDescription=why,
    )


def test_an_approval_in_the_registry_promotes_and_closes_older_releases_that_wait(
    cups: Releases,
) -> None:
    older, number = cups.open(), cups.open(verdict="hold")
    token = cups.token(older)
    cups.token(number)

    settle_in_the_registry(cups, number, "Approved", "as the registry has it")

    ended = cups.ended(number, "PROMOTED")
    assert ended["decision_reason"] == "as the registry has it"
    assert ended["decided_by"] == ROOT_USER
    closed = cups.ended(older, "SUPERSEDED")
    assert closed["decision_reason"] == f"release {number} was promoted"
    assert str(number) in cups.package(older)["ApprovalDescription"]
    with pytest.raises(Exception, match=r"AlreadyCompleted|InvalidApprovalToken"):
        cups.answer(token, "Approved")
    assert "superseded" in cups.say("approve", f"cups/{older}").err
    cups.check()


def test_a_release_nobody_decides_about_in_time_is_rejected_for_that(cups: Releases) -> None:
    pipeline = cups.client("codepipeline")
    known = pipeline.get_pipeline(name=cups.outputs["ReleasePipelineName"])["pipeline"]
    short = json.loads(json.dumps(known))
    (review,) = [stage for stage in short["stages"] if stage["name"] == "Review"]
    review["actions"][0]["timeoutInMinutes"] = 5
    pipeline.update_pipeline(pipeline=short)
    number = cups.open()

    ended = cups.ended(number, "EXPIRED")
    # Not before: a changed definition cancels what waits.
    pipeline.update_pipeline(pipeline=known)

    late = cups.say("approve", f"cups/{number}")
    assert late.code == 2 and "expired" in late.err, late.err
    assert "nobody decided" in ended["decision_reason"]
    eventually(lambda: "nobody decided" in cups.package(number).get("ApprovalDescription", ""))
    assert "kanmon run cups --force" in cups.advice(number)
    cups.check()


def test_what_the_definition_promotes_by_itself_waits_for_nobody_unless_it_was_held(
    cups: Releases,
) -> None:
    cars = Releases(cups.laptop, "cars")
    first = cars.run(AUTOMATIC)
    ended = cars.ended(first["release"], "PROMOTED")
    assert (ended["approval"], ended["decision"]) == ("automatic", "automatic")
    assert cars.actions(1).get("ApproveRelease", {}).get("status") in (None, "Skipped")

    held = cars.open(verdict="hold")

    cars.token(held)  # it waits
    assert cars.release(held)["approval"] == "manual"
    cars.decide(held, "Rejected", "not sure")
    cars.ended(held, "REJECTED")
    cars.check()


def test_a_candidate_that_was_rejected_opens_no_release(cups: Releases) -> None:
    before = len(cups.items())

    with pytest.raises(AssertionError, match="opens no release"):
        cups.open(verdict="reject")

    assert len(cups.items()) == before


def test_a_rollback_goes_back_and_the_next_one_further_never_to_what_was_not_in_service(
    cups: Releases,
) -> None:
    first, bad = cups.champion, cups.open()
    never = cups.open()
    cups.promote(bad)
    cups.decide(never, "Rejected", "no")
    refused = cups.say("rollback", "cups", "--to", str(never))
    assert refused.code == 2 and "was never in service" in refused.err
    forced = start_by_hand(cups, never)

    went = cups.say("rollback", "cups", "--reason", "it was bad")

    assert went.code == 0, went
    back = cups.item("champion")["execution"]
    assert set(cups.actions_of(back)) == {
        "Bundle",
        "AdmitRelease",
        "DeployRelease",
        "RecordRelease",
    }
    assert cups.over(forced) == "Failed"
    assert "was never in service" in str(cups.actions_of(forced)["AdmitRelease"])
    assert cups.champion == first
    assert (
        "it was bad" in cups.item("champion").get("reason", "")
        or "it was bad" in cups.say("history", "cups").out
    )
    cups.check()
    assert cups.say("rollback", "cups").code == 0
    assert cups.champion not in (first, bad, never)
    cups.check()


def test_a_withdrawn_model_answers_an_error_until_a_release_is_promoted(cups: Releases) -> None:
    last, alias = cups.champion, cups.item("champion")["alias_arn"]

    gone = cups.say("withdraw", "cups", "--reason", "wrong in the north")

    assert gone.code == 0, gone
    answer = json.loads(cups.client("lambda").invoke(FunctionName=alias)["Payload"].read())
    assert (answer["status"], answer["predictions"]) == (410, [])
    assert "withdrawn from service" in answer["errors"][0]["message"]
    assert cups.champion is None
    assert cups.history()[-2:] == [("withdrawal started", last), ("withdrawn", last)]
    assert "wrong in the north" in cups.say("history", "cups").out
    assert f"cups/{last} was withdrawn by" in cups.advice(int(last or 0))
    assert "has no release in service" in cups.say("rollback", "cups").err
    assert "has no release in service" in cups.say("withdraw", "cups", "--reason", "again").err
    assert cups.say("rollback", "cups", "--to", str(last), "--canary").code == 0
    assert cups.champion == last
    cups.check()
    cups.promote(cups.open())
    cups.check()


def start_by_hand(cups: Releases, number: int) -> str:
    """Start the pipeline as a rollback does, for a release that may not be rolled back to."""
    item = cups.release(number)
    variables = {
        "model": "cups", "release": str(number), "purpose": "rollback",
        "review": "automatic", "summary": "by hand", "review_url": "https://example.com",
    }  # fmt: skip
    revisions = {
        "S3_OBJECT_KEY": item["bundle_key"],
        "S3_OBJECT_VERSION_ID": item["bundle_version"],
    }
    started = cups.client("codepipeline").start_pipeline_execution(
        name=cups.outputs["ReleasePipelineName"],
        variables=[{"name": name, "value": value} for name, value in variables.items()],
        sourceRevisions=[
            {"actionName": "Bundle", "revisionType": kind, "revisionValue": value}
            for kind, value in revisions.items()
        ],
    )
    return str(started["pipelineExecutionId"])
