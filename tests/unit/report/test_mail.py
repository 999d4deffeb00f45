"""What subscribers read: every event as a mail."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import get_args
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.report.fact import Event, Fact, MetricResult, read
from core.report.mail import LONGEST_SUBJECT, subject, text
from core.stage.links import Links, console_address

LINKS = Links("eu-west-1")
PORTAL = replace(LINKS, account="123456789012", portal="d-1.awsapps.com", permission_set="Approver")
# A name read backwards, a second line, markup, a command, a lone surrogate and a bell.
HOSTILE = "\u202egnp.exe\r\nBcc: all@example.com <b>&\x07 $(rm -rf /) \ud800 {0}"

CANDIDATE = Fact(
    event="candidate registered",
    key="abalone-261121055501-x7k",
    stack="kanmon-dev",
    stage="dev",
    at="2026-11-21T06:00:00Z",
    summary="promote: every rule passed, RMSE 2.12",
    model="abalone",
    reason="monthly schedule",
    run="abalone-261121055501-x7k",
    verdict="promote",
    package_arn="arn:aws:sagemaker:eu-west-1:1:model-package/kanmon-dev-abalone/4",
    review_uri="s3://bucket/runs/abalone/abalone-261121055501-x7k/review.html",
    metric=MetricResult("rmse", 2.1012, 2.15, -0.0488, -0.1103, 0.0121),
)
RELEASE = replace(
    CANDIDATE,
    event="release waits",
    key="abalone/7",
    summary="hold: it may be worse than the champion",
    verdict="hold",
    approval="manual",
    review_uri="s3://bucket/releases/abalone/7/review.html",
    release=7,
    execution="11111111-2222-4333-8444-555555555555",
    until="2026-11-28T06:00:00Z",
)
BATCH = Fact(
    event="batch failed",
    key="churn-261121055501-x7k/0",
    stack="kanmon-dev",
    stage="dev",
    at="2026-11-21T06:00:00Z",
    summary="score: the file has no rows",
    model="churn",
    batch="churn-261121055501-x7k",
)
STAGE = Fact(
    event="digest",
    key="2026-11-21",
    stack="kanmon-dev",
    stage="dev",
    at="2026-11-21T06:00:00Z",
    summary="3 runs.\n1 release waits: abalone/7.",
)


def lines_of(fact: Fact, links: Links = LINKS) -> dict[str, str]:
    """The labelled lines of a mail."""
    found = text(fact, links).split("\n\n")[2]
    return dict(line.split("  ", 1) for line in found.splitlines())


# ---- subjects


@pytest.mark.parametrize(
    ("fact", "line"),
    [
        (
            CANDIDATE,
            "kanmon-dev: abalone: candidate registered, promote (abalone-261121055501-x7k)",
        ),
        (RELEASE, "kanmon-dev: abalone/7: release waits (abalone-261121055501-x7k)"),
        (BATCH, "kanmon-dev: churn: batch failed (churn-261121055501-x7k)"),
        (STAGE, "kanmon-dev: digest"),
    ],
)
def test_a_subject_names_stage_model_or_release_and_event(fact: Fact, line: str) -> None:
    assert subject(fact) == line


@given(model=st.text(), run=st.text(), verdict=st.text())
def test_a_subject_is_always_one_that_sns_takes(model: str, run: str, verdict: str) -> None:
    line = subject(replace(CANDIDATE, model=model, run=run, verdict=verdict))

    assert 0 < len(line) <= LONGEST_SUBJECT < 100
    assert line.isascii()
    assert line.isprintable()


# ---- bodies


def test_the_mail_of_a_verdict_has_the_metric_the_champions_and_the_difference() -> None:
    assert text(CANDIDATE, LINKS).splitlines() == [
        "A candidate of abalone is registered.",
        "",
        "promote: every rule passed, RMSE 2.12",
        "",
        "Model       abalone",
        "Run         abalone-261121055501-x7k",
        "Reason      monthly schedule",
        "Metric      RMSE 2.101",
        "Champion    2.150",
        "Difference  −0.049 (−0.110 to +0.012)",
        "Package     arn:aws:sagemaker:eu-west-1:1:model-package/kanmon-dev-abalone/4",
        "Review      https://eu-west-1.console.aws.amazon.com/s3/object/bucket?region=eu-west-1"
        "&prefix=runs/abalone/abalone-261121055501-x7k/review.html",
        "Time        2026-11-21 06:00:00 UTC",
    ]


def test_a_first_candidate_has_no_champion_to_compare_with() -> None:
    lines = lines_of(replace(CANDIDATE, metric=MetricResult("auc", 0.85)))

    assert lines["Metric"].strip() == "AUC 0.85"
    assert not {"Champion", "Difference"} & lines.keys()


def test_a_waiting_releases_mail_leads_to_its_page_and_says_how_and_until_when_to_decide() -> None:
    lines = {label: line.strip() for label, line in lines_of(RELEASE).items()}

    assert text(RELEASE, LINKS).startswith("Release abalone/7 waits for approval.\n")
    assert lines["Review"].endswith("&prefix=releases/abalone/7/review.html")
    assert lines["Approve"] == (
        "https://eu-west-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/"
        f"kanmon-dev-release/executions/{RELEASE.execution}/visualization?region=eu-west-1"
    )
    assert lines["Decide"] == (
        'kanmon approve abalone/7 --stage dev --reason "…"'
        ' or kanmon reject abalone/7 --stage dev --reason "…"'
    )
    assert lines["Until"] == "2026-11-28 06:00:00 UTC"


def test_the_mail_about_a_candidate_names_its_model_and_the_release_it_opened() -> None:
    fact = replace(RELEASE, event="candidate registered")

    assert text(fact, LINKS).startswith("A candidate of abalone is registered.\n")
    assert lines_of(fact)["Release"].strip() == "abalone/7"


def test_the_mail_about_a_decision_names_the_person() -> None:
    fact = replace(RELEASE, event="release rejected", by="arn:aws:iam::1:user/ada")

    assert lines_of(fact)["By"].strip() == "ada"


@pytest.mark.parametrize(
    ("fact", "command"),
    [
        (BATCH, "kanmon logs churn-261121055501-x7k --stage dev"),
        (replace(BATCH, event="late", batch=None), "kanmon plan churn --explain --stage dev"),
        (replace(STAGE, event="budget reached"), "kanmon cost --stage dev"),
        (replace(RELEASE, event="release failed"), "kanmon show abalone/7 --stage dev"),
    ],
)
def test_the_mail_of_what_went_wrong_says_what_to_do_next(fact: Fact, command: str) -> None:
    assert lines_of(fact)["Next"].strip() == command


def test_the_mail_of_a_release_leads_to_its_pipeline() -> None:
    lines = lines_of(replace(RELEASE, event="release rolled back"))

    assert f"kanmon-dev-release/executions/{RELEASE.execution}/" in lines["Pipeline"]


def test_a_digest_keeps_its_lines() -> None:
    assert "3 runs.\n1 release waits: abalone/7.\n" in text(STAGE, LINKS)


def test_a_failure_of_no_model_that_can_exist_says_so() -> None:
    mail = text(replace(BATCH, model=None), LINKS)

    assert mail.startswith("A batch of unknown model failed.\n")
    assert subject(replace(BATCH, model=None)) == (
        "kanmon-dev: batch failed (churn-261121055501-x7k)"
    )


@pytest.mark.parametrize("event", get_args(Event))
@pytest.mark.parametrize("links", [LINKS, PORTAL], ids=["console", "portal"])
def test_every_event_is_a_mail_whatever_its_names_hold(event: Event, links: Links) -> None:
    hostile = Fact(
        event=event,
        key=HOSTILE,
        stack="kanmon-dev",
        stage="dev",
        at="2026-11-21T06:00:00Z",
        summary=HOSTILE,
        model=HOSTILE,
        reason=HOSTILE,
        run=HOSTILE,
        release=7,
        verdict=HOSTILE,
        error=HOSTILE,
        by=HOSTILE,
        until=HOSTILE,
        package_arn=HOSTILE,
        review_uri=f"s3://bucket/{HOSTILE}".replace("\ud800", ""),
        execution=HOSTILE.replace("\ud800", ""),
        metric=MetricResult(HOSTILE, 0.5, 0.25, 0.25),
    )

    for fact in (hostile, read(hostile.document())):
        line, body = subject(fact), text(fact, links)
        assert 0 < len(line) <= LONGEST_SUBJECT
        assert line.isascii()
        assert line.isprintable()
        assert body.splitlines()[0].endswith(".")
        assert len(body.encode()) < 100_000
        # Nothing of it begins a line of its own, is invisible, or turns its neighbours round.
        assert not any(
            each.startswith("Bcc") for each in body.splitlines()[1:3] + line.splitlines()
        )
        odd = {each for each in body if unicodedata.category(each)[0] == "C"}
        assert odd <= {"\n"}


@pytest.mark.parametrize("event", get_args(Event))
def test_a_mail_is_small_however_long_its_texts(event: Event) -> None:
    long = "x" * 100_000
    fact = replace(RELEASE, event=event, summary=long, reason=long, by=long, model=long)

    known = read(fact.document())

    assert len(text(known, LINKS).encode()) < 100_000
    assert len(subject(known)) <= LONGEST_SUBJECT


# ---- where its links lead


def test_an_address_keeps_what_a_key_holds() -> None:
    assert console_address("s3://b/a b?&.html", "r").endswith("prefix=a%20b%3F%26.html")


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
