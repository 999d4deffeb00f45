"""The local images: a step's code and the digest that names it."""

import os
from pathlib import Path

import pytest

from localaws.jobs.images import Images, PullError, digest

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/kanmon-local-steps"


@pytest.fixture
def containers(tmp_path: Path) -> Path:
    for name in ("contract", "preprocess", "train", "evaluate"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "requirements.txt").write_text("polars==2.1\n")
    return tmp_path


def later(file: Path, text: str) -> None:
    """Write a file so that its time differs even on a clock with coarse ticks."""
    file.write_text(text)
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))


def test_a_digest_is_64_hexadecimal_digits_and_says_the_same_twice(containers: Path):
    first = digest("train", containers)

    assert len(bytes.fromhex(first)) == 32
    assert digest("train", containers) == first
    assert digest("evaluate", containers) != first


@pytest.mark.parametrize(
    ("changed", "affected"),
    [
        ("train/__init__.py", {"train"}),
        ("train/new.py", {"train"}),
        ("contract/__init__.py", {"preprocess", "train", "evaluate"}),
        ("requirements.txt", {"preprocess", "train", "evaluate"}),
        ("slim.py", {"preprocess", "train", "evaluate"}),
        ("Dockerfile", {"preprocess", "train", "evaluate"}),
        # While Python writes bytecode, its file has another ending for a moment.
        ("train/__pycache__/model.cpython-311.pyc.140234", set()),
        ("train/.model.py.swp", set()),
    ],
)
def test_a_digest_changes_with_the_steps_own_code_alone(
    containers: Path, changed: str, affected: set[str]
):
    steps = ("preprocess", "train", "evaluate")
    before = {step: digest(step, containers) for step in steps}

    (containers / changed).parent.mkdir(exist_ok=True)
    later(containers / changed, "# changed\n")

    assert {step for step in steps if digest(step, containers) != before[step]} == affected


def test_an_image_is_found_by_its_digest_alone(containers: Path):
    uri = f"{REPOSITORY}@sha256:{digest('train', containers)}"

    image = Images(containers, interpreter="/venv/bin/python").resolve(uri)

    assert image.command == ("/venv/bin/python", "-m", "train")
    assert image.folder == containers
    assert image.environment == {"PYTHONPATH": str(containers), "PYTHONUNBUFFERED": "1"}


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        (f"{REPOSITORY}@sha256:{'0' * 64}", "no step's code has the digest"),
        (f"{REPOSITORY}:train", "names no digest"),
        ("docker.io/library/python:3.13", "is in no repository of this stage"),
        ("train", "is in no repository of this stage"),
    ],
)
def test_anything_else_cannot_be_pulled(containers: Path, uri: str, words: str):
    with pytest.raises(PullError, match=words) as raised:
        Images(containers).resolve(uri)

    assert str(raised.value).startswith("ClientError: CannotPullContainerError: ")
