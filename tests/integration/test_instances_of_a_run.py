"""Machines for one run alone, in place of the definition's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.runs.instances import problem
from core.runs.request import RunRequestError
from core.stage import gateways
from core.stage.images import StepFunctions
from kanmon.errors import BadInputError
from kanmon.runs.request import parse_instances, run_input
from tests.support.stage_in_memory import RUN, Stage

Opened = Callable[..., dict[str, Any]]
LARGE = {"train": "ml.m5.4xlarge"}
LATER = "churn-261121060000-a1b"


def test_a_run_gets_the_machine_that_its_request_names_for_this_run_alone(
    stage: Stage, opened: Opened
) -> None:
    answer = opened(instances=LARGE)

    types = {step: given["instance_type"] for step, given in answer["resources"].items()}
    assert types == {
        "preprocess": "ml.m5.large",
        "train": "ml.m5.4xlarge",
        "evaluate": "ml.m5.large",
    }
    plan = stage.get_json(f"runs/churn/{RUN}/run.json")
    assert plan["instances"] == LARGE
    # What the model is: the next run, and who compares definitions, must not see a change.
    resources = plan["definition"]["content"]["resources"]
    assert resources["train"]["instance_type"] == "ml.m5.large"
    assert stage.record()["instances"] == "train ml.m5.4xlarge"


def test_the_machine_is_no_part_of_the_fingerprint(stage: Stage, opened: Opened) -> None:
    first = opened()
    stage.write_item(f"run#{RUN}", status="FAILED")
    stage.s3.delete_object(Bucket="kanmon-test-data", Key=f"runs/churn/{RUN}/run.json")

    again = opened(instances=LARGE)

    assert again["fingerprint"] == first["fingerprint"]


def test_a_step_with_a_machine_is_a_job_and_the_others_stay_functions(
    stage: Stage, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = gateways.stage().images()
    digests = {step: image.uri.partition("@")[2] for step, image in images.items()}
    monkeypatch.setattr(gateways.stage(), "step_functions", StepFunctions(digests, 3008))

    answer = opened(instances=LARGE)

    assert answer["rungs"] == {
        "preprocess": "lambda",
        "train": "processing",
        "evaluate": "lambda",
    }


WRONG = [
    ({"tarin": "ml.m5.large"}, "'tarin' is no step of a run; did you mean train?"),
    ({"score": "ml.m5.large"}, "'score' is no step of a run; write one of preprocess, train, "),
    (
        {"train": "ml.m5.lrage"},
        "'ml.m5.lrage' is no machine of SageMaker Processing; did you mean ml.m5.large?",
    ),
    (
        {"train": "m5.large"},
        "'m5.large' is no machine of SageMaker Processing; did you mean ml.m5.large?",
    ),
    (
        {"train": "ml.m7g.large"},
        "'ml.m7g.large' has an arm64 processor, and step images are for x86; did you mean "
        "ml.m7i.large?",
    ),
]


@pytest.mark.parametrize(("instances", "words"), WRONG)
def test_the_command_and_open_run_refuse_a_machine_with_the_same_words(
    stage: Stage, opened: Opened, instances: dict[str, str], words: str
) -> None:
    [(step, name)] = instances.items()

    with pytest.raises(RunRequestError) as refused:
        opened(instances=instances)
    with pytest.raises(BadInputError) as given:
        parse_instances((f"{step}={name}",))

    said = problem(step, name)
    assert said is not None and said.startswith(words)
    assert f"the run's input, instances: {said}; write an input such as" in str(refused.value)
    assert given.value.line().startswith(f"--instance {step}={name}: {said}")
    assert stage.item("retrain-lock") == {}


@pytest.mark.parametrize(
    ("pairs", "line"),
    [
        (("train",), "--instance 'train' is not STEP=TYPE. Write it as in --instance train="),
        (("=ml.m5.large",), "--instance '=ml.m5.large' is not STEP=TYPE. Write it as in "),
        (
            ("train=ml.m5.large", "train=ml.m5.xlarge"),
            "--instance gives train two machines. Give it one.",
        ),
    ],
)
def test_a_machine_that_is_not_given_to_one_step_is_refused(
    pairs: tuple[str, ...], line: str
) -> None:
    with pytest.raises(BadInputError) as given:
        parse_instances(pairs)

    assert given.value.line().startswith(line)


def test_a_request_without_machines_is_as_it_always_was() -> None:
    plain = run_input("churn", "manual", False, {}, "0" * 64, None)

    assert "instances" not in plain
    asked = run_input("churn", "manual", False, {}, "0" * 64, None, LARGE)
    assert asked == {**plain, "instances": LARGE}
