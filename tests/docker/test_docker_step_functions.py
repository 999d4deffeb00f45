"""The steps as functions, in their images: on the local stage, and in Lambda's own emulator.

A step as a function and as a job must leave the same bytes: here both run the same image.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.docker.test_docker_loop import build_images
from tests.support.emulated import Answer, function
from tests.support.laptop import TINY, Laptop, deployed, rows

pytestmark = pytest.mark.docker

STEPS = ("preprocess", "train", "evaluate")
ON_JOBS = "compute: {preprocess: processing, train: processing, evaluate: processing}\n"
IMAGE = "steps@sha256:" + "1" * 64
OUTPUTS = {
    "preprocess": {name: name for name in ("train", "validation", "test", "report")},
    "train": {"model": ""},
    "evaluate": {"evaluation": ""},
}


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A project whose local stage runs steps in the built images."""
    build_images()
    with deployed(tmp_path_factory.mktemp("laptop"), "--docker") as laptop:
        laptop.add_model("boxed")
        laptop.put("boxed", rows())
        yield laptop


@pytest.fixture(scope="module")
def as_functions(laptop: Laptop) -> dict[str, Any]:
    return laptop.must("run", "boxed")


@pytest.fixture(scope="module")
def as_jobs(laptop: Laptop, as_functions: dict[str, Any]) -> dict[str, Any]:
    laptop.add_model("boxed", TINY.format(name="boxed", floor=5.0) + ON_JOBS)
    return laptop.must("run", "boxed", "--force")


def digest(content: bytes, run: str) -> str:
    """Of a file whatever the name of its run, which the evaluation has in it."""
    return hashlib.sha256(content.replace(run.encode(), b"RUN")).hexdigest()


def results(laptop: Laptop, run: str, folder: str = "runs") -> dict[str, str]:
    """The digest of every file that the steps left, without what they say of their machines."""
    found = laptop.objects(f"{folder}/boxed/{run}/")
    return {
        name: digest(content, run)
        for name, content in found.items()
        if name.startswith(STEPS) and "usage" not in name
    }


def test_a_run_whose_steps_are_functions_leaves_the_bytes_of_one_whose_steps_are_jobs(
    laptop: Laptop, as_functions: dict[str, Any], as_jobs: dict[str, Any]
) -> None:
    ran = [run["verdict"]["ran"] for run in (as_functions, as_jobs)]

    assert [{ran[step]["rung"] for step in STEPS} for ran in ran] == [{"lambda"}, {"processing"}]
    found, expected = (results(laptop, run["run"]) for run in (as_functions, as_jobs))
    assert found == expected


def event(laptop: Laptop, run: dict[str, Any], step: str, attempt: str) -> dict[str, Any]:
    bucket = laptop.outputs["DataBucketName"]
    own, attempts = f"s3://{bucket}/runs/boxed/{run['run']}", f"s3://{bucket}/attempts/boxed/box"
    plan = json.loads(laptop.objects(f"runs/boxed/{run['run']}/")["run.json"])
    inputs = {
        "preprocess": {"snapshot": plan["snapshot"]["uri"]},
        "train": {name: f"{own}/preprocess/{name}/" for name in ("train", "validation", "report")},
        "evaluate": {
            **{name: f"{own}/preprocess/{name}/" for name in ("test", "report")},
            "model": f"{own}/train/",
        },
    }
    return {
        "image": IMAGE,
        "environment": {"KANMON_RUN": run["run"], "KANMON_MODEL": "boxed"},
        "inputs": {"run": f"{own}/run.json", **inputs[step]},
        "attempts": attempts,
        "attempt": attempt,
        "outputs": OUTPUTS[step],
    }


def called(laptop: Laptop, run: dict[str, Any], step: str) -> tuple[Answer, str]:
    with function(step, stage_of(laptop), IMAGE) as cold:
        answer = cold.call(event(laptop, run, step, f"{step}-0"))
        return answer, cold.log()


def stage_of(laptop: Laptop) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((laptop.home / "stage.json").read_text())
    return found


@pytest.mark.parametrize("step", STEPS)
def test_the_emulated_function_leaves_the_same_bytes(
    laptop: Laptop, as_functions: dict[str, Any], step: str
) -> None:
    answer, log = called(laptop, as_functions, step)

    assert answer.error is None, (answer.document, log)
    print(f"{step} cold: {answer.seconds:.2f} s, {answer.document['peak_memory_mb']} MB")
    own = results(laptop, as_functions["run"])
    found = {
        name.split("/", 1)[1]: digest(content, as_functions["run"])
        for name, content in laptop.objects("attempts/boxed/box/").items()
        if name.startswith(f"{step}-0/") and "usage" not in name
    }
    assert found == {name: digest for name, digest in own.items() if name.startswith(step)}
    assert f"{as_functions['run']}-{step}-0 " in log


def test_an_emulated_function_that_is_too_small_says_so_and_leaves_nothing(
    laptop: Laptop, as_functions: dict[str, Any]
) -> None:
    with function("train", stage_of(laptop), IMAGE, AWS_LAMBDA_FUNCTION_MEMORY_SIZE="150") as tiny:
        answer = tiny.call(event(laptop, as_functions, "train", "small-0"))
        again = tiny.call(event(laptop, as_functions, "train", "small-1"))

    assert answer.error == "StepOutgrewError"
    assert "the function leaves it" in answer.document["errorMessage"]
    assert again.error == "StepOutgrewError"  # the function itself is still there
    assert not [name for name in laptop.objects("attempts/boxed/box/") if "small" in name]


def test_an_emulated_function_of_another_image_refuses_the_run(
    laptop: Laptop, as_functions: dict[str, Any]
) -> None:
    asked = event(laptop, as_functions, "train", "other-0") | {"image": "steps@sha256:" + "2" * 64}
    with function("train", stage_of(laptop), IMAGE) as cold:
        answer = cold.call(asked)

    assert answer.error == "ImageReplacedError"
