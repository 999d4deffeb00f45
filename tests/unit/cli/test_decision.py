"""Deciding about a release: given to the approval that waits, or told why there is none."""

import pytest

from core.words.formats import local_moment
from kanmon.errors import BadInputError
from kanmon.releases.decision import decide, why_not_waiting
from kanmon.releases.records import find_release, release_to_decide
from tests.support.sample_releases import ADA, BUNDLE, START, at, detail, fold, item, release
from tests.support.standin import Pipeline, Stage, refusal

TOKEN = "6f3f0c3e-0000-4000-8000-000000000007"
WAITS = detail("Review", "ApproveRelease", "InProgress", began=1, externalExecutionId=TOKEN)


def test_a_decision_goes_to_the_approval_that_waits_with_its_token_and_the_reason():
    pipeline = Pipeline([BUNDLE, WAITS])
    stage = Stage([item()], codepipeline=pipeline)

    decide(stage, find_release(stage, "wine/7"), "Approved", "looked at the tails")

    assert pipeline.decisions == [
        {
            "pipelineName": "kanmon-local-release",
            "stageName": "Review",
            "actionName": "ApproveRelease",
            "token": TOKEN,
            "result": {"summary": "looked at the tails", "status": "Approved"},
        }
    ]


@pytest.mark.parametrize(
    "code", ["ApprovalAlreadyCompletedException", "InvalidApprovalTokenException"]
)
def test_of_two_at_once_the_slower_is_told_who_decided_and_why(code):
    def somebody_was_faster(request):
        stage.dynamodb.items["wine", "release#000007"] |= {
            "status": "REJECTED",
            "decided_by": ADA,
            "decided_at": START.isoformat(),
            "decision_reason": "odd in the north",
        }
        raise refusal(code)

    stage = Stage([item()], codepipeline=Pipeline([BUNDLE, WAITS], somebody_was_faster))

    with pytest.raises(BadInputError) as refused:
        decide(stage, find_release(stage, "wine/7"), "Approved", "")

    assert refused.value.line() == (
        f"release wine/7 was already rejected by ada (kanmon-local-Approver) at "
        f"{local_moment(START.isoformat())} (odd in the north). "
        "`kanmon show wine/7` shows what happened."
    )


def test_before_the_table_has_followed_the_pipeline_tells_who_decided():
    review = detail("Review", "ApproveRelease", began=1, by=ADA)
    stage = Stage([item()], codepipeline=Pipeline([BUNDLE, review]))

    with pytest.raises(BadInputError) as refused:
        decide(stage, find_release(stage, "wine/7"), "Rejected", "")

    assert refused.value.what == (
        "release wine/7 was already approved by ada (kanmon-local-Approver) "
        f"at {local_moment(at(2).isoformat())}"
    )


def test_a_release_that_the_gate_held_is_approved_with_a_reason_only():
    pipeline = Pipeline([BUNDLE, WAITS])
    stage = Stage([item(verdict="hold")], codepipeline=pipeline)

    with pytest.raises(
        BadInputError, match="the gate held release wine/7, so its approval needs a reason"
    ):
        decide(stage, find_release(stage, "wine/7"), "Approved", " ")

    decide(stage, find_release(stage, "wine/7"), "Approved", "the new data is better")
    assert [one["result"]["summary"] for one in pipeline.decisions] == ["the new data is better"]


def test_a_reason_that_codepipeline_would_not_take_is_refused_first():
    stage = Stage([item()], codepipeline=Pipeline([WAITS]))

    with pytest.raises(BadInputError, match="the reason has 600 characters"):
        decide(stage, find_release(stage, "wine/7"), "Approved", "x" * 600)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "EXPIRED"}, "release wine/7 expired: nobody decided in time"),
        ({"status": "SUPERSEDED"}, "release wine/7 was superseded: a newer one was promoted"),
        ({"status": "PROMOTED", "decided_by": ADA},
         "release wine/7 was already approved by ada (kanmon-local-Approver)"),
        ({"status": "FAILED"}, "release wine/7 ended before anybody decided about it"),
        ({"status": "PROMOTED", "decision": "automatic"},
         "release wine/7 needed no decision: its model is approved automatically"),
    ],
)  # fmt: skip
def test_what_does_not_wait_any_more_says_why(fields, words):
    assert why_not_waiting(release(**fields), None) == words


def test_what_has_not_come_to_its_review_says_so():
    (source, *_) = fold([BUNDLE])

    assert source.name == "Bundle"
    assert why_not_waiting(release("WAITING"), None) == (
        "release wine/7 does not wait for a decision yet"
    )


def test_a_model_means_the_release_that_waits_else_the_latest():
    stage = Stage([item(5, "REJECTED"), item(6), item(7, "PROMOTED")])

    assert find_release(stage, "wine").release == 6
    stage.dynamodb.items.pop(("wine", "release#000006"))
    assert find_release(stage, "wine").release == 7


def test_a_run_means_the_release_it_opened():
    run = {
        "model": "wine",
        "item": "run#wine-261121080000-abc",
        "status": "SUCCEEDED",
        "release": 7,
    }
    stage = Stage([item(), run])

    assert find_release(stage, "wine-261121080000-abc").reference == "wine/7"


@pytest.mark.parametrize(
    ("reference", "line"),
    [
        ("wine/8", "there is no release wine/8. `kanmon releases wine` lists them."),
        ("wine/x", "wine/x is not the name of a release. Write MODEL/NUMBER, such as abalone/7."),
        (
            "wine",
            "model wine has no release yet. `kanmon run wine` opens one, "
            "unless the gate rejects its candidate.",
        ),
        ("beer", "there is no release 'beer' on stage local. `kanmon releases` lists them."),
    ],
)
def test_a_release_that_is_not_there_says_what_to_do(project, reference, line):
    with pytest.raises(BadInputError) as refused:
        find_release(Stage(), reference)

    assert refused.value.line() == line


def test_where_several_wait_a_name_leaves_a_choice_and_all_can_be_rejected():
    stage = Stage([item(8, verdict="hold"), item(7, verdict="promote")])

    with pytest.raises(BadInputError) as refused:
        release_to_decide(stage, "wine")

    assert refused.value.line() == (
        "2 releases of wine wait for a review: wine/8 (hold); wine/7 (promote). Name one of them "
        "as MODEL/NUMBER; `kanmon reject --all-waiting` rejects them all."
    )
    assert release_to_decide(stage, "wine/7").release == 7
