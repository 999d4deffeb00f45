"""What a package says about itself fits SageMaker's limits and loses nothing that matters."""

from typing import Any

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from core.gate.judge_candidate import client_token
from core.gate.package_metadata import allowed, description, package_metadata
from core.gate.rule import Rule, Verdict
from core.gate.rules import judge
from tests.support.control_cases import DEFINITION, passing_evaluation

PLAN: dict[str, Any] = {
    "run": "churn-261121055501-x7k",
    "fingerprint": "f" * 64,
    "reason": "new data (3 files)",
    "commit": None,
    "snapshot": {"id": "5" * 32},
    "definition": {"sha256": "d" * 64},
    "images": {"train": "123.dkr.ecr.eu-west-1.amazonaws.com/steps@sha256:" + "a" * 64},
    "champion": {"package_arn": "arn:aws:sagemaker:r:1:model-package/kanmon-churn/3", "run": "c-1"},
}
ARTIFACT = {"uri": "s3://b/m.tar.gz", "sha256": "e" * 64, "version": "v1"}
URIS = {"evaluation": "s3://b/e.json", "report": "s3://b/report/", "review": "s3://b/r.html"}


def test_the_metadata_names_everything_a_package_came_from() -> None:
    evaluation = passing_evaluation()

    metadata = package_metadata(PLAN, judge(DEFINITION, evaluation), evaluation, ARTIFACT, URIS)

    assert metadata == {
        "run": "churn-261121055501-x7k",
        "fingerprint": "f" * 64,
        "definition": "d" * 64,
        "snapshot": "5" * 32,
        "reason": "new data 3 files",
        "verdict": "promote",
        "summary": "promote: every rule passed AUC 0.80 0.75 to 0.85 champion 0.79",
        "artifact_uri": "s3://b/m.tar.gz",
        "artifact_sha256": "e" * 64,
        "artifact_version": "v1",
        "evaluation_uri": "s3://b/e.json",
        "report_uri": "s3://b/report/",
        "review_uri": "s3://b/r.html",
        "champion": "arn:aws:sagemaker:r:1:model-package/kanmon-churn/3",
        "champion_run": "c-1",
        "image_train": "sha256:" + "a" * 64,
        "primary_metric": "auc",
        "primary_value": "0.80 from 0.75 to 0.85",
    }


def test_the_metadata_names_the_reference_where_there_is_one() -> None:
    plan = {
        **PLAN,
        "reference": {"package_arn": "arn:aws:sagemaker:r:1:model-package/c/2", "run": "c-0"},
    }
    evaluation = passing_evaluation()

    metadata = package_metadata(plan, judge(DEFINITION, evaluation), evaluation, ARTIFACT, URIS)

    assert metadata["reference"] == "arn:aws:sagemaker:r:1:model-package/c/2"
    assert metadata["reference_run"] == "c-0"


@given(reason=st.text(), summary=st.text())
def test_metadata_keeps_to_what_sagemaker_takes(reason: str, summary: str) -> None:
    verdict = Verdict("hold", summary, ())

    metadata = package_metadata({**PLAN, "reason": reason}, verdict, {}, ARTIFACT, URIS)

    assert len(metadata) <= 50
    for value in metadata.values():
        assert regex.fullmatch(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}", value)


@given(text=st.text(alphabet=st.characters(categories=["L", "N"]), max_size=250))
def test_letters_and_digits_of_any_script_are_kept(text: str) -> None:
    assert allowed(text) == text


@given(words=st.lists(st.text(min_size=1), max_size=20))
def test_a_description_is_one_line_within_the_registrys_limit(words: list[str]) -> None:
    rules = tuple(Rule("floor", "auc", None, 0.1, 0.2, -0.1, "reject", each) for each in words)

    line = description(Verdict("reject", "reject: so", rules))

    assert regex.fullmatch(r"[\p{L}\p{M}\p{Z}\p{S}\p{N}\p{P}]{1,1024}", line)
    assert "\u2028" not in line


def test_a_description_leaves_out_what_the_registry_refuses_in_a_quoted_value() -> None:
    words = "site = a\x00b\u200bc \U0001f468\u200d\U0001f469: auc is low"
    rules = (Rule("segment margin", "auc", None, 0.1, 0.2, -0.1, "reject", words),)

    line = description(Verdict("reject", "", rules))

    assert line == "reject: site = a b c \U0001f468 \U0001f469: auc is low"


def test_a_description_has_every_reason() -> None:
    rules = (
        Rule("floor", "auc", None, 0.1, 0.2, -0.1, "reject", "auc is low"),
        Rule("parity", None, None, 0.0, 0.0, 0.0, "pass", "all rows alike"),
        Rule("floor", "f1", None, 0.1, 0.2, -0.1, "hold", "f1 is odd"),
    )

    assert description(Verdict("reject", "reject: auc is low", rules)) == (
        "reject: auc is low; f1 is odd"
    )


def test_a_client_token_names_one_registration() -> None:
    assert client_token("f", "r") == client_token("f", "r")
    assert client_token("f", "r") != client_token("f", "other")
    assert len(client_token("f", "r")) == 36


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("2026-11-30 06:00 CET; new data: 2 files", "2026-11-30 06:00 CET / new data: 2 files"),
        ("予定；新しいデータ", "予定 / 新しいデータ"),
    ],
)
def test_two_reasons_stay_apart_in_the_registry(reason: str, kept: str) -> None:
    verdict = judge(DEFINITION, passing_evaluation())

    metadata = package_metadata({**PLAN, "reason": reason}, verdict, {}, ARTIFACT, URIS)

    assert metadata["reason"] == kept
