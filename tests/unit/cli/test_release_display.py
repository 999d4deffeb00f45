"""Releases as a person reads them."""

from core.stage.release_history import HistoryEntry
from core.words.formats import local_moment
from kanmon.releases.display import ReleaseProgress, detail_lines, history_lines, release_lines
from kanmon.releases.explanation import Evidence, Explanation
from kanmon.releases.history import history
from kanmon.releases.watch import Observation
from kanmon.terminal.invocation import Invocation
from tests.support.sample_releases import (
    ADA,
    ADMITTED,
    BUNDLE,
    REVIEWED,
    START,
    VERIFIED,
    detail,
    progress,
    release,
)
from tests.support.standin import Stage

NOW = START.isoformat()


def plain(lines):
    import click

    return [click.unstyle(line) for line in lines]


def test_a_list_tells_how_each_stands_and_who_decided():
    found = [
        release("WAITING", 8),
        release("PROMOTED", 7, in_service=True, decided_by=ADA, decision_reason="looked\nat it"),
        release("ROLLED_BACK", 6, decided_by=ADA),
    ]

    assert plain(release_lines(found)) == [
        f"release  status       verdict  {'opened':{len(local_moment(NOW))}}  "
        "decided by                   reason",
        f"wine/8   waiting      promote  {local_moment(NOW)}",
        f"wine/7   in service   promote  {local_moment(NOW)}  "
        "ada (kanmon-local-Approver)  looked at it",
        f"wine/6   rolled back  promote  {local_moment(NOW)}  ada (kanmon-local-Approver)",
    ]


def test_the_history_tells_when_what_who_and_why():
    events = [
        HistoryEntry(NOW, "opened", 7, reason="promote: every rule passed"),
        HistoryEntry(NOW, "rejected", 7, ADA, "odd"),
    ]

    assert plain(history_lines(events, "wine"))[1:] == [
        f"{local_moment(NOW)}  wine/7   opened                                 "
        "promote: every rule passed",
        f"{local_moment(NOW)}  wine/7   rejected  ada (kanmon-local-Approver)  odd",
    ]


def test_one_release_whole_ends_in_what_to_do_next():
    evidence = Evidence(
        release("FAILED", decision="approved", decided_by=ADA, decided_at=NOW),
        progress("Failed", BUNDLE, REVIEWED, detail("Verify", "AdmitRelease", "Failed", began=2)),
    )

    lines = plain(
        detail_lines(evidence, Explanation("It failed", ["because"], ["kanmon run wine"]))
    )

    assert lines == [
        "Release      wine/7  failed",
        f"Opened       {local_moment(NOW)} by run wine-261121080000-abc",
        "Verdict      promote: every rule passed",
        f"Decision     approved by ada (kanmon-local-Approver) {local_moment(NOW)}",
        "Pipeline     e-7  Failed",
        "  Source    Bundle                   1.0 s",
        "  Review    ApproveRelease           1.0 s",
        "  Verify    AdmitRelease             1.0 s  failed",
        "",
        "It failed",
        "  because",
        "Next",
        "  kanmon run wine",
    ]


def test_watching_tells_every_action_and_every_step_of_the_traffic_once(project, capsys):
    told = ReleaseProgress(Invocation())
    deploys = detail("Promote", "DeployRelease", "InProgress", began=4)
    promoted = detail("Promote", "DeployRelease", began=4, took=3)
    confirmed = detail("Promote", "ConfirmRelease", began=4)
    so_far = (BUNDLE, REVIEWED, ADMITTED, VERIFIED)
    going = progress("InProgress", *so_far, confirmed, deploys)

    told(Observation(progress("InProgress", *so_far), []))
    told(Observation(going, [(6, 0.9), (7, 0.1)]))
    told(Observation(going, [(6, 0.9), (7, 0.1)]))
    told(Observation(progress("InProgress", *so_far, confirmed, promoted), [(7, 1.0)]))

    assert capsys.readouterr().err.splitlines() == [
        "  Source    Bundle                   1.0 s",
        "  Review    ApproveRelease           1.0 s",
        "  Verify    AdmitRelease             1.0 s",
        "  Verify    VerifyRelease            1.0 s",
        "  Promote   ConfirmRelease           1.0 s",
        "            release 6 gets 90 %, release 7 gets 10 %",
        "  Promote   DeployRelease            3.0 s",
    ]


def test_a_history_says_back_in_service_of_a_release_that_took_over_from_none() -> None:
    at = "2026-11-21T10:00:00Z"
    stage = Stage(
        [
            {
                "model": "wine",
                "item": f"history#{at}#{7:06d}-3-{how}",
                "at": at,
                "event": "rolled back",
                "release": 7,
                "by": ADA,
            }
            for how in ("ended-e-7", "live-rollback")
        ]
    )

    assert [one.what for one in history(stage, "wine")] == ["rolled back", "back in service"]
