"""The rules of releases, each by itself."""

from __future__ import annotations

import io
import json
import math
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cost.prices import SAMPLE
from core.cost.reported import cost
from core.releases.admission_rule import Claim, Digest, Facts, admit, approved, claim_of
from core.releases.bundle import (
    BundleError,
    ServingSourceError,
    member,
    pack,
    serving_tree,
    tree_digest,
    tree_of,
)
from core.releases.decision import Decision, decided, describe, registry_status
from core.releases.golden_records import difference, requests
from core.releases.release_json import approval_of, read_release
from core.stage.release_pipeline import Action, value_for
from core.stage.release_table import Champion, Release, Status

AT, MOMENT = "2026-11-21T06:00:00Z", datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
ADA = "arn:aws:iam::1:user/ada"
NOBODY = "nobody decided within the time a review is open, which counts as a rejection"


def review(status: str = "Succeeded", **more: Any) -> Action:
    return Action("Review", "ApproveRelease", status, updated=MOMENT, **more)


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

DOCUMENT = {"model": "churn", "release": 7, "approval": "manual", "verdict": "promote"}

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


CLAIM = Claim("churn", 7, "promotion", "mine", "v1")
RELEASE = Release("churn", 7, Status.WAITING, bundle_version="v1", execution="mine")
# A release that may go into service: everything is as it was reviewed, and the way is free.
GOOD = Facts(
    release=RELEASE,
    document=DOCUMENT,
    digests=(Digest("bundle", "a", "a"),),
    review=review(by=ADA),
    asked=True,
    champion=Champion("churn", 6),
    stack="kanmon-serving-churn",
    stack_status="UPDATE_COMPLETE",
    holder=None,
    holder_ended=False,
)
AUTOMATIC = {**DOCUMENT, "approval": "automatic"}
UNASKED: dict[str, Any] = {"review": None, "asked": False}


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


# ---- the bundle

TREE = {"serving.yaml": b"a", "buildspec.yml": b"b", "scoring/score.py": b"c"}


def test_the_same_release_is_the_same_bytes_however_its_files_are_ordered() -> None:
    other = dict(reversed(TREE.items()))

    assert pack(b"{}", b"[]", TREE) == pack(b"{}", b"[]", other)
    assert tree_digest(TREE) == tree_digest(other)


def test_a_bundle_gives_back_what_was_packed() -> None:
    content = pack(b"{}", b"[]", TREE)

    assert (member(content, "release.json"), member(content, "golden.json")) == (b"{}", b"[]")
    assert tree_of(content) == TREE


def test_a_bundle_has_no_times_and_no_owners() -> None:
    with zipfile.ZipFile(io.BytesIO(pack(b"{}", b"[]", TREE))) as archive:
        entries = archive.infolist()

    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)


@given(st.binary(max_size=200))
def test_what_is_no_bundle_is_named_as_such(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"bundle.zip"):
        member(content, "release.json")
    assert read_release(content) is None


@pytest.mark.parametrize("change", [{"serving.yaml": b"x"}, {"more.py": b""}])
def test_any_change_of_the_serving_code_changes_its_digest(change: dict[str, bytes]) -> None:
    assert tree_digest({**TREE, **change}) != tree_digest(TREE)


def test_the_tree_leaves_out_what_no_release_needs(tmp_path: Path) -> None:
    for name in [*TREE, "scoring/__pycache__/score.pyc", ".DS_Store", ".aws-sam/build/x"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(TREE.get(name, b"junk"))

    assert serving_tree(tmp_path) == TREE


def test_a_function_without_its_layer_says_so(tmp_path: Path) -> None:
    with pytest.raises(ServingSourceError, match=r"no serving\.yaml and no buildspec\.yml there"):
        serving_tree(tmp_path)


# ---- golden records

GOLDEN = {
    "task": "multiclass",
    "rows": [{"a": 1.0}] * 120,
    "scores": [[0.5, 0.25, 0.25]] * 120,
    "tolerance": 1e-4,
}


def answers(**changes: Any) -> list[dict[str, Any]]:
    one = {"row": 0, "prediction": "x", "probabilities": {"x": 0.5, "y": 0.25, "z": 0.25}}
    return [
        {"release": 7, "predictions": [{**one, **changes}] * len(request["rows"]), "errors": []}
        for request in requests(GOLDEN)
    ]


def test_golden_records_are_sent_in_parts_and_marked_as_a_check() -> None:
    sent = list(requests(GOLDEN))

    assert [len(request["rows"]) for request in sent] == [50, 50, 20]
    assert {request["check"] for request in sent} == {True}


def test_right_answers_have_no_difference() -> None:
    assert difference(GOLDEN, 7, answers()) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (answers(probabilities={"x": 0.4, "y": 0.35, "z": 0.25}), "120 of 120 golden records"),
        (answers(probabilities={"x": 1.0}), "120 of 120 golden records"),
        (answers(probabilities={"x": math.nan, "y": 0.25, "z": 0.25}), "gives nothing, 0.25"),
        (answers(probabilities={"x": None, "y": 0.25, "z": 0.25}), "gives nothing, 0.25"),
        (answers()[:2], "120 golden records were sent, 100 answers came"),
        ([{**each, "release": 6} for each in answers()], "but release 6 answers"),
        ([{"errorMessage": "out of memory"}], "does not answer: out of memory"),
        ([{}], "does not answer: no answer"),
        ([{"release": 7, "errors": [{"message": "'a' is odd"}]}], "refused a golden record: 'a'"),
    ],
)
def test_a_difference_is_told_in_one_line(given: list[dict[str, Any]], words: str) -> None:
    line = difference(GOLDEN, 7, given)

    assert line is not None
    assert words in line


def test_a_prediction_may_differ_by_its_size_and_not_by_more() -> None:
    golden = {"task": "regression", "rows": [{}] * 2, "scores": [[1e6], [1.0]], "tolerance": 1e-4}

    def answer(first: float, second: float) -> list[dict[str, Any]]:
        found = [{"prediction": first}, {"prediction": second}]
        return [{"release": 1, "predictions": found}]

    # Small predictions count by the mean size of all, as in the parity of Evaluate.
    assert difference(golden, 1, answer(1e6 + 50, 1.5)) is None
    assert "1 of 2" in str(difference(golden, 1, answer(1e6 + 200, 1.0)))


# ---- cost


@given(
    st.sampled_from([*SAMPLE.hourly["processing"], "ml.p9.huge"]),
    st.one_of(st.none(), st.just(math.nan), st.floats(0, 1e6)),
    st.integers(1, 10),
)
def test_a_cost_is_the_whole_or_not_known(kind: str, seconds: float | None, count: int) -> None:
    machine = {"instance_type": kind, "instance_count": count}
    reports = {"preprocess": {"seconds": 1.0}, "train": {"seconds": seconds}}

    estimated = cost(
        reports, {"preprocess": {"instance_type": "ml.m5.large"}, "train": machine}, SAMPLE
    )

    json.dumps(estimated, allow_nan=False)
    known = seconds is not None and math.isfinite(seconds) and SAMPLE.an_hour(kind) is not None
    assert (estimated["usd"] is not None) is known
