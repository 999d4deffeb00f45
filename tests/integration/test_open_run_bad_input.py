"""What Open Run refuses: one clear line each: what, where and how to fix it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import open_run
from core.definition.parse import DefinitionError
from core.names import RunNameError
from core.runs.current_definition import UnknownModelError
from core.runs.request import RunRequestError
from core.runs.snapshot import EmptyDatasetError, UnknownFileKindError
from core.stage.images import ImageMissingError
from tests.support.control_cases import MODEL_YAML
from tests.support.stage_in_memory import RUN, Context, Stage


def test_an_unknown_model_is_named_with_the_mend(stage: Stage, context: Context) -> None:
    with pytest.raises(UnknownModelError) as raised:
        open_run.handler({"run": RUN, "request": {"model": "chrun"}}, context)

    assert str(raised.value) == (
        "model chrun: stage dev has no definition of it; check the name, or publish "
        "models/chrun with `kanmon publish --stage dev`"
    )


def test_a_definition_that_was_never_published_is_named(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises(UnknownModelError, match=f"definitions/churn/{'a' * 64}/model.yaml is not"):
        opened(definition="a" * 64)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"metrics: {primary: auc": "metrics: {primary: acu"}, DefinitionError),
        ({"name: churn\n": "name: other\n"}, UnknownModelError),
    ],
)
def test_a_bad_definition_never_takes_the_lock(
    stage: Stage,
    opened: Callable[..., dict[str, Any]],
    change: dict[str, str],
    error: type[Exception],
) -> None:
    [(old, new)] = change.items()
    stage.publish(MODEL_YAML.replace(old, new))

    with pytest.raises(error, match=r"models/churn/model\.yaml"):
        opened()

    assert stage.holder() is None


def test_an_empty_dataset_is_named(stage: Stage, opened: Callable[..., dict[str, Any]]) -> None:
    stage.s3.delete_object(Bucket="kanmon-test-data", Key="datasets/churn/customers.csv")

    with pytest.raises(EmptyDatasetError, match="s3://kanmon-test-data/datasets/churn/: no data"):
        opened()


def test_a_file_of_another_kind_is_named(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    stage.put("datasets/churn/notes.txt", "hello")

    with pytest.raises(UnknownFileKindError, match=r"datasets/churn/notes\.txt: not a \.csv"):
        opened()


def test_a_missing_image_is_named(stage: Stage, opened: Callable[..., dict[str, Any]]) -> None:
    stage.ecr.batch_delete_image(
        repositoryName="kanmon-test-steps", imageIds=[{"imageTag": "train"}]
    )

    with pytest.raises(ImageMissingError) as raised:
        opened()

    assert str(raised.value) == (
        "the image kanmon-test-steps:train is missing; build and push the step images with "
        "`kanmon publish --stage dev`"
    )


def test_a_missing_repository_is_a_missing_image(
    stage: Stage, opened: Callable[..., dict[str, Any]]
) -> None:
    stage.ecr.delete_repository(repositoryName="kanmon-test-steps", force=True)

    with pytest.raises(ImageMissingError, match="image kanmon-test-steps:preprocess is missing"):
        opened()


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"run": "Not A Run", "request": {"model": "churn"}}, RunNameError),
        ({"run": RUN, "request": {"modle": "churn"}}, RunRequestError),
        ({"run": RUN, "request": None}, RunRequestError),
        ({}, RunNameError),
    ],
)
def test_a_bad_request_is_refused_before_anything_is_touched(
    stage: Stage, context: Context, event: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        open_run.handler(event, context)

    assert stage.item("retrain-lock") == {}
