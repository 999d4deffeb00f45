"""The rules of releases, each by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.releases.admission_rule import Claim, Digest, Facts, admit
from core.releases.decision import (
    Decision,
    decided,
    describe,
    describe_release,
    registry_status,
    told,
)
from core.stage.release_pipeline import Action, value_for
from core.stage.release_records import Champion, Release, Status
from core.words.language import Speech, speaking
from tests.support.admission_cases import (
    ADA,
    AT,
    AUTOMATIC,
    CLAIM,
    DOCUMENT,
    GOOD,
    MOMENT,
    RELEASE,
    UNASKED,
    review,
)

NOBODY = "nobody decided within the time a review is open, which counts as a rejection"


# ---- decisions


@pytest.mark.parametrize(
    ("action", "decision"),
    [
        (None, None),
        (review("InProgress", external_id="t"), None),
        (review("Abandoned"), None),  # the execution was stopped: that decides nothing
        (review(by=ADA, summary="good"), Decision("approved", ADA, AT, "good")),
        (review(by=ADA), Decision("approved", ADA, AT, "")),
        (review("Failed", by=ADA, summary="bad"), Decision("rejected", ADA, AT, "bad")),
        (review("Failed", error_code="TimeoutError"), Decision("expired", None, AT, NOBODY)),
        (review("Failed"), Decision("expired", None, AT, NOBODY)),
        (
            review("Failed", error_code="TimeoutError", summary="no response"),
            Decision("expired", None, AT, NOBODY),
        ),
        # However the services write it: an answer is somebody's, and comes before the time is up.
        (review("Failed", by=ADA, error_code="JobFailed"), Decision("rejected", ADA, AT, "")),
        (review("Failed", summary="bad"), Decision("rejected", None, AT, "bad")),
        (
            review("Failed", began=MOMENT - timedelta(minutes=5), open_minutes=1440),
            Decision("rejected", None, AT, ""),
        ),
        (
            review("Failed", by=ADA, began=MOMENT - timedelta(days=1), open_minutes=1440),
            Decision("expired", None, AT, NOBODY),
        ),
        # It could not even be opened, say because the topic refused the notification.
        (review("Failed", error_code="ConfigurationError", error="topic not found"), None),
        (review("Failed", by=ADA, error_code="PermissionError"), None),
    ],
)
def test_an_approval_is_read_as_the_decision_it_came_to(
    action: Action | None, decision: Decision | None
) -> None:
    assert decided(action) == decision


def test_a_decision_passed_on_from_the_registry_names_its_person() -> None:
    action = review(by="arn:function", summary="Approved in the model registry by ada: fine")
    asked = Release(
        "churn",
        7,
        Status.WAITING,
        asked="approved",
        asked_by=ADA,
        asked_reason="fine",
        asked_summary=action.summary,
    )

    assert decided(action, asked) == Decision("approved", ADA, AT, "fine")
    # Somebody was quicker in the pipeline: then it is theirs.
    assert decided(review(by="bob", summary="mine"), asked) == Decision(
        "approved", "bob", AT, "mine"
    )


@given(st.text(), st.text())
def test_what_the_registry_is_told_is_one_line_within_its_limits(by: str, reason: str) -> None:
    line = describe(7, Decision("rejected", by, AT, reason))

    assert len(line) <= 1024
    assert line.isprintable()


def test_a_decision_is_told_with_the_persons_name_and_the_stages_time() -> None:
    approved = Decision("approved", "arn:aws:iam::1:user/ada", "2026-11-30T14:17:03Z", "ok")

    with speaking(Speech("ja", "Asia/Tokyo")):
        assert told(3, approved) == "リリース 3: 2026年11月30日 23:17 JST に ada により承認: ok"
        assert "arn:aws:iam::1:user/ada" in describe(3, approved)


def test_the_end_of_a_release_is_told_in_the_stages_time() -> None:
    failed = Release("churn", 7, Status.FAILED, ended_at="2026-11-30T14:17:03Z", error="no room")

    with speaking(Speech("en", "Europe/Berlin")):
        line = describe_release(failed)

    assert line == "release 7: failed at 2026-11-30 15:17:03 CET: no room"


@given(st.text(max_size=3000))
def test_a_variable_of_the_pipeline_is_never_empty_nor_too_long(text: str) -> None:
    value = value_for(text)

    assert 1 <= len(value) <= 1000
    assert value.isprintable()


@pytest.mark.parametrize(
    ("status", "decision", "registry"),
    [
        ("WAITING", None, None),
        ("APPROVED", "approved", "Approved"),
        ("PROMOTED", "automatic", "Approved"),
        ("REJECTED", "rejected", "Rejected"),
        ("EXPIRED", "expired", "Rejected"),
        ("SUPERSEDED", "superseded", "Rejected"),
        ("FAILED", "approved", "Approved"),  # a retried stage may still promote it
        ("FAILED", None, "Rejected"),  # stopped before anybody decided
        ("ROLLED_BACK", "approved", "Rejected"),
    ],
)
def test_the_registry_says_what_a_release_is(
    status: str, decision: str | None, registry: str | None
) -> None:
    assert registry_status(Release("churn", 7, Status(status), decision=decision)) == registry


# ---- admission

facts = st.builds(
    Facts,
    release=st.one_of(
        st.none(),
        st.builds(
            Release,
            st.just("churn"),
            st.just(7),
            st.sampled_from(Status),
            bundle_version=st.sampled_from(["v1", "v2"]),
            execution=st.sampled_from([None, "mine", "other"]),
            deployment_version=st.sampled_from([None, "v1"]),
        ),
    ),
    document=st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {
                "model": st.sampled_from(["churn", "abalone"]),
                "release": st.sampled_from([7, 8]),
                "approval": st.sampled_from(["manual", "automatic"]),
                "verdict": st.sampled_from(["promote", "hold"]),
            }
        ),
    ),
    digests=st.just(()),
    review=st.one_of(
        st.none(),
        st.builds(
            review,
            st.sampled_from(["InProgress", "Succeeded", "Failed", "Abandoned"]),
            by=st.sampled_from([None, ADA]),
        ),
    ),
    asked=st.booleans(),
    champion=st.one_of(st.none(), st.builds(Champion, st.just("churn"), st.integers(1, 12))),
    stack=st.just("kanmon-serving-churn"),
    stack_status=st.sampled_from([None, "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "DELETE_FAILED"]),
    holder=st.sampled_from([None, "mine", "other"]),
    holder_ended=st.booleans(),
)


@given(
    facts,
    st.sampled_from(["promotion", "rollback", "withdrawal", "other"]),
    st.sampled_from(["yes", "no", "maybe"]),
    st.sampled_from(["canary", "all", "half"]),
)
def test_only_what_was_approved_or_in_service_is_ever_admitted(
    known: Facts, purpose: str, verify: str, traffic: str
) -> None:
    claim = Claim("churn", 7, purpose, "mine", "v1", verify=verify, traffic=traffic)

    admission = admit(claim, known)

    assert admission.line.isprintable()
    if admission.outcome != "admit":
        return
    assert known.release is not None
    assert known.stack_status in (None, "UPDATE_COMPLETE")
    assert known.holder in (None, "mine") or known.holder_ended
    assert verify in ("yes", "no") and traffic in ("canary", "all")
    if purpose == "withdrawal":
        assert known.champion is not None and known.champion.release == 7
        assert (verify, traffic) == ("no", "all")
        return
    assert known.document is not None
    assert known.release.bundle_version == "v1"
    assert (known.document["model"], known.document["release"]) == ("churn", 7)
    if purpose == "rollback":
        assert known.release.status == "PROMOTED"
        assert verify == "yes" or known.release.deployment_version is not None
        return
    assert (verify, traffic) == ("yes", "canary")
    assert purpose == "promotion"
    assert known.release.status in ("WAITING", "APPROVED", "FAILED", "ROLLED_BACK")
    assert known.release.execution in (None, "mine")
    assert known.champion is None or known.champion.release <= 7
    by_person = known.review is not None and known.review.status == "Succeeded"
    by_definition = (
        known.review is None
        and known.document["approval"] == "automatic"
        and known.document["verdict"] == "promote"
    )
    assert by_person or by_definition


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "admit"),
        ({"release": None}, "refuse"),
        *(
            ({"release": replace(RELEASE, status=status)}, "refuse")
            for status in (Status.REJECTED, Status.EXPIRED, Status.SUPERSEDED, Status.PROMOTED)
        ),
        *(
            ({"release": replace(RELEASE, status=status)}, "admit")
            for status in (Status.APPROVED, Status.FAILED, Status.ROLLED_BACK)
        ),
        ({"release": replace(RELEASE, execution="other")}, "refuse"),
        ({"release": replace(RELEASE, execution=None)}, "admit"),
        ({"release": replace(RELEASE, bundle_version="v2")}, "refuse"),
        ({"document": None}, "refuse"),
        ({"document": {**DOCUMENT, "model": "abalone"}}, "refuse"),
        ({"document": {**DOCUMENT, "release": 8}}, "refuse"),
        ({"digests": (Digest("bundle", "a", "b"),)}, "refuse"),
        ({"digests": (Digest("bundle", "a", None),)}, "refuse"),
        ({"review": review("InProgress", external_id="t")}, "wait"),
        ({"review": None}, "wait"),
        ({"review": review("Failed", by=ADA)}, "refuse"),
        ({"review": review("Failed")}, "refuse"),
        ({"review": review("Abandoned")}, "refuse"),
        (UNASKED, "refuse"),
        ({**UNASKED, "document": AUTOMATIC}, "admit"),
        ({**UNASKED, "document": {**AUTOMATIC, "verdict": "hold"}}, "refuse"),
        ({"document": AUTOMATIC, "review": review("Failed", by=ADA)}, "refuse"),
        ({"champion": None}, "admit"),
        ({"champion": Champion("churn", 7)}, "admit"),
        ({"champion": Champion("churn", 8)}, "supersede"),
        ({"stack_status": None}, "admit"),
        ({"stack_status": "UPDATE_IN_PROGRESS"}, "wait"),
        ({"holder": "mine"}, "admit"),
        ({"holder": "other"}, "wait"),
        ({"holder": "other", "holder_ended": True}, "admit"),
    ],
)
def test_one_thing_that_is_otherwise_decides_alone(changes: dict[str, Any], outcome: str) -> None:
    assert admit(CLAIM, replace(GOOD, **changes)).outcome == outcome


# Every status that CloudFormation documents for a stack that is there.
DEPLOYABLE = [
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
]
MOVING = [
    "CREATE_IN_PROGRESS",
    "DELETE_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "ROLLBACK_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
]
BROKEN = ["DELETE_FAILED", "IMPORT_ROLLBACK_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, "admit") for status in DEPLOYABLE),
        *((status, "wait") for status in MOVING),
        *((status, "refuse") for status in BROKEN),
    ],
)
def test_a_stack_is_deployed_to_waited_for_or_mended_by_its_status(
    status: str, outcome: str
) -> None:
    assert admit(CLAIM, replace(GOOD, stack_status=status)).outcome == outcome


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("UPDATE_IN_PROGRESS", "waits for the stack kanmon-serving-churn, which is {status}"),
        (
            "UPDATE_ROLLBACK_FAILED",
            "the stack kanmon-serving-churn is {status}; retry this stage with `kanmon retry`, "
            "which continues its rollback in CloudFormation first",
        ),
        (
            "DELETE_FAILED",
            "the stack kanmon-serving-churn is {status}; "
            "delete it in CloudFormation, then retry this stage",
        ),
        (
            "UPDATE_FAILED",
            "the stack kanmon-serving-churn is {status}; "
            "fix it in CloudFormation, then retry this stage",
        ),
    ],
)
def test_a_stack_in_the_way_is_named_with_what_to_do(status: str, line: str) -> None:
    assert admit(CLAIM, replace(GOOD, stack_status=status)).line == line.format(status=status)
