"""What subscribers read."""

from dataclasses import replace
from typing import Any, get_args
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.stage.links import Links, console_address
from core.stage.notices import Event, Notice, subject, text

LINKS = Links("eu-west-1")

NOTICE = Notice(
    event="candidate registered",
    stack="kanmon-dev",
    model="abalone",
    run="abalone-261121055501-x7k",
    at="2026-11-21T06:00:00Z",
    summary="promote: every rule passed, RMSE 2.12",
    verdict="promote",
    package_arn="arn:aws:sagemaker:eu-west-1:1:model-package/kanmon-dev-abalone/4",
    review_uri="s3://bucket/runs/abalone/abalone-261121055501-x7k/review.html",
)


def test_the_subject_names_stage_model_and_verdict() -> None:
    assert subject(NOTICE) == "kanmon-dev: abalone: promote (abalone-261121055501-x7k)"


@given(model=st.text(), run=st.text())
def test_a_subject_is_always_one_that_sns_takes(model: str, run: str) -> None:
    line = subject(Notice("run failed", "kanmon-dev", model, run, "now", "words"))

    assert len(line) <= 100
    assert line.isascii()
    assert line.isprintable()


def test_the_mail_begins_with_what_happened_and_the_gates_words_and_leads_to_the_page() -> None:
    assert text(NOTICE, LINKS, "dev").splitlines() == [
        "A candidate of abalone is registered.",
        "",
        "promote: every rule passed, RMSE 2.12",
        "",
        "Model    abalone",
        "Run      abalone-261121055501-x7k",
        "Package  arn:aws:sagemaker:eu-west-1:1:model-package/kanmon-dev-abalone/4",
        "Review   https://eu-west-1.console.aws.amazon.com/s3/object/bucket?region=eu-west-1"
        "&prefix=runs/abalone/abalone-261121055501-x7k/review.html",
        "Time     2026-11-21 06:00:00 UTC",
    ]


def test_the_mail_about_a_candidate_names_its_model_and_the_release_it_opened() -> None:
    lines = text(replace(NOTICE, release=7), LINKS, "dev").splitlines()

    assert lines[0] == "A candidate of abalone is registered."
    assert "Release  abalone/7" in lines


def test_an_address_keeps_what_a_key_holds() -> None:
    assert console_address("s3://b/a b?&.html", "r").endswith("prefix=a%20b%3F%26.html")


RELEASE = Notice(
    event="release waiting",
    stack="kanmon-dev",
    model="abalone",
    run="abalone-261121055501-x7k",
    at="2026-11-21T06:08:00Z",
    summary="hold: it may be worse than the champion",
    verdict="hold",
    review_uri="s3://bucket/releases/abalone/7/review.html",
    release=7,
    execution="11111111-2222-4333-8444-555555555555",
)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("release waiting", "waits for approval"),
        ("release promoted", "promoted"),
        ("release back in service", "back in service"),
        ("release rejected", "rejected"),
        ("release rolled back", "rolled back"),
        ("release failed", "failed"),
    ],
)
def test_the_subject_of_a_release_names_it_and_what_happened(event: Any, words: str) -> None:
    line = subject(replace(RELEASE, event=event))

    assert line == f"kanmon-dev: abalone/7: {words} (abalone-261121055501-x7k)"


def test_the_mail_about_a_release_leads_to_its_own_page() -> None:
    lines = text(RELEASE, LINKS, "dev").splitlines()

    assert lines[:3] == [
        "Release abalone/7 waits for approval.",
        "",
        "hold: it may be worse than the champion",
    ]
    assert "Release  abalone/7" in lines
    assert any(line.endswith("prefix=releases/abalone/7/review.html") for line in lines)
    [decide] = [line for line in lines if line.startswith("Decide")]
    assert decide == (
        'Decide   kanmon approve abalone/7 --stage dev --reason "…"'
        '   or   kanmon reject abalone/7 --stage dev --reason "…"'
    )


def test_the_subject_of_a_run_has_its_verdict_also_when_it_opened_a_release() -> None:
    line = subject(replace(RELEASE, event="candidate registered"))

    assert line == "kanmon-dev: abalone/7: hold (abalone-261121055501-x7k)"


@pytest.mark.parametrize("event", get_args(Event))
def test_every_event_has_a_subject_and_a_headline(event: Any) -> None:
    notice = replace(RELEASE, event=event)

    assert subject(notice)
    assert text(notice, LINKS, "dev").splitlines()[0].endswith(".")


# ---- where its links lead


PORTAL = replace(LINKS, account="123456789012", portal="d-1.awsapps.com", permission_set="Approver")


def test_a_waiting_releases_mail_leads_to_its_page_and_to_its_approval() -> None:
    facts = dict(line.split(maxsplit=1) for line in text(RELEASE, LINKS, "dev").splitlines()[4:])

    assert facts["Review"].endswith("&prefix=releases/abalone/7/review.html")
    assert facts["Approve"] == (
        "https://eu-west-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/"
        f"kanmon-dev-release/executions/{RELEASE.execution}/visualization?region=eu-west-1"
    )


def test_a_link_through_the_portal_names_account_permission_set_and_destination() -> None:
    plain, portal = (links.object("s3://b/page.html") for links in (LINKS, PORTAL))

    start, _, asked = portal.partition("#/console?")
    assert start == "https://d-1.awsapps.com/start/"
    assert parse_qs(asked, strict_parsing=True) == {
        "account_id": ["123456789012"],
        "role_name": ["Approver"],
        "destination": [plain],
    }


def test_a_review_is_the_page_or_the_dashboard_of_just_this_model_and_run() -> None:
    board = replace(PORTAL, dashboard="https://eu-west-1.quicksight.aws.amazon.com/sn/dashboards/x")
    page = "s3://b/page.html"

    assert PORTAL.review("abalone", "abalone-1", page) == PORTAL.object(page)
    assert board.review("abalone", "abalone-1", page) == (
        f"{board.dashboard}#p.model=abalone&p.run=abalone-1"
    )
