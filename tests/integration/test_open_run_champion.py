"""Which model Open Run names as champion, and which as reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.stage.registry import ForeignPackageError
from tests.support.stage_in_memory import CHAMPION, RUN, Stage


def test_the_champion_is_what_the_release_pipeline_promoted_last(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    arn = stage.promote(3, **CHAMPION)
    stage.register("Approved", **{**CHAMPION, "run": "approved-and-not-yet-in-service"})

    answer = opened()

    assert answer["package_group_exists"] is True
    assert answer["champion"] == {
        "release": 3,
        "package_arn": arn,
        "version": 1,
        "run": CHAMPION["run"],
        "model_uri": CHAMPION["artifact_uri"],
        "model_sha256": CHAMPION["artifact_sha256"],
        "report_uri": CHAMPION["report_uri"],
        "evaluation_uri": CHAMPION["evaluation_uri"],
        "definition_sha256": CHAMPION["definition"],
    }


def test_the_reference_is_the_last_release_that_a_person_approved(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    champion = stage.promote(3, **CHAMPION)
    approved = stage.register("Approved", **{**CHAMPION, "run": "approved-by-ada"})
    stage.write_release(1, champion, "approved")
    stage.write_release(2, approved, "approved")
    stage.write_release(3, champion, "automatic")

    answer = opened()

    assert answer["reference"] == {
        **answer["champion"],
        "release": 2,
        "package_arn": approved,
        "version": 2,
        "run": "approved-by-ada",
        "why": "approved",
    }
    assert stage.get_json(f"runs/churn/{RUN}/run.json")["reference"] == answer["reference"]


def test_a_champion_that_a_person_approved_is_the_reference_itself(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    stage.write_release(3, stage.promote(3, **CHAMPION), "approved")

    assert opened()["reference"] is None


def test_a_reference_whose_package_is_gone_does_not_fail_the_run(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    gone = "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-test-churn/99"
    stage.write_release(2, gone, "approved")
    stage.write_release(3, stage.promote(3, **CHAMPION), "automatic")

    reference = opened()["reference"]

    assert (reference["release"], reference["why"]) == (2, "approved")
    assert "is not in the registry any more" in reference["obstacle"]
    assert "model_uri" not in reference


def test_an_approval_in_the_registry_alone_makes_no_champion(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    stage.sagemaker.create_model_package_group(ModelPackageGroupName="kanmon-test-churn")
    stage.register("Approved", **CHAMPION)

    assert opened()["champion"] is None


def test_a_champion_whose_package_lost_what_its_run_wrote_is_named(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    stage.promote(3, run="by-hand")

    with pytest.raises(ForeignPackageError, match=r"kanmon-test-churn/1: .* has lost the metadata"):
        opened()


def test_a_champion_whose_package_was_deleted_is_named(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    stage.promote(3, **CHAMPION)
    gone = "arn:aws:sagemaker:us-east-1:123456789012:model-package/kanmon-test-churn/99"
    stage.write_item("champion", package_arn=gone, release="3")

    with pytest.raises(ForeignPackageError, match=r"churn/99: .* is not in the registry any more"):
        opened()
