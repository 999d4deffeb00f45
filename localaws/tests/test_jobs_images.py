"""The local images: a step's code and the digest that names it."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from localaws.jobs.images import Images, NoImages, PullError, digest
from localaws.steps import Steps
from support.steps import NAMES, make_steps

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop-steps"


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return make_steps(tmp_path)


def later(file: Path, text: str) -> None:
    """Write a file so that its time differs even on a clock with coarse ticks."""
    file.write_text(text)
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))


def test_a_digest_is_64_hexadecimal_digits_and_says_the_same_twice(steps: Steps):
    first = digest("fit", steps)

    assert len(bytes.fromhex(first)) == 32
    assert digest("fit", steps) == first
    assert digest("check", steps) != first


@pytest.mark.parametrize(
    ("changed", "affected"),
    [
        ("fit/__init__.py", {"fit"}),
        ("fit/new.py", {"fit"}),
        ("contract/__init__.py", set(NAMES)),
        ("requirements.txt", set(NAMES)),
        ("Dockerfile", set(NAMES)),
        # While Python writes bytecode, its file has another ending for a moment.
        ("fit/__pycache__/model.cpython-311.pyc.140234", set()),
        ("fit/.model.py.swp", set()),
    ],
)
def test_a_digest_changes_with_the_steps_own_code_alone(
    steps: Steps, changed: str, affected: set[str]
):
    before = {step: digest(step, steps) for step in NAMES}

    (steps.folder / changed).parent.mkdir(exist_ok=True)
    later(steps.folder / changed, "# changed\n")

    assert {step for step in NAMES if digest(step, steps) != before[step]} == affected


def test_an_image_is_found_by_its_digest_alone(steps: Steps):
    uri = f"{REPOSITORY}@sha256:{digest('fit', steps)}"

    image = Images(steps, interpreter="/venv/bin/python").resolve(uri)

    assert image.command == ("/venv/bin/python", "-m", "fit")
    assert image.folder == steps.folder
    assert image.environment == {"PYTHONPATH": str(steps.folder), "PYTHONUNBUFFERED": "1"}


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        (f"{REPOSITORY}@sha256:{'0' * 64}", "no step's code has the digest"),
        (f"{REPOSITORY}:fit", "names no digest"),
        ("docker.io/library/python:3.13", "is in no repository of this stage"),
        ("fit", "is in no repository of this stage"),
    ],
)
def test_anything_else_cannot_be_pulled(steps: Steps, uri: str, words: str):
    with pytest.raises(PullError, match=words) as raised:
        Images(steps).resolve(uri)

    assert str(raised.value).startswith("ClientError: CannotPullContainerError: ")


def test_a_stage_without_a_folder_of_steps_says_that_it_has_no_images():
    with pytest.raises(PullError, match="started without a folder of steps"):
        NoImages().resolve(f"{REPOSITORY}@sha256:{'0' * 64}")


@pytest.fixture
def varied(steps: Steps, tmp_path: Path) -> Steps:
    """The same steps, one of them with a variant."""
    own = tmp_path / "models" / "linear" / "fit"
    own.mkdir(parents=True)
    (own / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    return replace(steps, variants=tmp_path / "models")


def test_a_variants_digest_is_of_the_steps_code_and_of_its_own_folder(varied: Steps):
    before = digest("fit-linear", varied), digest("fit", varied)

    later(varied.folder / "fit/__init__.py", "# changed\n")
    of_the_step = digest("fit-linear", varied), digest("fit", varied)
    assert varied.variants is not None
    later(varied.variants / "linear/fit/more.txt", "more\n")
    of_its_own = digest("fit-linear", varied), digest("fit", varied)

    assert len({before[0], of_the_step[0], of_its_own[0]}) == 3
    assert before[1] != of_the_step[1] == of_its_own[1]


def test_a_hidden_file_that_a_build_may_copy_is_part_of_a_variants_digest(varied: Steps):
    before = digest("fit-linear", varied)
    assert varied.variants is not None
    later(varied.variants / "linear/fit/.weights", "1\n")

    assert digest("fit-linear", varied) != before


def test_a_variant_is_found_by_its_digest_and_runs_the_steps_code(varied: Steps):
    images = Images(varied, interpreter="python")

    found = images.resolve(f"{REPOSITORY}@sha256:{digest('fit-linear', varied)}")

    assert (found.step, found.command) == ("fit-linear", ("python", "-m", "fit"))
    assert images.after("fit-linear") == images.after("fit")


def test_a_folder_without_a_dockerfile_is_no_variant(varied: Steps):
    assert varied.variants is not None
    (varied.variants / "plain" / "fit").mkdir(parents=True)

    assert varied.images() == (*varied.steps, "fit-linear")
