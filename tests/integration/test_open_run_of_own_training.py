"""Open Run for a model with a train step of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.stage.bucket import ObjectMissingError
from core.stage.images import ImageMissingError
from tests.support.control_cases import MODEL_YAML
from tests.support.stage_in_memory import Stage

Opened = Callable[..., dict[str, Any]]
SHA256 = "0123456789abcdef" * 4
BASE = f"  base: {{file: encoder.onnx, sha256: {SHA256}}}\n"


def published(stage: Stage, more: str = "") -> None:
    """The model with a train step of its own."""
    stage.publish(f"{MODEL_YAML}trainer:\n  library: own\n{more}")


def test_train_is_the_models_own_image_as_a_job(stage: Stage, opened: Opened) -> None:
    published(stage)
    stage.push_image("train-churn")

    answer = opened()

    digest = b"train-churn".hex().ljust(64, "0")
    assert answer["images"]["train"].endswith(f"kanmon-test-steps@sha256:{digest}")
    assert set(answer["images"]) == {"preprocess", "train", "evaluate"}
    assert (answer["rungs"]["train"], answer["rungs_why"]["train"]) == ("processing", "own image")
    assert "base_uri" not in answer


def test_without_its_image_the_run_says_how_to_build_it(stage: Stage, opened: Opened) -> None:
    published(stage)

    with pytest.raises(ImageMissingError, match="kanmon-test-steps:train-churn is missing; build"):
        opened()


def test_the_file_it_begins_with_is_named_for_the_job(stage: Stage, opened: Opened) -> None:
    published(stage, BASE)
    stage.push_image("train-churn")
    stage.put("bases/churn/encoder.onnx", "weights")

    answer = opened()

    assert answer["base_uri"] == "s3://kanmon-test-data/bases/churn/encoder.onnx"
    plan = stage.get_json(f"runs/churn/{answer['run']}/run.json")
    named = {"file": "encoder.onnx", "sha256": SHA256}
    assert plan["definition"]["content"]["trainer"]["base"] == named


def test_a_file_that_is_not_there_is_named_with_how_to_upload_it(
    stage: Stage, opened: Opened
) -> None:
    published(stage, BASE)
    stage.push_image("train-churn")

    with pytest.raises(ObjectMissingError) as raised:
        opened()

    uri = "s3://kanmon-test-data/bases/churn/encoder.onnx"
    assert str(raised.value) == (
        f"{uri} is missing, which trainer.base names; upload encoder.onnx there: "
        f"`aws s3 cp encoder.onnx {uri}`"
    )
