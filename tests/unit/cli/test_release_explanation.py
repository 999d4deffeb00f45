"""What happened with a release and what to do next, for every way it can go."""

import pytest

from core.stage.release_pipeline import Action, Execution
from core.stage.release_records import Withdrawal
from core.words.formats import local_moment
from kanmon.releases.explanation import Evidence, Explanation, explain
from tests.support.sample_releases import (
    ADA,
    ADMITTED,
    BUNDLE,
    REVIEWED,
    START,
    VERIFIED,
    at,
    deployment,
    detail,
    progress,
    release,
)

NOW = START.isoformat()
WAITS = detail("Review", "ApproveRelease", "InProgress", began=1, externalExecutionId="token")
DEPLOYS = detail("Promote", "DeployRelease", "InProgress", began=4)


def test_one_that_waits_says_since_when_and_how_to_decide():
    evidence = Evidence(release("WAITING"), progress("InProgress", BUNDLE, WAITS))

    assert explain(evidence) == Explanation(
        f"wine/7 has been waiting for a review since {local_moment(at(1).isoformat())}",
        next=[
            "kanmon review wine/7 --open",
            'kanmon approve wine/7 --reason "…"',
            'kanmon reject wine/7 --reason "…"',
        ],
    )


def test_commands_name_the_stage():
    evidence = Evidence(release("WAITING"), progress("InProgress", BUNDLE, WAITS))

    assert all(step.endswith(" --stage dev") for step in explain(evidence, " --stage dev").next)


def test_one_without_a_pipeline_says_what_it_waits_for():
    explanation = explain(Evidence(release("WAITING", execution=None)))

    assert explanation.headline == "wine/7 is kept until the release pipeline has room for it"
    assert explanation.next == ["kanmon releases"]


def test_one_that_is_being_verified_is_watched():
    going = progress("InProgress", BUNDLE, REVIEWED, ADMITTED)

    assert explain(Evidence(release("APPROVED"), going)).next == ["kanmon watch wine/7"]


def test_one_behind_another_says_behind_which():
    admits = detail("Verify", "AdmitRelease", "InProgress", began=2)
    going = progress("InProgress", BUNDLE, REVIEWED, admits)

    explanation = explain(Evidence(release("APPROVED"), going, behind=6))

    assert (
        explanation.headline
        == "wine/7 is approved and waits for the lock: wine/6 is being promoted"
    )


def test_a_canary_under_way_tells_the_split_and_how_to_stop_it():
    evidence = Evidence(
        release("APPROVED"),
        progress("InProgress", BUNDLE, REVIEWED, ADMITTED, VERIFIED, DEPLOYS),
        (deployment("InProgress", ended=None),),
        traffic=((6, 0.9), (7, 0.1)),
    )

    assert explain(evidence) == Explanation(
        "wine/7 is approved and its canary is in progress: "
        "release 6 gets 90 %, release 7 gets 10 %",
        next=["kanmon watch wine/7", "kanmon rollback wine"],
    )


def test_one_in_service_can_be_asked_and_rolled_back():
    evidence = Evidence(
        release("PROMOTED", in_service=True, promoted_at=NOW), traffic=((7, 1.0),), champion=7
    )

    explanation = explain(evidence)

    assert (explanation.headline, explanation.reasons) == (
        f"wine/7 has been in service since {local_moment(NOW)}",
        [],
    )
    assert explanation.next[-1] == 'kanmon rollback wine --reason "…"'


def test_an_alias_that_serves_another_release_is_told():
    evidence = Evidence(
        release("PROMOTED", in_service=True, promoted_at=NOW), traffic=((6, 1.0),), champion=7
    )

    assert explain(evidence).reasons == [
        "The live alias: release 6 gets 100 %; the release table says otherwise."
    ]


def test_one_that_was_withdrawn_says_by_whom_and_why():
    gone = Withdrawal(7, NOW, ADA, "wrong in the north", "e-9")
    explanation = explain(Evidence(release("PROMOTED", promoted_at=NOW), withdrawal=gone))

    assert explanation.headline == (
        f"wine/7 was withdrawn by ada (kanmon-local-Approver) at {local_moment(NOW)}; "
        "the model answers requests with an error until a release is promoted"
    )
    assert explanation.reasons == ["wrong in the north"]
    assert explanation.next[-1] == "kanmon rollback wine --to 7"


@pytest.mark.parametrize(
    ("purpose", "headline"),
    [
        ("rollback", "going back to wine/7: DeployRelease is in progress"),
        ("withdrawal", "wine/7 is being withdrawn: DeployRelease is in progress"),
    ],
)
def test_a_way_back_or_out_of_service_is_shown_while_it_is_under_way(purpose, headline):
    moving = Action("Redeploy", "DeployRelease", "InProgress")
    progress = Execution("e-9", "InProgress", None, None, {"purpose": purpose}, (moving,))
    evidence = Evidence(release("PROMOTED", promoted_at=NOW), progress, champion=8)

    assert explain(evidence).headline == headline


def test_one_that_was_replaced_can_be_brought_back():
    explanation = explain(Evidence(release("PROMOTED", promoted_at=NOW), champion=8))

    assert (
        explanation.headline
        == f"wine/7 was promoted at {local_moment(NOW)}; now wine/8 is in service"
    )
    assert explanation.next == ["kanmon rollback wine --to 7"]


@pytest.mark.parametrize(
    ("fields", "headline"),
    [
        (
            {"status": "REJECTED", "decided_by": ADA, "decision_reason": "odd in\nthe north"},
            f"wine/7 was rejected by ada (kanmon-local-Approver) at {local_moment(NOW)}: "
            "odd in the north",
        ),
        (
            {"status": "EXPIRED"},
            f"wine/7 expired at {local_moment(NOW)}: "
            "nobody decided in time, which counts as a rejection",
        ),
        (
            {"status": "SUPERSEDED", "decision_reason": "release 8 was promoted"},
            "wine/7 is superseded: release 8 was promoted",
        ),
    ],
)
def test_one_that_was_not_approved_says_who_when_and_why(fields, headline):
    assert explain(Evidence(release(decided_at=NOW, **fields), champion=8)).headline == headline


def failed(details, status="FAILED", **evidence):
    fields = {"champion": 6, **evidence}
    return explain(Evidence(release(status), progress("Failed", *details), **fields))


def test_a_failed_verification_shows_the_end_of_the_build_log():
    build = detail(
        "Verify",
        "VerifyRelease",
        "Failed",
        began=3,
        errorDetails={"code": "JobFailed", "message": "Build terminated with state: FAILED"},
    )

    explanation = failed(
        [BUNDLE, REVIEWED, ADMITTED, build], build_lines=("golden row 3: 9.1 instead of 10.2",)
    )

    assert explanation == Explanation(
        "wine/7 failed at VerifyRelease (stage Verify)",
        [
            "golden row 3: 9.1 instead of 10.2",
            "VerifyRelease: Build terminated with state: FAILED",
            "wine/6 stays in service.",
        ],
        ["kanmon retry wine/7", "kanmon run wine --force"],
    )


def test_a_release_that_serves_although_its_record_failed_says_so_and_the_way_back():
    record = detail("Record", "RecordRelease", "Failed", began=5)
    deployed = detail("Promote", "DeployRelease", began=4)

    explanation = failed([BUNDLE, REVIEWED, VERIFIED, deployed, record], traffic=((7, 1.0),))

    assert explanation.reasons[-1] == (
        "The live alias: release 7 gets 100 %; wine/6 is recorded as in service."
    )
    assert explanation.next[0] == 'kanmon rollback wine --reason "…"'


def test_a_failed_hook_says_what_it_wrote():
    broken = detail(
        "Promote", "DeployRelease", "Failed", began=4, externalExecutionSummary="Failed"
    )
    evidence = {
        "deployments": (
            deployment("Failed", events=(("BeforeAllowTraffic", "Failed", ""),)),
            deployment("Succeeded", id="d-2", creator="codeDeployRollback"),
        ),
        "hook_lines": ("3 of 100 golden rows differ",),
        "stack_causes": ("ScoringFunctionAliaslive: deployment d-1 failed",),
    }

    explanation = failed([BUNDLE, REVIEWED, ADMITTED, VERIFIED, broken], "ROLLED_BACK", **evidence)

    assert explanation.headline == "wine/7 was rolled back during its canary"
    assert explanation.reasons == [
        "3 of 100 golden rows differ",
        "the check before traffic failed",
        "ScoringFunctionAliaslive: deployment d-1 failed",
        "DeployRelease: Failed",
        "wine/6 stays in service.",
    ]


def test_a_rollback_by_alarm_names_it():
    alarmed = deployment(
        "Stopped", reason="alarm kanmon-local-serving-wine-errors is on", reason_code="ALARM_ACTIVE"
    )

    explanation = failed([BUNDLE, REVIEWED], "ROLLED_BACK", deployments=(alarmed,), champion=None)

    assert explanation.reasons[0] == "alarm kanmon-local-serving-wine-errors is on"
    assert explanation.reasons[-1] == "No release of the model is in service."


def test_a_stopped_pipeline_says_where_and_why():
    deploys = detail("Promote", "DeployRelease", "Abandoned", began=4)
    stopped = progress("Stopped", BUNDLE, REVIEWED, deploys, summary="wrong data")

    explanation = explain(
        Evidence(release("FAILED", error="stopped: wrong data"), stopped, champion=6)
    )

    assert explanation.headline == "wine/7 was stopped at DeployRelease (stage Promote)"
    assert explanation.reasons == ["wrong data", "wine/6 stays in service."]


@pytest.mark.parametrize("status", ["WAITING", "APPROVED"])
def test_a_pipeline_that_ended_before_the_table_knows_is_told_as_it_is(status):
    review = detail("Review", "ApproveRelease", "Failed", began=1)

    explanation = explain(Evidence(release(status), progress("Failed", BUNDLE, review), champion=6))

    assert explanation.headline == (
        "wine/7 failed at ApproveRelease (stage Review); its record is not updated yet"
    )
    assert explanation.next == ["kanmon show wine/7"]
