"""What Admit Release answers to each purpose: one line that says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.releases.admission_rule import Digest, admit, approved, claim_of
from core.releases.release_json import approval_of
from core.stage.release_records import Champion, Status
from tests.support.admission_cases import (
    ADA,
    CLAIM,
    DOCUMENT,
    GOOD,
    RELEASE,
    UNASKED,
    review,
)

NEW_ONE = "nothing of a release may change; run the model again to open a new one"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"release": None}, "there is no release churn/7; `kanmon releases churn` lists them"),
        (
            {"document": None},
            "the bundle of churn/7 holds no release.json; run the model again",
        ),
        (
            {"document": {**DOCUMENT, "model": "abalone", "release": 8}},
            "the bundle of churn/7 is that of abalone/8; run the model again",
        ),
        (
            {"release": replace(RELEASE, bundle_version="v2")},
            "churn/7: its bundle was replaced: version v1 came, version v2 was opened; " + NEW_ONE,
        ),
        (
            {"digests": (Digest("model file", "a", None),)},
            "churn/7: the model file is gone (a); " + NEW_ONE,
        ),
        (
            {"digests": (Digest("bundle", "a", "a"), Digest("model file", "a", "b"))},
            "churn/7: the model file was changed: it is b, and a was recorded; " + NEW_ONE,
        ),
        (
            {"release": replace(RELEASE, execution="other")},
            "churn/7 is promoted by execution other and by no other; reject or approve it there",
        ),
        (
            {"release": replace(RELEASE, status=Status.EXPIRED)},
            "churn/7 expired; that is final, "
            "so run it again with `kanmon run churn --force` to open a new release",
        ),
        (
            {"release": replace(RELEASE, status=Status.REJECTED, decision_reason="too old")},
            "churn/7 was rejected: too old; that is final, "
            "so run it again with `kanmon run churn --force` to open a new release",
        ),
        (
            {"release": replace(RELEASE, status=Status.PROMOTED)},
            "churn/7 was promoted already; to bring it back: `kanmon rollback churn --to 7`",
        ),
        (
            {"review": review("Failed", by=ADA)},
            "churn/7 was not approved in this execution; start it again with `kanmon`",
        ),
        ({"review": None}, "waits until the answer to the review of churn/7 can be read"),
        (
            {"champion": Champion("churn", 8)},
            "churn/7 is older than release 8, which is in service; "
            "going back is `kanmon rollback churn`",
        ),
        ({"holder": "other"}, "waits for execution other, which is deploying churn"),
        ({}, "churn/7 may be deployed"),
    ],
)
def test_every_answer_to_a_promotion_is_one_line_that_says_why(
    changes: dict[str, Any], line: str
) -> None:
    assert admit(CLAIM, replace(GOOD, **changes)).line == line


@pytest.mark.parametrize(
    ("claim", "line"),
    [
        ({"purpose": "other"}, "'other' is not a purpose; start the pipeline with `kanmon`"),
        (
            {"traffic": "all"},
            "a promotion is not done this way: what was never in service is verified and has its "
            "canary; start the pipeline with `kanmon`",
        ),
        (
            {"purpose": "withdrawal", "verify": "no", "traffic": "all"},
            "churn/7 is not in service, so it cannot be withdrawn; `kanmon history churn` shows "
            "what is",
        ),
        (
            {"purpose": "rollback"},
            "churn/7 was never in service: it is WAITING, and a rollback goes back only to what "
            "was; `kanmon releases churn` lists them",
        ),
    ],
)
def test_every_refusal_of_another_purpose_is_one_line_that_says_why(
    claim: dict[str, Any], line: str
) -> None:
    assert admit(replace(CLAIM, **claim), GOOD).line == line


def test_a_promotion_of_before_deployments_were_kept_is_verified_again() -> None:
    back = replace(CLAIM, purpose="rollback", verify="no", traffic="all")
    promoted = replace(RELEASE, status=Status.PROMOTED, deployment_version=None)

    assert admit(back, replace(GOOD, release=promoted)).line == (
        "churn/7 was promoted before deployments were kept, so it has to be verified again; "
        "start it with `kanmon rollback`"
    )


@pytest.mark.parametrize(
    ("champion", "now"), [(Champion("churn", 5), "release 5"), (None, "release none")]
)
def test_a_champion_that_moved_since_the_verification_is_named(
    champion: Champion | None, now: str
) -> None:
    line = admit(replace(CLAIM, previous="6"), replace(GOOD, champion=champion)).line

    assert line == (
        f"churn/7 was verified against release 6, and now {now} is in service; "
        "start it again: `kanmon run churn`"
    )


@pytest.mark.parametrize(
    ("claim", "champion", "outcome"),
    [
        ({"previous": "6"}, 6, "admit"),
        ({"previous": "5"}, 6, "refuse"),
        ({"previous": "none"}, None, "admit"),
        ({"previous": "6"}, None, "refuse"),
        ({"purpose": "other"}, 6, "refuse"),
        ({"verify": "no"}, 6, "refuse"),
        ({"traffic": "all"}, 6, "refuse"),
        ({"bundle_version": "v2"}, 6, "refuse"),
    ],
)
def test_a_claim_is_held_to_what_it_was_verified_against(
    claim: dict[str, Any], champion: int | None, outcome: str
) -> None:
    recorded = Champion("churn", champion) if champion else None

    assert admit(replace(CLAIM, **claim), replace(GOOD, champion=recorded)).outcome == outcome


@pytest.mark.parametrize(
    ("claim", "changes", "outcome"),
    [
        ({}, {}, "admit"),
        ({"traffic": "canary"}, {}, "admit"),
        ({"verify": "yes"}, {"deployment_version": None}, "admit"),
        ({"verify": "yes", "traffic": "canary"}, {}, "admit"),
        ({}, {"deployment_version": None}, "refuse"),
        ({"verify": "maybe"}, {}, "refuse"),
        ({}, {"status": Status.FAILED}, "refuse"),
        ({}, {"bundle_version": "v2"}, "refuse"),
        ({"purpose": "withdrawal"}, {}, "refuse"),
    ],
)
def test_a_way_back_needs_no_review_and_only_what_was_in_service(
    claim: dict[str, Any], changes: dict[str, Any], outcome: str
) -> None:
    back = replace(CLAIM, purpose="rollback", verify="no", traffic="all")
    kept = replace(RELEASE, status=Status.PROMOTED, execution="first", deployment_version="v1")
    known = replace(
        GOOD, release=replace(kept, **changes), champion=Champion("churn", 8), **UNASKED
    )

    assert admit(replace(back, **claim), known).outcome == outcome


def test_a_way_back_waits_for_no_answer_whatever_its_variables_say() -> None:
    back = replace(CLAIM, purpose="rollback")
    known = replace(GOOD, release=replace(RELEASE, status=Status.PROMOTED), review=None)

    assert admit(back, known).outcome == "admit"


@pytest.mark.parametrize(
    ("claim", "champion", "outcome"),
    [
        ({}, 7, "admit"),
        ({}, 8, "refuse"),
        ({}, None, "refuse"),
        ({"verify": "yes"}, 7, "refuse"),
        ({"traffic": "canary"}, 7, "refuse"),
    ],
)
def test_only_what_is_in_service_is_withdrawn_whatever_became_of_its_parts(
    claim: dict[str, Any], champion: int | None, outcome: str
) -> None:
    gone = replace(CLAIM, purpose="withdrawal", verify="no", traffic="all")
    recorded = Champion("churn", champion) if champion else None
    known = replace(GOOD, champion=recorded, document=None, digests=(Digest("bundle", "a", None),))

    assert admit(replace(gone, **claim), known).outcome == outcome


def test_a_claim_of_an_older_pipeline_is_verified_and_has_its_canary() -> None:
    given = {"model": "churn", "release": "7", "purpose": "promotion", "execution": "mine"}

    assert claim_of(given) == replace(CLAIM, bundle_version="")
    asked = claim_of({**given, "verify": "no", "traffic": "all", "previous": "6"})
    assert (asked.verify, asked.traffic, asked.previous) == ("no", "all", "6")


def test_before_the_verification_a_claim_names_no_champion() -> None:
    given = {"model": "churn", "release": "7", "purpose": "promotion", "execution": "mine"}

    assert claim_of({**given, "previous": ""}).previous is None


@pytest.mark.parametrize(
    ("definition", "verdict", "approval"),
    [
        ({}, "promote", "manual"),
        ({"approval": "automatic"}, "promote", "automatic"),
        ({"approval": "automatic"}, "hold", "manual"),
        ({"approval": "manual"}, "promote", "manual"),
    ],
)
def test_only_a_sure_verdict_of_an_automatic_model_skips_the_review(
    definition: dict[str, str], verdict: str, approval: str
) -> None:
    assert approval_of(definition, verdict) == approval


def test_a_stage_may_have_every_release_reviewed() -> None:
    assert approval_of({"approval": "automatic"}, "promote", allowed=False) == "manual"


def test_a_review_that_took_place_counts_even_for_an_automatic_release() -> None:
    automatic = {**DOCUMENT, "approval": "automatic"}

    assert approved(None, automatic)
    assert not approved(review("Failed", by=ADA), automatic)
