"""Action executions folded into one line per action, in the order one reads them."""

from tests.support.sample_releases import ADMITTED, BUNDLE, REVIEWED, at, detail, fold, progress


def statuses(*details):
    return {one.name: one.status for one in fold(reversed(details))}


def test_what_has_not_begun_is_pending():
    assert statuses(BUNDLE) == {
        "Bundle": "Succeeded",
        "ApproveRelease": "Pending",
        "AdmitRelease": "Pending",
        "VerifyRelease": "Pending",
        "ConfirmRelease": "Pending",
        "DeployRelease": "Pending",
        "RecordRelease": "Pending",
    }


def test_a_review_that_was_passed_over_is_skipped():
    assert statuses(BUNDLE, ADMITTED)["ApproveRelease"] == "Skipped"


def test_of_several_attempts_the_latest_counts():
    first = detail("Promote", "DeployRelease", "Failed", began=5)
    second = detail("Promote", "DeployRelease", "InProgress", began=9)

    found = next(one for one in fold([second, first, BUNDLE]) if one.name == "DeployRelease")

    assert (found.status, found.attempts, found.began) == ("InProgress", 2, at(9))


def test_an_action_the_layout_does_not_know_comes_last():
    odd = detail("Extra", "Tell", began=9)

    assert [one.name for one in fold([odd, BUNDLE])][-1] == "Tell"


def test_an_action_that_goes_on_has_taken_until_now():
    going = progress("InProgress", BUNDLE, detail("Review", "ApproveRelease", "InProgress", 1, 0))

    assert going.current is not None
    assert going.current.seconds(at(11)) == 10
    assert going.action("Bundle").seconds(at(11)) == 1


def test_the_action_that_ended_an_execution_is_found():
    ended = progress(
        "Failed",
        BUNDLE,
        REVIEWED,
        detail(
            "Verify",
            "AdmitRelease",
            "Failed",
            errorDetails={"code": "JobFailed", "message": "the bundle was replaced"},
        ),
    )

    assert ended.ended
    assert (ended.failed.name, ended.failed.error) == ("AdmitRelease", "the bundle was replaced")
